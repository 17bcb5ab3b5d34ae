/** Where the documentation is published; the owner confirms it before the first release (decision 044). */
const DOCUMENTATION = "https://holdfast-sessions.github.io/holdfast";

/** Every code of a {@link SessionError}, with its HTTP status. */
const STATUS = {
  storage: 503,
  timeout: 503,
  conflict: 503,
  "cross-origin": 403,
  ended: 409,
  "too-many-sessions": 409,
  "bad-generator": 500,
  invalid: 500,
  unserializable: 500,
  "too-large": 500,
  answered: 500,
  "not-loaded": 500,
  "no-session": 500,
  released: 500,
  "unknown-type": 500,
  unsupported: 500,
} as const;

/**
 * What went wrong:
 *
 * - `storage`: the storage failed · `timeout`: it did not respond in time · `conflict`: other requests kept changing
 *   the session until `commitTimeout`
 * - `ended`: the session was destroyed, or another request ended or renewed it
 * - `too-many-sessions`: the owner has `maxSessionsPerOwner` sessions, and the policy is `refuse`
 * - `bad-generator`: `keyGenerator` returned a malformed token or one that exists
 * - `invalid`: a value does not fit the schema of its key; `key` and `paths` say where
 * - `unserializable`: a value cannot be stored · `too-large`: more than `maxRecordBytes` · `unknown-type`: a stored
 *   class is not registered
 * - `answered`: the response has begun and cannot carry the change
 * - `no-session`: the middleware is not mounted here or skipped this request · `not-loaded`: lazy mode, call `await
 *   loadSession()` first
 * - `cross-origin`: `crossOriginProtection` refused a request that a page of another origin sent
 * - `released`: the stored session was released · `unsupported`: this storage, adapter or session cannot do that
 */
export type SessionErrorCode = keyof typeof STATUS;

/**
 * Codes of the TypeErrors and RangeErrors that report a mistake in the program:
 *
 * - `wrong-option`: an option that does not exist, or a value that it cannot have
 * - `wrong-client`: a storage was created with something that is not a client it can use
 * - `wrong-call`: a function was called with something else than it takes, or one of yours returned it
 * - `wrong-place`: a middleware that is mounted where it cannot work
 */
export type MistakeCode = "wrong-option" | "wrong-client" | "wrong-call" | "wrong-place";

const isMistake = (code: unknown): boolean => String(code).startsWith("wrong-");

/** Returns a message with a link to the page about its code. */
export function withPage(message: string, code: SessionErrorCode | MistakeCode): string {
  return `${message}; see ${DOCUMENTATION}/reference/errors/${code}`;
}

/**
 * Returns the error for a mistake in the program. It has the code as a property, and its message has a link to the
 * page about it.
 *
 * @param code - what kind of mistake
 * @param message - what is wrong, where, and what to write instead; in one line
 * @param Kind - the class of the error
 */
export function mistake<E extends Error = TypeError>(
  code: MistakeCode,
  message: string,
  Kind: new (message: string) => E = TypeError as unknown as new (message: string) => E,
): E & { readonly code: MistakeCode } {
  const error = new Kind(withPage(`holdfast: ${message}`, code));
  showCaller(error, mistake);
  return Object.assign(error, { code });
}

/** The library's own frames are up to a dozen, and more if values are nested. */
const FRAMES = 100;

interface V8Errors {
  stackTraceLimit?: number;
  captureStackTrace?(error: object, below: unknown): void;
}

/** Where a method was called; the stack is text only when it is read. */
interface Caller {
  readonly stack?: string;
}

/** Remembers where a method was called, for errors that occur when its caller has gone on. */
export function callerOf(method: unknown): Caller {
  const caller: Caller = {};
  (Error as V8Errors).captureStackTrace?.(caller, method);
  return caller;
}

/**
 * Adds the caller of a method to the stack of an error of this library: the stack ends with the line that called it.
 */
export function calledBy(error: unknown, { stack: caller = "" }: Caller): unknown {
  const isOwn = error instanceof SessionError || (error instanceof Error && "code" in error && isMistake(error.code));
  if (!isOwn || complete.has(error)) return error;
  complete.add(error);
  error.stack = `${error.stack}\n${caller.slice(caller.indexOf("\n") + 1)}`;
  return error;
}

/** Errors whose stack has its caller: several calls may fail with the same error. */
const complete = new WeakSet<Error>();

/** Captures a stack that is deep enough to contain the application's line, unless stacks are switched off. */
function showCaller(error: Error, below: unknown): void {
  const v8 = Error as V8Errors;
  const { stackTraceLimit: usual = 0 } = v8;
  if (!v8.captureStackTrace || usual < 1 || usual >= FRAMES || Object.isFrozen(Error)) return;
  v8.stackTraceLimit = FRAMES;
  v8.captureStackTrace(error, below);
  v8.stackTraceLimit = usual;
}

/** What an error says beside its message. */
interface SessionErrorOptions {
  readonly cause?: unknown;
  readonly key?: string;
  readonly paths?: readonly string[];
}

/**
 * Error of every failure at run time. Frameworks read `status` and `statusCode` (503 for storage, timeout and
 * conflict; 403 for cross-origin; 409 for ended and too-many-sessions; 500 otherwise). `expose` is false: Express,
 * Koa and others then send no message to the client. Fastify's default error response sends it, so the message never
 * contains a token or a stored value.
 *
 * @example
 * ```ts
 * if (error instanceof SessionError && error.code === "ended") res.redirect("/login");
 * ```
 */
export class SessionError extends Error {
  override readonly name = "SessionError";
  readonly code: SessionErrorCode;
  readonly status: number;
  readonly statusCode: number;
  readonly expose = false;
  /** `invalid`: the key whose schema the value does not fit. */
  declare readonly key?: string;
  /** `invalid`: where in the value, as `.items[2].price`; empty if it is the value itself. Never the value. */
  declare readonly paths?: readonly string[];

  constructor(code: SessionErrorCode, message: string, options?: SessionErrorOptions) {
    super(withPage(message, code), options);
    showCaller(this, SessionError);
    this.code = code;
    this.status = this.statusCode = STATUS[code];
    if (options?.key !== undefined) this.key = options.key;
    if (options?.paths) this.paths = options.paths;
  }

  /**
   * Returns the default response for this error, with the status and its reason phrase. Hono calls it.
   *
   * @returns a plain text response
   */
  getResponse(): Response {
    return statusResponse(this.status);
  }
}

const WORDS: Readonly<Record<number, string | undefined>> = {
  403: "Forbidden",
  409: "Conflict",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

/** Returns a plain text response with a status and its reason phrase. */
export function statusResponse(status: number): Response {
  return new Response(WORDS[status] ?? "Error", { status, headers: { "Content-Type": "text/plain; charset=utf-8" } });
}

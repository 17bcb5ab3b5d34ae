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
    super(message, options);
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

/** Every code of a {@link SessionError}, with its HTTP status. */
const STATUS = {
  storage: 503,
  timeout: 503,
  conflict: 503,
  ended: 409,
  "too-many-sessions": 409,
  "bad-generator": 500,
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
 * - `storage`: the storage failed · `timeout`: it did not answer in time · `conflict`: others kept changing the
 *   session until `commitTimeout`
 * - `ended`: the session was destroyed, or ended or renewed by somebody else meanwhile
 * - `too-many-sessions`: the owner has `maxSessionsPerOwner` sessions already, and the policy is to refuse one more
 * - `bad-generator`: `keyGenerator` gave a malformed token or one that is taken
 * - `unserializable`: a value that cannot be stored · `too-large`: more than `maxRecordBytes` · `unknown-type`: a
 *   stored class nobody registered
 * - `answered`: the answer has begun and cannot carry what this needs
 * - `no-session`: the middleware is not mounted here or skipped this request · `not-loaded`: lazy mode, `await
 *   loadSession()` first
 * - `released`: the stored session was released · `unsupported`: this storage, adapter or session cannot do that
 */
export type SessionErrorCode = keyof typeof STATUS;

/**
 * Every failure at run time. `status` and `statusCode` are what frameworks read (503 storage, timeout, conflict; 409
 * ended and too-many-sessions; 500 otherwise);
 * `expose` is false, which Express, Koa and others heed and show no message to a client; Fastify's own error answer
 * shows it, so the message never holds a token or a stored value.
 */
export class SessionError extends Error {
  override readonly name = "SessionError";
  readonly code: SessionErrorCode;
  readonly status: number;
  readonly statusCode: number;
  readonly expose = false;

  constructor(code: SessionErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.status = this.statusCode = STATUS[code];
  }

  /**
   * The answer that a server of web `Response`s gives if nobody gives another one: the status and its words. Hono
   * asks for it.
   */
  getResponse(): Response {
    return statusResponse(this.status);
  }
}

const WORDS: Readonly<Record<number, string | undefined>> = {
  409: "Conflict",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

/** A plain answer of a status. */
export function statusResponse(status: number): Response {
  return new Response(WORDS[status] ?? "Error", { status, headers: { "Content-Type": "text/plain; charset=utf-8" } });
}

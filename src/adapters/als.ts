/**
 * The session of the running request without its `req` or `ctx`: for middlewares that were made by
 * `session({ asyncLocalStorage: true })`.
 *
 * @module
 */
import type { Session } from "../contracts/session-api.js";
import { SessionError } from "../errors.js";
import * as lookup from "../session/lookup.js";
import type { SessionData } from "../session-data.js";
import { currentContext } from "../util/async.js";

export { SessionError, type SessionErrorCode } from "../errors.js";
export type { Session } from "../contracts/session-api.js";
export type { SessionData } from "../session-data.js";

/**
 * The session of the running request, of the innermost middleware: what `getSession(req)` returns there.
 *
 * @returns the session
 * @throws {SessionError} `no-session` outside of a request, or if its middleware does not have
 *   `asyncLocalStorage: true` or skipped it; `not-loaded` in lazy mode; the error of a failed load
 * @example
 * ```ts
 * app.use(session({ asyncLocalStorage: true }));
 * // anywhere below:
 * const owner = currentSession().owner;
 * ```
 */
export function currentSession<D extends object = SessionData>(): Session<D> {
  return lookup.getSession<D>(contextOrThrow());
}

/**
 * The session of the running request. In lazy mode it is loaded.
 *
 * @returns the session
 * @throws {SessionError} `no-session`, as {@link currentSession}; `storage` or `timeout` if it cannot be loaded
 * @example
 * ```ts
 * const cart = (await loadCurrentSession()).get("cart");
 * ```
 */
export async function loadCurrentSession<D extends object = SessionData>(): Promise<Session<D>> {
  return lookup.loadSession<D>(contextOrThrow());
}

/**
 * The session of the running request, or undefined if there is none or it is not loaded. It never throws: for loggers,
 * and for code that also runs outside of requests.
 *
 * @returns the session, or undefined
 * @example
 * ```ts
 * logger.info({ session: findCurrentSession()?.id }, "order placed");
 * ```
 */
export function findCurrentSession<D extends object = SessionData>(): Session<D> | undefined {
  const context = currentContext();
  return context && lookup.findSession<D>(context);
}

function contextOrThrow(): object {
  const context = currentContext();
  if (context) return context;
  throw new SessionError(
    "no-session",
    "no request is running here, or its middleware does not say so: session({ asyncLocalStorage: true })",
  );
}

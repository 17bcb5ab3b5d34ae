import type { RequestSession } from "../session/request-session.js";

/**
 * Returns an object that becomes the session when it is loaded: for frameworks that pass the session to handlers as a
 * value, in lazy mode.
 *
 * @param requestSession - of the request
 * @returns the session
 * @throws {SessionError} `not-loaded`, from its members, until it is loaded
 * @example
 * ```ts
 * const session = requestSession.found ?? lazySession(requestSession);
 * ```
 */
export function lazySession(requestSession: RequestSession): object {
  return new Proxy(
    {},
    {
      get(_target, property) {
        const { session } = requestSession;
        const value: unknown = Reflect.get(session, property, session);
        return typeof value === "function" ? (value.bind(session) as unknown) : value;
      },
    },
  );
}

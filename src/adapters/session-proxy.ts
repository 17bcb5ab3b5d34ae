/** Objects that handlers get in place of a session. */
import type { RequestSession } from "../session/request-session.js";
import { SessionError } from "../errors.js";
import type { Session } from "../contracts/session-api.js";

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

/** Methods that change a session. */
const CHANGING: ReadonlySet<PropertyKey> = new Set(
  (
    "set update delete take setIdleTimeout save reload release " +
    "regenerate authenticate endImpersonation reset destroy"
  ).split(" "),
);

/**
 * Returns a session that can be read, for requests whose response cannot carry a cookie.
 *
 * @param session - the session
 * @param advice - where a session can be changed, for the message of the error
 * @returns the same session; its methods that would change it throw
 * @throws {SessionError} `unsupported`, from these methods
 * @example
 * ```ts
 * const session = readOnly(await readSession(settings, store, view), "change it in an action");
 * ```
 */
export function readOnly<D extends object>(session: Session<D>, advice: string): Session<D> {
  return new Proxy(session, {
    get(target, property) {
      if (CHANGING.has(property)) return () => refuse(String(property), advice);
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
    set(target, property, value) {
      return Reflect.set(target, property, value, target);
    },
  });
}

function refuse(method: string, advice: string): never {
  throw new SessionError("unsupported", `session.${method}() cannot be called here; ${advice}`);
}

import type { SessionData } from "../session-data.js";
import type { Session, Store } from "./session-api.js";

/**
 * Access to the session of a request, on the `sessions` object of every adapter. `C` is the context of the framework.
 *
 * @example
 * ```ts
 * const sessions = session<{ cart: string[] }>();
 * app.get("/cart", (req, res) => res.json(sessions.get(req).get("cart") ?? []));
 * ```
 */
export interface SessionAccess<D extends object = SessionData, C extends object = any> {
  /**
   * Returns the session of a request.
   *
   * @param context - the context of the framework: its request, or its context object
   * @returns the session that this middleware loaded
   * @throws {SessionError} `no-session` (middleware not mounted, or request skipped), `not-loaded` (lazy mode), or the
   *   error that prevented loading (`storage`, `timeout`)
   */
  get(context: C): Session<D>;
  /**
   * Returns the session of a request; loads it in lazy mode.
   *
   * @param context - the context of the framework
   * @returns the session
   * @throws {SessionError} as `get`, except `not-loaded`; `storage` or `timeout` if it cannot be loaded
   */
  load(context: C): Promise<Session<D>>;
  /**
   * Returns the session of a request, if there is one. It never throws: use it in guards, error pages and loggers.
   *
   * @param context - the context of the framework
   * @returns the session, or undefined
   */
  find(context: C): Session<D> | undefined;
  /**
   * The store of this middleware. It can be used without a request.
   *
   * @throws {SessionError} `unsupported` if `storage` is a function of the request
   */
  readonly store: Store<D>;
}

/**
 * The session type of a `sessions` object.
 *
 * @example
 * ```ts
 * type MySession = SessionOf<typeof sessions>;
 * ```
 */
export type SessionOf<S extends { get(context: never): unknown }> = ReturnType<S["get"]>;

/** The store type of a `sessions` object, for code that knows no request: `StoreOf<typeof sessions>`. */
export type StoreOf<S extends { readonly store: unknown }> = S["store"];

/**
 * Sessions for h3 2 and 1, and for Nitro and Nuxt, whose servers are made of it: `app.use(session())`.
 *
 * @module
 */
import type { Session, StoredSession } from "../contracts/session-api.js";
import type { DataBy, Schemas, TypedBy } from "../contracts/schema.js";
import type { SessionAccess } from "../contracts/session-access.js";
import type { SessionData } from "../session-data.js";
import type { CrossOriginOptions } from "../http/cross-origin.js";
import type { RequestView } from "../http/request-view.js";
import { WebView } from "../http/web-request.js";
import { requestSettings, type SessionOptions } from "../session/request-options.js";
import { getSession, protection, withAccess, type CrossOriginChecks } from "./adapter-core.js";
import {
  contextOfCaller,
  eventOpeners,
  inCachedHandler,
  isCached,
  methodOf,
  serveEvent,
  viewOf,
  type AnyEvent,
  type H3Context,
} from "./h3-event.js";

export * from "./common-exports.js";
export type { AnyEvent } from "./h3-event.js";
export { nitroPlugin, type NitroApp } from "./h3-plugin.js";

/** Options of {@link session}; `skip`, `storage`, `cookie` and `errorHandler` are called with the event. */
export type H3Options = SessionOptions<H3Context>;

/** The middleware, with methods to access its sessions. */
export interface Sessions<D extends object = SessionData> extends SessionAccess<D, AnyEvent> {
  (event: any, next?: () => unknown): any;
  /**
   * Opens the session of an event without the middleware; `save()` sets the cookie in the response headers.
   *
   * @param event - the event
   * @returns the session
   * @throws {SessionError} `storage` or `timeout`
   */
  open(event: AnyEvent): Promise<StoredSession<D>>;
  /**
   * Opens the session of a request without a response (an upgrade).
   *
   * @param request - the event, or the request of an upgrade
   * @returns the session
   * @throws {SessionError} `storage` or `timeout`
   */
  read(request: AnyEvent | Request): Promise<StoredSession<D>>;
}

/**
 * Creates the middleware. In Nitro and Nuxt it is the default export of a file in `server/middleware`.
 *
 * @param options - see docs/reference/options.md
 * @returns the middleware, with methods to access its sessions
 * @throws {TypeError | RangeError} if an option is invalid; the message says what to write
 * @example
 * ```ts
 * const app = new H3().use(session({ storage })); // then event.context.session, or useSession(event)
 * ```
 */
export function session<D extends object = SessionData, S extends Schemas = Schemas>(
  options?: TypedBy<H3Options, D, S>,
): Sessions<DataBy<D, S>>;
export function session<D extends object>(...called: readonly unknown[]): Sessions<D> {
  const settings = requestSettings<H3Context, unknown>(called);
  const middleware = (event: AnyEvent, next?: () => unknown): unknown =>
    serveEvent(settings, "holdfast/h3", event, next);
  return withAccess<D, AnyEvent, typeof middleware, Pick<Sessions<D>, "open" | "read">>(
    settings,
    middleware,
    eventOpeners<D>(settings),
  );
}

/**
 * Returns the session of an event, as `event.context.session` does.
 *
 * @param event - the event
 * @returns the session, typed by `SessionData`
 * @throws {SessionError} `no-session`, `not-loaded`, `unsupported` in a handler whose response is cached, or the error
 *   that prevented loading
 * @example
 * ```ts
 * export default defineEventHandler((event) => useSession(event).get("cart") ?? []);
 * ```
 */
export function useSession<D extends object = SessionData>(event: AnyEvent): Session<D> {
  if (isCached(event)) throw inCachedHandler();
  return getSession(event);
}

/** What {@link crossOriginProtection} makes. */
export interface CrossOriginProtection extends CrossOriginChecks<AnyEvent | Request> {
  (event: any, next?: () => unknown): any;
}

/**
 * Refuses requests that a page of another origin sent and that may change something: with 403, `cross-origin`,
 * thrown for h3's error path. docs/tasks/cross-origin.md says what it covers beside SameSite.
 *
 * @param options - other origins that may send such requests
 * @returns the middleware, to be used before the session
 * @throws {TypeError} if an origin is not as browsers send it
 * @example
 * ```ts
 * app.use(crossOriginProtection({ trustedOrigins: ["https://login.example.com"] }));
 * app.use(session());
 * ```
 */
export function crossOriginProtection(options?: CrossOriginOptions): CrossOriginProtection;
export function crossOriginProtection(...called: readonly unknown[]): CrossOriginProtection {
  const read = (given: AnyEvent | Request): readonly [string, RequestView] => {
    return given instanceof Request ? [given.method, new WebView(given)] : [methodOf(given), viewOf(given)];
  };
  return protection(called, read, (refusalOf) => (event: AnyEvent, next?: () => unknown): unknown => {
    // What a page fetches while it is rendered has the headers of the page's request, and comes from the server.
    const error = contextOfCaller(event) ? undefined : refusalOf(event);
    if (error) throw error;
    return next?.();
  });
}

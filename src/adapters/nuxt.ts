/**
 * Sessions for Nuxt 4: the module (`modules: ["holdfast/nuxt"]`), and `session()` for `server/middleware/session.ts`.
 *
 * @module
 */
import type { Session } from "../contracts/session-api.js";
import type { DataBy, Schemas, TypedBy } from "../contracts/schema.js";
import { mistake } from "../errors.js";
import type { SessionData } from "../session-data.js";
import { requestSettings } from "../session/request-options.js";
import { withAccess } from "./adapter-core.js";
import { useSession as sessionOf, type H3Options, type Sessions as H3Sessions } from "./h3.js";
import { eventOpeners, isNode, isWeb, serveEvent, type AnyEvent, type H3Context } from "./h3-event.js";
import { developmentMemory } from "./nuxt-memory.js";
import { placeReader, type PayloadReader } from "./nuxt-payload.js";
import { wrongFramework } from "./wrong-framework.js";
import { isErrorPage, placeInErrorPage, reasonAgainst, refuseIn, refusedIn } from "./nuxt-places.js";

export * from "./common-exports.js";
export { crossOriginProtection, type AnyEvent, type CrossOriginProtection } from "./h3.js";
export { nuxtModule as default, type NuxtModule } from "./nuxt-module.js";
export { pageSessions, type NuxtApp, type PageSession, type UseSession } from "./nuxt-pages.js";

/** Options of {@link session}; `skip`, `storage`, `cookie` and `errorHandler` are called with the event. */
export type NuxtOptions = H3Options;

/** What pages get of a session if `payload` is not called. */
export interface Owner {
  readonly owner?: string;
}

/** The middleware, with methods to access its sessions. `P`: what pages get. */
export interface Sessions<D extends object = SessionData, P extends object = Owner> extends H3Sessions<D> {
  /**
   * Chooses what pages get of a session, as `useSession().data`: it is written into the HTML, and scripts can read it.
   * Default: the owner.
   *
   * @param choose - called with the session, which can be read only and has no token; it returns plain data
   * @returns the middleware
   * @throws {TypeError} if it is no function
   * @example
   * ```ts
   * export default session<Data>({ storage }).payload((own) => ({ owner: own.owner }));
   * ```
   */
  payload<Q extends object>(choose: (session: Session<D>) => Q): Sessions<D, Q>;
  /** For types only: {@link PayloadOf}. */
  readonly "~payload"?: P;
}

/** What pages get of the sessions of a middleware. */
export type PayloadOf<M> = M extends Sessions<any, infer P> ? P : Owner;

/**
 * Creates the middleware: the default export of `server/middleware/session.ts`. Without a storage, sessions are in the
 * memory of the process; in development they survive its reloads.
 *
 * @param options - see docs/reference/options.md
 * @returns the middleware, with methods to access its sessions
 * @throws {TypeError | RangeError} if an option is invalid; the message says what to write
 * @example
 * ```ts
 * export default session<Data>({ storage }); // then event.context.session, or useSession(event)
 * ```
 */
export function session<D extends object = SessionData, S extends Schemas = Schemas>(
  options?: TypedBy<NuxtOptions, D, S>,
): Sessions<DataBy<D, S>>;
export function session<D extends object>(...called: readonly unknown[]): Sessions<D> {
  const settings = requestSettings<H3Context, unknown>(called, developmentMemory);
  const reader: PayloadReader = { choose: ({ owner }) => (owner === undefined ? {} : { owner }) };
  const middleware = (event: AnyEvent, next?: () => unknown): unknown => {
    if (!isWeb(event) && !isNode(event)) throw wrongFramework("holdfast/nuxt", [event, next]);
    const reason = reasonAgainst(event);
    if (reason !== undefined) {
      refuseIn(event, reason);
      return next?.();
    }
    if (isErrorPage(event)) return placeInErrorPage(settings, event, reader);
    placeReader(settings, event, reader);
    return serveEvent(settings, "holdfast/nuxt", event, next);
  };
  const payload = (choose: PayloadReader["choose"]): unknown => {
    if (typeof choose !== "function")
      throw mistake(
        "wrong-call",
        "payload() takes a function; write payload((session) => ({ owner: session.owner }))",
      );
    reader.choose = choose;
    return sessions;
  };
  const extra = { ...eventOpeners<D>(settings), payload } as Pick<Sessions<D>, "open" | "read" | "payload">;
  const sessions = withAccess<D, AnyEvent, typeof middleware, typeof extra>(settings, middleware, extra);
  return sessions;
}

/**
 * Returns the session of an event, in server routes and middlewares. In pages, `useSession()` without an event is
 * another function, which the module makes known to them.
 *
 * @param event - the event
 * @returns the session, typed by `SessionData`
 * @throws {SessionError} `no-session`, `not-loaded`, `unsupported` where a response goes to every visitor, or the
 *   error that prevented loading
 * @throws {TypeError} without an event
 * @example
 * ```ts
 * export default defineEventHandler((event) => useSession(event).get("cart") ?? []);
 * ```
 */
export function useSession<D extends object = SessionData>(event: AnyEvent): Session<D> {
  if (typeof (event as Partial<AnyEvent> | undefined)?.context !== "object")
    throw mistake(
      "wrong-call",
      "useSession() of the server needs the event; write useSession(event) in a server route. In a page, use " +
        "useSession() without importing it: the module makes it known there",
    );
  const reason = refusedIn(event);
  if (reason) throw reason;
  return sessionOf<D>(event);
}

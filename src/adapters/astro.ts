/**
 * Sessions for Astro 5 or newer: `export const onRequest = session<App.SessionData>({ storage })` in
 * `src/middleware.ts`.
 *
 * @module
 */
import type { StoredSession } from "../contracts/session-api.js";
import type { DataBy, Schemas, TypedBy } from "../contracts/schema.js";
import type { SessionAccess } from "../contracts/session-access.js";
import type { CrossOriginOptions } from "../http/cross-origin.js";
import type { SessionData } from "../session-data.js";
import { readSession } from "../session/lookup.js";
import { requestSettings, type SessionOptions } from "../session/request-options.js";
import { placeSession, withAccess, type CrossOriginChecks } from "./adapter-core.js";
import { EventView, answeringProtection, refuseSession, type RouteParams } from "./event-adapter.js";
import { wrongFramework } from "./wrong-framework.js";
import { serveFetch, type FetchResult } from "./fetch-adapter.js";

export * from "./common-exports.js";

/** What is used of Astro's `APIContext`. */
export interface AstroContext {
  readonly request: Request;
  readonly locals: object;
  readonly params?: RouteParams;
  readonly isPrerendered?: boolean;
}

/** Options of {@link session}; `skip`, `storage`, `cookie` and `errorHandler` are called with Astro's context. */
export type AstroOptions = SessionOptions<readonly [context: any], FetchResult | Promise<FetchResult>>;

/** The middleware, with methods to access its sessions: `onRequest.get(context)`. */
export interface Sessions<D extends object = SessionData> extends SessionAccess<D, AstroContext> {
  (context: AstroContext, next: (...rest: any[]) => Promise<Response>): Promise<Response>;
  /**
   * Opens the session of a request without a response (an upgrade).
   *
   * @param context - the context, or an object with these members
   * @returns the session
   * @throws {SessionError} `storage` or `timeout`
   */
  read(context: AstroContext): Promise<StoredSession<D>>;
}

/**
 * Creates the middleware. `Astro.locals.session` is the session in pages, endpoints, actions and server islands; type
 * it with `interface Locals { session: Session<App.SessionData> }` in `src/env.d.ts`. Pages that are rendered when the
 * application is built have no session. `Astro.session` is Astro's own and has nothing to do with it.
 *
 * @param options - as for every adapter; see docs/reference/options.md
 * @returns the middleware, to be exported as `onRequest`, or to be passed to `sequence`
 * @throws {TypeError | RangeError} if an option is invalid; the message says what to write
 * @example
 * ```ts
 * export const onRequest = session<App.SessionData>({ storage });
 * ```
 */
export function session<D extends object = SessionData, S extends Schemas = Schemas>(
  options?: TypedBy<AstroOptions, D, S>,
): Sessions<DataBy<D, S>>;
export function session<D extends object>(...called: readonly unknown[]): Sessions<D> {
  const settings = requestSettings<readonly [AstroContext], FetchResult>(called);
  const viewOf = (context: AstroContext): EventView => new EventView(context.request, context, context.params);
  const onRequest = async (context: AstroContext, next: () => Promise<Response>): Promise<Response> => {
    const { request, locals, isPrerendered } = context;
    if (!request || !locals) throw wrongFramework("holdfast/astro", [context, next]);
    if (isPrerendered) {
      refuseSession(locals, "write `export const prerender = false`, or read it in a server island");
      return next();
    }
    return (await serveFetch({
      settings,
      context: [context],
      request,
      shared: locals,
      view: viewOf(context),
      handle(requestSession) {
        if (requestSession) placeSession(locals);
        return next();
      },
    })) as Response;
  };
  const read = async (context: AstroContext): Promise<StoredSession<D>> =>
    readSession<D>(settings, settings.storeFor([context]), viewOf(context));
  return withAccess<D, AstroContext, typeof onRequest, { read: typeof read }>(settings, onRequest, { read });
}

/** What {@link crossOriginProtection} makes. */
export interface CrossOriginProtection extends CrossOriginChecks<AstroContext> {
  (context: AstroContext, next: (...rest: any[]) => Promise<Response>): Promise<Response>;
}

/**
 * Refuses requests that a page of another origin sent and that may change something, with 403.
 * docs/tasks/cross-origin.md says what it covers beside SameSite.
 *
 * @param options - other origins that may send such requests
 * @returns what is mounted before the session
 * @throws {TypeError} if an origin is not as browsers send it
 * @example
 * ```ts
 * export const onRequest = sequence(crossOriginProtection(), session());
 * ```
 */
export function crossOriginProtection(options?: CrossOriginOptions): CrossOriginProtection;
export function crossOriginProtection(...called: readonly unknown[]): CrossOriginProtection {
  return answeringProtection(
    called,
    ({ request }: AstroContext) => request,
    (guard) => async (context: AstroContext, next: () => Promise<Response>) => guard(context, next),
  );
}

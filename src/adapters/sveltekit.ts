/**
 * Sessions for SvelteKit 3 and 2: `export const handle = session()` in `src/hooks.server.ts`.
 *
 * @module
 */
import type { StoredSession } from "../contracts/session-api.js";
import type { DataBy, Schemas, TypedBy } from "../contracts/schema.js";
import type { SessionAccess } from "../contracts/session-access.js";
import type { SessionData } from "../session-data.js";
import { readSession, requestSessionOf } from "../session/lookup.js";
import { requestSettings, type SessionOptions } from "../session/request-options.js";
import type { RequestSession } from "../session/request-session.js";
import type { CrossOriginOptions } from "../http/cross-origin.js";
import { placeSession, withAccess, type CrossOriginChecks } from "./adapter-core.js";
import { EventView, answeringProtection, refuseSession } from "./event-adapter.js";
import { serveFetch } from "./fetch-adapter.js";
import { wrongFramework } from "./wrong-framework.js";

export * from "./common-exports.js";

/** The part of a request event of SvelteKit that is used. */
export interface KitEvent {
  readonly request: Request;
  readonly locals: object;
  readonly params: Readonly<Record<string, string | undefined>>;
}

/** Throws while a page is prerendered. */
interface Located {
  getClientAddress?(): string;
}

type Result = Response | undefined | void;

/** Options of {@link session}; `skip`, `storage`, `cookie` and `errorHandler` are called with the event. */
export type KitOptions = SessionOptions<readonly [event: any], Result | Promise<Result>>;

/** The hook `handle`, with methods to access its sessions. */
export interface Sessions<D extends object = SessionData> extends SessionAccess<D, KitEvent> {
  /**
   * Handles a request: `event.locals.session` is its session in hooks, `load`, actions and endpoints.
   *
   * @param input - the event, and how it is handled further
   * @returns the response, after the session is stored
   */
  (input: { event: any; resolve: (event: any, options?: any) => any }): Promise<Response>;
  /**
   * Opens the session of a request without a response.
   *
   * @param event - the event
   * @returns the session
   * @throws {SessionError} `storage` or `timeout`
   */
  read(event: KitEvent): Promise<StoredSession<D>>;
}

/**
 * Creates the hook.
 *
 * @param options - see docs/reference/options.md
 * @returns the hook, with methods to access its sessions
 * @throws {TypeError | RangeError} if an option is invalid; the message says what to write
 * @example
 * ```ts
 * // src/hooks.server.ts
 * export const handle = session<App.SessionData>({ storage });
 * ```
 */
export function session<D extends object = SessionData, S extends Schemas = Schemas>(
  options?: TypedBy<KitOptions, D, S>,
): Sessions<DataBy<D, S>>;
export function session<D extends object>(...called: readonly unknown[]): Sessions<D> {
  const settings = requestSettings<readonly [event: KitEvent], Result>(called);
  const viewOf = (event: KitEvent): EventView => new EventView(event.request, event, event.params);
  const hook = async (input: {
    event: KitEvent & Located;
    resolve: (event: KitEvent) => unknown;
  }): Promise<Response> => {
    const { event, resolve } = input;
    if (typeof resolve !== "function" || !(event?.request instanceof Request))
      throw wrongFramework("holdfast/sveltekit", [input]);
    if (isPrerendering(event)) {
      refuseSession(event.locals, "remove `export const prerender = true`, or read the session in an endpoint");
      return (await resolve(event)) as Response;
    }
    const handle = (own?: RequestSession): unknown => {
      const requestSession = own ?? requestSessionOf(event, settings);
      if (requestSession) placeSession(event.locals, requestSession);
      return resolve(event);
    };
    const { request } = event;
    const served = { settings, context: [event], request, view: viewOf(event), handle } as const;
    return (await serveFetch(served)) as Response;
  };
  const read = async (event: KitEvent): Promise<StoredSession<D>> =>
    readSession<D>(settings, settings.storeFor([event]), viewOf(event));
  return withAccess<D, KitEvent, typeof hook, { read: typeof read }>(settings, hook, { read });
}

/** SvelteKit offers this in one way only: while it builds, there is no address of a client. */
function isPrerendering(event: Located): boolean {
  try {
    event.getClientAddress?.();
    return false;
  } catch (error) {
    return /prerender/i.test((error as Error).message);
  }
}

/** What {@link crossOriginProtection} makes. */
export interface CrossOriginProtection extends CrossOriginChecks<KitEvent> {
  (input: { event: any; resolve: (event: any, options?: any) => any }): Promise<Response>;
}

/**
 * Refuses requests that a page of another origin sent and that may change something, with 403.
 * docs/tasks/cross-origin.md says what it covers beside SameSite.
 *
 * @param options - other origins that may send such requests
 * @returns the hook, to be placed before the session
 * @throws {TypeError} if an origin is not as browsers send it
 * @example
 * ```ts
 * export const handle = sequence(crossOriginProtection(), session());
 * ```
 */
export function crossOriginProtection(options?: CrossOriginOptions): CrossOriginProtection;
export function crossOriginProtection(...called: readonly unknown[]): CrossOriginProtection {
  type Hook = { event: KitEvent; resolve: (event: KitEvent) => unknown };
  return answeringProtection(
    called,
    ({ request }: KitEvent) => request,
    (guard) =>
      async ({ event, resolve }: Hook) =>
        (await guard(event, () => resolve(event))) as Response,
  );
}

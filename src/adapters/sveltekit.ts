/**
 * Sessions for SvelteKit 3 and 2: `export const handle = session()` in `src/hooks.server.ts`.
 *
 * @module
 */
import type { StoredSession } from "../contracts/session-api.js";
import type { DataBy, Schemas, TypedBy } from "../contracts/schema.js";
import type { SessionAccess } from "../contracts/session-access.js";
import type { SessionData } from "../session-data.js";
import { WebView } from "../http/web-request.js";
import { readSession, requestSessionOf } from "../session/lookup.js";
import { requestSettings, type SessionOptions } from "../session/request-options.js";
import type { RequestSession } from "../session/request-session.js";
import { placeSession, withAccess } from "./adapter-core.js";
import { serveFetch } from "./fetch-adapter.js";
import { wrongFramework } from "./wrong-framework.js";

export * from "./common-exports.js";

/** The part of a request event of SvelteKit that is used. */
export interface KitEvent {
  readonly request: Request;
  readonly locals: object;
  readonly params: Readonly<Record<string, string | undefined>>;
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
  const hook = async (input: { event: KitEvent; resolve: (event: KitEvent) => unknown }): Promise<Response> => {
    const { event, resolve } = input;
    if (typeof resolve !== "function" || !(event?.request instanceof Request))
      throw wrongFramework("holdfast/sveltekit", [input]);
    const handle = (own?: RequestSession): unknown => {
      const requestSession = own ?? requestSessionOf(event, settings);
      if (requestSession) placeSession(event.locals, requestSession);
      return resolve(event);
    };
    const { request } = event;
    const served = { settings, context: [event], request, view: new KitView(event), handle } as const;
    return (await serveFetch(served)) as Response;
  };
  const read = async (event: KitEvent): Promise<StoredSession<D>> =>
    readSession<D>(settings, settings.storeFor([event]), new KitView(event));
  return withAccess<D, KitEvent, typeof hook, { read: typeof read }>(settings, hook, { read });
}

class KitView extends WebView {
  declare readonly context: KitEvent;

  constructor(event: KitEvent) {
    super(event.request, event);
  }

  override param(name: string): string | undefined {
    return this.context.params[name];
  }
}

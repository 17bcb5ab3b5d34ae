/**
 * Sessions for React Router 7.9 or newer, in framework mode: `export const middleware = [sessions]` in `app/root.tsx`.
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
import { withAccess, type CrossOriginChecks } from "./adapter-core.js";
import { EventView, answeringProtection, type RouteParams } from "./event-adapter.js";
import { wrongFramework } from "./wrong-framework.js";
import { serveFetch, type FetchResult } from "./fetch-adapter.js";

export * from "./common-exports.js";

/** What is used of the arguments of a middleware, loader or action. `context` is a `RouterContextProvider`. */
export interface RouterArgs {
  readonly request: Request;
  readonly params: RouteParams;
  readonly context: object;
}

type RouterContext = readonly [context: any, args: RouterArgs];

/** Options of {@link session}; `skip`, `storage`, `cookie` and `errorHandler` are called with `(context, args)`. */
export type ReactRouterOptions = SessionOptions<RouterContext, FetchResult | Promise<FetchResult>>;

/** The middleware, with methods to access its sessions: `sessions.get(context)` in loaders and actions. */
export interface Sessions<D extends object = SessionData> extends SessionAccess<D, object> {
  (args: RouterArgs, next: () => Promise<any>): Promise<Response>;
  /**
   * Opens the session of a request without a response (an upgrade).
   *
   * @param args - the arguments of the loader, or an object with these members
   * @returns the session
   * @throws {SessionError} `storage` or `timeout`
   */
  read(args: RouterArgs): Promise<StoredSession<D>>;
}

/**
 * Creates the middleware. A loader or action gets its session by `sessions.get(context)`. React Router 7 needs
 * `future: { v8_middleware: true }` in `react-router.config.ts`.
 *
 * @param options - as for every adapter; see docs/reference/options.md
 * @returns the middleware, with methods to access its sessions
 * @throws {TypeError | RangeError} if an option is invalid; the message says what to write
 * @example
 * ```ts
 * export const sessions = session<Data>({ storage });
 * export const middleware = [sessions];
 * export const loader = ({ context }) => ({ user: sessions.get(context).get("user") });
 * ```
 */
export function session<D extends object = SessionData, S extends Schemas = Schemas>(
  options?: TypedBy<ReactRouterOptions, D, S>,
): Sessions<DataBy<D, S>>;
export function session<D extends object>(...called: readonly unknown[]): Sessions<D> {
  const settings = requestSettings<RouterContext, FetchResult>(called);
  const viewOf = (args: RouterArgs): EventView => new EventView(args.request, args.context, args.params);
  const middleware = async (args: RouterArgs, next: () => Promise<any>): Promise<Response> => {
    const { request, context } = args;
    if (!request || !context || typeof next !== "function")
      throw wrongFramework("holdfast/react-router", [args, next]);
    return (await serveFetch({
      settings,
      context: [context, args],
      request,
      view: viewOf(args),
      handle: next,
    })) as Response;
  };
  const read = async (args: RouterArgs): Promise<StoredSession<D>> =>
    readSession<D>(settings, settings.storeFor([args.context, args]), viewOf(args));
  return withAccess<D, object, typeof middleware, { read: typeof read }>(settings, middleware, { read });
}

/** What {@link crossOriginProtection} makes. */
export interface CrossOriginProtection extends CrossOriginChecks<RouterArgs> {
  (args: RouterArgs, next: () => Promise<any>): Promise<Response>;
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
 * export const middleware = [crossOriginProtection(), sessions];
 * ```
 */
export function crossOriginProtection(options?: CrossOriginOptions): CrossOriginProtection;
export function crossOriginProtection(...called: readonly unknown[]): CrossOriginProtection {
  return answeringProtection(
    called,
    ({ request }: RouterArgs) => request,
    (guard) => async (args: RouterArgs, next: () => Promise<any>) => (await guard(args, next)) as Response,
  );
}

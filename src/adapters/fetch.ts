/**
 * Sessions for fetch-style servers (Bun, Deno, Workers, `export default { fetch }`): `fetch: sessions(handler)`.
 *
 * @module
 */
import type { StoredSession } from "../contracts/session-api.js";
import type { DataBy, Schemas, TypedBy } from "../contracts/schema.js";
import type { SessionAccess } from "../contracts/session-access.js";
import type { CrossOriginOptions } from "../http/cross-origin.js";
import { WebHeaders, WebView } from "../http/web-request.js";
import type { SessionData } from "../session-data.js";
import { openSession, readSession } from "../session/lookup.js";
import { requestSettings, type SessionOptions } from "../session/request-options.js";
import { serveFetch, type FetchResult, type FetchContext } from "./fetch-adapter.js";
import { assertNoParams, protection, withAccess, type CrossOriginChecks } from "./adapter-core.js";
import { wrongFramework } from "./wrong-framework.js";

export * from "./common-exports.js";

/**
 * Options of {@link session}; `skip`, `storage` and `errorHandler` are called with the arguments of the handler:
 * `(request, ...rest)`.
 */
export type FetchOptions = SessionOptions<FetchContext, FetchResult | Promise<FetchResult>>;

/**
 * A handler of a fetch-style server. `R`: the arguments that its runtime passes after the request (`env`, `ctx`,
 * `server` …). `Q`: the runtime's request type (`BunRequest`, `NextRequest` …). It returns undefined after an upgrade:
 * Bun has taken the connection over.
 */
export type FetchHandler<
  R extends readonly any[],
  Q extends Request = Request,
  A extends Response | undefined | void = Response,
> = (request: Q, ...rest: R) => A | Promise<A>;

/** The wrapper, with methods to access its sessions. */
export interface Sessions<D extends object = SessionData> extends SessionAccess<D, Request> {
  /**
   * Wraps a handler. It gets `this` and all arguments as the runtime passes them.
   *
   * @param handler - returns a Response, which is sent after the session is stored. If it throws a Response, as in
   *   `throw redirect("/")`, that is thrown again with the session cookie. If it throws anything else, its changes are
   *   stored, unless they need a new token
   * @returns a handler of the same kind, with as many parameters (at least one)
   * @throws what the handler throws
   * @example
   * ```ts
   * export default {
   *   fetch: sessions(async (request, env, ctx) => Response.json(sessions.get(request))),
   * } satisfies ExportedHandler<Env>;
   * ```
   */
  <Q extends Request, R extends readonly any[], A extends Response | undefined | void>(
    handler: FetchHandler<R, Q, A>,
  ): (request: Q, ...rest: R) => Promise<A | Response>;
  /**
   * Opens the session of a request without the middleware; `save()` sets the cookie in `headers`, which you pass to
   * your response.
   *
   * @param request - the request
   * @param headers - headers of your response
   * @param rest - further arguments of the handler, if `storage` is a function of them
   * @returns the session
   * @throws {SessionError} `storage` or `timeout`
   */
  open(request: Request, headers: Headers, ...rest: any[]): Promise<StoredSession<D>>;
  /**
   * Opens the session of a request without a response (an upgrade).
   *
   * @param request - the request
   * @param rest - further arguments of the handler, if `storage` is a function of them
   * @returns the session
   * @throws {SessionError} `storage` or `timeout`
   */
  read(request: Request, ...rest: any[]): Promise<StoredSession<D>>;
}

type AnyHandler = (this: unknown, ...context: [request: Request, ...rest: any[]]) => unknown;

/**
 * Creates the wrapper.
 *
 * @param options - see https://holdfast-sessions.github.io/holdfast/reference/options
 * @returns the wrapper, with methods to access its sessions
 * @throws {TypeError | RangeError} if an option is invalid; the message says what to write
 * @example
 * ```ts
 * export default { fetch: session({ storage })((request) => Response.json(getSession(request))) };
 * ```
 */
export function session<D extends object = SessionData, S extends Schemas = Schemas>(
  options?: TypedBy<FetchOptions, D, S>,
): Sessions<DataBy<D, S>>;
export function session<D extends object>(...called: readonly unknown[]): Sessions<D> {
  const settings = requestSettings<FetchContext, FetchResult>(called);
  assertNoParams(settings);
  const wrap = (handler: AnyHandler, ...rest: unknown[]): AnyHandler => {
    if (typeof handler !== "function") throw wrongFramework("holdfast/fetch", [handler, ...rest]);
    const wrapped: AnyHandler = function (...context) {
      return serveFetch({ settings, context, handle: () => handler.apply(this, context) });
    };
    return likeHandler(wrapped, handler);
  };
  const storeFor = (...context: FetchContext): ReturnType<typeof settings.storeFor> => settings.storeFor(context);
  const ways: Pick<Sessions<D>, "open" | "read"> = {
    async open(request, headers, ...rest) {
      return openSession<D>(settings, [request, ...rest], new WebView(request), request, new WebHeaders(headers));
    },
    async read(request, ...rest) {
      return readSession<D>(settings, storeFor(request, ...rest), new WebView(request));
    },
  };
  return withAccess<D, Request, typeof wrap, typeof ways>(settings, wrap, ways) as unknown as Sessions<D>;
}

/** Deno passes no arguments to a function without parameters. */
function likeHandler(wrapped: AnyHandler, handler: AnyHandler): AnyHandler {
  return Object.defineProperty(wrapped, "length", { value: Math.max(handler.length, 1) });
}

/** What {@link crossOriginProtection} makes. */
export interface CrossOriginProtection extends CrossOriginChecks<Request> {
  /**
   * Wraps a handler, also one with a session. It gets `this` and all arguments as the runtime passes them.
   *
   * @param handler - the handler for requests that are not refused
   * @returns a handler of the same kind
   */
  <Q extends Request, R extends readonly any[], A extends Response | undefined | void>(
    handler: FetchHandler<R, Q, A>,
  ): (request: Q, ...rest: R) => Promise<A | Response>;
}

/**
 * Refuses requests that a page of another origin sent and that may change something. The 403 is
 * sent here, since fetch servers have no error path. docs/tasks/cross-origin.md says what it covers beside SameSite.
 *
 * @param options - other origins that may send such requests
 * @returns a function that wraps a handler
 * @throws {TypeError} if an origin is not as browsers send it
 * @example
 * ```ts
 * export default { fetch: crossOriginProtection()(session()(handler)) };
 * ```
 */
export function crossOriginProtection(options?: CrossOriginOptions): CrossOriginProtection;
export function crossOriginProtection(...called: readonly unknown[]): CrossOriginProtection {
  const read = (request: Request): readonly [string, WebView] => [request.method, new WebView(request)];
  return protection(called, read, (refusalOf) => (handler: AnyHandler) => {
    const wrapped: AnyHandler = async function (...context) {
      const error = refusalOf(context[0]);
      if (!error) return handler.apply(this, context);
      console.error(error);
      return error.getResponse();
    };
    return likeHandler(wrapped, handler);
  }) as unknown as CrossOriginProtection;
}

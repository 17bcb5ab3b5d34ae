/**
 * Sessions for fetch-style servers (Bun, Deno, Workers, `export default { fetch }`): `fetch: sessions(handler)`.
 *
 * @module
 */
import type { StoredSession } from "../contracts/session-api.js";
import type { SessionAccess } from "../contracts/session-access.js";
import { WebHeaders, WebView } from "../http/web-request.js";
import type { SessionData } from "../session-data.js";
import { openSession, readSession } from "../session/lookup.js";
import { requestSettings, type SessionOptions } from "../session/request-options.js";
import { serveFetch, type FetchAnswer, type FetchContext } from "./fetch-adapter.js";
import { assertNoParams, withAccess } from "./adapter.js";

export * from "./common-exports.js";

/** Options of {@link session}; context and error handler are given what the handler is: `(request, ...rest)`. */
export type FetchOptions = SessionOptions<FetchContext, FetchAnswer | Promise<FetchAnswer>>;

/**
 * A handler of a fetch-style server. `R` is what its runtime passes beside the request (`env`, `ctx`, `server` …),
 * `Q` the runtime's own request (`BunRequest`, `NextRequest` …). It returns undefined after an upgrade: Bun has taken
 * the connection over.
 */
export type FetchHandler<
  R extends readonly any[],
  Q extends Request = Request,
  A extends Response | undefined | void = Response,
> = (request: Q, ...rest: R) => A | Promise<A>;

/** Wraps a handler, and the ways to its sessions. */
export interface Sessions<D extends object = SessionData> extends SessionAccess<D, Request> {
  /**
   * Wraps a handler. It gets `this` and all arguments as the runtime passes them.
   *
   * @param handler returns a Response, which is sent once the session is stored. If it throws a Response, as in
   *   `throw redirect("/")`, that is thrown on with the session's cookie. If it throws anything else, what it wrote
   *   is stored as far as that needs no new token.
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
   * Store pattern: opens the session of a request where nothing is mounted; `save()` answers into `headers`, which
   * you put into your response.
   */
  open(request: Request, headers: Headers, ...rest: any[]): Promise<StoredSession<D>>;
  /** Opens the session of a request that gets no answer (an upgrade). */
  read(request: Request, ...rest: any[]): Promise<StoredSession<D>>;
}

type AnyHandler = (this: unknown, ...context: [request: Request, ...rest: any[]]) => unknown;

/** Makes the wrapper: `fetch: session({ … })(handler)`. Throws TypeError or RangeError for a bad option. */
export function session<D extends object = SessionData>(options?: FetchOptions): Sessions<D>;
export function session<D extends object>(...called: readonly unknown[]): Sessions<D> {
  const settings = requestSettings<FetchContext, FetchAnswer>(called);
  assertNoParams(settings);
  const wrap = (handler: AnyHandler): AnyHandler => {
    const wrapped: AnyHandler = function (...context) {
      return serveFetch({ settings, context, handle: () => handler.apply(this, context) });
    };
    // Deno passes no argument to a function without parameters.
    return Object.defineProperty(wrapped, "length", { value: Math.max(handler.length, 1) });
  };
  const storeFor = (...context: FetchContext): ReturnType<typeof settings.storeFor> => settings.storeFor(context);
  const ways: Pick<Sessions<D>, "open" | "read"> = {
    async open(request, headers, ...rest) {
      const store = storeFor(request, ...rest);
      return openSession<D>(settings, store, new WebView(request), request, new WebHeaders(headers));
    },
    async read(request, ...rest) {
      return readSession<D>(settings, storeFor(request, ...rest), new WebView(request));
    },
  };
  return withAccess<D, Request, typeof wrap, typeof ways>(settings, wrap, ways) as unknown as Sessions<D>;
}

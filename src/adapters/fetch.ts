/**
 * Sessions for fetch-style servers (Bun, Deno, Workers, `export default { fetch }`): `fetch: sessions(handler)`.
 *
 * @module
 */
import type { StoredSession } from "../contracts/session.js";
import type { SessionAccess } from "../contracts/sessions.js";
import { SessionError, statusResponse } from "../errors.js";
import { answered, isHandedOver, WebHeaders, WebView } from "../http/fetch.js";
import { isPromise } from "../leaves/promise.js";
import type { SessionData } from "../session-data.js";
import type { Exchange } from "../store/exchange.js";
import { openSession, readSession } from "../store/places.js";
import { requestSettings, type RequestSettings, type SessionOptions } from "../store/request-options.js";
import { assertNoParams, mount, withAccess } from "./kit.js";

export * from "./exports.js";

type FetchContext = readonly [request: Request, ...rest: any[]];
type Answer = Response | undefined | void;

/** Options of {@link session}; context and error handler are given what the handler is: `(request, ...rest)`. */
export type FetchOptions = SessionOptions<FetchContext, Answer | Promise<Answer>>;

/** A handler of a fetch-style server; `rest` is what its runtime hands on (`env`, `ctx` …). */
export type FetchHandler<R extends readonly any[]> = (request: Request, ...rest: R) => Response | Promise<Response>;

/** Wraps a handler, and the ways to its sessions. */
export interface Sessions<D extends object = SessionData> extends SessionAccess<D, Request> {
  <R extends readonly any[]>(handler: FetchHandler<R>): (request: Request, ...rest: R) => Promise<Response>;
  /** Store pattern: opens the session of a request where nothing is mounted; `save()` answers into `headers`, which you put into your response. */
  open(request: Request, headers: Headers, ...rest: any[]): Promise<StoredSession<D>>;
  /** Opens the session of a request that gets no answer (an upgrade). */
  read(request: Request, ...rest: any[]): Promise<StoredSession<D>>;
}

/** Makes the wrapper: `fetch: session({ … })(handler)`. Throws TypeError or RangeError for a bad option. */
export function session<D extends object = SessionData>(options?: FetchOptions): Sessions<D>;
export function session<D extends object>(...called: readonly unknown[]): Sessions<D> {
  const settings = requestSettings<FetchContext, Answer>(called);
  assertNoParams(settings);
  const wrap = (handler: FetchHandler<any[]>) => (...context: FetchContext) => serve(settings, context, handler);
  return withAccess<D, Request, typeof wrap, Pick<Sessions<D>, "open" | "read">>(settings, wrap, {
    open: async (request, headers, ...rest) => openSession<D>(settings, settings.storeFor([request, ...rest]), new WebView(request), request, new WebHeaders({ headers })),
    read: async (request, ...rest) => readSession<D>(settings, settings.storeFor([request, ...rest]), new WebView(request)),
  });
}

type Settings = RequestSettings<FetchContext, Answer>;

function serve(settings: Settings, context: FetchContext, handler: FetchHandler<any[]>): Promise<Response> {
  let exchange: Exchange | undefined;
  try {
    exchange = mount(settings, new WebView(context[0]), context);
    const loading = settings.isLazy ? undefined : exchange?.load();
    if (loading) return loading.then(() => handle(settings, exchange, context, handler), (error: unknown) => fail(settings, context, error));
  } catch (error) {
    return fail(settings, context, error);
  }
  return handle(settings, exchange, context, handler);
}

async function handle(settings: Settings, exchange: Exchange | undefined, context: FetchContext, handler: FetchHandler<any[]>): Promise<Response> {
  if (!exchange) return handler(...context);
  let response: Response;
  try {
    const handled = handler(...context);
    response = isPromise(handled) ? await handled : handled;
  } catch (thrown) {
    await abandon(settings, exchange, context);
    throw thrown;
  }
  try {
    if (exchange.view.isUpgrade && isHandedOver(response)) {
      await exchange.handOver();
      return response;
    }
    const answer = answered(context[0], response, exchange);
    return isPromise(answer) ? await answer : answer;
  } catch (error) {
    void response?.body?.cancel().catch(() => {});
    return fail(settings, context, error);
  }
}

/** The handler threw: its writes are kept; nobody is there to bring a token. */
async function abandon(settings: Settings, exchange: Exchange, context: FetchContext): Promise<void> {
  await exchange.commit(false)?.catch((error: unknown) => fail(settings, context, error));
  await exchange.finish()?.catch(() => {});
}

/** A failure of the session's own: the application's `errorHandler` first; a fetch server has no error path of its own. */
async function fail(settings: Settings, context: FetchContext, error: unknown): Promise<Response> {
  const response = await settings.errorHandler?.(error, ...context);
  if (response) return response;
  console.error(error);
  return error instanceof SessionError ? error.getResponse() : statusResponse(500);
}

import type { Awaitable } from "../contracts/storage.js";
import { mistake, SessionError, statusResponse } from "../errors.js";
import { responseWith, isHandedOver, isResponse, WebView } from "../http/web-request.js";
import type { ResponseHeaders, RequestView } from "../http/request-view.js";
import { kindOf } from "../util/assert.js";
import { isPromise } from "../util/async.js";
import type { RequestSession, ResponseHost } from "../session/request-session.js";
import type { RequestSettings } from "../session/request-options.js";
import { mount } from "./adapter-core.js";

/** Arguments of a handler of a fetch-style server. */
export type FetchContext = readonly [request: Request, ...rest: any[]];

/** Result of an error handler. */
export type FetchResult = Response | undefined | void;

/** A request, and how it is handled. */
export interface Served {
  readonly settings: RequestSettings<any, any>;
  /** What the application's options (`skip`, `storage`, `cookie`) are called with; the first one has the session. */
  readonly context: readonly [object, ...any[]];
  /** The request. Default: the first of `context`. */
  readonly request?: Request;
  /** What the session reads of the request. Default: a `WebView` of it. */
  readonly view?: RequestView;
  /** The object that several contexts of one request have in common. Default: the first of `context`. */
  readonly shared?: object;
  /** What the framework offers besides the response. */
  readonly host?: ResponseHost;
  /**
   * Calls the handler.
   *
   * @param requestSession - the session of this request; undefined if it is skipped, or if an outer handler has it
   * @returns the Response of the handler, or a promise of it
   */
  handle(requestSession?: RequestSession): unknown;
  /**
   * For frameworks that create a response from an exception of the handler (a redirect, "not found"): returns the
   * headers of that response, which then carry the session cookie. Undefined if no header can be sent; changes that
   * need a new token are then not stored.
   *
   * @param thrown - what the handler has thrown
   * @returns the headers of that response, or undefined
   */
  carrierOf?(thrown: unknown): Awaitable<ResponseHeaders | undefined>;
  /**
   * True if a copy of a response gets its stream, not one of a clone: for frameworks that know their responses by
   * their streams, and dispose of others. A Response with a body can then be returned for one request only.
   */
  readonly passesBody?: boolean;
  /**
   * Called if a copy with the session cookie is sent instead of the handler's response: for frameworks that note more
   * on a response than its status, headers and body.
   *
   * @param response - of the handler
   * @param copy - the response that is sent
   */
  copied?(response: Response, copy: Response): void;
}

/**
 * Serves a request whose handler returns a Response: loads the session, calls the handler, stores the session, and
 * returns the response with the cookie after that. A Response that the handler throws is thrown again with the cookie.
 *
 * @param served - the request and its handler
 * @returns the response to send
 * @throws what the handler throws
 * @example
 * ```ts
 * const fetch = (request: Request) => serveFetch({ settings, context: [request], handle: () => handler(request) });
 * ```
 */
export function serveFetch(served: Served): Promise<Response | undefined> {
  const { requests } = served.settings;
  return requests ? requests.run(served.context[0], serve, served) : serve(served);
}

function serve(served: Served): Promise<Response | undefined> {
  const { settings, context } = served;
  let requestSession: RequestSession | undefined;
  try {
    const view = served.view ?? new WebView(requestOf(served));
    requestSession = mount(settings, view, context, served.shared ?? context[0]);
    if (requestSession && served.host) requestSession.host = served.host;
    const loading = settings.isLazy ? undefined : requestSession?.load();
    if (loading) {
      return loading.then(
        () => handle(served, requestSession),
        (error: unknown) => fail(served, error),
      );
    }
  } catch (error) {
    return fail(served, error);
  }
  return handle(served, requestSession);
}

function requestOf({ request, context }: Served): Request {
  return request ?? (context[0] as Request);
}

async function handle(served: Served, requestSession: RequestSession | undefined): Promise<Response | undefined> {
  if (!requestSession) return served.handle() as Response;
  let response: Response | undefined;
  try {
    response = await resultOf(served, requestSession);
  } catch (thrown) {
    return thrownOn(served, requestSession, thrown);
  }
  try {
    if (requestSession.view.isUpgrade && isHandedOver(response)) {
      await requestSession.handOver();
      return response;
    }
    return await sent(served, requestSession, response);
  } catch (error) {
    void response?.body?.cancel().catch(() => {});
    return fail(served, error);
  }
}

/** The response of the handler, or a copy with the session cookie. */
async function sent<R extends Response | undefined>(
  served: Served,
  requestSession: RequestSession,
  response: R,
): Promise<R | Response> {
  const copy = await responseWith(requestOf(served), response, requestSession, served.passesBody);
  if (response && copy && copy !== response) served.copied?.(response, copy);
  return copy;
}

/** Undefined is valid after an upgrade: Bun has taken the connection over. */
async function resultOf(served: Served, requestSession: RequestSession): Promise<Response | undefined> {
  const handled = served.handle(requestSession);
  const result = isPromise(handled) ? await handled : handled;
  if (result === undefined || isResponse(result)) return result;
  throw mistake("wrong-call", `the handler returned ${kindOf(result)}, not a Response; write new Response(…)`);
}

/**
 * The handler threw; its changes are kept. A Response that was thrown is a response that the framework catches and
 * sends: it is thrown again with the session cookie. Any other exception carries no cookie, unless the framework
 * provides headers.
 */
async function thrownOn(served: Served, requestSession: RequestSession, thrown: unknown): Promise<Response> {
  const carrier = isResponse(thrown) ? undefined : await served.carrierOf?.(thrown);
  let goesOn = thrown;
  try {
    if (isResponse(thrown)) goesOn = await sent(served, requestSession, thrown);
    else await carried(requestSession, carrier);
  } catch (error) {
    const failure = await fail(served, error);
    if (isResponse(thrown) || carrier) return failure;
  }
  throw goesOn;
}

async function carried(requestSession: RequestSession, carrier: ResponseHeaders | undefined): Promise<void> {
  await requestSession.commit(carrier !== undefined);
  await requestSession.finish()?.catch(() => {});
  if (carrier) requestSession.writeHeaders(carrier);
}

/** A failure of the session itself: `errorHandler` creates the response; fetch servers have no error path. */
async function fail({ settings, context }: Served, error: unknown): Promise<Response> {
  const response = await settings.errorHandler?.(error, ...context);
  if (response) return response;
  console.error(error);
  return error instanceof SessionError ? error.getResponse() : statusResponse(500);
}

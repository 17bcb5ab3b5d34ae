import type { Awaitable } from "../contracts/storage.js";
import { SessionError, statusResponse } from "../errors.js";
import { responseWith, isHandedOver, isResponse, WebView } from "../http/web-request.js";
import type { ResponseHeaders } from "../http/request-view.js";
import { kindOf } from "../util/assert.js";
import { isPromise } from "../util/promise.js";
import type { RequestSession } from "../session/request-session.js";
import type { RequestSettings } from "../session/request-options.js";
import { mount } from "./adapter.js";

/** Arguments of a handler of a fetch-style server. */
export type FetchContext = readonly [request: Request, ...rest: any[]];

/** Result of an error handler. */
export type FetchResult = Response | undefined | void;

/** A request, and how it is handled. */
export interface Served {
  readonly settings: RequestSettings<FetchContext, FetchResult>;
  readonly context: FetchContext;
  /** Calls the handler. */
  handle(): unknown;
  /**
   * For frameworks that create a response from an exception of the handler (a redirect, "not found"): returns the
   * headers of that response, which then carry the session cookie. Undefined if no header can be sent; changes that
   * need a new token are then not stored.
   */
  carrierOf?(thrown: unknown): Awaitable<ResponseHeaders | undefined>;
}

/** Loads the session, calls the handler, saves the session, and returns the response after that. */
export function serveFetch(served: Served): Promise<Response | undefined> {
  const { requests } = served.settings;
  return requests ? requests.run(served.context[0], serve, served) : serve(served);
}

function serve(served: Served): Promise<Response | undefined> {
  const { settings, context } = served;
  let requestSession: RequestSession | undefined;
  try {
    requestSession = mount(settings, new WebView(context[0]), context);
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

async function handle(served: Served, requestSession: RequestSession | undefined): Promise<Response | undefined> {
  if (!requestSession) return served.handle() as Response;
  let response: Response | undefined;
  try {
    response = await resultOf(served);
  } catch (thrown) {
    return thrownOn(served, requestSession, thrown);
  }
  try {
    if (requestSession.view.isUpgrade && isHandedOver(response)) {
      await requestSession.handOver();
      return response;
    }
    return await responseWith(served.context[0], response, requestSession);
  } catch (error) {
    void response?.body?.cancel().catch(() => {});
    return fail(served, error);
  }
}

/** Undefined is valid after an upgrade: Bun has taken the connection over. */
async function resultOf(served: Served): Promise<Response | undefined> {
  const handled = served.handle();
  const result = isPromise(handled) ? await handled : handled;
  if (result === undefined || isResponse(result)) return result;
  throw new TypeError(`holdfast: the handler returned ${kindOf(result)}, not a Response; write new Response(…)`);
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
    if (isResponse(thrown)) goesOn = await responseWith(served.context[0], thrown, requestSession);
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

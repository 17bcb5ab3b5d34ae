import type { Awaitable } from "../contracts/storage.js";
import { SessionError, statusResponse } from "../errors.js";
import { answered, isHandedOver, isResponse, WebView } from "../http/web-request.js";
import type { AnswerHeaders } from "../http/request-view.js";
import { kindOf } from "../util/assert.js";
import { isPromise } from "../util/promise.js";
import type { RequestSession } from "../session/request-session.js";
import type { RequestSettings } from "../session/request-options.js";
import { mount } from "./adapter.js";

/** What a handler of a fetch-style server is given. */
export type FetchContext = readonly [request: Request, ...rest: any[]];

/** What an error handler may return. */
export type FetchAnswer = Response | undefined | void;

/** One request and how it is served. */
export interface Served {
  readonly settings: RequestSettings<FetchContext, FetchAnswer>;
  readonly context: FetchContext;
  /** Calls the handler. */
  handle(): unknown;
  /**
   * For frameworks that make a response of what a handler throws (a redirect, "not found"): its headers, which then
   * carry the session's cookie. Undefined if nothing can be carried; what needs a new token is then not stored.
   */
  carrierOf?(thrown: unknown): Awaitable<AnswerHeaders | undefined>;
}

/** Loads the session, calls the handler, saves the session, and only then answers. */
export function serveFetch(served: Served): Promise<Response | undefined> {
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
    response = await answerOf(served);
  } catch (thrown) {
    return thrownOn(served, requestSession, thrown);
  }
  try {
    if (requestSession.view.isUpgrade && isHandedOver(response)) {
      await requestSession.handOver();
      return response;
    }
    return await answered(served.context[0], response, requestSession);
  } catch (error) {
    void response?.body?.cancel().catch(() => {});
    return fail(served, error);
  }
}

/** Undefined is right after an upgrade: Bun has taken the connection over. */
async function answerOf(served: Served): Promise<Response | undefined> {
  const handled = served.handle();
  const answer = isPromise(handled) ? await handled : handled;
  if (answer === undefined || isResponse(answer)) return answer;
  throw new TypeError(`holdfast: the handler returned ${kindOf(answer)}, not a Response; write new Response(…)`);
}

/**
 * The handler threw; what it wrote is kept. A Response is an answer that somebody catches and sends: it is thrown on
 * with the session's cookie. Anything else carries no cookie, unless the framework tells where to put it.
 */
async function thrownOn(served: Served, requestSession: RequestSession, thrown: unknown): Promise<Response> {
  const carrier = isResponse(thrown) ? undefined : await served.carrierOf?.(thrown);
  let goesOn = thrown;
  try {
    if (isResponse(thrown)) goesOn = await answered(served.context[0], thrown, requestSession);
    else await carried(requestSession, carrier);
  } catch (error) {
    const failure = await fail(served, error);
    if (isResponse(thrown) || carrier) return failure;
  }
  throw goesOn;
}

async function carried(requestSession: RequestSession, carrier: AnswerHeaders | undefined): Promise<void> {
  await requestSession.commit(carrier !== undefined);
  await requestSession.finish()?.catch(() => {});
  if (carrier) requestSession.answer(carrier);
}

/** A failure of the session itself: the application's `errorHandler` answers; fetch servers have no error path. */
async function fail({ settings, context }: Served, error: unknown): Promise<Response> {
  const response = await settings.errorHandler?.(error, ...context);
  if (response) return response;
  console.error(error);
  return error instanceof SessionError ? error.getResponse() : statusResponse(500);
}

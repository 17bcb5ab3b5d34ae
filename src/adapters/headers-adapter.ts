import type { Awaitable } from "../contracts/storage.js";
import type { ResponseHeaders, RequestView } from "../http/request-view.js";
import type { RequestSession, ResponseHost } from "../session/request-session.js";
import type { RequestSettings } from "../session/request-options.js";
import { mount } from "./adapter-core.js";

/** A request whose handler returns no Response: headers are set beside its result, as in a cookie jar. */
export interface ServedWithHeaders<R> {
  readonly settings: RequestSettings<any, any>;
  /** The request. */
  readonly view: RequestView;
  /** What the application's options (`skip`, `storage`, `cookie`) are called with; the first one has the session. */
  readonly context: readonly [object, ...unknown[]];
  /** The object that several contexts of one request have in common. Default: the first of `context`. */
  readonly shared?: object;
  /** What the framework offers besides headers. */
  readonly host?: ResponseHost;
  /** The headers of the response, which get the session cookie. They must be changeable until `handle` has ended. */
  readonly headers: ResponseHeaders;
  /**
   * Calls the handler.
   *
   * @param requestSession - the session of this request; undefined if it is skipped, or if an outer handler has it
   * @returns the result of the handler
   */
  handle(requestSession: RequestSession | undefined): Awaitable<R>;
  /**
   * For frameworks that create a response from an exception (a redirect, "not found", an error page): returns its
   * headers. Default: none, so that changes which need a new token are not stored.
   *
   * @param thrown - what the handler has thrown
   * @returns the headers, or undefined if no header can be sent
   */
  carrierOf?(thrown: unknown): ResponseHeaders | undefined;
}

/**
 * Serves a request whose handler sets headers instead of returning a Response: loads the session, calls the handler,
 * stores the session, and adds the cookie to the headers after that. An exception of the handler is thrown again when
 * its changes are stored, so a redirect that a framework throws leaves with the cookie of a session that exists.
 *
 * @param served - the request, its headers and its handler
 * @returns the result of the handler; or that of `errorHandler`, if the session failed and it returned one
 * @throws what the handler throws; {SessionError} if the session cannot be loaded or stored
 * @example
 * ```ts
 * const result = await serveHeaders({ settings, view, context: [event], headers, handle: () => next() });
 * ```
 */
export function serveHeaders<R>(served: ServedWithHeaders<R>): Promise<R> {
  const { requests } = served.settings;
  return requests ? requests.run(served.context[0], serve, served as ServedWithHeaders<any>) : serve(served);
}

async function serve<R>(served: ServedWithHeaders<R>): Promise<R> {
  const { settings, view, context } = served;
  let requestSession: RequestSession | undefined;
  try {
    requestSession = mount(settings, view, context, served.shared ?? context[0]);
    if (requestSession && served.host) requestSession.host = served.host;
    if (requestSession && !settings.isLazy) await requestSession.load();
  } catch (error) {
    return fail(served, error);
  }
  return requestSession ? handle(served, requestSession) : served.handle(undefined);
}

async function handle<R>(served: ServedWithHeaders<R>, requestSession: RequestSession): Promise<R> {
  let result: R;
  try {
    result = await served.handle(requestSession);
  } catch (thrown) {
    try {
      await storeAndWrite(requestSession, served.carrierOf?.(thrown));
    } catch (error) {
      return fail(served, error);
    }
    throw thrown;
  }
  try {
    await storeAndWrite(requestSession, served.headers);
  } catch (error) {
    return fail(served, error);
  }
  return result;
}

async function storeAndWrite(requestSession: RequestSession, headers: ResponseHeaders | undefined): Promise<void> {
  await requestSession.commit(headers !== undefined, headers);
  await requestSession.finish();
  if (headers) requestSession.writeHeaders(headers);
}

/** A failure of the session itself: first the application's `errorHandler`, then the framework's error path. */
async function fail<R>({ settings, context }: ServedWithHeaders<R>, error: unknown): Promise<R> {
  const result = (await settings.errorHandler?.(error, ...context)) as R | undefined;
  if (result !== undefined) return result;
  throw error;
}

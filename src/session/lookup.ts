import type { Session, StoredSession, Store } from "../contracts/session-api.js";
import { mistake, SessionError } from "../errors.js";
import type { ResponseHeaders, RequestView } from "../http/request-view.js";
import { Notes } from "../util/request-objects.js";
import type { SessionData } from "../session-data.js";
import { coreOf } from "./session.js";
import { RequestSession, noSession } from "./request-session.js";
import { placeOf, type RequestSettings } from "./request-options.js";

/** The session of the innermost middleware, for each request. */
const mounted = new Notes<RequestSession>();
/** The session that was opened last without a middleware, for each request. */
const opened = new Notes<RequestSession>();
/** If a request has several sessions: the one that was started before. */
const outer = new WeakMap<RequestSession, RequestSession>();

/**
 * Registers the session of a middleware. Throws a TypeError if two middlewares write their token to the same place.
 *
 * @param request - the object that several contexts of one request have in common
 */
export function mount(context: object, requestSession: RequestSession, request: object = context): void {
  const before = mounted.get(context) ?? (request === context ? undefined : mounted.get(request));
  if (before) nest(requestSession, before);
  mounted.set(context, requestSession);
  if (request !== context) mounted.set(request, requestSession);
}

/** Lets a further object of the same request have its session. */
export function share(requestSession: RequestSession, context: object): void {
  mounted.set(context, requestSession);
}

/**
 * True if the middleware of these settings has registered already: on a router inside the application, in a
 * sub-application, after an internal redirect. If the framework has created a new context of the same request, that
 * context has its session from now on.
 */
export function isMounted(settings: RequestSettings, context: object, request: object = context): boolean {
  if (isRunning(requestSessionOf(context, settings))) return true;
  if (request === context || !isRunning(requestSessionOf(request, settings))) return false;
  mounted.set(context, mounted.get(request)!);
  return true;
}

function isRunning(requestSession: RequestSession | undefined): boolean {
  return requestSession !== undefined && !requestSession.isDone;
}

/**
 * Returns the session of a request, as an adapter handles it.
 *
 * @param context - the context of the framework, or the object that its contexts have in common
 * @param settings - those of the middleware; default: of the innermost one
 * @returns the session, or undefined if none was started
 * @example
 * ```ts
 * const requestSession = requestSessionOf(event, settings);
 * ```
 */
export function requestSessionOf(context: object, settings?: RequestSettings): RequestSession | undefined {
  const innermost = isObject(context) ? mounted.get(context) : undefined;
  return settings === undefined ? innermost : withSettings(innermost, settings);
}

function withSettings(innermost: RequestSession | undefined, settings: RequestSettings): RequestSession | undefined {
  let one = innermost;
  while (one && one.settings !== settings) one = outer.get(one);
  return one;
}

function nest(requestSession: RequestSession, before: RequestSession): void {
  for (let other: RequestSession | undefined = before; other; other = outer.get(other))
    if (!other.isDone) assertApart(other.settings, requestSession.settings);
  outer.set(requestSession, before);
}

/** Returns the session of a request; throws `no-session`, `not-loaded`, or the error that prevented loading. */
export function getSession<D extends object = SessionData>(context: object, settings?: RequestSettings): Session<D> {
  const requestSession = requestSessionOf(context, settings);
  if (!requestSession) throw noSession();
  return requestSession.session;
}

/** Returns the session of a request; loads it if necessary. Throws `no-session`. */
export async function loadSession<D extends object = SessionData>(
  context: object,
  settings?: RequestSettings,
): Promise<Session<D>> {
  const requestSession = requestSessionOf(context, settings);
  if (!requestSession) throw noSession();
  return requestSession.open();
}

/**
 * Returns the session of a request, or undefined if there is none or it is not loaded. Never throws: for guards, error
 * pages and loggers.
 */
export function findSession<D extends object = SessionData>(
  context: object,
  settings?: RequestSettings,
): Session<D> | undefined {
  return requestSessionOf(context, settings)?.found;
}

/**
 * Opens the session of a request without the middleware. `save()` stores it and sets the cookie immediately.
 *
 * @param settings - of the middleware
 * @param served - the arguments of the framework's handlers
 * @param onEnd - called with a function to run at the end of the request, if the framework reports it: that function
 *   reports changes that were not saved
 * @param view - the request
 * @param context - the context of the framework
 * @param headers - of the response, which get the cookie
 * @returns the session
 * @throws {SessionError} `storage` or `timeout`
 * @example
 * ```ts
 * const session = await openSession(settings, [event], new WebView(event.request), event, new WebHeaders(headers));
 * ```
 */
export async function openSession<D extends object>(
  settings: RequestSettings,
  served: readonly unknown[],
  view: RequestView,
  context: object,
  headers: ResponseHeaders,
  onEnd?: (report: () => void) => void,
): Promise<StoredSession<D>> {
  const ofMiddleware = requestSessionOf(context, settings);
  if (ofMiddleware) return ofMiddleware.reopen();
  const last = opened.get(context);
  const own = withSettings(last, settings);
  if (own) return withHeadersSet(own, headers);
  const cookie = settings.cookieFor?.(served);
  const requestSession = new RequestSession(settings, settings.storeFor(served), view, true, cookie);
  if (last) outer.set(requestSession, last);
  opened.set(context, requestSession);
  const session = await withHeadersSet(requestSession, headers);
  onEnd?.(() => requestSession.reportUnsaved());
  return session;
}

/**
 * Opens the session of a request without a response (an upgrade to WebSocket): its data can be changed and saved, its
 * token cannot.
 *
 * @param settings - of the middleware
 * @param store - the store for this request: `settings.storeFor([event])`
 * @param view - the request
 * @returns the session
 * @throws {SessionError} `storage` or `timeout`
 * @example
 * ```ts
 * const session = await readSession(settings, settings.storeFor([event]), new WebView(event.request));
 * ```
 */
export async function readSession<D extends object>(
  settings: RequestSettings,
  store: Store<D>,
  view: RequestView,
): Promise<StoredSession<D>> {
  return new RequestSession(settings, store, view, false).open();
}

async function withHeadersSet(requestSession: RequestSession, headers: ResponseHeaders): Promise<StoredSession<any>> {
  requestSession.host = { headersAtOnce: headers };
  const session = await requestSession.reopen();
  coreOf(session).ask();
  requestSession.writeHeaders(headers);
  return session;
}

function assertApart(outer: RequestSettings, inner: RequestSettings): void {
  const places = outer.writable.map(placeOf);
  const shared = inner.writable.map(placeOf).find((place) => places.includes(place));
  if (!shared) return;
  throw mistake(
    "wrong-place",
    `two session middlewares use the same ${shared}, those of the namespaces ${outer.namespace} and ` +
      `${inner.namespace}; mount one of them once, or give them different extractors`,
  );
}

const isObject = (value: unknown): value is object =>
  (typeof value === "object" && value !== null) || typeof value === "function";

/** `sessions.store` if the storage depends on the request. */
export function storeOutsideRequest(store: Store<any> | undefined): Store<any> {
  if (store) return store;
  throw new SessionError(
    "unsupported",
    "the storage is a function of the request: outside of one there is no store; use session.store, or " +
      "createStore({ storage })",
  );
}

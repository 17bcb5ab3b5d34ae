import type { Session, StoredSession, Store } from "../contracts/session-api.js";
import { SessionError } from "../errors.js";
import type { AnswerHeaders, RequestView } from "../http/request-view.js";
import { Notes } from "../util/notes.js";
import type { SessionData } from "../session-data.js";
import { coreOf } from "./session.js";
import { RequestSession, noSession } from "./request-session.js";
import { placeOf, type RequestSettings } from "./request-options.js";

/** The innermost request session of each request. */
const innermost = new Notes<RequestSession>();

/**
 * Begins the request session of one middleware. Two that answer in the same place are a mistake, named here.
 * `request`: what several contexts of one request have in common.
 */
export function enter(context: object, requestSession: RequestSession, request: object = context): void {
  const outer = innermost.get(context) ?? (request === context ? undefined : innermost.get(request));
  for (let other = outer; other; other = other.outer)
    if (other.isMounted && !other.isDone) assertApart(other.settings, requestSession.settings);
  requestSession.isMounted = true;
  requestSession.outer = outer;
  innermost.set(context, requestSession);
  if (request !== context) innermost.set(request, requestSession);
}

/**
 * Whether the middleware of these settings has begun its request session already: on a router inside the application,
 * in a sub-application, after an internal redirect. A framework may have made a new context of the same request by
 * then: that has its session from now on.
 */
export function hasEntered(settings: RequestSettings, context: object, request: object = context): boolean {
  if (isRunning(requestSessionOf(context, settings))) return true;
  if (request === context || !isRunning(requestSessionOf(request, settings))) return false;
  innermost.set(context, innermost.get(request)!);
  return true;
}

function isRunning(requestSession: RequestSession | undefined): boolean {
  return requestSession !== undefined && !requestSession.isDone;
}

/** The request session of these settings, or of the innermost middleware. */
export function requestSessionOf(context: object, settings?: RequestSettings): RequestSession | undefined {
  let requestSession = isObject(context) ? innermost.get(context) : undefined;
  while (
    requestSession &&
    !(requestSession.isMounted && (settings === undefined || requestSession.settings === settings))
  )
    requestSession = requestSession.outer;
  return requestSession;
}

/** The request session of these settings that was opened by hand. */
function openedByHand(context: object, settings: RequestSettings): RequestSession | undefined {
  let requestSession = innermost.get(context);
  while (requestSession && (requestSession.isMounted || requestSession.settings !== settings))
    requestSession = requestSession.outer;
  return requestSession;
}

/** The session of a request, once loaded; throws `no-session`, `not-loaded`, or what kept it from being loaded. */
export function getSession<D extends object = SessionData>(context: object, settings?: RequestSettings): Session<D> {
  const requestSession = requestSessionOf(context, settings);
  if (!requestSession) throw noSession();
  return requestSession.session;
}

/** The session of a request; loads it where that was not done yet. Throws `no-session`. */
export async function loadSession<D extends object = SessionData>(
  context: object,
  settings?: RequestSettings,
): Promise<Session<D>> {
  const requestSession = requestSessionOf(context, settings);
  if (!requestSession) throw noSession();
  return requestSession.open();
}

/**
 * The session of a request, or undefined where there is none or it is not loaded. Never throws: for guards, error
 * pages and what writes logs.
 */
export function findSession<D extends object = SessionData>(
  context: object,
  settings?: RequestSettings,
): Session<D> | undefined {
  return requestSessionOf(context, settings)?.found;
}

/**
 * Store pattern: the session of a request where nothing needs to be mounted; saved by `save()`, which answers at
 * once.
 *
 * @param onEnd - called with what is to be run when the request has ended, where the framework tells: it reports
 *   changes that nobody saved
 */
export async function openSession<D extends object>(
  settings: RequestSettings,
  store: Store<D>,
  view: RequestView,
  context: object,
  headers: AnswerHeaders,
  onEnd?: (report: () => void) => void,
): Promise<StoredSession<D>> {
  const mounted = requestSessionOf(context, settings);
  if (mounted) return mounted.reopen();
  const own = openedByHand(context, settings);
  if (own) return answeringAtOnce(own, headers);
  const requestSession = new RequestSession(settings, store, view);
  requestSession.outer = innermost.get(context);
  innermost.set(context, requestSession);
  const session = await answeringAtOnce(requestSession, headers);
  onEnd?.(() => requestSession.reportUnsaved());
  return session;
}

/**
 * Opens the session of a request that gets no answer (an upgrade to WebSocket): what it holds can be changed and
 * saved, its token cannot.
 */
export async function readSession<D extends object>(
  settings: RequestSettings,
  store: Store<D>,
  view: RequestView,
): Promise<StoredSession<D>> {
  return new RequestSession(settings, store, view, "nobody").open();
}

async function answeringAtOnce(requestSession: RequestSession, headers: AnswerHeaders): Promise<StoredSession<any>> {
  const session = await requestSession.reopen();
  const core = coreOf(session);
  core.asked = true;
  core.onPersisted = () => requestSession.answer(headers);
  requestSession.answer(headers);
  return session;
}

function assertApart(outer: RequestSettings, inner: RequestSettings): void {
  const places = outer.writable.map(placeOf);
  const shared = inner.writable.map(placeOf).find((place) => places.includes(place));
  if (!shared) return;
  throw new TypeError(
    `holdfast: two session middlewares answer in the ${shared}, those of the namespaces ${outer.namespace} and ` +
      `${inner.namespace}; mount one of them once, or give them different extractors`,
  );
}

const isObject = (value: unknown): value is object =>
  (typeof value === "object" && value !== null) || typeof value === "function";

/** `sessions.store` where the storage depends on the request. */
export function storeOutsideRequest(store: Store<any> | undefined): Store<any> {
  if (store) return store;
  throw new SessionError(
    "unsupported",
    "the storage is a function of the request: outside of one there is no store; use session.store, or " +
      "createStore({ storage })",
  );
}

import type { Session } from "../contracts/session-api.js";
import type { SessionAccess } from "../contracts/session-access.js";
import { RequestSession } from "../session/request-session.js";
import * as lookup from "../session/lookup.js";
import type { SessionData } from "../session-data.js";
import { rememberSettings, type RequestSettings } from "../session/request-options.js";
import type { RequestView } from "../http/request-view.js";
import { isPlainObject } from "../util/assert.js";
import { addedPrototype } from "../util/prototypes.js";

/** Adds `get`, `load`, `find` and `store` of one middleware, and what else its adapter offers. */
export function withAccess<D extends object, C extends object, F extends object, E extends object>(
  settings: RequestSettings,
  mountable: F,
  extra: E,
): F & SessionAccess<D, C> & E {
  const access = {
    get: (context: C) => lookup.getSession<D>(context, settings),
    load: (context: C) => lookup.loadSession<D>(context, settings),
    find: (context: C) => lookup.findSession<D>(context, settings),
  };
  const sessions = Object.assign(mountable, access, extra);
  rememberSettings(sessions, settings);
  return Object.defineProperty(sessions, "store", {
    get: () => lookup.storeOutsideRequest(settings.store),
    enumerable: true,
  }) as F & SessionAccess<D, C> & E;
}

/** Refuses `fromParam` where no router is: it would never find anything. */
export function assertNoParams({ extractor }: RequestSettings): void {
  const param = extractor.members.find(({ source }) => source === "param");
  if (param)
    throw new TypeError(
      `holdfast: extractor is fromParam(${JSON.stringify(param.key)}), and here are no route parameters; write ` +
        "fromQuery, fromCustom, or use the adapter of your router",
    );
}

/**
 * Starts the session of a request, not loaded yet. Returns nothing if the request is skipped, or if the same
 * middleware has started one already.
 *
 * @param settings - of the middleware
 * @param view - the request
 * @param context - what the framework hands to its handlers; the first one is the request, or holds it
 * @param request - what several contexts of one request have in common
 * @param canAnswer - whether there is a response that can carry a token
 */
export function mount(
  settings: RequestSettings,
  view: RequestView,
  context: readonly unknown[],
  request: object = context[0] as object,
  canAnswer: boolean = true,
): RequestSession | undefined {
  const own = context[0] as object;
  if (settings.skip?.(...context) || lookup.isMounted(settings, own, request)) return undefined;
  const store = settings.storeFor(context);
  const requestSession = new RequestSession(settings, store, view, canAnswer && view.isUpgrade !== true);
  lookup.mount(own, requestSession, request);
  return requestSession;
}

/**
 * Puts `session` onto a framework's own object, or onto a prototype that was put between it and its class, for all of
 * them: a property of each request's own would take longer there than all else that is done for a request which only
 * looks. What another library put there before stays: beside it there are `getSession(request)` and
 * `sessions.get(request)`.
 */
export function placeSession(target: object): void {
  const shared = addedPrototype(target);
  if (shared && isPlaced(shared)) return;
  if (!Object.hasOwn(target, "session")) Object.defineProperty(target, "session", PLACE);
}

const placed = new WeakMap<object, boolean>();

function isPlaced(prototype: object): boolean {
  const known = placed.get(prototype);
  if (known !== undefined) return known;
  const isDone = !("session" in prototype) && Reflect.defineProperty(prototype, "session", PLACE);
  placed.set(prototype, isDone);
  return isDone;
}

/**
 * Reading answers the session, assigning says what to write. A request without a session reads and assigns as if this
 * were not there.
 */
const PLACE: PropertyDescriptor & ThisType<object> = {
  configurable: true,
  enumerable: false,
  get() {
    return lookup.requestSessionOf(this)?.session;
  },
  set(value) {
    if (lookup.requestSessionOf(this)) refuseAssignment(value);
    Object.defineProperty(this, "session", { value, configurable: true, enumerable: true, writable: true });
  },
};

/** What assigning to the session's place says. */
export function refuseAssignment(value: unknown): never {
  const write = isPlainObject(value)
    ? 'session.set("key", value) for each key, or await session.reset()'
    : "await session.destroy() to end the session";
  throw new TypeError(`holdfast: the session cannot be replaced by assigning to it; write ${write}`);
}

/**
 * The session of a request, of the innermost middleware; throws `no-session` (not mounted, skipped), `not-loaded`
 * (lazy mode), or the failure that kept it from being loaded. {@link findSession} never throws.
 */
export function getSession<D extends object = SessionData>(context: object): Session<D> {
  return lookup.getSession(context);
}

/** The session of a request, of the innermost middleware; loads it in lazy mode. Rejects with `no-session`. */
export function loadSession<D extends object = SessionData>(context: object): Promise<Session<D>> {
  return lookup.loadSession(context);
}

/**
 * The session of a request, of the innermost middleware, or undefined where there is none or it is not loaded. Never
 * throws: for guards, error pages and what writes logs.
 */
export function findSession<D extends object = SessionData>(context: object): Session<D> | undefined {
  return lookup.findSession(context);
}

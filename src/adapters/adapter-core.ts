import type { Session } from "../contracts/session-api.js";
import { mistake, type SessionError } from "../errors.js";
import type { SessionAccess } from "../contracts/session-access.js";
import { RequestSession } from "../session/request-session.js";
import * as lookup from "../session/lookup.js";
import type { SessionData } from "../session-data.js";
import { rememberSettings, type RequestSettings } from "../session/request-options.js";
import { crossOriginCheck, type CrossOriginView } from "../http/cross-origin.js";
import type { RequestView } from "../http/request-view.js";
import { isPlainObject } from "../util/assert.js";
import { addedPrototype } from "../util/request-objects.js";
import type { Storage } from "../contracts/storage.js";
import { memoryStorage } from "../storage/memory.js";

/**
 * Makes the result of `session()`: adds `get`, `load`, `find` and `store` of this middleware, and the adapter's own
 * methods.
 *
 * @param settings - of the middleware
 * @param mountable - what an application mounts
 * @param extra - the adapter's own methods, as `open` and `read`
 * @returns `mountable`, with these methods
 * @example
 * ```ts
 * return withAccess(settings, middleware, { open, read });
 * ```
 */
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

/** What every adapter's `crossOriginProtection` offers beside being mounted. */
export interface CrossOriginChecks<C extends object> {
  /**
   * The same check, called explicitly, for what no middleware sees: the request of a socket, before it is upgraded.
   *
   * @param request - the request
   * @throws {SessionError} `cross-origin` if a page of another origin sent it
   */
  check(request: C): void;
}

/**
 * Makes the `crossOriginProtection` of an adapter.
 *
 * @param called - all that it was given
 * @param read - reads the method and the headers of a request
 * @param mounting - makes what is mounted; `refusalOf` returns the error that refuses a request, or nothing
 * @returns what is mounted, with `check`
 * @throws {TypeError} if an option is wrong
 * @example
 * ```ts
 * const crossOriginProtection = (...called) =>
 *   protection(called, read, (refusalOf) => async (context, next) => {
 *     const error = refusalOf(context);
 *     if (error) throw error;
 *     await next();
 *   });
 * ```
 */
export function protection<C extends object, F extends object>(
  called: readonly unknown[],
  read: (request: C) => readonly [method: string, view: CrossOriginView],
  mounting: (refusalOf: (request: C) => SessionError | undefined) => F,
): F & CrossOriginChecks<C> {
  const checkOf = crossOriginCheck(called);
  const refusalOf = (request: C): SessionError | undefined => checkOf(...read(request));
  const check = (request: C): void => {
    const error = refusalOf(request);
    if (error) throw error;
  };
  return Object.assign(mounting(refusalOf), { check });
}

/**
 * Refuses `fromParam` if the adapter has no router: it would never find a token.
 *
 * @param settings - of the middleware
 * @throws {TypeError} if its extractor contains `fromParam`
 * @example
 * ```ts
 * assertNoParams(requestSettings([options]));
 * ```
 */
export function assertNoParams(settings: RequestSettings): void {
  const { extractor } = settings;
  const param = extractor.members.find(({ source }) => source === "param");
  if (param)
    throw mistake(
      "wrong-option",
      `extractor is fromParam(${JSON.stringify(param.key)}), and here are no route parameters; write ` +
        "fromQuery, fromCustom, or use the adapter of your router",
    );
}

/**
 * Starts the session of a request, not loaded yet. Returns nothing if the request is skipped, or if the same
 * middleware has started one already.
 *
 * @param settings - of the middleware
 * @param view - the request
 * @param context - the arguments of the framework's handlers; the first one is the request, or contains it
 * @param request - the object that several contexts of one request have in common
 * @param canRespond - whether there is a response that can carry a token
 * @returns the session of this request; its `load`, `commit`, `writeHeaders` and `finish` are called in this order
 * @throws {TypeError} if another middleware of this request uses the same cookie
 * @example
 * ```ts
 * const requestSession = mount(settings, new WebView(event.request), [event], event.request);
 * await requestSession?.load();
 * ```
 */
export function mount(
  settings: RequestSettings,
  view: RequestView,
  context: readonly unknown[],
  request: object = context[0] as object,
  canRespond: boolean = true,
): RequestSession | undefined {
  const own = context[0] as object;
  if (settings.skip?.(...context) || lookup.isMounted(settings, own, request)) return undefined;
  const store = settings.storeFor(context);
  const canCarry = canRespond && view.isUpgrade !== true;
  const cookie = canCarry ? settings.cookieFor?.(context) : undefined;
  const requestSession = new RequestSession(settings, store, view, canCarry, cookie);
  lookup.mount(own, requestSession, request);
  return requestSession;
}

/**
 * Adds `session` to the framework's object, or for all objects to a prototype that was inserted between it and its
 * class: a property on each request would take longer there than everything else for a request that does not use its
 * session. An existing property of another library is kept; `getSession(request)` and `sessions.get(request)` still
 * work.
 *
 * @param target - the request, or the context object
 * @param requestSession - its session, if `target` is not the object it was started with
 * @example
 * ```ts
 * placeSession(event.locals, requestSession);
 * ```
 */
export function placeSession(target: object, requestSession?: RequestSession): void {
  if (requestSession) lookup.share(requestSession, target);
  const shared = addedPrototype(target);
  if (shared && isPlaced(shared)) return;
  if (!Object.hasOwn(target, "session")) Object.defineProperty(target, "session", SESSION_PROPERTY);
}

const placed = new WeakMap<object, boolean>();

/**
 * Adds `session` to a prototype, once.
 *
 * @param prototype - of all requests or contexts of an application
 * @returns false if it has another `session`, or accepts none
 * @example
 * ```ts
 * if (!isPlaced(Object.getPrototypeOf(context))) placeSession(context);
 * ```
 */
export function isPlaced(prototype: object): boolean {
  const known = placed.get(prototype);
  if (known !== undefined) return known;
  const isDone = !("session" in prototype) && Reflect.defineProperty(prototype, "session", SESSION_PROPERTY);
  placed.set(prototype, isDone);
  return isDone;
}

/**
 * Reading returns the session, assigning throws and says what to write. For a request without a session, reading and
 * assigning work as if this property did not exist.
 */
export const SESSION_PROPERTY: PropertyDescriptor & ThisType<object> = {
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

/**
 * Throws the error for assigning to the session property.
 *
 * @param value - what was assigned
 * @returns never
 * @throws {TypeError} always; it says what to write instead
 * @example
 * ```ts
 * app.decorateRequest("session", { getter, setter: refuseAssignment });
 * ```
 */
export function refuseAssignment(value: unknown): never {
  const write = isPlainObject(value)
    ? 'session.set("key", value) for each key, or await session.reset()'
    : "await session.destroy() to end the session";
  throw mistake("wrong-call", `the session cannot be replaced by assigning to it; write ${write}`);
}

/**
 * Returns the session of a request, from the innermost middleware. {@link findSession} never throws.
 *
 * @param context - the context of the framework: its request, or its context object
 * @returns the session
 * @throws {SessionError} `no-session` (middleware not mounted, or request skipped), `not-loaded` (lazy mode), or the
 *   error that prevented loading (`storage`, `timeout`)
 * @example
 * ```ts
 * const cart = getSession(request).get("cart");
 * ```
 */
export function getSession<D extends object = SessionData>(context: object): Session<D> {
  return lookup.getSession(context);
}

/**
 * Returns the session of a request, from the innermost middleware; loads it in lazy mode.
 *
 * @param context - the context of the framework
 * @returns the session
 * @throws {SessionError} `no-session`; `storage` or `timeout` if it cannot be loaded
 * @example
 * ```ts
 * const session = await loadSession(request);
 * ```
 */
export function loadSession<D extends object = SessionData>(context: object): Promise<Session<D>> {
  return lookup.loadSession(context);
}

/**
 * Returns the session of a request, from the innermost middleware, if there is one and it is loaded. It never throws:
 * use it in guards, error pages and loggers.
 *
 * @param context - the context of the framework
 * @returns the session, or undefined
 * @example
 * ```ts
 * const isSignedIn = findSession(request)?.owner !== undefined;
 * ```
 */
export function findSession<D extends object = SessionData>(context: object): Session<D> | undefined {
  return lookup.findSession(context);
}

/**
 * Returns the storage of a framework that makes several bundles of one application, each with its own modules, or that
 * loads them again while one develops: one memory for all of them.
 *
 * @param framework - its name
 * @returns a function that makes the storage when it is called first
 * @example
 * ```ts
 * const settings = requestSettings(called, sharedMemory("next"));
 * ```
 */
export function sharedMemory(framework: string): () => Storage {
  const key = Symbol.for(`holdfast.${framework}.memory`);
  const shared = globalThis as { [key]?: Storage };
  return () => (shared[key] ??= memoryStorage());
}

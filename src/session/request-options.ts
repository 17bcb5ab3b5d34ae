import { mistake } from "../errors.js";
import { assertExtractor } from "../extractors/chain.js";
import { fromCookie } from "../extractors/sources.js";
import { askedHeaders, isWritable, type Extractor, type Found } from "../extractors/extractor.js";
import { cookiePerRequest } from "../cookie/per-request.js";
import { cookieSettings, type CookieOptions, type CookieSettings } from "../cookie/cookie.js";
import { boolean, callable, isPlainObject, misplaced, oneOf, onlyKeys } from "../util/assert.js";
import type { ResponseHeaders, RequestView } from "../http/request-view.js";
import { asyncContext, type AsyncContext, isPromise } from "../util/async.js";
import { OTHER_OPTIONS } from "../util/other-names.js";
import type { AdoptionSource } from "../contracts/adoption-source.js";
import type { Awaitable, Storage } from "../contracts/storage.js";
import type { Store } from "../contracts/session-api.js";
import { ValueCodec } from "../codecs/value.js";
import { assertStorage } from "../storage/driver.js";
import type { StoreParts } from "./core.js";
import type { Reply } from "./request-stage.js";
import { STORE_OPTIONS, storeSettings, withStorage, type StoreOptions } from "./options.js";
import { partsOf, storeOf } from "./store.js";

/**
 * Options of `session()`: the options of the store, or a `store`, and options for requests. `C`: the arguments of a
 * handler in the framework. `R`: the result of an error handler.
 */
export interface SessionOptions<C extends readonly unknown[] = readonly any[], R = unknown>
  extends Omit<StoreOptions, "storage"> {
  /**
   * Where records are stored; or a function of the framework's context, for bindings known only in a request. Default:
   * memory.
   *
   * @param context - the context of the framework
   * @returns the storage for this request
   */
  storage?: Storage | ((...context: C) => Storage);
  /** A store created by `createStore`, instead of all options of a store. */
  store?: Store<any>;
  /** Where the token is read and sent. Default `fromCookie("session_id")`. */
  extractor?: Extractor;
  /**
   * Attributes of the session cookie; or a synchronous function of the framework's context that returns them, called
   * once for each request: for tenants and subdomains.
   *
   * @param context - the context of the framework
   * @returns the attributes of this request's cookies
   * @throws TypeError, from the middleware, if they are invalid
   * @example
   * ```ts
   * session({ cookie: (req) => ({ domain: domainOf(req.hostname) }) });
   * ```
   */
  cookie?: CookieOptions | ((...context: C) => CookieOptions);
  /**
   * `"eager"` (default): the session is loaded before the handler. `"lazy"`: by the first `await loadSession(…)`; a
   * request that does not use its session causes no storage call.
   */
  load?: "eager" | "lazy";
  /**
   * Returns true for requests without a session.
   *
   * @param context - the context of the framework
   * @returns true to skip the request
   */
  skip?: (...context: C) => boolean;
  /**
   * Handles a failure of the session itself by sending a response; if it sends none, the framework's error path does.
   *
   * @param error - a SessionError, or an exception of one of your functions
   * @param context - the context of the framework
   * @returns the response, in frameworks whose handlers return it
   */
  errorHandler?: (error: unknown, ...context: C) => R;
  /** `"written"` (default): a session is stored after a value was set. `"always"`: for every visitor. */
  storeNew?: "written" | "always";
  /**
   * `"source"` (default): an unchanged token is sent where it was read. `"all"`: in every member of a chain that can
   * be written.
   */
  answerIn?: "source" | "all";
  /**
   * Whether `currentSession()` of `holdfast/als` finds the session of a request in all that the request calls. Default
   * false. Needs `node:async_hooks`, which is loaded only then.
   */
  asyncLocalStorage?: boolean;
  /**
   * Other session libraries whose sessions are adopted, made by the functions of `holdfast/adopt`: a request without a
   * session, and with a valid cookie of one of them, continues the old session, which becomes one of this store.
   *
   * @example
   * ```ts
   * session({ storage, adopt: [fromExpressSession({ secret, store })] });
   * ```
   */
  adopt?: readonly AdoptionSource[];
}

const REQUEST_OPTIONS: readonly (keyof SessionOptions)[] = [
  "store",
  "extractor",
  "cookie",
  "load",
  "skip",
  "errorHandler",
  "storeNew",
  "answerIn",
  "asyncLocalStorage",
  "adopt",
];

/** Validated options for requests. */
export interface RequestSettings<C extends readonly unknown[] = readonly any[], R = unknown> {
  readonly extractor: Extractor;
  readonly writable: readonly Extractor[];
  /** Request headers that a response with session data depends on. */
  readonly asked: readonly string[];
  readonly cookie: CookieSettings;
  /**
   * The attributes for a request, if they depend on it.
   *
   * @param context - the context of the framework
   * @returns the attributes
   */
  cookieFor?(context: C): CookieSettings;
  readonly isLazy: boolean;
  /** Where `currentSession()` looks, if the option is set: requests run in it, each with its framework's context. */
  readonly requests: AsyncContext | undefined;
  readonly storesNew: boolean;
  readonly sendsInAll: boolean;
  readonly skip: ((...context: C) => boolean) | undefined;
  readonly errorHandler: ((error: unknown, ...context: C) => Awaitable<R>) | undefined;
  /**
   * Generates the token of a new session, instead of the store's `keyGenerator`.
   *
   * @param context - the context of the framework
   * @returns the token
   */
  drawToken?(context: unknown): string;
  /** Writes the reply for the client, instead of `writeReply`. */
  readonly replyWriter?: ReplyWriter;
  /** True if each save moves the deadline, and the response sends the token; default: if a refresh is due. */
  readonly movesWhenSaved?: boolean;
  /** The store, if it does not depend on the request. */
  readonly store: Store<any> | undefined;
  /**
   * The store for a request.
   *
   * @param context - the context of the framework
   * @returns the store
   */
  storeFor(context: C): Store<any>;
  readonly namespace: string;
  /** Other libraries whose sessions are adopted. */
  readonly adopt: readonly AdoptionSource[];
}

/** Everything that the headers of a response depend on. */
export interface ReplyContents {
  readonly settings: RequestSettings;
  readonly view: RequestView;
  /** The attributes of cookies. */
  readonly cookie: CookieSettings;
  /** The token that the request contains. */
  readonly found: Found | undefined;
  readonly outcome: Reply;
  /** True if the handler used the session. */
  readonly asked: boolean;
}

/**
 * Writes the reply for the client into the headers, instead of `writeReply`: for cookies whose attributes depend on
 * the session, or that are sent less often than deadlines are moved.
 */
export type ReplyWriter = (reply: ReplyContents, headers: ResponseHeaders) => void;

const made = new WeakMap<object, RequestSettings>();

/** The settings of a result of `session()`. */
export function settingsOf(sessions: object): RequestSettings | undefined {
  return made.get(sessions);
}

/** Remembers the settings of a result of `session()`. */
export function rememberSettings(sessions: object, settings: RequestSettings): void {
  made.set(sessions, settings);
}

/**
 * Validates the options of a middleware; every mistake throws here, none at run time.
 *
 * @param called - all arguments of `session()`
 * @param makeMemory - makes the storage if none is given; default: one that only this middleware uses
 * @returns the settings
 * @throws {TypeError | RangeError} if an option is invalid; the message says what to write
 * @example
 * ```ts
 * const session = (...called: readonly unknown[]) => middlewareOf(requestSettings(called));
 * ```
 */
export function requestSettings<C extends readonly unknown[], R>(
  called: readonly unknown[],
  makeMemory?: () => Storage,
): RequestSettings<C, R> {
  const given = (called[0] ?? {}) as SessionOptions<C, R>;
  if (called.length > 1 || !isPlainObject(given)) throw noOptions(given);
  const options = onlyKeys("session", given, [...STORE_OPTIONS, ...REQUEST_OPTIONS], OTHER_OPTIONS);
  const extractor = options.extractor ?? fromCookie();
  assertExtractor("extractor", extractor);
  const writable = extractor.members.filter(isWritable);
  const cookies = writable.filter(({ source }) => source === "cookie").map(({ key }) => key);
  assertDifferent(writable);
  const { store, storeFor, namespace } = stores(options, makeMemory);
  return Object.freeze({
    extractor,
    writable,
    asked: askedHeaders(extractor),
    ...cookieAttributes(options.cookie, cookies),
    isLazy: oneOf("load", options.load ?? "eager", ["eager", "lazy"]) === "lazy",
    requests: boolean("asyncLocalStorage", options.asyncLocalStorage ?? false) ? asyncContext() : undefined,
    storesNew: oneOf("storeNew", options.storeNew ?? "written", ["written", "always"]) === "always",
    sendsInAll: oneOf("answerIn", options.answerIn ?? "source", ["source", "all"]) === "all",
    skip: options.skip && synchronous(callable("skip", options.skip, "(context) => boolean")),
    errorHandler:
      options.errorHandler &&
      (callable("errorHandler", options.errorHandler, "(error, context) => …") as (
        error: unknown,
        ...context: C
      ) => Awaitable<R>),
    store,
    storeFor,
    namespace,
    adopt: adoptionSources(options.adopt ?? []),
  });
}

/** The error for something else than options. */
function noOptions(given: unknown): TypeError {
  const isStorage = typeof (given as Partial<Storage>).create === "function";
  if (isPromise(given)) return misplaced("session: options", given, "session(await …)");
  if (isStorage) return misplaced("session: options", given, "session({ storage })");
  return mistake(
    "wrong-call",
    "session() takes options and makes the middleware; write app.use(session({ … })), not app.use(session), or " +
      "session({ … })(handler) with holdfast/node and holdfast/fetch",
  );
}

function adoptionSources(given: unknown): readonly AdoptionSource[] {
  const hint = "[fromExpressSession({ secret, store })], of functions of holdfast/adopt";
  if (!Array.isArray(given)) throw misplaced("adopt", given, hint);
  const sources = [...(given as unknown[])] as Partial<AdoptionSource>[];
  for (const [i, one] of sources.entries())
    if (typeof one?.library !== "string" || typeof one.find !== "function" || typeof one.cookies !== "function")
      throw misplaced(`adopt[${i}]`, one, hint);
  return sources as AdoptionSource[];
}

function cookieAttributes<C extends readonly unknown[]>(
  given: SessionOptions<C>["cookie"] = {},
  names: readonly string[],
): Pick<RequestSettings<C>, "cookie" | "cookieFor"> {
  if (typeof given !== "function") return { cookie: cookieSettings(given, names) };
  return { cookie: cookieSettings({}, names), cookieFor: cookiePerRequest(given, names) };
}

/** Checks the result of `skip`. A promise is always truthy, so every request would be skipped: it is refused. */
function synchronous<C extends readonly unknown[]>(skip: (...context: C) => boolean): (...context: C) => boolean {
  return (...context) => {
    const skips: unknown = skip(...context);
    if (!isPromise(skips)) return skips as boolean;
    skips.then(undefined, () => {});
    throw mistake("wrong-option", "skip returned a promise; it must be synchronous: (context) => boolean");
  };
}

interface Stores<C extends readonly unknown[]> {
  readonly store: Store<any> | undefined;
  readonly storeFor: (context: C) => Store<any>;
  readonly namespace: string;
}

function stores<C extends readonly unknown[]>(
  options: SessionOptions<C, any>,
  makeMemory?: () => Storage,
): Stores<C> {
  if (options.store !== undefined) return ready(options);
  const { storage, ...rest } = ownOptions(options);
  if (typeof storage === "function") return perRequest(rest, storage as (...context: C) => Storage);
  const settings = storeSettings(storage === undefined ? rest : { ...rest, storage }, makeMemory);
  const store = storeOf(settings);
  return { store, storeFor: () => store, namespace: settings.namespace };
}

function ready(options: SessionOptions<any, any>): Stores<any> {
  const parts: StoreParts | undefined = partsOf(options.store);
  if (!parts)
    throw misplaced(
      "store",
      options.store,
      "the result of createStore({ storage }); a storage is passed as `storage`, and stores of express-session and " +
        "connect are not storages: storage: redisStorage(client), or another",
    );
  const beside = STORE_OPTIONS.find((name) => (options as Record<string, unknown>)[name] !== undefined);
  if (beside)
    throw misplaced(
      beside,
      options[beside],
      `it into createStore({ ${beside} }): a ready \`store\` has its options already`,
    );
  const store = options.store!;
  return { store, storeFor: () => store, namespace: parts.settings.namespace };
}

/** One store for each storage that the function returns; they share settings and registered types. */
function perRequest<C extends readonly unknown[]>(
  options: StoreOptions,
  choose: (...context: C) => Storage,
): Stores<C> {
  const settings = storeSettings({ ...options, storage: NEVER_USED });
  const values = new ValueCodec(settings.maxRecordBytes, settings.types);
  const known = new WeakMap<Storage, Store<any>>();
  const storeFor = (context: C): Store<any> => {
    const storage = assertStorage(choose(...context));
    const store = known.get(storage) ?? storeOf(withStorage(settings, storage), values);
    known.set(storage, store);
    return store;
  };
  return { store: undefined, storeFor, namespace: settings.namespace };
}

const never = (): never => {
  throw mistake("wrong-option", "the storage is known only inside a request");
};
const NEVER_USED: Storage = { get: never, create: never, update: never, touch: never, delete: never };

function ownOptions(options: SessionOptions<any, any>): StoreOptions {
  return Object.fromEntries(
    STORE_OPTIONS.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]),
  ) as StoreOptions;
}

function assertDifferent(writable: readonly Extractor[]): void {
  const places = writable.map(placeOf);
  const twice = places.find((place, i) => places.indexOf(place) !== i);
  if (twice) throw mistake("wrong-option", `the extractor writes the ${twice} twice; name each place once`);
}

/** Name of the place of a token, for messages. */
export function placeOf({ source, key }: Extractor): string {
  return source === "cookie" ? `cookie ${key}` : `header ${key.toLowerCase()}`;
}

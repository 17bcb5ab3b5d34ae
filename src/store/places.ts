import type { Session, StoredSession, Store } from "../contracts/session.js";
import { SessionError } from "../errors.js";
import type { AnswerHeaders, RequestView } from "../http/view.js";
import type { SessionData } from "../session-data.js";
import { controlOf } from "./session.js";
import { Exchange, noSession, notLoaded } from "./exchange.js";
import { placeOf, type RequestSettings } from "./request-options.js";

/** The exchanges of one request. */
interface Places {
  /** Those of its middlewares, the innermost's last. */
  readonly mounted: Exchange[];
  /** Those opened by hand where nothing is mounted. */
  readonly opened: Exchange[];
}

/** Its constructor answers the object it is given, so that a class that extends it puts its private fields there. */
// oxlint-disable-next-line typescript/no-extraneous-class -- no function does that for a class
class Given {
  constructor(object: object) {
    return object;
  }
}

/** A request with its exchanges under a private name: nobody else sees it, and no table of all requests grows beside them. */
class Stamped extends Given {
  readonly #places: Places;

  constructor(context: object, places: Places) {
    super(context);
    this.#places = places;
  }

  static placesOf(context: object): Places | undefined {
    return #places in context ? context.#places : unstamped.get(context);
  }
}

/** Those of requests that take no new property: engines are about to refuse them private names as well. */
const unstamped = new WeakMap<object, Places>();

function placesOf(context: object): Places {
  const known = Stamped.placesOf(context);
  if (known) return known;
  const places: Places = { mounted: [], opened: [] };
  if (Object.isExtensible(context)) new Stamped(context, places);
  else unstamped.set(context, places);
  return places;
}

/** Begins the exchange of one middleware. Two that answer in the same place are a mistake, named here. */
export function enter(context: object, exchange: Exchange): void {
  const { mounted } = placesOf(context);
  for (const other of mounted) assertApart(other.settings, exchange.settings);
  mounted.push(exchange);
}

/** The exchange of these settings, or of the innermost middleware. */
export function exchangeOf(context: object, settings?: RequestSettings): Exchange | undefined {
  const all = isObject(context) ? Stamped.placesOf(context)?.mounted : undefined;
  return settings ? all?.findLast((exchange) => exchange.settings === settings) : all?.at(-1);
}

/** The session of a request, once loaded; throws `no-session` or `not-loaded`. */
export function getSession<D extends object = SessionData>(context: object, settings?: RequestSettings): Session<D> {
  const exchange = exchangeOf(context, settings);
  if (!exchange) throw noSession();
  if (!exchange.session) throw notLoaded();
  return exchange.session;
}

/** The session of a request; loads it where that was not done yet. Throws `no-session`. */
export async function loadSession<D extends object = SessionData>(context: object, settings?: RequestSettings): Promise<Session<D>> {
  const exchange = exchangeOf(context, settings);
  if (!exchange) throw noSession();
  return exchange.open();
}

/** The session of a request, or undefined where there is none or it is not loaded: for guards. */
export function findSession<D extends object = SessionData>(context: object, settings?: RequestSettings): Session<D> | undefined {
  return exchangeOf(context, settings)?.session;
}

/** Store pattern: the session of a request where nothing needs to be mounted; saved by `save()`, which answers at once. */
export async function openSession<D extends object>(settings: RequestSettings, store: Store<D>, view: RequestView, context: object, headers: AnswerHeaders): Promise<StoredSession<D>> {
  const own = exchangeOf(context, settings) ?? placesOf(context).opened.find((exchange) => exchange.settings === settings);
  if (own) return own.reopen();
  const exchange = new Exchange(settings, store, view);
  placesOf(context).opened.push(exchange);
  return answeringAtOnce(exchange, headers);
}

/** Opens the session of a request that gets no answer (an upgrade to WebSocket): what it holds can be changed and saved, its token cannot. */
export async function readSession<D extends object>(settings: RequestSettings, store: Store<D>, view: RequestView): Promise<StoredSession<D>> {
  return new Exchange(settings, store, view, "nobody").open();
}

async function answeringAtOnce(exchange: Exchange, headers: AnswerHeaders): Promise<StoredSession<any>> {
  const session = await exchange.open();
  const control = controlOf(session);
  control.core.asked = true;
  control.onPersisted = () => exchange.answer(headers);
  exchange.answer(headers);
  return session;
}

function assertApart(outer: RequestSettings, inner: RequestSettings): void {
  const places = outer.writable.map(placeOf);
  const shared = inner.writable.map(placeOf).find((place) => places.includes(place));
  if (!shared) return;
  throw new TypeError(
    `holdfast: two session middlewares answer in the ${shared}, those of the namespaces ${outer.namespace} and ${inner.namespace}; mount one of them once, or give them different extractors`,
  );
}

const isObject = (value: unknown): value is object => (typeof value === "object" && value !== null) || typeof value === "function";

/** `sessions.store` where the storage depends on the request. */
export function storeOutsideRequest(store: Store<any> | undefined): Store<any> {
  if (store) return store;
  throw new SessionError("unsupported", "the storage is a function of the request: outside of one there is no store; use session.store, or createStore({ storage })");
}

import type { IncomingMessage } from "node:http";
import type { Request } from "express";
import type { SessionOptions as OriginalOptions } from "express-session";
import type { AdoptionSource } from "../contracts/adoption-source.js";
import { type Clock, systemClock, type Duration, milliseconds } from "../util/time.js";
import type { SessionEvent } from "../contracts/events.js";
import type { Storage } from "../contracts/storage.js";
import { signedValues, type CookieSecret, type SignedValues } from "../cookie/signed.js";
import { cookieName } from "../cookie/cookie.js";
import { misplaced } from "../util/assert.js";
import { environment, warn } from "../util/builtin.js";
import { randomText } from "../util/bytes.js";
import type { ConnectStore } from "./connect-store.js";
import type { Attributes } from "./session-cookie.js";

/** Options of Holdfast that are not options of express-session. */
export interface HoldfastOptions {
  /** Where sessions are stored, instead of `store`: then all promises of Holdfast hold. Default: memory. */
  storage?: Storage;
  /**
   * With `storage`: the stores that were used before, made by `fromExpressSession` and the other functions of
   * `holdfast/adopt`. Their sessions are taken over, so that no user is logged out.
   */
  adopt?: readonly AdoptionSource[];
  /** With `storage`: start of every storage key. Default `"holdfast"`. */
  namespace?: string;
  /** With `storage`: idle timeout of sessions whose cookie has no `maxAge`. Default `"24h"`. */
  idleTimeout?: Duration;
  /** With `storage`: a session ends this long after its creation. Default: never. */
  absoluteTimeout?: Duration;
  /**
   * With `storage`: minimum time between two writes that only move the deadline. Default: a tenth of the idle timeout,
   * at most 5 min; with `rolling: true` 0, on every request.
   */
  refreshInterval?: Duration;
  /** With `storage`: how long the id of an ended session is recognised. Default `"15m"`. */
  retiredFor?: Duration;
  /** A call of the store that takes longer fails with `timeout`. Default `"2s"`, with a connect store `"10s"`. */
  storageTimeout?: Duration;
  /** With `storage`: time limit of all storage calls of one commit. Default `"5s"`. */
  commitTimeout?: Duration;
  /** With `storage`: largest record, in UTF-8 bytes. Default 65536. */
  maxRecordBytes?: number;
  /** With `storage`: how many sessions an owner may have, if `getSession(req).authenticate` is used. Default 100. */
  maxSessionsPerOwner?: number;
  /** Source of time. Default: the system clock. */
  clock?: Clock;
  /** Called with each event. */
  onEvent?: (event: SessionEvent) => void;
  /** Sends the response if the session itself fails; if it sends none, the error goes to `next`. */
  errorHandler?: (error: unknown, req: any, res: any) => unknown;
}

/** Options of {@link session}: those of express-session, and some of Holdfast. */
export interface DropInOptions extends Omit<OriginalOptions, "secret" | "store" | "cookie">, HoldfastOptions {
  /** Signs the cookie; of several secrets the first one signs, all of them verify. */
  secret?: CookieSecret | readonly CookieSecret[];
  /** A store made for express-session: connect-redis, connect-pg-simple, connect-mongo … */
  store?: OriginalOptions["store"] | ConnectStore;
  /** Attributes of the cookie; or a function of the request that returns them. */
  cookie?: Attributes | ((req: Request) => Attributes);
  /** An older name of `name`. */
  key?: string;
}

/** The request, with what frameworks and other middlewares put onto it. */
export interface DropInRequest extends IncomingMessage {
  session?: any;
  sessionID?: any;
  sessionStore?: any;
  originalUrl?: string;
  secret?: CookieSecret | readonly CookieSecret[];
  secure?: boolean;
  cookies?: Record<string, unknown>;
  signedCookies?: Record<string, unknown>;
}

/** The validated options. */
export interface DropInSettings {
  readonly name: string;
  /** Undefined: `req.secret` is used. */
  readonly signed: SignedValues | undefined;
  readonly genid: (req: DropInRequest) => string;
  readonly cookie: Attributes | ((req: DropInRequest) => Attributes);
  readonly proxy: boolean | undefined;
  readonly resave: boolean;
  readonly rolling: boolean;
  readonly saveUninitialized: boolean;
  readonly destroysUnset: boolean;
  readonly store: ConnectStore | undefined;
  readonly storage: Storage | undefined;
  readonly clock: Clock;
  /** Of a connect store, in ms. */
  readonly storeTimeout: number;
  readonly emit: (event: SessionEvent) => void;
  readonly errorHandler: HoldfastOptions["errorHandler"];
  /** What is probably a mistake, for a warning at the first request. */
  readonly doubts: readonly string[];
  /** The options of Holdfast that were given. */
  readonly own: HoldfastOptions;
}

const OWN: readonly (keyof HoldfastOptions)[] = [
  "storage",
  "adopt",
  "namespace",
  "idleTimeout",
  "absoluteTimeout",
  "refreshInterval",
  "retiredFor",
  "storageTimeout",
  "commitTimeout",
  "maxRecordBytes",
  "maxSessionsPerOwner",
  "clock",
  "onEvent",
  "errorHandler",
];

/** Options that have an effect with `storage` only. */
const WITH_STORAGE: readonly (keyof HoldfastOptions)[] = [
  "adopt",
  "namespace",
  "idleTimeout",
  "absoluteTimeout",
  "refreshInterval",
  "retiredFor",
  "commitTimeout",
  "maxRecordBytes",
  "maxSessionsPerOwner",
];

const THEIRS = [
  "secret",
  "name",
  "key",
  "genid",
  "cookie",
  "proxy",
  "resave",
  "rolling",
  "saveUninitialized",
  "unset",
  "store",
];

/** Validates the options of the drop-in. */
export function dropInSettings(options: DropInOptions): DropInSettings {
  const { genid, unset, store, storage, resave, saveUninitialized } = options;
  if (genid !== undefined && typeof genid !== "function")
    throw new TypeError("holdfast: genid option must be a function: (req) => an unguessable string");
  if (unset && unset !== "destroy" && unset !== "keep")
    throw new TypeError('holdfast: unset option must be "destroy" or "keep"');
  return Object.freeze({
    name: cookieName("name", options.name || options.key || "connect.sid"),
    signed: signed(options.secret),
    genid: (genid as DropInSettings["genid"] | undefined) ?? ((): string => randomText(24)),
    cookie: (options.cookie as DropInSettings["cookie"] | undefined) ?? {},
    proxy: options.proxy,
    resave: resave === undefined || resave,
    rolling: Boolean(options.rolling),
    saveUninitialized: saveUninitialized === undefined || saveUninitialized,
    destroysUnset: unset === "destroy",
    store: store === undefined ? undefined : checkedStore(store, options),
    storage,
    clock: options.clock ?? systemClock,
    storeTimeout: milliseconds("storageTimeout", options.storageTimeout ?? "10s", 1),
    emit: quietly(options.onEvent),
    errorHandler: options.errorHandler,
    doubts: doubtsOf(options),
    own: Object.fromEntries(OWN.filter((name) => options[name] !== undefined).map((name) => [name, options[name]])),
  });
}

function signed(secret: DropInOptions["secret"]): SignedValues | undefined {
  if (!secret) return undefined;
  if (Array.isArray(secret) && secret.length === 0)
    throw new TypeError("holdfast: secret option array must contain one or more strings");
  return signedValues("secret", secret);
}

function checkedStore(store: NonNullable<DropInOptions["store"]>, options: DropInOptions): ConnectStore {
  const one = store as unknown as ConnectStore;
  for (const method of ["get", "set", "destroy"] as const)
    if (typeof one?.[method] !== "function")
      throw misplaced("store", store, "a store for express-session; a storage of Holdfast is passed as `storage`");
  const beside = options.storage === undefined ? WITH_STORAGE.find((name) => options[name] !== undefined) : "storage";
  if (beside !== undefined)
    throw new TypeError(
      `holdfast: ${beside} has no effect beside \`store\`; write storage instead of store, or leave it out`,
    );
  return one;
}

/** express-session ignores unknown options, and has defaults that are rarely meant. */
function doubtsOf(options: DropInOptions): readonly string[] {
  const known: readonly string[] = [...THEIRS, ...OWN];
  const unknown = Object.keys(options).filter((name) => !known.includes(name));
  return [
    ...(unknown.length > 0 ? [`there is no option ${unknown.join(", ")}`] : []),
    ...(options.resave === undefined ? ["resave is missing; write resave: false"] : []),
    ...(options.saveUninitialized === undefined
      ? ["saveUninitialized is missing, and every visitor gets a session; write saveUninitialized: false"]
      : []),
  ];
}

const told = new WeakSet<DropInSettings>();

/** Shows what is probably a mistake, once, not in production. */
export function warnOfDoubts(settings: DropInSettings): void {
  if (told.has(settings)) return;
  told.add(settings);
  if (environment("NODE_ENV") === "production") return;
  for (const doubt of settings.doubts) warn(`holdfast: session() of express-session: ${doubt}`);
}

function quietly(onEvent: HoldfastOptions["onEvent"]): (event: SessionEvent) => void {
  return (event) => {
    try {
      onEvent?.(event);
    } catch (error) {
      warn(`holdfast: onEvent threw on ${event.type}: ${String(error)}`);
    }
  };
}

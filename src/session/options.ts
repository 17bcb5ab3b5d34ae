import { systemClock, type Clock, milliseconds, type Duration } from "../util/time.js";
import type { SessionEvent } from "../contracts/events.js";
import type { Schemas } from "../contracts/schema.js";
import type { TypeCodec } from "../session-data.js";
import type { Storage } from "../contracts/storage.js";
import { callable, misplaced, misuse, oneOf, onlyKeys, outOfRange, wholeNumber } from "../util/assert.js";
import { builtinModule, warn } from "../util/builtin.js";
import { assertCrypto } from "../util/bytes.js";
import { OTHER_OPTIONS } from "../util/other-names.js";
import { isPromise } from "../util/async.js";
import { assertStorage } from "../storage/driver.js";
import { memoryStorage } from "../storage/memory.js";
import { warnOfMemory } from "./short-lived.js";
import { schemaTable, type Invalid, type SchemaTable } from "./schemas.js";
import { customToken, randomToken, type TokenSource } from "./token.js";

/** Options of a store. */
export interface StoreOptions {
  /** Where records are stored. Default: the memory of this process, with a warning in production. */
  storage?: Storage;
  /**
   * Start of every storage key, 1 to 64 of `A-Z a-z 0-9 . _ -`. Applications that share a database need different
   * namespaces. Default `"holdfast"`.
   */
  namespace?: string;
  /** A session expires if it is not used for this time; at least one second. Default `"30m"`. */
  idleTimeout?: Duration;
  /** The same for sessions without an owner; not longer than `idleTimeout`. Default: `idleTimeout`. */
  anonymousIdleTimeout?: Duration;
  /**
   * A session expires this long after its creation or its last login, even if it is used; not shorter than the idle
   * timeout. Default: never, or 400 days with an owner.
   */
  absoluteTimeout?: Duration;
  /**
   * Minimum time between two refreshes of deadline and cookie. Default: a tenth of the idle timeout, between 1 s and 5
   * min. 0: on every request.
   */
  refreshInterval?: Duration;
  /** How long a renewed token is recognised, for late requests that use it. Default `"15m"`. */
  retiredFor?: Duration;
  /** A storage call that takes longer fails with `timeout`. Default `"2s"`. */
  storageTimeout?: Duration;
  /** Time limit of all storage calls of one commit. Default `"5s"`. */
  commitTimeout?: Duration;
  /** Largest record, in UTF-8 bytes. Default 65536. */
  maxRecordBytes?: number;
  /**
   * Maximum number of sessions of an owner. A number: a login that exceeds it ends the oldest session; `{ max, policy:
   * "refuse" }`: the login fails with `too-many-sessions`. Default 100 (OWASP ASVS 7.1.2), at most 10,000: each login
   * reads and writes the owner list with about 70 bytes for each session.
   */
  maxSessionsPerOwner?: number | { max: number; policy: "end-oldest" | "refuse" };
  /**
   * Generates tokens: 16 to 256 characters of `A-Za-z0-9._~-`, unguessable (OWASP ASVS 7.2.3: 128 bits of entropy or
   * more). Default: 256 random bits.
   */
  keyGenerator?: () => string;
  /** Classes whose instances sessions can store, by tag. */
  types?: Readonly<Record<string, TypeCodec>>;
  /**
   * A schema for each key, of any library with Standard Schema (zod, valibot, arktype …). It defines the types of the
   * keys, and values are checked when they are set and when they are read. It must be synchronous, and accept its own
   * output. Keys without a schema are stored unchecked.
   *
   * @example
   * ```ts
   * session({ schema: { visits: v.number(), cart: v.array(Item) } })
   * ```
   */
  schema?: Schemas;
  /**
   * What to do with a stored value that does not match its schema: `"drop"` (default) ignores it, with an event
   * `invalid`, `"throw"` throws when it is read. It stays stored until it is replaced or deleted.
   */
  invalid?: Invalid;
  /** Source of time. Default: the system clock. */
  clock?: Clock;
  /** Called with each event. */
  onEvent?: (event: SessionEvent) => void;
}

export const STORE_OPTIONS: readonly (keyof StoreOptions)[] = [
  "storage",
  "namespace",
  "idleTimeout",
  "anonymousIdleTimeout",
  "absoluteTimeout",
  "refreshInterval",
  "retiredFor",
  "storageTimeout",
  "commitTimeout",
  "maxRecordBytes",
  "maxSessionsPerOwner",
  "keyGenerator",
  "types",
  "schema",
  "invalid",
  "clock",
  "onEvent",
];

/** Validated options; all times in ms. */
export interface StoreSettings {
  readonly storage: Storage;
  readonly namespace: string;
  readonly idle: number;
  /** For sessions without an owner. */
  readonly anonymousIdle: number;
  readonly absolute: number | undefined;
  readonly refreshInterval: number;
  readonly retiredFor: number;
  readonly storageTimeout: number;
  readonly commitTimeout: number;
  readonly maxRecordBytes: number;
  readonly perOwner: { readonly max: number; readonly policy: "end-oldest" | "refuse" };
  readonly tokens: TokenSource;
  /**
   * True if an ended session leaves a marker for `retiredFor`: its token is never a new session's in that time. For
   * applications that create sessions under given tokens.
   */
  readonly marksEnds?: boolean;
  readonly types: Readonly<Record<string, TypeCodec>>;
  readonly schemas: SchemaTable | undefined;
  readonly clock: Clock;
  readonly emit: (event: SessionEvent) => void;
  /** True if there is a listener: events of the ordinary lifecycle are not created without one. */
  readonly hears: () => boolean;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const MOST_PER_OWNER = 10_000;

/** Validates the options of a store; every mistake throws here, none at run time. */
export function storeSettings(given: StoreOptions = {}, makeMemory: () => Storage = memoryStorage): StoreSettings {
  const options = onlyKeys("createStore", given, STORE_OPTIONS, OTHER_OPTIONS);
  assertCrypto();
  const idle = milliseconds("idleTimeout", options.idleTimeout ?? 30 * MINUTE, SECOND);
  const storage = options.storage === undefined ? makeMemory() : assertStorage(options.storage);
  warnOfMemory(options.storage);
  return Object.freeze({
    storage,
    namespace: namespace(options.namespace ?? "holdfast"),
    idle,
    anonymousIdle: anonymousIdle(options.anonymousIdleTimeout, idle),
    absolute: absolute(options.absoluteTimeout, idle),
    refreshInterval: refreshInterval(options.refreshInterval, idle),
    retiredFor: milliseconds("retiredFor", options.retiredFor ?? 15 * MINUTE, SECOND),
    storageTimeout: milliseconds("storageTimeout", options.storageTimeout ?? 2 * SECOND, 1),
    commitTimeout: milliseconds("commitTimeout", options.commitTimeout ?? 5 * SECOND, 1),
    maxRecordBytes: Math.min(
      wholeNumber("maxRecordBytes", options.maxRecordBytes ?? 65_536, 256),
      storage.maxValueBytes ?? Infinity,
    ),
    perOwner: perOwner(options.maxSessionsPerOwner ?? 100),
    tokens:
      options.keyGenerator === undefined
        ? randomToken
        : customToken(callable("keyGenerator", options.keyGenerator, "() => an unguessable text")),
    types: options.types ?? {},
    schemas: schemaTable(options.schema, options.invalid),
    clock: clock(options.clock ?? systemClock),
    ...emitter(options.onEvent),
  });
}

/** The same settings with another storage (one that is known only in a request). */
export function withStorage(settings: StoreSettings, storage: Storage): StoreSettings {
  return Object.freeze({
    ...settings,
    storage,
    maxRecordBytes: Math.min(settings.maxRecordBytes, storage.maxValueBytes ?? Infinity),
  });
}

function namespace(value: unknown): string {
  if (typeof value !== "string" || !/^[\w.-]{1,64}$/.test(value))
    throw misuse("namespace", value, "1 to 64 letters, digits and . _ -");
  return value;
}

function refreshInterval(value: Duration | undefined, idle: number): number {
  if (value === undefined) return Math.min(Math.max(idle / 10, SECOND), 5 * MINUTE, idle / 2);
  const ms = milliseconds("refreshInterval", value, 0);
  if (ms >= idle)
    throw outOfRange(
      "refreshInterval",
      value,
      `below the idle timeout (${idle} ms), or sessions in use would end; leave it out for a tenth of that`,
    );
  return ms;
}

function anonymousIdle(value: Duration | undefined, idle: number): number {
  if (value === undefined) return idle;
  const ms = milliseconds("anonymousIdleTimeout", value, SECOND);
  if (ms > idle) throw outOfRange("anonymousIdleTimeout", value, `at most the idle timeout (${idle} ms)`);
  return ms;
}

function perOwner(value: NonNullable<StoreOptions["maxSessionsPerOwner"]>): StoreSettings["perOwner"] {
  if (typeof value !== "object") return { max: sessionsPerOwner("maxSessionsPerOwner", value), policy: "end-oldest" };
  const limit = onlyKeys("maxSessionsPerOwner", value, ["max", "policy"]);
  const policy = oneOf("maxSessionsPerOwner.policy", limit.policy, ["end-oldest", "refuse"]);
  return { max: sessionsPerOwner("maxSessionsPerOwner.max", limit.max), policy };
}

/** Each login reads and writes the whole list of an owner. */
function sessionsPerOwner(option: string, value: number): number {
  const max = wholeNumber(option, value, 1);
  if (max > MOST_PER_OWNER)
    throw outOfRange(option, value, `at most ${MOST_PER_OWNER}: each login reads and writes the whole list`);
  return max;
}

function absolute(value: Duration | undefined, idle: number): number | undefined {
  if (value === undefined) return undefined;
  const ms = milliseconds("absoluteTimeout", value, SECOND);
  if (ms < idle) throw outOfRange("absoluteTimeout", value, `at least the idle timeout (${idle} ms), or left out`);
  return ms;
}

function clock(value: Clock): Clock {
  if (typeof value?.now !== "function" || typeof value.setTimer !== "function")
    throw misplaced("clock", value, "{ now(): ms, setTimer(ms, callback): cancel }");
  return value;
}

interface Channel {
  readonly hasSubscribers: boolean;
  publish(message: unknown): void;
}

const NO_CHANNEL: Channel = { hasSubscribers: false, publish() {} };

/**
 * Sends events to `onEvent` and to the diagnostics channel `holdfast`. A listener that throws, or whose promise
 * rejects, has no effect; each store warns about it once.
 */
function emitter(onEvent: ((event: SessionEvent) => void) | undefined): Pick<StoreSettings, "emit" | "hears"> {
  if (onEvent !== undefined) callable("onEvent", onEvent, "({ type, id, cause }) => …");
  let channel: Channel | undefined;
  let hasWarned = false;
  const failed = (how: "threw" | "rejected", type: string, error: unknown): void => {
    if (!hasWarned) warn(`holdfast: onEvent ${how} on ${type}: ${String(error)}`);
    hasWarned = true;
  };
  const subscribed = (): Channel | undefined => {
    channel ??=
      builtinModule<{ channel(name: string): Channel }>("node:diagnostics_channel")?.channel("holdfast") ??
      NO_CHANNEL;
    return channel.hasSubscribers ? channel : undefined;
  };
  const emit = (event: SessionEvent): void => {
    try {
      subscribed()?.publish(event);
      const result: unknown = onEvent?.(event);
      if (isPromise(result)) result.then(undefined, (error: unknown) => failed("rejected", event.type, error));
    } catch (error) {
      failed("threw", event.type, error);
    }
  };
  return { emit, hears: () => onEvent !== undefined || subscribed() !== undefined };
}

import type { Duration, Clock } from "../util/time.js";

/**
 * The storage contract. A storage is a simple driver: it stores strings under keys, each with a version and a
 * deadline. It knows nothing about sessions, tokens or cookies.
 *
 * Rules for every driver (`storageSuite` in `holdfast/testing` checks them):
 *
 * - A driver reads no clock and decides no expiry: the store passes `now` and decides which entries have expired.
 *   `get` may return an entry after its `expiresAt`; a driver may remove it five minutes after that at the earliest.
 * - An exception means that the storage failed. "Not found", "other version" and "key exists" are return values.
 * - Every write is conditional: `update`, `touch` and `delete` name the version they replace, `create` only inserts,
 *   `update` never inserts.
 * - A key that was deleted and created again never has an earlier version again.
 * - A key is visible ASCII, 128 characters at most: a namespace, a colon, a hash. Keys are case-sensitive.
 * - A value is any string of well-formed Unicode, including U+0000 and the empty string.
 * - No call uses two keys. Reads go to the primary server.
 */
export interface Storage {
  /**
   * Reads one key, in one command.
   *
   * @param key - the key
   * @param call - time, abort signal and timeout of this call
   * @returns the entry, or `undefined` or `null` if the key does not exist
   * @throws any error, if the storage failed
   */
  get(key: string, call: StorageCall): Awaitable<StoredEntry | null | undefined>;
  /**
   * Inserts the entry if the key does not exist.
   *
   * @param key - the key
   * @param entry - value and deadline
   * @param call - time, abort signal and timeout of this call
   * @returns the stored version, or `false` if the key exists
   * @throws any error, if the storage failed
   */
  create(key: string, entry: StorageEntry, call: StorageCall): Awaitable<Written | false>;
  /**
   * Replaces the entry if it still has this version. Never inserts.
   *
   * @param key - the key
   * @param entry - the new value and deadline
   * @param version - the version to replace
   * @param call - time, abort signal and timeout of this call
   * @returns the stored version, or `false` if the key does not exist or has another version
   * @throws any error, if the storage failed
   */
  update(key: string, entry: StorageEntry, version: Version, call: StorageCall): Awaitable<Written | false>;
  /**
   * Changes the deadline of the entry if it still has this version.
   *
   * @param key - the key
   * @param expiresAt - the new deadline in epoch milliseconds
   * @param version - the version to replace
   * @param call - time, abort signal and timeout of this call
   * @returns the stored version, or `false` if the key does not exist or has another version
   * @throws any error, if the storage failed
   */
  touch(key: string, expiresAt: number, version: Version, call: StorageCall): Awaitable<Written | false>;
  /**
   * Removes the entry if it still has this version.
   *
   * @param key - the key
   * @param version - the version to remove
   * @param call - time, abort signal and timeout of this call
   * @returns `true` if it was removed, `false` if the key does not exist or has another version
   * @throws any error, if the storage failed
   */
  delete(key: string, version: Version, call: StorageCall): Awaitable<boolean>;

  /**
   * Optional: removes every key that starts with `prefix`.
   *
   * @param prefix - start of the keys
   * @param call - time, abort signal and timeout of this call
   * @throws any error, if the storage failed
   */
  clear?(prefix: string, call: StorageCall): Awaitable<void>;
  /**
   * Optional, for databases without time-to-live: removes entries whose deadline passed more than five minutes ago.
   *
   * @param call - time, abort signal and timeout of this call
   * @returns how many entries were removed
   * @throws any error, if the storage failed
   */
  sweep?(call: StorageCall): Awaitable<number>;
  /**
   * Optional, with `sweep`: calls `sweep` periodically until `close`. Its timer does not keep the process running. If
   * the database allows it, only one of several processes sweeps at a time. A second call restarts it.
   *
   * @param options - how often, and the function that receives errors
   * @throws {TypeError | RangeError} if an option is invalid
   * @example
   * ```ts
   * storage.startSweep({ every: "10m", onError: console.error });
   * ```
   */
  startSweep?(options?: SweepOptions): void;
  /**
   * Optional: checks the database and the permissions, at the start of a server and for operators. It is never part of
   * a request. It may write, read and remove a test key.
   *
   * @param call - as in every call; `now` is compared with the clock of the database
   * @param prefix - start of the test keys. Default: `holdfast:`, as with the store's default `namespace`
   * @returns the findings, each with a level and advice. They contain no secret
   * @throws the error of the client, if the database cannot be reached
   * @example
   * ```ts
   * const call = { now: Date.now(), signal: AbortSignal.timeout(5000) };
   * for (const { level, what, advice } of await storage.check(call))
   *   if (level !== "ok") console.warn(`${level}: ${what}; ${advice}`);
   * ```
   */
  check?(call: StorageCall, prefix?: string): Awaitable<readonly StorageFinding[]>;
  /** Optional: the largest value that this storage accepts, in UTF-8 bytes. */
  readonly maxValueBytes?: number;
  /**
   * Optional: stops what the driver started. It never closes the client that was passed to it.
   *
   * @throws any error, if the storage failed
   */
  close?(): Awaitable<void>;
}

/** Identifies one state of an entry. The store passes it back unchanged and never interprets it. */
export type Version = string | number;

/** The entry to write under a key. */
export interface StorageEntry {
  readonly value: string;
  /** Deadline in epoch milliseconds, stored exactly beside the value. */
  readonly expiresAt: number;
}

/** The entry read under a key. */
export interface StoredEntry extends StorageEntry {
  readonly version: Version;
}

/** The result of a successful write. */
export interface Written {
  /** The stored version; `undefined` if the database does not return it (the next write then reads first). */
  readonly version: Version | undefined;
}

/** Argument of every storage call. */
export interface StorageCall {
  /** Time of the caller in epoch milliseconds. */
  readonly now: number;
  /** Aborted when the caller stops waiting. The command may still take effect. */
  readonly signal: AbortSignal;
  /**
   * How long the caller waits, in ms, if it stops waiting after a fixed time. A client can use it as its own timeout.
   */
  readonly timeout?: number;
}

/** Options of `startSweep`. */
export interface SweepOptions {
  /** Time between the end of a sweep and the next one; the first begins within that time. Default `"10m"`. */
  readonly every?: Duration;
  /** Called with the error of a failed sweep; the next sweep still runs. Default: a process warning. */
  readonly onError?: (error: unknown) => void;
  /** For tests. Default: the system clock, with timers that do not keep the process running. */
  readonly clock?: Clock;
}

/** One result of `check`. */
export interface StorageFinding {
  /** `bad`: sessions fail or are lost · `warn`: this may happen, or it could not be checked · `ok`. */
  readonly level: "ok" | "warn" | "bad";
  /** What was found. */
  readonly what: string;
  /** What to do about it; empty if nothing is to be done. */
  readonly advice: string;
}

/** A value, or a promise of it. */
export type Awaitable<T> = T | PromiseLike<T>;

/**
 * Returned by a storage as the value of an entry that it cannot decrypt, although another server of the application
 * may: it is encrypted with a key that this server does not have. The store handles it like a record of a newer
 * format, and never overwrites it as a damaged one.
 */
export const SEALED_ELSEWHERE = "\u0000sealed elsewhere";

/** How long a database keeps expired entries, in ms: the clocks of servers may differ by this much. */
export const CLOCK_SKEW_MS: number = 5 * 60_000;

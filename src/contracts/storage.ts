import type { Duration } from "../util/duration.js";
import type { Clock } from "./clock.js";

/**
 * The storage contract. A storage is a dumb driver: it keeps strings under keys, each with a version and a deadline,
 * and knows nothing of sessions, tokens or cookies.
 *
 * Rules for every driver (`holdfast/testing` checks them):
 *
 * - A driver reads no clock and enforces no deadline of its own: the store passes `now` and decides what has expired.
 *   An entry past its `expiresAt` may still be answered; a driver may forget it five minutes after that at the
 *   earliest.
 * - An exception means that the storage failed. Nothing found, an older version, a key that exists already are
 *   answers.
 * - Nothing is written blindly: each change names the version it replaces, `create` inserts only, `update` never
 *   inserts.
 * - A key that was deleted and created again never shows an earlier version.
 * - A key is visible ASCII, 128 characters at most: a namespace, a colon, a hash. Upper and lower case are different
 *   keys.
 * - A value is any string of well-formed Unicode, U+0000 and the empty string included.
 * - No call spans two keys. Reads are answered by the primary.
 */
export interface Storage {
  /** Reads one key, in one command. Nothing (`undefined` or `null`) where the key is absent. */
  get(key: string, call: StorageCall): Awaitable<StoredEntry | null | undefined>;
  /** Inserts the entry if the key is absent, else answers `false`. */
  create(key: string, entry: StorageEntry, call: StorageCall): Awaitable<Written | false>;
  /** Replaces the entry if it still has this version, else answers `false`. Never inserts. */
  update(key: string, entry: StorageEntry, version: Version, call: StorageCall): Awaitable<Written | false>;
  /** Moves the deadline of the entry if it still has this version, else answers `false`. */
  touch(key: string, expiresAt: number, version: Version, call: StorageCall): Awaitable<Written | false>;
  /**
   * Removes the entry if it still has this version. `true` where it was removed; `false` where it is absent or has
   * another version.
   */
  delete(key: string, version: Version, call: StorageCall): Awaitable<boolean>;

  /** Optional: removes every key that starts with `prefix`. */
  clear?(prefix: string, call: StorageCall): Awaitable<void>;
  /**
   * Optional, for databases without a time to live: removes entries whose deadline passed five minutes ago; answers
   * how many.
   */
  sweep?(call: StorageCall): Awaitable<number>;
  /**
   * Optional, beside `sweep`: sweeps every so often, from a timer that keeps no process running, until `close`. Of
   * several processes one at a time does so, if the database can see to that. Called again it starts anew.
   *
   * @param options - How often, and who is told of a sweep that failed.
   * @throws TypeError or RangeError for options that are none.
   *
   * @example
   * storage.startSweep({ every: "10m", onError: console.error });
   */
  startSweep?(options?: SweepOptions): void;
  /**
   * Optional: looks at the database and at the rights there are, for the start of a server and for operators. Never
   * part of a request. It may write, read and remove a key of its own.
   *
   * @param call - As for every call; `now` is compared with the database's clock.
   * @param prefix - What the keys begin with that the rights are tried with. Default: `holdfast:`, as the store's
   *   default `namespace` has it.
   * @returns What was found, each with its level and what to do about it. No secret is in it.
   * @throws What the client throws where the database cannot be reached.
   *
   * @example for (const { level, what, advice } of await storage.check({ now: Date.now(), signal:
   * AbortSignal.timeout(5000) })) {
   *   if (level !== "ok") console.warn(`${level}: ${what}; ${advice}`);
   * }
   */
  check?(call: StorageCall, prefix?: string): Awaitable<readonly StorageFinding[]>;
  /** Optional: the largest value this storage takes, in UTF-8 bytes. */
  readonly maxValueBytes?: number;
  /** Optional: ends what the driver itself started, never the client it was given. */
  close?(): Awaitable<void>;
}

/** What marks one state of an entry. The store hands it back as it got it and never looks inside. */
export type Version = string | number;

/** What is written under a key. */
export interface StorageEntry {
  readonly value: string;
  /** Deadline in epoch milliseconds, kept exactly beside the value. */
  readonly expiresAt: number;
}

/** What is read under a key. */
export interface StoredEntry extends StorageEntry {
  readonly version: Version;
}

/** The answer of a change that took place. */
export interface Written {
  /** The version as now stored; `undefined` where the database does not tell (the next write then reads first). */
  readonly version: Version | undefined;
}

/** What every call of a storage is given. */
export interface StorageCall {
  /** The caller's time in epoch milliseconds. */
  readonly now: number;
  /** Aborted when the caller stops waiting; it never means that the command did not take effect. */
  readonly signal: AbortSignal;
  /**
   * How long the caller waits, in ms, where it waits no longer than that: a bound for what a client does by itself.
   */
  readonly timeout?: number;
}

/** Options of `startSweep`. */
export interface SweepOptions {
  /** How long after a sweep the next one begins; the first begins within that time. Default `"10m"`. */
  readonly every?: Duration;
  /** Is told why a sweep failed; the next one comes all the same. Default: a warning of the process. */
  readonly onError?: (error: unknown) => void;
  /** For tests. Default: real time, with timers that keep no process running. */
  readonly clock?: Clock;
}

/** One thing that `check` of a storage looked at. */
export interface StorageFinding {
  /** `bad`: sessions fail or are lost · `warn`: they may be, or it could not be found out · `ok`. */
  readonly level: "ok" | "warn" | "bad";
  /** What was found. */
  readonly what: string;
  /** What to do about it; empty if there is nothing to do. */
  readonly advice: string;
}

/** A value, or a promise of it. */
export type Awaitable<T> = T | PromiseLike<T>;

/**
 * The value that a storage returns for one it cannot open although another server of the application may: it is
 * sealed with a key that this server does not have. The store treats it like a record of a newer format, and never
 * overwrites it as a damaged one.
 */
export const SEALED_ELSEWHERE = "\u0000sealed elsewhere";

/** How long a database keeps what has expired, in ms: clocks of servers may differ by this much. */
export const CLOCK_SKEW_MS: number = 5 * 60_000;

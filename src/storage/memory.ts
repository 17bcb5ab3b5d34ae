/**
 * A storage in the memory of this process.
 *
 * @module
 */
import {
  CLOCK_SKEW_MS,
  type Storage,
  type StorageCall,
  type StorageEntry,
  type StorageFinding,
  type StoredEntry,
  type Version,
  type Written,
} from "../contracts/storage.js";
import { SessionError } from "../errors.js";
import { onlyKeys, wholeNumber } from "../util/assert.js";
import { OTHER_STORAGE_OPTIONS } from "../util/other-names.js";
import { environment } from "../util/builtin.js";
import { bad, ok, warning } from "./findings.js";

/** Options of {@link memoryStorage}. */
export interface MemoryOptions {
  /**
   * The maximum number of entries. At the limit, each new session removes expired entries among the next 1024 entries,
   * in rotation. If it finds none, it fails with `storage` (503); a live entry is never evicted. Default: no limit.
   */
  maxEntries?: number;
}

/** Number of entries that each write checks for expiry: small, so that no call takes long. */
const SLICE = 4;

/** Fill level from which on `check` warns. */
const NEARLY_FULL = 0.9;

/**
 * Number of entries that a new session checks for expiry if the storage is full: the time to refuse a session does not
 * depend on the number of entries.
 */
const FULL_SLICE = 1024;

/**
 * Stores records in the memory of this process: they are lost when it ends, and other processes do not see them. For
 * development, tests, and single-process servers whose sessions may be lost. Expired records are removed a few at a
 * time during other calls; there is no timer.
 *
 * @param options - `maxEntries`
 * @returns the storage
 * @throws {TypeError | RangeError} if an option is invalid
 * @example
 * ```ts
 * session({ storage: memoryStorage({ maxEntries: 100_000 }) });
 * ```
 */
export function memoryStorage(options: MemoryOptions = {}): MemoryStorage {
  const { maxEntries } = onlyKeys("memoryStorage", options, ["maxEntries"], OTHER_STORAGE_OPTIONS);
  return new MemoryStorage(maxEntries === undefined ? Infinity : wholeNumber("maxEntries", maxEntries, 1));
}

/** The storage of {@link memoryStorage}. */
export class MemoryStorage implements Storage {
  readonly #maxEntries: number;
  readonly #entries = new Map<string, StoredEntry>();
  #unseen: Iterator<[string, StoredEntry]> = this.#entries.entries();
  #lastVersion = 0;

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  /** Number of entries, including expired ones. */
  get size(): number {
    return this.#entries.size;
  }

  /** Implements the storage contract. */
  get(key: string): StoredEntry | undefined {
    return this.#entries.get(key);
  }

  /** Implements the storage contract. */
  create(key: string, entry: StorageEntry, call: StorageCall): Written | false {
    this.#reclaim(SLICE, call.now);
    if (this.#entries.has(key)) return false;
    if (this.#isFull) this.#reclaim(Math.min(FULL_SLICE, this.#entries.size), call.now);
    if (this.#isFull)
      throw new SessionError(
        "storage",
        `the memory storage is full: maxEntries is ${this.#maxEntries} and no expired entry was found`,
      );
    return this.#put(key, entry);
  }

  /** Implements the storage contract. */
  update(key: string, entry: StorageEntry, version: Version, call: StorageCall): Written | false {
    this.#reclaim(SLICE, call.now);
    return this.#entries.get(key)?.version === version ? this.#put(key, entry) : false;
  }

  /** Implements the storage contract. */
  touch(key: string, expiresAt: number, version: Version): Written | false {
    const entry = this.#entries.get(key);
    if (entry?.version !== version) return false;
    this.#entries.set(key, { value: entry.value, expiresAt, version });
    return { version };
  }

  /** Implements the storage contract. */
  delete(key: string, version: Version): boolean {
    return this.#entries.get(key)?.version === version && this.#entries.delete(key);
  }

  /** Implements the storage contract. */
  clear(prefix: string): void {
    for (const key of this.#entries.keys()) if (key.startsWith(prefix)) this.#entries.delete(key);
  }

  /**
   * Reports how full it is, and warns if it is used in production.
   *
   * @returns the findings
   * @example
   * ```ts
   * memoryStorage().check();
   * ```
   */
  check(): StorageFinding[] {
    const most = this.#maxEntries;
    const held = `${this.size} of at most ${most} entries are stored`;
    const advice = "raise maxEntries, or use a storage on a database";
    const space = this.#isFull
      ? bad(held, advice)
      : this.size >= NEARLY_FULL * most
        ? warning(held, advice)
        : ok(most === Infinity ? `${this.size} entries are stored` : held);
    if (environment("NODE_ENV") !== "production") return [space];
    return [
      space,
      warning(
        "sessions end with this process, and no other process sees them",
        "use a storage on a database if there are several processes, or if sessions must survive a restart",
      ),
    ];
  }

  get #isFull(): boolean {
    return this.#entries.size >= this.#maxEntries;
  }

  #put(key: string, { value, expiresAt }: StorageEntry): Written {
    const version = ++this.#lastVersion;
    flatten(key);
    flatten(value);
    this.#entries.set(key, { value, expiresAt, version });
    return { version };
  }

  /** Checks the next few entries, in rotation, and removes those that expired more than five minutes ago. */
  #reclaim(count: number, now: number): void {
    for (let looked = 0; looked < count && this.#entries.size > 0; looked++) {
      const next = this.#unseen.next();
      if (next.done) this.#unseen = this.#entries.entries();
      else if (next.value[1].expiresAt + CLOCK_SKEW_MS <= now) this.#entries.delete(next.value[0]);
    }
  }
}

/**
 * V8 keeps a concatenated string as a tree of its parts, in more than twice the memory, until one of its characters is
 * read.
 */
function flatten(text: string): void {
  text.charCodeAt(0);
}

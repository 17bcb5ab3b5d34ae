/**
 * The embedded storage: this process's memory.
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
import { environment } from "../util/builtin.js";
import { bad, ok, warning } from "./findings.js";

/** Options of {@link memoryStorage}. */
export interface MemoryOptions {
  /**
   * The most entries kept. At the limit expired ones are removed, which each new session looks for among the next
   * 1024 entries, round and round; where it finds none it fails with `storage` (503), and no live one is ever
   * evicted. Default: no limit.
   */
  maxEntries?: number;
}

/** How many entries each write looks at to remove what has expired: at most this, so that no call takes long. */
const SLICE = 4;

/** From which part of `maxEntries` on `check` warns. */
const NEARLY_FULL = 0.9;

/**
 * How many entries a new session looks at where the storage is full: to refuse one takes no longer the more are kept.
 */
const FULL_SLICE = 1024;

/**
 * Keeps records in this process's memory: they end with it, and no other process sees them. For development, tests
 * and single-process servers that may forget. Expired records are removed a few at a time during other calls; there
 * is no timer.
 */
export function memoryStorage(options: MemoryOptions = {}): MemoryStorage {
  const { maxEntries } = onlyKeys("memoryStorage", options, ["maxEntries"]);
  return new MemoryStorage(maxEntries === undefined ? Infinity : wholeNumber("maxEntries", maxEntries, 1));
}

/** See {@link memoryStorage}. */
export class MemoryStorage implements Storage {
  readonly #maxEntries: number;
  readonly #entries = new Map<string, StoredEntry>();
  #unseen: Iterator<[string, StoredEntry]> = this.#entries.entries();
  #lastVersion = 0;

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  /** How many entries it holds, expired ones included. */
  get size(): number {
    return this.#entries.size;
  }

  get(key: string): StoredEntry | undefined {
    return this.#entries.get(key);
  }

  create(key: string, entry: StorageEntry, call: StorageCall): Written | false {
    this.#reclaim(SLICE, call.now);
    if (this.#entries.has(key)) return false;
    if (this.#isFull) this.#reclaim(Math.min(FULL_SLICE, this.#entries.size), call.now);
    if (this.#isFull)
      throw new SessionError(
        "storage",
        `the memory storage is full: maxEntries is ${this.#maxEntries} and no expired one was found`,
      );
    return this.#put(key, entry);
  }

  update(key: string, entry: StorageEntry, version: Version, call: StorageCall): Written | false {
    this.#reclaim(SLICE, call.now);
    return this.#entries.get(key)?.version === version ? this.#put(key, entry) : false;
  }

  touch(key: string, expiresAt: number, version: Version): Written | false {
    const entry = this.#entries.get(key);
    if (entry?.version !== version) return false;
    this.#entries.set(key, { value: entry.value, expiresAt, version });
    return { version };
  }

  delete(key: string, version: Version): boolean {
    return this.#entries.get(key)?.version === version && this.#entries.delete(key);
  }

  clear(prefix: string): void {
    for (const key of this.#entries.keys()) if (key.startsWith(prefix)) this.#entries.delete(key);
  }

  /**
   * Tells how full it is, and that it is no storage for production.
   *
   * @returns What was found.
   *
   * @example
   * memoryStorage().check();
   */
  check(): StorageFinding[] {
    const most = this.#maxEntries;
    const held = `${this.size} of at most ${most} entries are held`;
    const advice = "raise maxEntries, or take a storage on a database";
    const space = this.#isFull
      ? bad(held, advice)
      : this.size >= NEARLY_FULL * most
        ? warning(held, advice)
        : ok(most === Infinity ? `${this.size} entries are held` : held);
    if (environment("NODE_ENV") !== "production") return [space];
    return [
      space,
      warning(
        "sessions end with this process, and no other process sees them",
        "take a storage on a database for several processes, or where a restart must log nobody out",
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

  /** Looks at the next few entries, round and round, and removes those whose deadline passed long enough ago. */
  #reclaim(count: number, now: number): void {
    for (let looked = 0; looked < count && this.#entries.size > 0; looked++) {
      const next = this.#unseen.next();
      if (next.done) this.#unseen = this.#entries.entries();
      else if (next.value[1].expiresAt + CLOCK_SKEW_MS <= now) this.#entries.delete(next.value[0]);
    }
  }
}

/**
 * A text put together from pieces keeps all of them, and takes more than twice the memory, until one of its
 * characters is looked at.
 */
function flatten(text: string): void {
  text.charCodeAt(0);
}

import {
  CLOCK_SKEW_MS,
  type StorageEntry,
  type StoredEntry,
  type Version,
  type Written,
} from "../contracts/storage.js";
import type { NoRecord } from "../codecs/encoded-data.js";
import { RecordCodec, type Marker, type SessionRecord } from "../codecs/record.js";
import { SessionError } from "../errors.js";
import { utf8Length, randomText } from "../util/bytes.js";
import { andThen } from "../util/async.js";
import { type Deadline, StorageCalls } from "./calls.js";
import { hasExpired } from "./expiry.js";
import type { StoreSettings } from "./options.js";
import { idOf } from "./token.js";

/** The entry stored for a session: record, marker, newer format, or absent. */
export type Loaded = Absent | Live | Retired | Newer;

/** Nothing, or nothing usable: expired, damaged, of another key or namespace. */
export interface Absent {
  readonly kind: "absent";
  readonly why: "unknown" | "expired-idle" | "expired-absolute" | "unreadable";
}

/** A session. */
export interface Live {
  readonly kind: "live";
  readonly hash: string;
  readonly record: SessionRecord;
  /** Undefined if the database did not return it: it is read before the next write. */
  readonly version: Version | undefined;
  readonly expiresAt: number;
  /** When it was read or written, in epoch ms. */
  readonly seenAt: number;
}

/** A marker: the token was renewed, or the session was ended if there is no successor (`""`). */
export interface Retired {
  readonly kind: "retired";
  readonly hash: string;
  readonly retiredAt: number;
  readonly successor: string;
  readonly expiresAt: number;
  /** Possible difference between the clock of these times and this one, in ms: 0 if this store wrote the marker. */
  readonly skew: number;
}

/** A record of a newer format: it is never written, but it can be ended. */
export interface Newer {
  readonly kind: "newer";
  readonly hash: string;
  readonly version: Version;
  readonly expiresAt: number;
}

export const ABSENT: Absent = { kind: "absent", why: "unknown" };
const UNREADABLE: Absent = { kind: "absent", why: "unreadable" };
const EXPIRED_IDLE: Absent = { kind: "absent", why: "expired-idle" };
const EXPIRED_ABSOLUTE: Absent = { kind: "absent", why: "expired-absolute" };

/**
 * True if an entry has passed one of its deadlines. A marker written with a clock that may be slow is valid as long as
 * a database keeps it.
 */
export function isOver(found: Live | Retired | Newer, now: number): boolean {
  if (found.kind === "retired") return now >= found.expiresAt + found.skew;
  const absolute = found.kind === "live" ? found.record.absolute : undefined;
  return hasExpired({ expiresAt: found.expiresAt, absolute }, now);
}

function expired(found: Live | Retired | Newer, now: number): Absent {
  if (found.kind !== "live") return ABSENT;
  return hasExpired({ expiresAt: Infinity, absolute: found.record.absolute }, now) ? EXPIRED_ABSOLUTE : EXPIRED_IDLE;
}

/** A session before it is written. */
export type Unwritten = Pick<Live, "hash" | "record" | "expiresAt">;

/** Reads and writes records and markers: one storage call each, without decisions. */
export class Records {
  readonly #settings: StoreSettings;
  readonly #calls: StorageCalls;
  readonly #codec: RecordCodec;
  /** A random name by which this store recognises its own markers. */
  #name: string | undefined;

  constructor(settings: StoreSettings) {
    this.#settings = settings;
    this.#calls = new StorageCalls(settings.storage, settings.clock, settings.storageTimeout);
    this.#codec = new RecordCodec(settings.namespace);
  }

  /** Number of storage calls. */
  get calls(): number {
    return this.#calls.made;
  }

  /**
   * Reads the entry of a hash, expired or not. Reports an entry that cannot be read. Synchronous if the storage is.
   */
  find(hash: string, deadline?: Deadline): Loaded | Promise<Loaded> {
    return andThen(this.#calls.get(this.#key(hash), deadline), (entry) =>
      entry ? this.#read(hash, entry, this.#now) : ABSENT,
    );
  }

  /** The same; expired entries are absent. */
  load(hash: string, deadline?: Deadline): Loaded | Promise<Loaded> {
    return andThen(this.#calls.get(this.#key(hash), deadline), (entry) =>
      entry ? this.#readUnlessOver(hash, entry, this.#now) : ABSENT,
    );
  }

  /** Reads the session of a hash, if there is one. */
  async loadLive(hash: string, deadline: Deadline): Promise<Live | undefined> {
    const loaded = await this.load(hash, deadline);
    return loaded.kind === "live" ? loaded : undefined;
  }

  /**
   * Inserts a record; returns undefined if the hash exists. Synchronous if the storage is, like the following methods.
   */
  create(next: Unwritten, deadline: Deadline): Live | undefined | Promise<Live | undefined> {
    return andThen(this.#calls.create(this.#key(next.hash), this.#entry(next), deadline), (written) =>
      this.#written(next, written),
    );
  }

  /** Replaces a record if it still has this version; otherwise returns undefined. */
  update(next: Unwritten, version: Version, deadline: Deadline): Live | undefined | Promise<Live | undefined> {
    return andThen(this.#calls.update(this.#key(next.hash), this.#entry(next), version, deadline), (written) =>
      this.#written(next, written),
    );
  }

  /** Moves the deadline of a record if it still has this version; otherwise returns undefined. */
  async touch(live: Live, expiresAt: number, deadline: Deadline): Promise<Live | undefined> {
    const written = await this.#calls.touch(this.#key(live.hash), expiresAt, live.version!, deadline);
    return written ? { ...live, expiresAt, version: written.version } : undefined;
  }

  /** Replaces a record by a marker with the hash of its successor, if it still has this version. */
  retire(hash: string, version: Version, successor: string, deadline: Deadline): boolean | Promise<boolean> {
    const retiredAt = this.#now;
    const marker: Marker = { kind: "marker", retiredAt, successor, by: (this.#name ??= randomText(6)) };
    const entry = { value: this.#codec.encode(hash, marker), expiresAt: retiredAt + this.#settings.retiredFor };
    return andThen(this.#calls.update(this.#key(hash), entry, version, deadline), (written) => written !== false);
  }

  /**
   * Ends a session if its entry still has this version: removes the entry, or replaces it by a marker without a
   * successor if the settings say so.
   */
  end(hash: string, version: Version, deadline: Deadline): boolean | Promise<boolean> {
    return this.#settings.marksEnds ? this.retire(hash, version, "", deadline) : this.delete(hash, version, deadline);
  }

  /** Removes an entry if it still has this version. */
  delete(hash: string, version: Version, deadline: Deadline): boolean | Promise<boolean> {
    return this.#calls.delete(this.#key(hash), version, deadline);
  }

  /** Removes every record of the namespace. */
  clear(): Promise<void> {
    return this.#calls.clear(this.#key(""));
  }

  #read(hash: string, { value, version, expiresAt }: StoredEntry, seenAt: number): Loaded {
    const decoded = this.#codec.decode(hash, value);
    switch (decoded.kind) {
      case "record":
        return { kind: "live", hash, record: decoded, version, expiresAt, seenAt };
      case "marker":
        return {
          kind: "retired",
          hash,
          retiredAt: decoded.retiredAt,
          successor: decoded.successor,
          expiresAt,
          skew: this.#skewOf(decoded),
        };
      case "newer":
        this.#reportUnreadable(hash, decoded);
        return { kind: "newer", hash, version, expiresAt };
      case "unreadable":
        this.#reportUnreadable(hash, decoded);
        return UNREADABLE;
    }
  }

  #skewOf({ by }: Marker): number {
    return by !== undefined && by === this.#name ? 0 : CLOCK_SKEW_MS;
  }

  #readUnlessOver(hash: string, entry: StoredEntry, now: number): Loaded {
    const found = this.#read(hash, entry, now);
    if (found.kind === "retired" && found.successor === "") return ABSENT;
    return found.kind !== "absent" && isOver(found, now) ? expired(found, now) : found;
  }

  #written({ hash, record, expiresAt }: Unwritten, written: Written | false): Live | undefined {
    if (!written) return undefined;
    return { kind: "live", hash, record, expiresAt, version: written.version, seenAt: this.#now };
  }

  #entry({ hash, record, expiresAt }: Unwritten): StorageEntry {
    const value = this.#codec.encode(hash, record);
    const most = this.#settings.maxRecordBytes;
    if (value.length * 3 > most && utf8Length(value) > most) {
      throw new SessionError("too-large", `the session takes ${utf8Length(value)} bytes; maxRecordBytes is ${most}`);
    }
    return { value, expiresAt };
  }

  #reportUnreadable(hash: string, { why }: NoRecord): void {
    this.#settings.emit({ type: "unreadable", id: idOf(hash), cause: why });
  }

  #key(hash: string): string {
    return `${this.#settings.namespace}:${hash}`;
  }

  get #now(): number {
    return this.#settings.clock.now();
  }
}

import type {
  Awaitable,
  Storage,
  StorageCall,
  StorageEntry,
  StorageFinding,
  StoredEntry,
  Version,
  Written,
} from "../contracts/storage.js";
import { randomText } from "../util/bytes.js";

/** A storage under test, and a function that releases its resources. */
export interface StorageUnderTest {
  storage: Storage;
  /** Called when the case is done, also if it failed. */
  close?(): Awaitable<void>;
}

/** Default deadline of entries. */
export const MINUTE = 60_000;

/** A storage at a time of one server's clock, with assertions. */
export class Desk {
  readonly storage: Storage;
  readonly call: StorageCall;

  constructor(storage: Storage, now: number = Date.now(), signal: AbortSignal = new AbortController().signal) {
    this.storage = storage;
    this.call = { now, signal };
  }

  get now(): number {
    return this.call.now;
  }

  /** Returns the same storage, as used by a server whose clock is at `now`. */
  at(now: number): Desk {
    return new Desk(this.storage, now);
  }

  aborted(): Desk {
    return new Desk(this.storage, this.now, AbortSignal.abort());
  }

  /** Returns an unused key. */
  key(): string {
    return `suite-${randomText(12)}`;
  }

  entry(value: string, ms: number = MINUTE): StorageEntry {
    return { value, expiresAt: this.now + ms };
  }

  async get(key: string): Promise<StoredEntry | null | undefined> {
    return this.storage.get(key, this.call);
  }

  async create(key: string, entry: StorageEntry): Promise<Written | false> {
    return this.storage.create(key, entry, this.call);
  }

  async update(key: string, entry: StorageEntry, version: Version): Promise<Written | false> {
    return this.storage.update(key, entry, version, this.call);
  }

  async touch(key: string, expiresAt: number, version: Version): Promise<Written | false> {
    return this.storage.touch(key, expiresAt, version, this.call);
  }

  async delete(key: string, version: Version): Promise<boolean> {
    return this.storage.delete(key, version, this.call);
  }

  async created(value: string, ms: number = MINUTE): Promise<string> {
    const key = this.key();
    accepted(await this.create(key, this.entry(value, ms)), "create of an absent key");
    return key;
  }

  /** Returns a key that was created and updated, and its first version. */
  async updated(first: string, second: string): Promise<[key: string, earlier: Version]> {
    const key = await this.created(first);
    const { version } = await this.stored(key);
    accepted(await this.update(key, this.entry(second), version), "update of the stored version");
    return [key, version];
  }

  async stored(key: string): Promise<StoredEntry> {
    const entry = await this.get(key);
    check(entry != null, "get must return what was written");
    check(
      typeof entry.version === "string" || typeof entry.version === "number",
      "a version is a string or a number",
    );
    return entry;
  }

  /** Checks that exactly this is stored. */
  async holds(key: string, { value, expiresAt }: StorageEntry): Promise<StoredEntry> {
    const stored = await this.stored(key);
    check(stored.value === value, `the value must be ${brief(value)}, it is ${brief(stored.value)}`);
    check(stored.expiresAt === expiresAt, `the deadline must be ${expiresAt}, it is ${stored.expiresAt}`);
    return stored;
  }

  /** The version for the next change: as returned, or read if the database does not return it. */
  async versionAfter(key: string, written: Written | false): Promise<Version> {
    return (
      accepted(written, "a change of the version that the previous change returned").version ??
      (await this.stored(key)).version
    );
  }

  async refusesAll(key: string, version: Version): Promise<void> {
    refused(
      await this.update(key, this.entry("late"), version),
      "update of a version from before the key was deleted",
    );
    refused(
      await this.touch(key, this.now + 9 * MINUTE, version),
      "touch of a version from before the key was deleted",
    );
    check(
      (await this.delete(key, version)) === false,
      "delete of a version from before the key was deleted must return false",
    );
  }

  /** Increments a counter; returns how many increments were accepted. */
  async increments(key: string, tries: number): Promise<number> {
    let count = 0;
    for (let i = 0; i < tries; i++) {
      const { value, version } = await this.stored(key);
      if (await this.update(key, this.entry(`${Number(value) + 1}`), version)) count++;
    }
    return count;
  }

  /** Other calls at the same time: a storage that removes expired entries during calls does it now. */
  async bustle(there: Desk): Promise<void> {
    for (let i = 0; i < 8; i++) {
      const key = await there.created("beside", 10 * MINUTE);
      await there.delete(key, (await there.stored(key)).version);
    }
  }
}

/** The findings of the storage's `check`, if it has one; with the key prefix of the suite. */
export async function checked({ storage, call }: Desk): Promise<readonly StorageFinding[] | undefined> {
  return storage.check?.(call, "suite-");
}

/** Checks that the storage's `check`, if it has one, finds something bad. */
export async function findsBad(desk: Desk, what: string): Promise<void> {
  const findings = await checked(desk);
  check(!findings || findings.some(({ level }) => level === "bad"), `check must find ${what} bad`);
}

/** Fails the case with the rule that was broken. */
export function check(holds: boolean, rule: string): asserts holds {
  if (!holds) throw new Error(`storage contract: ${rule}`);
}

/** Checks that a change was made. */
export function accepted(written: Written | false, what: string): Written {
  check(
    written !== false && typeof written === "object" && written !== null,
    `${what} must be accepted with { version }`,
  );
  return written;
}

/** Checks that a change was not made. */
export function refused(written: Written | false, what: string): void {
  check(written === false, `${what} must return false`);
}

/** Versions are passed back as they were returned, so they are compared as they are. */
export function same(one: Version, other: Version): boolean {
  return one === other;
}

const brief = (value: string): string => JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);

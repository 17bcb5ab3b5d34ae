import type { Storage, StorageCall, StorageEntry, StoredEntry, Version, Written } from "holdfast";
import { memoryStorage } from "holdfast/storage/memory";

/** The calls of a storage. */
export type CallName = "get" | "create" | "update" | "touch" | "delete" | "clear";

/** One call as it was made. */
export interface Recorded {
  readonly name: CallName;
  readonly key: string;
  readonly entry?: StorageEntry;
}

/** A place where calls stand until they are let through. */
export interface Gate {
  /** Resolves when the first call stands at the gate. */
  readonly reached: Promise<void>;
  /** How many calls stand there. */
  readonly waiting: number;
  /** Lets them through, and all that come later. */
  release(): void;
}

/** A storage that is watched and disturbed. See {@link watched}. */
export interface WatchedStorage extends Storage {
  readonly inner: Storage;
  /** Every call since the start or `forget()`, in order. */
  readonly calls: readonly Recorded[];
  /** How often each call was made; those never made are absent. */
  readonly counts: Readonly<Partial<Record<CallName, number>>>;
  forget(): void;
  /** From now on these calls fail before they do anything; all calls where none is named. */
  fail(...names: CallName[]): void;
  /** From now on these calls take effect and fail nevertheless. */
  failAfter(...names: CallName[]): void;
  /** From now on these calls never answer. */
  hang(...names: CallName[]): void;
  /** From now on these calls take longer, in real ms. */
  delay(ms: number, ...names: CallName[]): void;
  /** From now on these calls wait at a gate before they do anything. */
  park(...names: CallName[]): Gate;
  /** Ends all disturbance; who stands at a gate goes on standing there. */
  heal(): void;
}

type Disturb = <T>(act: () => Promise<T>) => Promise<T>;

const NAMES: readonly CallName[] = ["get", "create", "update", "touch", "delete", "clear"];

/**
 * Wraps a storage (a new memory storage where none is given): counts and records its calls, and makes them fail,
 * hang, wait or take long.
 */
export function watched(inner: Storage = memoryStorage()): WatchedStorage {
  const calls: Recorded[] = [];
  const disturbed = new Map<CallName, Disturb>();
  const disturb = (names: readonly CallName[], how: Disturb): void =>
    (names.length > 0 ? names : NAMES).forEach((name) => void disturbed.set(name, how));
  const run = <T>(recorded: Recorded, act: () => T | PromiseLike<T>): Promise<T> => {
    calls.push(recorded);
    const how = disturbed.get(recorded.name);
    const really = async (): Promise<T> => act();
    return how ? how(really) : really();
  };
  return {
    inner,
    get: (key: string, call: StorageCall): Promise<StoredEntry | null | undefined> =>
      run({ name: "get", key }, () => inner.get(key, call)),
    create: (key: string, entry: StorageEntry, call: StorageCall): Promise<Written | false> =>
      run({ name: "create", key, entry }, () => inner.create(key, entry, call)),
    update: (key: string, entry: StorageEntry, version: Version, call: StorageCall): Promise<Written | false> =>
      run({ name: "update", key, entry }, () => inner.update(key, entry, version, call)),
    touch: (key: string, expiresAt: number, version: Version, call: StorageCall): Promise<Written | false> =>
      run({ name: "touch", key }, () => inner.touch(key, expiresAt, version, call)),
    delete: (key: string, version: Version, call: StorageCall): Promise<boolean> =>
      run({ name: "delete", key }, () => inner.delete(key, version, call)),
    clear: (prefix: string, call: StorageCall): Promise<void> =>
      run({ name: "clear", key: prefix }, () => inner.clear!(prefix, call)),
    get calls() {
      return calls;
    },
    get counts() {
      return counted(calls);
    },
    forget: () => void calls.splice(0),
    fail: (...names) => disturb(names, () => Promise.reject(new Error("the database is down"))),
    failAfter: (...names) =>
      disturb(names, async (act) => {
        await act();
        throw new Error("the connection broke");
      }),
    hang: (...names) => disturb(names, () => new Promise(() => {})),
    delay: (ms, ...names) =>
      disturb(names, async (act) => {
        await new Promise((resolve) => setTimeout(resolve, ms));
        return act();
      }),
    park(...names) {
      const gate = makeGate();
      disturb(names, async (act) => {
        await gate.pass();
        return act();
      });
      return gate;
    },
    heal: () => disturbed.clear(),
  };
}

/** A gate for anything, not only storages: `pass()` waits until it is released. */
export function makeGate(): Gate & { pass(): Promise<void> } {
  let release!: () => void;
  let reach!: () => void;
  let waiting = 0;
  const reached = new Promise<void>((resolve) => (reach = resolve));
  const open = new Promise<void>((resolve) => (release = resolve));
  return {
    reached,
    release,
    get waiting() {
      return waiting;
    },
    async pass() {
      waiting++;
      reach();
      await open;
      waiting--;
    },
  };
}

function counted(calls: readonly Recorded[]): Partial<Record<CallName, number>> {
  const counts: Partial<Record<CallName, number>> = {};
  for (const { name } of calls) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

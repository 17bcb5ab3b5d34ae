/** Storages that break the contract: a soak over any of them has to fail. */
import type { Storage, StoredEntry } from "holdfast";

const OLD_AT_MOST_MS = 300;
const EVERY = 5;

export const SABOTAGES: Readonly<Record<string, (inner: Storage) => Partial<Storage>>> = {
  "update ignores the version": (inner) => ({
    async update(key, entry, version, call) {
      const met = await inner.get(key, call);
      return inner.update(key, entry, met?.version ?? version, call);
    },
  }),
  "delete removes nothing": () => ({ delete: async () => true }),
  "create stores nothing": () => {
    let count = 0;
    return { create: async () => ({ version: `never stored ${count++}` }) };
  },
  "an update is forgotten now and then": (inner) => {
    let count = 0;
    return {
      async update(key, entry, version, call) {
        count += 1;
        return count % EVERY === 0 ? { version } : inner.update(key, entry, version, call);
      },
    };
  },
  "every second change of an owner's list is forgotten": (inner) => {
    let count = 0;
    return {
      async update(key, entry, version, call) {
        if (key.includes("owner.")) count += 1;
        return key.includes("owner.") && count % 2 === 0 ? { version } : inner.update(key, entry, version, call);
      },
    };
  },
  "reads come from a cache": (inner) => {
    const cache = new Map<string, { entry: StoredEntry | null | undefined; until: number }>();
    return {
      async get(key, call) {
        const held = cache.get(key);
        if (held && Date.now() < held.until) return held.entry;
        const entry = await inner.get(key, call);
        cache.set(key, { entry, until: Date.now() + OLD_AT_MOST_MS });
        return entry;
      },
    };
  },
};

/** The storage with the sabotage of that name. */
export function sabotaged(inner: Storage, name: string): Storage {
  const calls: Storage = {
    get: (key, call) => inner.get(key, call),
    create: (key, entry, call) => inner.create(key, entry, call),
    update: (key, entry, version, call) => inner.update(key, entry, version, call),
    touch: (key, expiresAt, version, call) => inner.touch(key, expiresAt, version, call),
    delete: (key, version, call) => inner.delete(key, version, call),
  };
  return { ...calls, ...SABOTAGES[name]!(inner) };
}

/** What is broken on purpose, to see that the histories notice: storages, clocks, and the model itself. */
import type { Storage, StoredEntry } from "holdfast";
import { HistoryStorage } from "./history-storages.js";
import { Model, type Session } from "./model.js";
import type { Playing } from "./history.js";
import type { Mutant } from "./simulation.js";

interface Broken extends Pick<Playing, "clockOf" | "modelOf"> {
  storageOf?(storage: Storage): Storage;
}

/** A storage of which some calls are others. */
function but(changed: (storage: Storage) => Partial<Storage>): Broken {
  return {
    storageOf: (storage) => ({
      get: (key, call) => storage.get(key, call),
      create: (key, entry, call) => storage.create(key, entry, call),
      update: (key, entry, version, call) => storage.update(key, entry, version, call),
      touch: (key, expiresAt, version, call) => storage.touch(key, expiresAt, version, call),
      delete: (key, version, call) => storage.delete(key, version, call),
      clear: (prefix, call) => storage.clear!(prefix, call),
      ...changed(storage),
    }),
  };
}

const breaking = (mutant: Mutant): Broken => ({
  storageOf(storage) {
    if (!(storage instanceof HistoryStorage))
      throw new TypeError("only the storage of overlapping histories can be broken like this");
    storage.mutant = mutant;
    return storage;
  },
});

const MINUTE = 60_000;

/** The primary is asked for writes, reads see what was there before the last one. */
function behind(storage: Storage): Partial<Storage> {
  const seen = new Map<string, StoredEntry | null | undefined>();
  return {
    async get(key, call) {
      const [now, earlier] = [await storage.get(key, call), seen.get(key)];
      seen.set(key, now);
      return earlier ?? now;
    },
  };
}

class Following extends Model {
  override live(token: string, now: number): Session | undefined {
    const found = this.tokens.get(token);
    return found && "to" in found ? this.live(found.to, now) : super.live(token, now);
  }
}

class Forgetful extends Model {
  override isLate(): boolean {
    return false;
  }
}

class Lenient extends Model {
  override live(token: string, now: number): Session | undefined {
    return super.live(token, now - 1);
  }
}

export const MUTANTS: Record<string, Broken> = {
  "a storage whose update creates": breaking("update creates"),
  "a storage whose update ignores the version": breaking("update ignores the version"),
  "a storage whose delete ignores the version": breaking("delete ignores the version"),
  "a storage that keeps expired records for a minute more": but((storage) => ({
    async get(key, call) {
      const found = await storage.get(key, call);
      return found && { ...found, expiresAt: found.expiresAt + MINUTE };
    },
  })),
  "a storage that keeps the first deadline of a record": but(() => ({
    touch: (_key, _expiresAt, version) => ({ version }),
  })),
  "a storage whose delete does nothing": but(() => ({ delete: () => true })),
  "a storage that reads from a replica": but(behind),
  "a storage that forgets one record in eight": but((storage) => ({
    get: (key, call) => (key.charCodeAt(20) % 8 === 0 ? undefined : storage.get(key, call)),
  })),
  "a server whose clock stands still": {
    clockOf: (clock, server) =>
      server === 1
        ? {
            ...clock,
            now: (
              (at) => () =>
                at
            )(clock.now()),
          }
        : clock,
  },
  "a server whose clock is a minute behind": {
    clockOf: (clock, server) => (server === 1 ? { ...clock, now: () => clock.now() - MINUTE } : clock),
  },
  "a model whose old tokens go on opening": { modelOf: (times) => new Following(times) },
  "a model that knows no late requests": { modelOf: (times) => new Forgetful(times) },
  "a model whose sessions last a millisecond longer": { modelOf: (times) => new Lenient(times) },
};

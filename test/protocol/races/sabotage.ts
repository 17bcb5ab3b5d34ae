import type { Storage, StorageCall, StorageEntry, Version, Written } from "holdfast";
import { RecordCodec } from "#dist/codecs/record.js";

/** A storage that breaks one sentence of what the protocol rests on, and the stories that see it. */
export interface Sabotage {
  storage(inner: Storage): Storage;
  /** How the names of the stories start that fail. */
  readonly caughtBy: readonly string[];
}

/** What a storage does, as itself. */
function honest(inner: Storage): Storage {
  return {
    get: (key: string, call: StorageCall) => inner.get(key, call),
    create: (key: string, entry: StorageEntry, call: StorageCall) => inner.create(key, entry, call),
    update: (key: string, entry: StorageEntry, version: Version, call: StorageCall) =>
      inner.update(key, entry, version, call),
    touch: (key: string, expiresAt: number, version: Version, call: StorageCall) =>
      inner.touch(key, expiresAt, version, call),
    delete: (key: string, version: Version, call: StorageCall) => inner.delete(key, version, call),
  };
}

/** Does something with whatever version is stored, again and again until nobody is in between. */
async function blindly<T>(
  inner: Storage,
  key: string,
  call: StorageCall,
  act: (version: Version) => T | PromiseLike<T | false> | false,
): Promise<T | false> {
  for (;;) {
    const found = await inner.get(key, call);
    if (!found) return false;
    const done = await act(found.version);
    if (done !== false) return done;
  }
}

const IDLE = 30 * 60_000;

/** Each is a storage that some driver could be. */
export const SABOTAGES: Readonly<Record<string, Sabotage>> = {
  nothing: { storage: honest, caughtBy: [] },
  "update ignores the version": {
    storage: (inner) => ({
      ...honest(inner),
      update: (key, entry, _version, call) =>
        blindly(inner, key, call, (version) => inner.update(key, entry, version, call)),
    }),
    caughtBy: [
      "lost update",
      "two writers",
      "a one-time value",
      "login: the old token is not brought back by a writer",
      "login that meets a write",
      "double login",
      "reset with something written: a writer",
      "reset with something written that meets a login",
      "a job that meets a request",
      "a request that meets a job",
    ],
  },
  "update creates": {
    storage: (inner) => ({
      ...honest(inner),
      update: async (key, entry, version, call) =>
        (await inner.update(key, entry, version, call)) || inner.create(key, entry, call),
    }),
    caughtBy: [
      "logout: nothing is brought back by a writer",
      "logout: a writer that waits",
      "logout while a login has made",
      "reset: a writer",
      "revoke on the other server: nothing is brought back by a writer",
      "revoke: a login",
      "revoke while a login",
      "a job that meets a logout",
    ],
  },
  "touch ignores the version": {
    storage: (inner) => ({
      ...honest(inner),
      touch: (key, expiresAt, _version, call) =>
        blindly(inner, key, call, (version) => inner.touch(key, expiresAt, version, call)),
    }),
    caughtBy: [
      "login: the old token is not brought back by a reader whose",
      "login: the old token is not brought back by a refresher",
    ],
  },
  "touch creates": {
    storage: touchCreates,
    caughtBy: [
      "logout: nothing is brought back by a reader whose",
      "logout: nothing is brought back by a refresher",
      "revoke on the other server: nothing is brought back by a reader whose",
      "revoke on the other server: nothing is brought back by a refresher",
    ],
  },
  "delete ignores the version": {
    storage: (inner) => ({
      ...honest(inner),
      delete: (key, _version, call) => blindly(inner, key, call, (version) => inner.delete(key, version, call)),
    }),
    caughtBy: ["logout of one who came", "logout whose command", "logout while a login has retired"],
  },
  "delete says it did and does nothing": {
    storage: (inner) => ({ ...honest(inner), delete: async () => true }),
    caughtBy: [
      "logout",
      "revoke",
      "double login",
      "login whose answer was lost",
      "reset: a writer",
      "reset that meets",
      "reset with something written that meets",
      "a job that meets a logout",
    ],
  },
  "get moves the deadline": {
    storage: getMoves,
    caughtBy: [
      "logout: nothing is brought back by a refresher",
      "login: the old token is not brought back by a refresher",
      "revoke on the other server: nothing is brought back by a refresher",
      "the idle timeout passes",
    ],
  },
  "markers are deletions": {
    storage: (inner) => ({
      ...honest(inner),
      update: (key, entry, version, call) =>
        isMarker(key, entry) ? deleted(inner, key, version, call) : inner.update(key, entry, version, call),
    }),
    caughtBy: [
      "logout of one who came",
      "logout whose command",
      "logout while a login has retired",
      "login: a request sent",
      "reset with something written that meets a login",
    ],
  },
  "markers are only said to be written": {
    storage: (inner) => ({
      ...honest(inner),
      update: (key, entry, version, call) =>
        isMarker(key, entry) ? { version } : inner.update(key, entry, version, call),
    }),
    caughtBy: [
      "login",
      "double login",
      "logout of one who came",
      "logout whose command",
      "logout while a login",
      "reset with something written",
      "revoke: a login",
      "revoke while a login",
    ],
  },
};

/** It keeps what it once read, and writes that. */
function touchCreates(inner: Storage): Storage {
  const read = new Map<string, string>();
  return {
    ...honest(inner),
    async get(key, call) {
      const found = await inner.get(key, call);
      if (found) read.set(key, found.value);
      return found;
    },
    touch: async (key, expiresAt, version, call) =>
      (await inner.touch(key, expiresAt, version, call)) ||
      inner.create(key, { value: read.get(key)!, expiresAt }, call),
  };
}

function getMoves(inner: Storage): Storage {
  return {
    ...honest(inner),
    async get(key, call) {
      const found = await inner.get(key, call);
      if (!found) return found;
      await inner.touch(key, call.now + IDLE, found.version, call);
      return inner.get(key, call);
    },
  };
}

async function deleted(inner: Storage, key: string, version: Version, call: StorageCall): Promise<Written | false> {
  return (await inner.delete(key, version, call)) && { version: undefined };
}

function isMarker(key: string, { value }: StorageEntry): boolean {
  const [namespace = "", hash = ""] = key.split(":");
  return new RecordCodec(namespace).decode(hash, value).kind === "marker";
}

import type { Awaitable, Storage } from "../contracts/storage.js";
import { memoryStorage } from "../storage/memory.js";
import { mistake } from "../errors.js";

/** The storage of an application that runs the adapter suite: in memory, and it fails when the suite says so. */
export interface AdapterStorage extends Storage {
  /**
   * Executes a command of the suite. The application calls it on `GET /storage?do=…`, a request without a session.
   *
   * @param name - the parameter `do`
   * @returns the response body
   */
  command(name: string | null | undefined): string;
}

type State = "up" | "read-only" | "down";

/** Bundlers may put several copies of this module into one process. */
const KEY = Symbol.for("holdfast.testing.adapter-storage");

/**
 * The storage of an application that runs {@link adapterSuite}: one for the whole process, whatever bundle asks.
 *
 * @returns the storage
 * @example
 * ```ts
 * app.use(session({ storage: adapterStorage(), skip: (c) => c.path === "/storage" }));
 * app.get("/storage", (c) => c.text(adapterStorage().command(c.query("do"))));
 * ```
 */
export function adapterStorage(): AdapterStorage {
  const shared = globalThis as { [KEY]?: AdapterStorage };
  return (shared[KEY] ??= newStorage());
}

function newStorage(): AdapterStorage {
  const memory: Storage = memoryStorage();
  const keys = new Set<string>();
  let state: State = "up";
  let reads = 0;
  const reading = async <T>(call: () => Awaitable<T>): Promise<T> => {
    reads++;
    if (state === "down") throw new Error("the storage of the suite is down");
    return call();
  };
  const writing = async <T>(call: () => Awaitable<T>): Promise<T> => {
    if (state !== "up") throw new Error(`the storage of the suite is ${state}`);
    return call();
  };
  return {
    get: (key, call) => reading(() => memory.get(key, call)),
    create: (key, entry, call) => writing(() => (keys.add(key), memory.create(key, entry, call))),
    update: (key, entry, version, call) => writing(() => memory.update(key, entry, version, call)),
    touch: (key, expiresAt, version, call) => writing(() => memory.touch(key, expiresAt, version, call)),
    delete: (key, version, call) => writing(() => (keys.delete(key), memory.delete(key, version, call))),
    command(name) {
      if (name === "count") return String(keys.size);
      if (name === "reads") return String(reads);
      if (name !== "up" && name !== "read-only" && name !== "down")
        throw mistake("wrong-call", `the adapter suite has no command ${name}`);
      return (state = name);
    },
  };
}

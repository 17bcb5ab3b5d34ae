import type { Storage, StorageCall, StorageEntry, StoredEntry, Version, Written } from "#dist/contracts/storage.js";
import { memoryStorage } from "#dist/storage/memory.js";

/**
 * How a call of a store fails: it passes an error on, throws, never calls back, calls back twice, calls back at once,
 * passes `ENOENT` on, or ends later than the next requests.
 */
export type Fault = "error" | "throws" | "never" | "twice" | "sync" | "ENOENT" | "slow";

/** The calls of a connect store that a middleware makes. */
export type Call = "get" | "set" | "touch" | "destroy";

const SLOW_MS = 30;

/** A store class on the `Store` of express-session, as those of packages are: JSON in a map, and what was called. */
export function recordingStore(Store: new () => any, faults: Map<string, Fault>): any {
  return new (class extends Store {
    readonly sessions = new Map<string, string>();
    calls: string[] = [];

    get(id: string, done: (error?: unknown, session?: unknown) => void): void {
      this.run("get", done, () => this.read(id));
    }

    set(id: string, session: unknown, done?: (error?: unknown) => void): void {
      this.run("set", done, () => void this.sessions.set(id, JSON.stringify(session)));
    }

    touch(id: string, session: { cookie: unknown }, done?: (error?: unknown) => void): void {
      this.run("touch", done, () => {
        const found = this.read(id);
        if (found) this.sessions.set(id, JSON.stringify({ ...found, cookie: session.cookie }));
      });
    }

    destroy(id: string, done?: (error?: unknown) => void): void {
      this.run("destroy", done, () => void this.sessions.delete(id));
    }

    private read(id: string): any {
      const text = this.sessions.get(id);
      if (text === undefined) return undefined;
      const found = JSON.parse(text) as { cookie?: { expires?: string | null } };
      const { expires } = found.cookie ?? {};
      return typeof expires === "string" && Date.parse(expires) <= Date.now() ? undefined : found;
    }

    private run(call: Call, done: ((...args: any[]) => void) | undefined, act: () => unknown): void {
      this.calls.push(call);
      const fault = faults.get(call);
      if (fault === "throws") throw new Error(`${call} throws`);
      if (fault === "error") return void setImmediate(() => done?.(new Error(`${call} fails`)));
      if (fault === "ENOENT")
        return void setImmediate(() => done?.(Object.assign(new Error("none"), { code: "ENOENT" })));
      if (fault === "never") return;
      if (fault === "slow") return void setTimeout(() => done?.(null, act()), SLOW_MS);
      const result = act();
      if (fault === "sync") return done?.(null, result);
      setImmediate(() => done?.(null, result));
      if (fault === "twice") setImmediate(() => done?.(null, result));
    }
  })();
}

/** The same failures for a storage of Holdfast. */
export class FaultyStorage implements Storage {
  readonly #inner = memoryStorage();
  readonly #faults: Map<string, Fault>;
  readonly entries = new Map<string, string>();

  constructor(faults: Map<string, Fault>) {
    this.#faults = faults;
  }

  get(key: string): Promise<StoredEntry | null | undefined> {
    return this.#run("get", async () => this.#inner.get(key));
  }

  create(key: string, entry: StorageEntry, call: StorageCall): Promise<Written | false> {
    return this.#run("set", async () => this.#inner.create(key, entry, call));
  }

  update(key: string, entry: StorageEntry, version: Version, call: StorageCall): Promise<Written | false> {
    const isMarker = this.#faults.has("destroy") && !this.#faults.has("set");
    return this.#run(isMarker ? "destroy" : "set", async () => this.#inner.update(key, entry, version, call));
  }

  touch(key: string, expiresAt: number, version: Version): Promise<Written | false> {
    return this.#run("touch", async () => this.#inner.touch(key, expiresAt, version));
  }

  delete(key: string, version: Version): Promise<boolean> {
    return this.#run("destroy", async () => this.#inner.delete(key, version));
  }

  #run<T>(call: Call, act: () => Promise<T>): Promise<T> {
    const fault = this.#faults.get(call);
    if (fault === "throws") throw new Error(`${call} throws`);
    if (fault === "error") return Promise.reject(new Error(`${call} fails`));
    if (fault === "never") return new Promise(() => {});
    if (fault === "slow") return new Promise((resolve) => setTimeout(resolve, SLOW_MS)).then(act);
    return act();
  }
}

import type {
  Storage,
  StorageCall,
  StorageEntry,
  StorageFinding,
  StoredEntry,
  Version,
  Written,
} from "../contracts/storage.js";
import { SessionError } from "../errors.js";
import { misplaced } from "../util/assert.js";
import { D1, isD1, isDurableNamespace, isStub, OnePerBinding } from "./cloudflare-bindings.js";
import { newVersion } from "./driver.js";
import { OBJECT_URL, type ObjectCall, type ObjectFacts } from "./durable-object.js";
import { clockFinding, DEFAULT_PREFIX, ok, tryChanges, warning } from "./findings.js";
import { refuseLookAlikes, type LookAlike } from "./look-alikes.js";

/** The part of a namespace of Durable Objects that is used. */
export interface DurableNamespace {
  idFromName(name: string): any;
  get(id: any): DurableStub;
}

/** The part of the stub of a Durable Object that is used. */
export interface DurableStub {
  fetch(url: string, init: any): Promise<DurableResponse>;
}

/** The part of a response that is used. */
interface DurableResponse {
  readonly status: number;
  text(): Promise<string>;
}

/**
 * Stores each record in a separate Durable Object, of the class {@link HoldfastSessions}, which the Worker exports.
 * Its alarm removes the record when it has expired.
 *
 * For one namespace it returns the same storage each time, so it can be called in each request, in which a Worker gets
 * its bindings.
 *
 * @param namespace - the binding, `env.SESSIONS`
 * @returns the storage
 * @throws {TypeError} if this is not a namespace of Durable Objects; the message says what to pass
 * @example
 * ```ts
 * export { HoldfastSessions } from "holdfast/storage/cloudflare";
 * const sessions = session({ storage: (_request, env: Env) => durableStorage(env.SESSIONS) });
 * ```
 */
export function durableStorage(namespace: DurableNamespace): Storage {
  assertNamespace(namespace);
  return KNOWN.of(namespace, "", () => new DurableStorage(namespace));
}

const KNOWN = new OnePerBinding<Storage>();

const LOOK_ALIKES: readonly LookAlike[] = [
  { name: D1.name, matches: isD1, write: () => D1.write },
  {
    name: "the whole environment",
    matches: (env) => !isDurableNamespace(env) && Object.values(env as object).some(isDurableNamespace),
    write: (storage) => `${storage}(env.SESSIONS), its namespace of Durable Objects`,
  },
];

function assertNamespace(namespace: unknown): void {
  if (!isStub(namespace)) {
    refuseLookAlikes("durableStorage", namespace, LOOK_ALIKES);
    if (isDurableNamespace(namespace)) return;
  }
  throw misplaced(
    "durableStorage: namespace",
    namespace,
    'env.SESSIONS, with "durable_objects": { "bindings": [{ "name": "SESSIONS", "class_name": ' +
      '"HoldfastSessions" }] } in wrangler.jsonc',
    "wrong-client",
  );
}

/** The storage of {@link durableStorage}: one request to one object for each call. */
class DurableStorage implements Storage {
  /** A value of an object with SQLite has at most 2 MB. */
  readonly maxValueBytes: number = 1_900_000;
  readonly #namespace: DurableNamespace;

  constructor(namespace: DurableNamespace) {
    this.#namespace = namespace;
  }

  get(key: string, call: StorageCall): Promise<StoredEntry | null> {
    return this.#ask(key, { call: "get" }, call) as Promise<StoredEntry | null>;
  }

  async create(key: string, entry: StorageEntry, call: StorageCall): Promise<Written | false> {
    const version = newVersion();
    return (await this.#change(key, { call: "create", entry: { ...plain(entry), version } }, call)) && { version };
  }

  async update(key: string, entry: StorageEntry, version: Version, call: StorageCall): Promise<Written | false> {
    const next = newVersion();
    const changed = { ...plain(entry), version: next };
    return (await this.#change(key, { call: "update", entry: changed, version }, call)) && { version: next };
  }

  async touch(key: string, expiresAt: number, version: Version, call: StorageCall): Promise<Written | false> {
    return (await this.#change(key, { call: "touch", expiresAt, version }, call)) && { version };
  }

  delete(key: string, version: Version, call: StorageCall): Promise<boolean> {
    return this.#change(key, { call: "delete", version }, call);
  }

  async check(call: StorageCall, prefix: string = DEFAULT_PREFIX): Promise<StorageFinding[]> {
    const tried = await tryChanges(this, call, prefix, () => undefined);
    const { now, hasSqlite } = (await this.#ask(`${prefix}check`, { call: "facts" }, call)) as ObjectFacts;
    const backend = hasSqlite
      ? ok("the class keeps its data in SQLite")
      : warning(
          "the class has no SQLite: a record of more than 128 KiB cannot be stored",
          'write "new_sqlite_classes" instead of "new_classes" in the migration, for a new class',
        );
    return [tried, backend, clockFinding(now, call.now)];
  }

  async #change(key: string, change: ObjectCall, call: StorageCall): Promise<boolean> {
    return (await this.#ask(key, change, call)) === true;
  }

  /** A stub is made for each call: it belongs to one request, and after an error it cannot be used again. */
  async #ask(key: string, asked: ObjectCall, { signal }: StorageCall): Promise<unknown> {
    const stub = this.#namespace.get(this.#namespace.idFromName(key));
    const response = await stub.fetch(OBJECT_URL, { method: "POST", body: JSON.stringify(asked), signal });
    const body = await response.text();
    if (response.status === 200) return JSON.parse(body);
    throw new SessionError("storage", `a Durable Object responded with status ${response.status}; ${CLASS}`);
  }
}

const CLASS = 'the class of the namespace must be HoldfastSessions: "class_name" in wrangler.jsonc';

function plain({ value, expiresAt }: StorageEntry): StorageEntry {
  return { value, expiresAt };
}

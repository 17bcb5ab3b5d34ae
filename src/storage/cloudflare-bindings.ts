/** Recognises the bindings of a Cloudflare Worker, for the messages of drivers that they are passed to. */

/** What a binding is called, and what to write if it was passed to something that cannot use it. */
interface Binding {
  readonly name: string;
  readonly write: string;
}

/** A key-value namespace: no driver can use it. */
export const KV: Binding = {
  name:
    "a KV namespace of Cloudflare, which cannot keep sessions: a write compares no version, and a read may be 60 " +
    "seconds old, so that a logout is undone",
  write: "d1Storage(env.DB) or durableStorage(env.SESSIONS), of holdfast/storage/cloudflare",
};

/** A database. */
export const D1: Binding = {
  name: "a D1 database of Cloudflare",
  write: "d1Storage(env.DB), of holdfast/storage/cloudflare",
};

/** A namespace of Durable Objects. */
export const DURABLE: Binding = {
  name: "a namespace of Durable Objects",
  write: "durableStorage(env.SESSIONS), of holdfast/storage/cloudflare",
};

/** True for the binding of a KV namespace. */
export function isKvNamespace(binding: unknown): boolean {
  return hasCalls(binding, "get", "put", "list", "getWithMetadata");
}

/**
 * True for the binding of a D1 database, and for what its `withSession()` returns. No synchronous client has `batch`.
 */
export function isD1(binding: unknown): boolean {
  return hasCalls(binding, "prepare", "batch") && !hasCalls(binding, "execute");
}

/** True for the binding of a namespace of Durable Objects. */
export function isDurableNamespace(binding: unknown): boolean {
  return hasCalls(binding, "idFromName", "newUniqueId", "get");
}

/** True for one Durable Object, or another Worker: they seem to have every method. */
export function isStub(binding: unknown): boolean {
  return hasCalls(binding, "fetch", "connect");
}

/** What to write instead of a binding that was passed as a storage; undefined for anything else. */
export function insteadOfBinding(value: unknown): string | undefined {
  if (isKvNamespace(value)) return `${KV.write}; it is ${KV.name}`;
  if (isD1(value)) return D1.write;
  return isDurableNamespace(value) ? DURABLE.write : undefined;
}

function hasCalls(value: unknown, ...calls: readonly string[]): boolean {
  const object = value as Record<string, unknown> | null | undefined;
  return calls.every((call) => typeof object?.[call] === "function");
}

/**
 * Returns the same storage for the same binding: a Worker gets its bindings with each request. A binding that is not
 * used any more is forgotten with its storages.
 */
export class OnePerBinding<S> {
  readonly #known = new WeakMap<object, Map<string, S>>();

  /** Returns the storage of this binding and name; makes it if there is none. */
  of(binding: object, name: string, make: () => S): S {
    const ofBinding = this.#known.get(binding) ?? new Map<string, S>();
    this.#known.set(binding, ofBinding);
    const storage = ofBinding.get(name) ?? make();
    ofBinding.set(name, storage);
    return storage;
  }
}

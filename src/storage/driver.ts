import type { Storage } from "../contracts/storage.js";
import { SessionError } from "../errors.js";
import { misplaced } from "../util/assert.js";
import { randomText } from "../util/bytes.js";
import { isPromise } from "../util/async.js";
import { insteadOfBinding } from "./cloudflare-bindings.js";

const CALLS = ["get", "create", "update", "touch", "delete"] as const;

/** Throws a TypeError with the names of the methods that a storage lacks. */
export function assertStorage(storage: unknown, option: string = "storage"): Storage {
  const lacking = CALLS.filter(
    (name) => typeof (storage as Record<string, unknown> | null | undefined)?.[name] !== "function",
  );
  if (lacking.length > 0)
    throw misplaced(option, storage, `${insteadOf(storage)}; this one lacks ${lacking.join(", ")}`);
  return storage as Storage;
}

function insteadOf(storage: unknown): string {
  if (typeof storage === "function") return `its result: ${storage.name || "create"}(…)`;
  if (isPromise(storage as object | null)) return "what it resolves to: await …";
  return (
    insteadOfBinding(storage) ?? "redisStorage(client), postgresStorage(pool), memoryStorage() or another storage"
  );
}

/**
 * Generates the version of one write: random, so that a key that was deleted and created again never has an earlier
 * version again.
 */
export function newVersion(): string {
  return randomText(9);
}

/**
 * The error for a connection that the application also uses and that is in a transaction. `begin`: the statement that
 * begins one.
 */
export function insideTransaction(begin: string): SessionError {
  return new SessionError(
    "storage",
    `the connection is inside a transaction of the application (${begin}): what a session writes there is ` +
      "undone if it is rolled back; pass a pool, or a separate connection",
  );
}

/**
 * Returns a storage that forwards to another one, except for the given methods. Optional methods that the other lacks
 * are not added.
 */
export function wrapped(storage: Storage, calls: Partial<Storage>): Storage {
  return {
    get: (key, call) => storage.get(key, call),
    create: (key, entry, call) => storage.create(key, entry, call),
    update: (key, entry, version, call) => storage.update(key, entry, version, call),
    touch: (key, expiresAt, version, call) => storage.touch(key, expiresAt, version, call),
    delete: (key, version, call) => storage.delete(key, version, call),
    ...(storage.clear && { clear: (prefix, call) => storage.clear!(prefix, call) }),
    ...(storage.sweep && { sweep: (call) => storage.sweep!(call) }),
    ...(storage.startSweep && { startSweep: (options) => storage.startSweep!(options) }),
    ...(storage.check && { check: (call, prefix) => storage.check!(call, prefix) }),
    ...(storage.close && { close: () => storage.close!() }),
    ...(storage.maxValueBytes === undefined ? {} : { maxValueBytes: storage.maxValueBytes }),
    ...calls,
  };
}

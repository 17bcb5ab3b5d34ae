import type { Storage } from "../contracts/storage.js";
import { SessionError } from "../errors.js";
import { misplaced } from "../util/assert.js";
import { randomText } from "../util/random.js";
import { isPromise } from "../util/promise.js";
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

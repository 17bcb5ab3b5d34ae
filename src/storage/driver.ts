import type { Storage } from "../contracts/storage.js";
import { SessionError } from "../errors.js";
import { misplaced } from "../util/assert.js";
import { randomText } from "../util/random.js";

const CALLS = ["get", "create", "update", "touch", "delete"] as const;

/** Throws a TypeError that names the calls a storage lacks. */
export function assertStorage(storage: unknown, option: string = "storage"): Storage {
  const lacking = CALLS.filter(
    (name) => typeof (storage as Record<string, unknown> | null | undefined)?.[name] !== "function",
  );
  if (lacking.length > 0)
    throw misplaced(option, storage, `memoryStorage() or another storage; this one lacks ${lacking.join(", ")}`);
  return storage as Storage;
}

/** A version for one write: random, so that a key that was deleted and created again never shows an earlier one. */
export function drawVersion(): string {
  return randomText(9);
}

/**
 * A connection that the storage shares with the application is inside a transaction of its own. `begin`: how such a
 * one is begun.
 */
export function insideTransaction(begin: string): SessionError {
  return new SessionError(
    "storage",
    `the connection is inside a transaction of the application (${begin}): what a session writes there is ` +
      "undone with it; hand in a pool, or a connection of its own",
  );
}

import type { Storage } from "../contracts/storage.js";
import { memoryStorage } from "../storage/memory.js";

/**
 * Returns the storage of a framework that makes several bundles of one application, each with its own modules, or that
 * loads them again while one develops: one memory for all of them.
 *
 * @param framework - its name
 * @returns a function that makes the storage when it is called first
 * @example
 * ```ts
 * const settings = requestSettings(called, sharedMemory("next"));
 * ```
 */
export function sharedMemory(framework: string): () => Storage {
  const key = Symbol.for(`holdfast.${framework}.memory`);
  const shared = globalThis as { [key]?: Storage };
  return () => (shared[key] ??= memoryStorage());
}

/**
 * Reports the calls of another storage to a listener: for metrics and traces.
 *
 * @module
 */
import type { Awaitable, Storage } from "../contracts/storage.js";
import { callable } from "../util/assert.js";
import { warn } from "../util/builtin.js";
import { isPromise } from "../util/async.js";
import { assertStorage, wrapped } from "./driver.js";

/** A completed call of a storage. */
export interface ObservedCall {
  readonly name: "get" | "create" | "update" | "touch" | "delete" | "clear" | "sweep" | "check";
  /** Duration in ms. */
  readonly ms: number;
  /** `done`; `refused` if the result was `false` or nothing was found; `failed` if it threw. */
  readonly outcome: "done" | "refused" | "failed";
  /** The error that it threw. */
  readonly error?: unknown;
}

/**
 * Wraps a storage and reports each call to a listener when it has completed: for latencies, counts and errors. Keys
 * and values are not reported.
 *
 * @param storage - the storage to wrap
 * @param listener - called after each call; if it throws, a warning is written
 * @returns the wrapped storage
 * @throws {TypeError} if an argument is invalid
 * @example
 * ```ts
 * const storage = observed(redisStorage(client), ({ name, ms, outcome }) => histogram.record(ms, { name, outcome }));
 * ```
 */
export function observed(storage: Storage, listener: (call: ObservedCall) => void): Storage {
  assertStorage(storage, "observed: storage");
  callable("observed: listener", listener, "({ name, ms, outcome, error }) => …");
  const watch = <T>(name: ObservedCall["name"], work: () => Awaitable<T>): Awaitable<T> => {
    const start = performance.now();
    const report = (outcome: ObservedCall["outcome"], error?: unknown): void => {
      const call = { name, ms: performance.now() - start, outcome };
      try {
        listener(error === undefined ? call : { ...call, error });
      } catch (thrown) {
        warn(`holdfast: the listener of observed() threw: ${String(thrown)}`);
      }
    };
    const done = (result: T): T => {
      report(result === false || (name === "get" && !result) ? "refused" : "done");
      return result;
    };
    const failed = (error: unknown): never => {
      report("failed", error);
      throw error;
    };
    try {
      const result = work();
      return isPromise(result) ? result.then(done, failed) : done(result);
    } catch (error) {
      return failed(error);
    }
  };
  return wrapped(storage, {
    get: (key, call) => watch("get", () => storage.get(key, call)),
    create: (key, entry, call) => watch("create", () => storage.create(key, entry, call)),
    update: (key, entry, version, call) => watch("update", () => storage.update(key, entry, version, call)),
    touch: (key, expiresAt, version, call) => watch("touch", () => storage.touch(key, expiresAt, version, call)),
    delete: (key, version, call) => watch("delete", () => storage.delete(key, version, call)),
    ...(storage.clear && { clear: (prefix, call) => watch("clear", () => storage.clear!(prefix, call)) }),
    ...(storage.check && { check: (call, prefix) => watch("check", () => storage.check!(call, prefix)) }),
    ...(storage.sweep && { sweep: (call) => watch("sweep", () => storage.sweep!(call)) }),
  });
}

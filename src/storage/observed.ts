/**
 * A storage whose calls are told to a listener, over any other: for metrics and traces.
 *
 * @module
 */
import type { Awaitable, Storage } from "../contracts/storage.js";
import { callable } from "../util/assert.js";
import { warn } from "../util/builtin.js";
import { isPromise } from "../util/promise.js";
import { assertStorage } from "./driver.js";
import { wrapped } from "./wrapped.js";

/** One call of a storage that has ended. */
export interface ObservedCall {
  readonly name: "get" | "create" | "update" | "touch" | "delete" | "clear" | "sweep" | "check";
  /** How long it took, in ms. */
  readonly ms: number;
  /** `done`, or `refused` where the answer was `false` or nothing was found, or `failed`. */
  readonly outcome: "done" | "refused" | "failed";
  /** What it threw. */
  readonly error?: unknown;
}

/**
 * The same storage, each call reported to a listener when it has ended: for latencies, counts and errors. Keys and
 * values are not shown.
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
    const done = (answer: T): T => {
      report(answer === false || (name === "get" && !answer) ? "refused" : "done");
      return answer;
    };
    const failed = (error: unknown): never => {
      report("failed", error);
      throw error;
    };
    try {
      const answer = work();
      return isPromise(answer) ? answer.then(done, failed) : done(answer);
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

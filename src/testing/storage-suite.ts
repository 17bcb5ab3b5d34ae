import type { Awaitable } from "../contracts/storage.js";
import { CONCURRENCY_CASES } from "./storage-concurrency.js";
import { conditionCases, type StorageConditions } from "./storage-conditions.js";
import { CONTRACT_CASES } from "./storage-contract.js";
import { Desk, type StorageUnderTest } from "./storage-desk.js";

/** One case of the suite. `run` rejects with an Error that says which rule was broken. */
export interface StorageCase {
  readonly name: string;
  /** Runs the case on a new storage of `makeStorage`. */
  readonly run: () => Promise<void>;
}

/**
 * The storage contract as tests, for any test runner: every driver runs all of them on the real server.
 *
 * @param makeStorage - called for each case; it may return the same storage each time, because keys do not repeat
 * @param conditions - additional cases for failures around your database, see {@link StorageConditions}
 * @returns the cases, to be run in any order
 * @example
 * ```ts
 * for (const { name, run } of storageSuite(() => ({ storage: myStorage(client) }))) test(name, run);
 * ```
 */
export function storageSuite<U extends StorageUnderTest>(
  makeStorage: () => Awaitable<U>,
  conditions: StorageConditions<U> = {},
): readonly StorageCase[] {
  const plain = Object.entries({ ...CONTRACT_CASES, ...CONCURRENCY_CASES }).map(
    ([name, work]) => [name, ({ desk }: { desk: Desk }) => work(desk)] as const,
  );
  return [...plain, ...Object.entries(conditionCases(conditions))].map(([name, work]) => ({
    name,
    async run() {
      const under = await makeStorage();
      try {
        await work({ under, desk: new Desk(under.storage) });
      } finally {
        await under.close?.();
      }
    },
  }));
}

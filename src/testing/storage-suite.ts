import type { Awaitable } from "../contracts/storage.js";
import { CONCURRENCY_CASES } from "./storage-concurrency.js";
import { conditionCases, type StorageConditions } from "./storage-conditions.js";
import { CONTRACT_CASES } from "./storage-contract.js";
import { Desk, type StorageUnderTest } from "./storage-desk.js";

/** One case of the suite. `run` rejects with an Error that says which rule was broken. */
export interface StorageCase {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/**
 * The storage contract as tests, for any test runner: every driver runs all of them on the real server.
 *
 * ```ts
 * for (const { name, run } of storageSuite(() => ({ storage: myStorage(client) }))) test(name, run);
 * ```
 *
 * `makeStorage` is called for each case; it may answer the same storage each time, keys do not repeat. `conditions`
 * add cases: what may go wrong around your database, see {@link StorageConditions}.
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

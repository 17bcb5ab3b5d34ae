import { randomBytes } from "node:crypto";
import type { Storage } from "holdfast";
import { encrypted } from "holdfast/storage/encrypted";
import { memoryStorage } from "holdfast/storage/memory";
import { observed } from "holdfast/storage/observed";
import { storageSuite } from "holdfast/testing";
import { within } from "./within.js";

/** How one case went. */
export interface CaseResult {
  readonly decorator: string;
  readonly name: string;
  /** What it threw. */
  readonly error?: string;
}

let key: Uint8Array | undefined;
/** Drawn when it is asked for: a Worker refuses to draw one while it loads. */
const drawn = (): Uint8Array => (key ??= randomBytes(32));
const CASE_MS = 60_000;

/** What may stand between a store and its driver. */
export const DECORATORS: Readonly<Record<string, (storage: Storage) => Storage>> = {
  plain: (storage) => storage,
  encrypted: (storage) => encrypted(storage, [drawn()]),
  observed: (storage) => observed(storage, () => {}),
};

/** The names of all cases. */
export const CASES: readonly string[] = storageSuite(() => ({ storage: memoryStorage() })).map(({ name }) => name);

/** The whole suite, through each decorator. */
export async function runSuites(storage: Storage, report: (result: CaseResult) => void): Promise<void> {
  for (const [decorator, decorate] of Object.entries(DECORATORS)) {
    const decorated = decorate(storage);
    for (const { name, run } of storageSuite(() => ({ storage: decorated }))) {
      const error = await within(CASE_MS, name, run()).then(
        () => undefined,
        (thrown: unknown) => (thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)),
      );
      report(error === undefined ? { decorator, name } : { decorator, name, error });
    }
  }
}

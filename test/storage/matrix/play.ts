/** The storage contract and the stories on a storage, in whatever runtime this is. */
import { storageSuite } from "holdfast/testing";
import { within } from "../../support/within.js";
import type { Opened } from "./row.js";
import { STORIES } from "./stories.js";

/** How a row went: what it came to, and each case that failed. */
export interface Outcome {
  readonly result: string;
  readonly failures: readonly string[];
}

/** For how long a case may take, in ms. */
export const CASE_MS = 30_000;

/** The cases that no client passes by accident; the rest is for `npm run storages -- --matrix`. */
const CORE =
  /^(create inserts, and|update replaces|touch moves|delete removes|values are returned|keys are compared|concurrent writers|of concurrent creates|check, if)/;

/** The cases in which many write one key at once. */
const CONTENDED = /^many writers of one key/;

/** The contract and the stories on a storage. */
export async function runOpened({ storage }: Opened, isWhole: boolean, isSlow: boolean = false): Promise<Outcome> {
  const cases = storageSuite(() => ({ storage })).filter(
    ({ name }) => ((isWhole && !isSlow) || CORE.test(name)) && !(isSlow && CONTENDED.test(name)),
  );
  const stories = Object.entries(STORIES).map(([name, tell]) => ({ name, run: () => tell(storage) }));
  const failures: string[] = [];
  for (const { name, run } of [...cases, ...stories]) {
    await within(CASE_MS, name, run()).catch((error: unknown) => failures.push(`${name}: ${textOf(error)}`));
  }
  const result = failures.length > 0 ? "fails" : `works (${cases.length} cases, ${stories.length} stories)`;
  return { result, failures };
}

/** An error with its stack. */
export function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

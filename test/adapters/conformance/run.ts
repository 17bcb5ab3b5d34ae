import { existsSync, readFileSync } from "node:fs";
import { basename, isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Adapter } from "./apps/types.js";
import { ADAPTERS } from "./adapters.js";
import type { Difference } from "./compare.js";
import { isNote, nameOf, parseRecording } from "./format.js";
import { play } from "./play.js";

/** Where the project keeps its own recordings. */
export const RECORDINGS: string = fileURLToPath(new URL("../../../test/adapters/conformance/", import.meta.url));

/** Plays the files through every adapter and prints what differs. Answers the exit code. */
export async function run(files: readonly string[]): Promise<number> {
  const tally = new Tally();
  for (const file of files.length > 0 ? files : [join(RECORDINGS, "scenarios.json")]) await playFile(file, tally);
  return tally.print();
}

async function playFile(file: string, tally: Tally): Promise<void> {
  const scenarios = read(file, tally);
  for (const [index, scenario] of scenarios.entries()) {
    if (isNote(scenario)) tally.notes++;
    else await playEverywhere(scenario, `${basename(file)} › ${nameOf(scenario, index)}`, tally);
  }
}

function read(file: string, tally: Tally): readonly unknown[] {
  try {
    return parseRecording(readFileSync(resolved(file), "utf8"));
  } catch (error) {
    tally.failed++;
    console.log(`✖ ${file}: ${error instanceof Error ? error.message : String(error)}`);
    return [];
  }
}

/** npm starts scripts in the project's directory; a path may also mean where the user stands. */
function resolved(file: string): string {
  const where = process.env["INIT_CWD"];
  return isAbsolute(file) || existsSync(file) || !where ? file : join(where, file);
}

async function playEverywhere(scenario: unknown, title: string, tally: Tally): Promise<void> {
  const adapters = new Map<string, string[]>();
  for (const adapter of ADAPTERS) {
    const { differences, skipped } = await play(scenario, adapter);
    tally.count(title, adapter, differences, skipped);
    const text = described(differences);
    if (text) adapters.set(text, [...(adapters.get(text) ?? []), adapter.name]);
  }
  for (const [text, names] of adapters)
    console.log(
      `✖ ${title}\n  on ${names.length === ADAPTERS.length ? "every adapter" : names.join(", ")}\n${text}\n`,
    );
}

/** Differences in words: step, field, wanted, got. */
export function described(differences: readonly Difference[]): string {
  return differences
    .map(
      ({ step, field, wanted, got }) =>
        `  ${step === undefined ? "" : `step ${step}, `}${field}\n    wanted ${wanted}\n    got    ${got}`,
    )
    .join("\n");
}

class Tally {
  passed = 0;
  failed = 0;
  notes = 0;
  readonly #skipped = new Map<string, string[]>();

  count(title: string, { name }: Adapter, differences: readonly Difference[], skipped: string | undefined): void {
    if (skipped !== undefined) this.#skip(`${title}: ${skipped}`, name);
    else if (differences.length > 0) this.failed++;
    else this.passed++;
  }

  print(): number {
    for (const [what, names] of this.#skipped) console.log(`skipped on ${names.join(", ")}: ${what}`);
    if (this.notes > 0) console.log(`notes, which are for reading only: ${this.notes}`);
    console.log(`${this.passed} passed, ${this.failed} failed`);
    return this.failed > 0 ? 1 : 0;
  }

  #skip(what: string, adapter: string): void {
    this.#skipped.set(what, [...(this.#skipped.get(what) ?? []), adapter]);
  }
}

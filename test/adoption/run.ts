import { runAlias } from "./alias/run.js";
import { BESIDE } from "./beside/all.js";
import { differences, shown, type Difference } from "./compare.js";
import { MEANT, meantBy, type Meant } from "./meant.js";
import { runChecks } from "./frameworks/run.js";
import { runOwnTests } from "./own-tests/run.js";
import { play } from "./play.js";
import type { Note, Program, Side } from "./program.js";
import { PROGRAMS } from "./programs/all.js";

/** A program on one side of the drop-in, compared with express-session. */
export interface Result {
  readonly program: Program;
  readonly side: Side;
  /** What differs and is not meant to. */
  readonly wrong: readonly Difference[];
  readonly meant: readonly Meant[];
}

const SIDES = ["store", "storage"] as const;

/** The programs whose name contains one of the patterns; all, where there is none. */
export function chosen(programs: readonly Program[], patterns: readonly string[]): Program[] {
  return programs.filter(({ name }) => patterns.length === 0 || patterns.some((pattern) => name.includes(pattern)));
}

/** Plays a program on express-session and on both sides of the drop-in. */
export async function compared(program: Program): Promise<Result[]> {
  const theirs = await play(program, "express-session");
  const sides = SIDES.filter((side) => side === "store" || !program.isAboutStores);
  const results: Result[] = [];
  for (const side of sides) results.push(judge(program, side, theirs, await play(program, side)));
  return results;
}

/** What becomes of the differences between two runs of a program. */
export function judge(program: Program, side: Side, theirs: readonly Note[], ours: readonly Note[]): Result {
  const found = differences(theirs, ours, side === "storage");
  const entries = found.map((one) => meantBy(one, program.name, side));
  return {
    program,
    side,
    wrong: found.filter((_, i) => !entries[i]),
    meant: entries.filter((one) => one !== undefined),
  };
}

/** Entries of the list that none of these results showed. */
export function staleAmong(results: readonly Result[], entries: readonly Meant[] = MEANT): Meant[] {
  return entries.filter((entry) => !results.some(({ meant }) => meant.includes(entry)));
}

/** Plays programs one after another; `done` is given the results of each. */
export async function comparedAll(
  programs: readonly Program[],
  done: (results: readonly Result[]) => void = () => {},
): Promise<Result[]> {
  const all: Result[] = [];
  for (const program of programs) {
    const results = await compared(program);
    all.push(...results);
    done(results);
  }
  return all;
}

/** How many runs passed and failed. */
export interface Total {
  readonly passed: number;
  readonly failed: number;
}

/** `npm run adoption [-- PATTERN …]`, but for the tests of `adopt`. */
export async function main(patterns: readonly string[]): Promise<Total> {
  const isChosen = (part: string): boolean => patterns.length === 0 || patterns.includes(part);
  const none: Total = { passed: 0, failed: 0 };
  const parts = [
    await runPrograms(patterns),
    await runChecks(patterns),
    isChosen("own-tests") ? await runOwnTests() : none,
    isChosen("alias") ? await runAlias() : none,
  ];
  return {
    passed: parts.reduce((sum, { passed }) => sum + passed, 0),
    failed: parts.reduce((sum, { failed }) => sum + failed, 0),
  };
}

/** Plays what the patterns name, prints what differs; answers how many passed and failed. */
export async function runPrograms(patterns: readonly string[]): Promise<Total> {
  const programs = chosen([...BESIDE, ...PROGRAMS], patterns);
  const results = await comparedAll(programs, (some) => {
    for (const { program, side, wrong } of some)
      if (wrong.length > 0) console.log(`✖ ${program.name} (${side})\n${indented(wrong.map(shown).join("\n"))}`);
  });
  const stale = patterns.length === 0 ? staleAmong(results) : [];
  for (const { program, field, why } of stale)
    console.log(`✖ meant, and does not differ any more, remove it: ${String(program)} ${String(field)} (${why})`);
  const wrong = results.filter((one) => one.wrong.length > 0).length;
  const differing = results.filter((one) => one.wrong.length === 0 && one.meant.length > 0).length;
  console.log(
    `${programs.length} programs beside express-session: ${results.length - wrong - differing} runs are the same, ` +
      `${differing} differ as meant.`,
  );
  return { passed: results.length - wrong, failed: wrong + stale.length };
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, "    ");
}

import { availableParallelism } from "node:os";
import { writeFileSync } from "node:fs";
import { BARE, COLUMNS, REFUSED, STORAGES, type Column, type StorageName } from "./columns.js";
import { differences, type References } from "./compare.js";
import { Runner } from "./fleet.js";
import { isKnown, KNOWN_FILE, meantBy, readKnown, type Known, type Place } from "./lists.js";
import { MEANT, type Meant } from "./meant.js";
import { FRAMEWORKS, type Framework, type Row } from "./row.js";
import { ROWS } from "./rows/all.js";

/** A column on one storage. */
export interface Cell {
  readonly column: Column;
  readonly storage: StorageName;
}

/** Every column on every storage. */
export const ALL_CELLS: readonly Cell[] = COLUMNS.flatMap((column) => STORAGES.map((storage) => ({ column, storage })));

/** `same` as bare · differs as it is `meant` · `known` to fail, not mended yet · `failed` · `mended`: listed as known, and does not fail. */
export type Outcome = "same" | "meant" | "known" | "failed" | "mended";

/** A cell, judged. */
export interface Result extends Place {
  readonly outcome: Outcome;
  readonly differences: readonly string[];
  readonly meant: readonly Meant[];
}

/** A row on one framework. */
interface Line {
  readonly row: Row;
  readonly framework: Framework;
}

/** The lines whose row or framework a pattern names; all, where there is none. */
export function linesFor(patterns: readonly string[]): Line[] {
  const lines = FRAMEWORKS.flatMap((framework) => ROWS.filter(({ on }) => on.includes(framework)).map((row) => ({ row, framework })));
  const names = ({ row, framework }: Line, pattern: string): boolean => framework === pattern || row.name.includes(pattern) || row.fault === pattern;
  return patterns.length === 0 ? lines : lines.filter((line) => patterns.some((pattern) => names(line, pattern)));
}

/** Runs cells of lines, several processes at a time; `done` is given the results of each line as it ends. */
export async function runLines(lines: readonly Line[], cells: readonly Cell[], done: (line: Line, results: readonly Result[]) => void = () => {}): Promise<Result[]> {
  const known = readKnown();
  const waiting = [...lines];
  const all: Result[] = [];
  const work = async (): Promise<void> => {
    const runner = new Runner();
    try {
      for (let line = waiting.shift(); line; line = waiting.shift()) {
        const results = await runLine(runner, line, cells, known);
        all.push(...results);
        done(line, results);
      }
    } finally {
      runner.end();
    }
  };
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, work));
  return all;
}

async function runLine(runner: Runner, { row, framework }: Line, cells: readonly Cell[], known: Known): Promise<Result[]> {
  const observe = ({ column, storage }: Cell): ReturnType<Runner["observe"]> => runner.observe({ row: row.name, framework, column: column.name, storage });
  const references: References = { bare: await observe({ column: BARE, storage: "memory" }), refused: await observe({ column: REFUSED, storage: "memory" }) };
  if (references.bare.transcript.end === "hung" && row.silence === undefined) throw new Error(`${framework} › ${row.name}: the bare program hangs; give the row a \`silence\``);
  const results: Result[] = [];
  for (const cell of cells) {
    const found = differences(row, framework, cell.column, references, await observe(cell));
    results.push(judge({ row: row.name, framework, column: cell.column.name, storage: cell.storage }, found, known));
  }
  return results;
}

function judge(place: Place, found: readonly string[], known: Known): Result {
  const meant = found.map((one) => meantBy(one, place));
  const open = found.filter((_, i) => !meant[i]);
  const isListed = isKnown(known, place);
  const outcome = open.length > 0 ? (isListed ? "known" : "failed") : isListed ? "mended" : found.length > 0 ? "meant" : "same";
  return { ...place, outcome, differences: open, meant: [...new Set(meant.filter((one) => one !== undefined))] };
}

const SIGNS: Readonly<Record<Outcome, string>> = { same: "·", meant: "~", known: "k", failed: "✖", mended: "!" };

/** `npm run answers [-- PATTERN …]`; answers the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const patterns = args.filter((one) => !one.startsWith("--"));
  const lines = linesFor(patterns);
  if (lines.length === 0) throw new Error(`no row and no framework is called ${patterns.join(" or ")}`);
  console.log(ALL_CELLS.map(({ column, storage }, i) => `${i + 1} ${column.name}/${storage}`).join(" · "));
  console.log("· same as bare   ~ differs, and is meant to   k known, not mended yet   ✖ failed   ! known, and mended: remove it\n");
  const width = Math.max(...lines.map(({ row }) => row.name.length));
  const results = await runLines(lines, ALL_CELLS, ({ row, framework }, own) => {
    const signs = own.map(({ outcome }) => SIGNS[outcome]).join(" ");
    console.log(`${framework.padEnd(9)} ${row.name.padEnd(width)}  ${signs}`);
  });
  if (args.includes("--write-known")) writeKnown(results);
  return report(results, patterns.length === 0);
}

function report(results: readonly Result[], isFull: boolean): number {
  const wrong = results.filter(({ outcome }) => outcome === "failed" || outcome === "mended");
  for (const one of wrong) console.log(`\n${describe(one)}`);
  const stale = isFull ? MEANT.filter((entry) => !results.some(({ meant }) => meant.includes(entry))) : [];
  for (const { row, why } of stale) console.log(`\nmeant, and does not differ any more, remove it: ${String(row)} (${why})`);
  const count = (outcome: Outcome): number => results.filter((one) => one.outcome === outcome).length;
  const failed = wrong.length + stale.length;
  console.log(`\n${new Set(results.map(({ row }) => row)).size} ways to answer, ${count("known")} cells known and not mended yet, ${count("meant")} that are meant to differ`);
  console.log(`${results.length - wrong.length} passed, ${failed} failed`);
  return failed > 0 ? 1 : 0;
}

/** A result that is not as it should be, in words. */
export function describe({ row, framework, column, storage, outcome, differences }: Result): string {
  const what = outcome === "mended" ? ["is listed in known.json and does not fail: remove it"] : differences;
  return `${framework} › ${row} › ${column}/${storage}\n${what.map((one) => `    ${one}`).join("\n")}`;
}

/** Lists what fails now as known; what was not run stays as it is. */
function writeKnown(results: readonly Result[]): void {
  const known = readKnown();
  for (const { row, framework } of results) delete known[row]?.[framework];
  for (const { row, framework, column, storage, outcome } of results) {
    if (outcome !== "failed" && outcome !== "known") continue;
    known[row] ??= { fault: ROWS.find(({ name }) => name === row)?.fault ?? "?" };
    (known[row][framework] ??= []).push(`${column}/${storage}`);
  }
  const kept = Object.entries(known).filter(([, entry]) => Object.keys(entry).length > 1);
  for (const [, entry] of kept) for (const framework of FRAMEWORKS) if (entry[framework]) entry[framework] = joined(entry[framework]);
  const lines = kept.sort(([a], [b]) => (a < b ? -1 : 1)).map(([row, entry]) => `  ${JSON.stringify(row)}: ${JSON.stringify(entry)}`);
  writeFileSync(KNOWN_FILE, `{\n${lines.join(",\n")}\n}\n`);
}

/** A column on both storages is written once. */
function joined(places: readonly string[]): string[] {
  const isOnBoth = (column: string): boolean => STORAGES.every((storage) => places.includes(`${column}/${storage}`));
  return [...new Set(places.map((place) => (isOnBoth(place.split("/")[0]!) ? place.split("/")[0]! : place)))];
}

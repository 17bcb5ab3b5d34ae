import { availableParallelism } from "node:os";
import { writeFileSync } from "node:fs";
import type { Observation } from "./cell.js";
import { BARE, COLUMNS, REFUSED, STORAGES, type Column, type StorageName } from "./columns.js";
import { differences, type References } from "./compare.js";
import { Fleet } from "./fleet.js";
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
export interface Line {
  readonly row: Row;
  readonly framework: Framework;
}

/** The lines whose row or framework a pattern names; all, where there is none. */
export function linesFor(patterns: readonly string[]): Line[] {
  const lines = FRAMEWORKS.flatMap((framework) => ROWS.filter(({ on }) => on.includes(framework)).map((row) => ({ row, framework })));
  const names = ({ row, framework }: Line, pattern: string): boolean => framework === pattern || row.name.includes(pattern) || row.fault === pattern;
  return patterns.length === 0 ? lines : lines.filter((line) => patterns.some((pattern) => names(line, pattern)));
}

/** Lines that one process runs side by side: most of a cell's time is waiting. */
const SIDE_BY_SIDE = 8;

/** Runs cells of lines, those of a line by its index, several processes at a time; `done` is given the results of each line as it ends. */
export async function runLines(lines: readonly Line[], cellsOf: (index: number) => readonly Cell[], done: (line: Line, results: readonly Result[]) => void = () => {}): Promise<Result[]> {
  const known = readKnown();
  const all: Result[] = [];
  // @hono/node-server puts its own `Response` in the place of the platform's, for the whole process, and some rows change prototypes: they have processes of their own.
  const kindOf = ({ framework, row }: Line): string => (framework === "fetch" ? "web" : row.spoils ? "spoilt" : "node");
  for (const kind of ["node", "web", "spoilt"]) {
    const group = lines.filter((line) => kindOf(line) === kind);
    const waiting = [...group.entries()];
    const work = async (fleet: Fleet): Promise<void> => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const [index, line] = next;
        const results = await runLine(fleet, line, cellsOf(index), known);
        all.push(...results);
        done(line, results);
      }
    };
    const fleets = group.length > 0 ? Array.from({ length: Math.min(4, availableParallelism()) }, () => new Fleet()) : [];
    try {
      await Promise.all(fleets.flatMap((fleet) => Array.from({ length: SIDE_BY_SIDE }, () => work(fleet))));
    } finally {
      for (const fleet of fleets) fleet.end();
    }
  }
  return all;
}

/** How much longer the first hang of a line is waited for before it counts. */
const PATIENT = 10;
/** How much shorter it is waited for where the bare program never ends its answer. */
const ENDLESS = 1 / 3;

async function runLine(fleet: Fleet, { row, framework }: Line, cells: readonly Cell[], known: Known): Promise<Result[]> {
  let isEndless = row.isEndless === true;
  const observe = ({ column, storage }: Cell, patience: number = 1): Promise<Observation> =>
    fleet.observe({ row: row.name, framework, column: column.name, storage, patience: isEndless ? ENDLESS : patience });
  let bare = await observe({ column: BARE, storage: "memory" });
  if (isHung(bare) && !isEndless) {
    bare = await observe({ column: BARE, storage: "memory" }, PATIENT);
    isEndless = isHung(bare);
  }
  const isRefused = row.whenSaveFails !== "as bare" && cells.some(({ column }) => column.save === "fails");
  const references: References = { bare, refused: isRefused ? await observe({ column: REFUSED, storage: "memory" }) : bare };
  const results: Result[] = [];
  let hangs = isEndless;
  for (const cell of cells) {
    const place: Place = { row: row.name, framework, column: cell.column.name, storage: cell.storage };
    let seen = await observe(cell);
    if (isHung(seen) && !hangs && !isKnown(known, place)) {
      seen = await observe(cell, PATIENT);
      hangs = isHung(seen);
    }
    results.push(judge(place, differences(row, framework, cell.column, references, seen), known));
  }
  return results;
}

function isHung({ transcript }: Observation): boolean {
  return transcript.end.includes("hung");
}

function judge(place: Place, found: readonly string[], known: Known): Result {
  const meant = found.map((one) => meantBy(one, place));
  const open = found.filter((_, i) => !meant[i]);
  const isListed = isKnown(known, place);
  const isSometimes = isListed && known[place.row]?.sometimes === true;
  const outcome = open.length > 0 ? (isListed ? "known" : "failed") : isListed && !isSometimes ? "mended" : found.length > 0 ? "meant" : "same";
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
  const results = await runLines(lines, () => ALL_CELLS, ({ row, framework }, own) => {
    const signs = own.map(({ outcome }) => SIGNS[outcome]).join(" ");
    console.log(`${framework.padEnd(9)} ${row.name.padEnd(width)}  ${signs}`);
  });
  if (args.includes("--write-known") || args.includes("--again")) writeKnown(results, args.includes("--again"));
  return report(results, patterns.length === 0);
}

function report(results: readonly Result[], isFull: boolean): number {
  const wrong = results.filter(({ outcome }) => outcome === "failed" || outcome === "mended");
  for (const line of described(wrong)) console.log(`\n${line}`);
  const stale = isFull ? MEANT.filter((entry) => !results.some(({ meant }) => meant.includes(entry))) : [];
  for (const { row, why } of stale) console.log(`\nmeant, and does not differ any more, remove it: ${String(row)} (${why})`);
  const count = (outcome: Outcome): number => results.filter((one) => one.outcome === outcome).length;
  const failed = wrong.length + stale.length;
  console.log(`\n${new Set(results.map(({ row }) => row)).size} ways to answer, ${count("known")} cells known and not mended yet, ${count("meant")} that are meant to differ`);
  console.log(`${results.length - wrong.length} passed, ${failed} failed`);
  return failed > 0 ? 1 : 0;
}

/** Results that are not as they should be, in words: for each row and framework the differences, each with the cells that show it. */
export function described(wrong: readonly Result[]): string[] {
  const lines = new Map<string, Map<string, string[]>>();
  for (const { row, framework, column, storage, outcome, differences } of wrong) {
    const key = `${framework} › ${row}`;
    const found = lines.get(key) ?? new Map<string, string[]>();
    lines.set(key, found);
    for (const text of outcome === "mended" ? ["is listed in known.json and does not fail: remove it"] : differences) found.set(text, [...(found.get(text) ?? []), `${column}/${storage}`]);
  }
  return [...lines].map(([key, found]) => [key, ...[...found].map(([text, places]) => `    ${text}\n        ${joined(places).join(", ")}`)].join("\n"));
}

/** Lists what fails now as known; what was not run stays as it is. `again`: what is listed stays, and what differs from the list depends on time. */
function writeKnown(results: readonly Result[], again: boolean): void {
  const known = readKnown();
  if (!again) for (const { row, framework } of results) delete known[row]?.[framework];
  for (const { row, framework, column, storage, outcome } of results) {
    const isUnsteady = again && (outcome === "failed" || outcome === "mended");
    if (outcome !== "failed" && outcome !== "known" && !isUnsteady) continue;
    const entry = (known[row] ??= { fault: ROWS.find(({ name }) => name === row)?.fault ?? "new" });
    if (isUnsteady) entry.sometimes = true;
    if (!isKnown(known, { row, framework, column, storage })) (entry[framework] ??= []).push(`${column}/${storage}`);
  }
  const kept = Object.entries(known).filter(([, entry]) => FRAMEWORKS.some((framework) => entry[framework]));
  for (const [, entry] of kept) for (const framework of FRAMEWORKS) if (entry[framework]) entry[framework] = joined(entry[framework]);
  const lines = kept.sort(([a], [b]) => (a < b ? -1 : 1)).map(([row, entry]) => `  ${JSON.stringify(row)}: ${JSON.stringify(entry)}`);
  writeFileSync(KNOWN_FILE, `{\n${lines.join(",\n")}\n}\n`);
}

/** A column on both storages is written once. */
function joined(places: readonly string[]): string[] {
  const isOnBoth = (column: string): boolean => STORAGES.every((storage) => places.includes(`${column}/${storage}`));
  return [...new Set(places.map((place) => (isOnBoth(place.split("/")[0]!) ? place.split("/")[0]! : place)))];
}

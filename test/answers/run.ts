import { availableParallelism } from "node:os";
import type { Observation } from "./cell.js";
import { BARE, COLUMNS, REFUSED, STORAGES, type Column, type StorageName } from "./columns.js";
import { differences, type References } from "./compare.js";
import { Fleet } from "./fleet.js";
import { meantBy, type Place } from "./lists.js";
import { MEANT, type Meant } from "./meant.js";
import { FRAMEWORKS, type Framework, type Row } from "./row.js";
import { ROWS } from "./rows/all.js";

/** A column on one storage. */
export interface Cell {
  readonly column: Column;
  readonly storage: StorageName;
}

/** Every column on every storage. */
export const ALL_CELLS: readonly Cell[] = COLUMNS.flatMap((column) =>
  STORAGES.map((storage) => ({ column, storage })),
);

/** `same` as bare · differs as it is `meant` · `failed`. */
export type Outcome = "same" | "meant" | "failed";

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
  const lines = FRAMEWORKS.flatMap((framework) =>
    ROWS.filter(({ on }) => on.includes(framework)).map((row) => ({ row, framework })),
  );
  const names = ({ row, framework }: Line, pattern: string): boolean =>
    framework === pattern || row.name.includes(pattern) || row.fault === pattern;
  return patterns.length === 0 ? lines : lines.filter((line) => patterns.some((pattern) => names(line, pattern)));
}

/** Lines that one process runs side by side: most of a cell's time is waiting. */
const SIDE_BY_SIDE = 8;

/**
 * Runs cells of lines, those of a line by its index, several processes at a time; `done` is given the results of each
 * line as it ends.
 */
export async function runLines(
  lines: readonly Line[],
  cellsOf: (index: number) => readonly Cell[],
  done: (line: Line, results: readonly Result[]) => void = () => {},
): Promise<Result[]> {
  const all: Result[] = [];
  // @hono/node-server puts its own `Response` in the place of the platform's, for the whole process, and some rows
  //   change prototypes: they have processes of their own.
  const kindOf = ({ framework, row }: Line): string =>
    framework === "fetch" ? "web" : row.spoils ? "spoilt" : "node";
  for (const kind of ["node", "web", "spoilt"]) {
    const group = lines.filter((line) => kindOf(line) === kind);
    const waiting = [...group.entries()];
    const work = async (fleet: Fleet): Promise<void> => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const [index, line] = next;
        const results = await runLine(fleet, line, cellsOf(index));
        all.push(...results);
        done(line, results);
      }
    };
    const fleets =
      group.length > 0 ? Array.from({ length: Math.min(4, availableParallelism()) }, () => new Fleet()) : [];
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

async function runLine(fleet: Fleet, { row, framework }: Line, cells: readonly Cell[]): Promise<Result[]> {
  let isEndless = row.isEndless === true;
  const observe = ({ column, storage }: Cell, patience: number = 1): Promise<Observation> =>
    fleet.observe({
      row: row.name,
      framework,
      column: column.name,
      storage,
      patience: isEndless ? ENDLESS : patience,
    });
  let bare = await observe({ column: BARE, storage: "memory" });
  if (isHung(bare) && !isEndless) {
    bare = await observe({ column: BARE, storage: "memory" }, PATIENT);
    isEndless = isHung(bare);
  }
  const isRefused = row.whenSaveFails !== "as bare" && cells.some(({ column }) => column.save === "fails");
  const references: References = {
    bare,
    refused: isRefused ? await observe({ column: REFUSED, storage: "memory" }) : bare,
  };
  const results: Result[] = [];
  let hangs = isEndless;
  for (const cell of cells) {
    const place: Place = { row: row.name, framework, column: cell.column.name, storage: cell.storage };
    let seen = await observe(cell);
    if (isHung(seen) && !hangs) {
      seen = await observe(cell, PATIENT);
      hangs = isHung(seen);
    }
    results.push(judge(place, differences(row, framework, cell.column, references, seen)));
  }
  return results;
}

function isHung({ transcript }: Observation): boolean {
  return transcript.end.includes("hung");
}

/** What becomes of the differences that a cell showed. */
export function judge(place: Place, found: readonly string[]): Result {
  const meant = found.map((one) => meantBy(one, place));
  const open = found.filter((_, i) => !meant[i]);
  const outcome = open.length > 0 ? "failed" : found.length > 0 ? "meant" : "same";
  return { ...place, outcome, differences: open, meant: [...new Set(meant.filter((one) => one !== undefined))] };
}

/** Entries of the list of meant differences that none of these results showed. */
export function staleAmong(results: readonly Result[], entries: readonly Meant[] = MEANT): Meant[] {
  return entries.filter((entry) => !results.some(({ meant }) => meant.includes(entry)));
}

const SIGNS: Readonly<Record<Outcome, string>> = { same: "·", meant: "~", failed: "✖" };

/** `npm run answers [-- PATTERN …]`; answers the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const patterns = args.filter((one) => !one.startsWith("--"));
  const lines = linesFor(patterns);
  if (lines.length === 0) throw new Error(`no row and no framework is called ${patterns.join(" or ")}`);
  console.log(ALL_CELLS.map(({ column, storage }, i) => `${i + 1} ${column.name}/${storage}`).join(" · "));
  console.log("· same as bare   ~ differs, and is meant to   ✖ failed\n");
  const width = Math.max(...lines.map(({ row }) => row.name.length));
  const results = await runLines(
    lines,
    () => ALL_CELLS,
    ({ row, framework }, own) => {
      const signs = own.map(({ outcome }) => SIGNS[outcome]).join(" ");
      console.log(`${framework.padEnd(9)} ${row.name.padEnd(width)}  ${signs}`);
    },
  );
  return report(results, patterns.length === 0);
}

function report(results: readonly Result[], isFull: boolean): number {
  const wrong = results.filter(({ outcome }) => outcome === "failed");
  for (const line of described(wrong)) console.log(`\n${line}`);
  const stale = isFull ? staleAmong(results) : [];
  for (const { row, why } of stale)
    console.log(`\nmeant, and does not differ any more, remove it: ${String(row)} (${why})`);
  const failed = wrong.length + stale.length;
  console.log(
    `\n${new Set(results.map(({ row }) => row)).size} ways to answer, ${results.filter(({ outcome }) => outcome === "meant").length} cells that are meant to differ`,
  );
  console.log(`${results.length - wrong.length} passed, ${failed} failed`);
  return failed > 0 ? 1 : 0;
}

/**
 * Results that are not as they should be, in words: for each row and framework the differences, each with the cells
 * that show it.
 */
export function described(wrong: readonly Result[]): string[] {
  const lines = new Map<string, Map<string, string[]>>();
  for (const { row, framework, column, storage, differences } of wrong) {
    const key = `${framework} › ${row}`;
    const found = lines.get(key) ?? new Map<string, string[]>();
    lines.set(key, found);
    for (const text of differences) found.set(text, [...(found.get(text) ?? []), `${column}/${storage}`]);
  }
  return [...lines].map(([key, found]) =>
    [key, ...[...found].map(([text, places]) => `    ${text}\n        ${joined(places).join(", ")}`)].join("\n"),
  );
}

/** A column on both storages is written once. */
function joined(places: readonly string[]): string[] {
  const isOnBoth = (column: string): boolean => STORAGES.every((storage) => places.includes(`${column}/${storage}`));
  return [...new Set(places.map((place) => (isOnBoth(place.split("/")[0]!) ? place.split("/")[0]! : place)))];
}

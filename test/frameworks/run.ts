import type { RunningApp } from "./framework.js";
import { FRAMEWORKS } from "./list.js";
import { rowsOf, type Column, type Row } from "./play.js";

type Result = "ok" | "FAIL" | "n/a";

interface Outcome {
  readonly column: Column;
  readonly row: string;
  readonly result: Result;
  /** The error, or why it did not run. */
  readonly note?: string;
}

const titleOf = ({ framework, version }: Column): string => `${framework.name} ${version}`;

/** `npm run adapters [-- PATTERN …]`: returns the exit code. */
export async function main(patterns: readonly string[]): Promise<number> {
  const columns = FRAMEWORKS.flatMap((framework) => framework.versions.map((version) => ({ framework, version })));
  const chosen = columns.filter((column) => rowsChosen(column, patterns).length > 0);
  if (chosen.length === 0) {
    console.log(`nothing matches ${patterns.join(", ")}; there are ${columns.map(titleOf).join(", ")}`);
    return 1;
  }
  const outcomes: Outcome[] = [];
  for (const column of chosen) {
    const played = await play(column, rowsChosen(column, patterns));
    console.log(`${titleOf(column)}: ${counts(played)}`);
    outcomes.push(...played);
  }
  printTable(chosen, outcomes);
  return printEnd(outcomes);
}

/** A pattern is part of the name of a framework, with or without its version, or of a case. */
function rowsChosen(column: Column, patterns: readonly string[]): readonly Row[] {
  const rows = rowsOf(column);
  if (patterns.length === 0 || patterns.some((pattern) => titleOf(column).includes(pattern))) return rows;
  return rows.filter(({ name }) => patterns.some((pattern) => name.includes(pattern)));
}

async function play(column: Column, rows: readonly Row[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const { error: report } = console;
  console.error = () => {}; // Adapters without an error path report the failures that the suite causes.
  let app: RunningApp | undefined;
  try {
    app = await column.framework.start(column.version);
    for (const row of rows) outcomes.push(await outcomeOf(column, row, app));
  } catch (error) {
    outcomes.push({ column, row: "the application starts", result: "FAIL", note: textOf(error) });
  } finally {
    console.error = report;
    await app?.close();
  }
  return outcomes;
}

async function outcomeOf(column: Column, row: Row, app: RunningApp): Promise<Outcome> {
  if (row.reason !== undefined) return { column, row: row.name, result: "n/a", note: row.reason };
  try {
    await row.run(app);
    return { column, row: row.name, result: "ok" };
  } catch (error) {
    return { column, row: row.name, result: "FAIL", note: textOf(error) };
  }
}

const textOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));

const countOf = (outcomes: readonly Outcome[], result: Result): number =>
  outcomes.filter((one) => one.result === result).length;

function counts(outcomes: readonly Outcome[]): string {
  const [ok, failed, left] = (["ok", "FAIL", "n/a"] as const).map((result) => countOf(outcomes, result));
  return `${ok} passed, ${failed} failed${left ? `, ${left} not possible there` : ""}`;
}

/** One line a case; the columns are numbered, since their names are longer than their results. */
function printTable(columns: readonly Column[], outcomes: readonly Outcome[]): void {
  const rows = [...new Set(outcomes.map(({ row }) => row))];
  const width = Math.max(...rows.map((row) => row.length));
  const line = (head: string, cells: readonly string[]): string =>
    `${head.padEnd(width)}  ${cells.map((cell) => cell.padEnd(4)).join(" ")}`.trimEnd();
  console.log("");
  for (const [i, column] of columns.entries()) console.log(`${String(i + 1).padStart(3)}  ${titleOf(column)}`);
  console.log(
    `\n${line(
      "",
      columns.map((_, i) => String(i + 1)),
    )}`,
  );
  for (const row of rows) {
    const cells = columns.map((column) => outcomes.find((one) => one.column === column && one.row === row)?.result);
    console.log(
      line(
        row,
        cells.map((cell) => cell ?? ""),
      ),
    );
  }
}

function printEnd(outcomes: readonly Outcome[]): number {
  const left = outcomes.filter(({ result }) => result === "n/a");
  if (left.length > 0) console.log("\nnot possible there:");
  for (const { column, row, note } of left) console.log(`- ${titleOf(column)}, ${row}: ${note}`);
  for (const { column, row, note } of outcomes.filter(({ result }) => result === "FAIL"))
    console.log(`\n✖ ${titleOf(column)}, ${row}\n${note!.replace(/^/gm, "    ")}`);
  const failed = countOf(outcomes, "FAIL");
  console.log(`\n${countOf(outcomes, "ok")} passed, ${failed} failed`);
  return failed > 0 ? 1 : 0;
}

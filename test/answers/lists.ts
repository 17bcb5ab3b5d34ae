import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ColumnName, StorageName } from "./columns.js";
import { MEANT, type Meant } from "./meant.js";
import type { Framework } from "./row.js";

/** A place in the matrix. */
export interface Place {
  readonly row: string;
  readonly framework: Framework;
  readonly column: ColumnName;
  readonly storage: StorageName;
}

/**
 * What is not mended yet, by row: the fault's number, and by framework the columns; a column alone stands for both storages. `sometimes`: it
 * depends on time which columns of a framework fail.
 */
export type Known = Record<string, { fault: string; sometimes?: true } & Partial<Record<Framework, string[]>>>;

export const KNOWN_FILE: string = fileURLToPath(new URL("../../test/answers/known.json", import.meta.url));

export function readKnown(): Known {
  return JSON.parse(readFileSync(KNOWN_FILE, "utf8")) as Known;
}

/** Whether a place is listed as not mended yet. */
export function isKnown(known: Known, { row, framework, column, storage }: Place): boolean {
  const columns = known[row]?.[framework] ?? [];
  if (known[row]?.sometimes) return columns.length > 0;
  return columns.includes(column) || columns.includes(`${column}/${storage}`);
}

/** The entry that says that a difference is meant. */
export function meantBy(difference: string, { row, framework, column, storage }: Place): Meant | undefined {
  return MEANT.find(
    (one) =>
      (typeof one.row === "string" ? one.row === row : one.row.test(row)) &&
      (one.on?.includes(framework) ?? true) &&
      (one.columns?.includes(column) ?? true) &&
      (one.storages?.includes(storage) ?? true) &&
      one.differs.test(difference),
  );
}

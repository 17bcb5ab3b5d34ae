import type { ColumnName, StorageName } from "./columns.js";
import type { Framework } from "./row.js";

/** A difference from the bare program that is meant. */
export interface Meant {
  readonly row: string | RegExp;
  /** Everywhere, where it does not say. */
  readonly on?: readonly Framework[];
  readonly columns?: readonly ColumnName[];
  readonly storages?: readonly StorageName[];
  /** Which of the differences. */
  readonly differs: RegExp;
  readonly why: string;
}

/** Every difference that is meant. An entry that covers none any more fails the run. */
export const MEANT: readonly Meant[] = [];

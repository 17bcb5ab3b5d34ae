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

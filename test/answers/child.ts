/** Runs cells of the matrix, as it is told to by `fleet.ts`. What its servers print is nobody's business. */
import { observe, observeCrashes, unclearCrashes } from "./cell.js";
import { BARE, COLUMNS, REFUSED, type StorageName } from "./columns.js";
import type { Framework } from "./row.js";
import { ROWS } from "./rows/all.js";

/** A cell to run. */
export interface Task {
  readonly id: number;
  readonly row: string;
  readonly framework: Framework;
  readonly column: string;
  readonly storage: StorageName;
  /** How many times longer than usual to wait for what does not come. */
  readonly patience?: number;
}

async function run({ row: name, framework, column: columnName, storage, patience }: Task): Promise<unknown> {
  const row = ROWS.find((one) => one.name === name && one.on.includes(framework));
  const column = [BARE, REFUSED, ...COLUMNS].find((one) => one.name === columnName);
  if (!row || !column) throw new Error(`there is no row ${name} on ${framework}, or no column ${columnName}`);
  return observe(row, framework, column, storage, patience);
}

observeCrashes();
process.on("message", (task: Task) => {
  run(task).then(
    (observation) => process.send!({ id: task.id, observation, unclear: unclearCrashes() }),
    (error: unknown) => process.send!({ id: task.id, error: error instanceof Error ? error.stack : String(error) }),
  );
});
process.on("disconnect", () => process.exit());

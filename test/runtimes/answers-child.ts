/**
 * Plays the rows of the answers matrix that are for fetch and for Hono in this Node; prints a line of JSON for each
 * cell.
 */
import { ALL_CELLS, linesFor, runLines } from "../answers/run.js";

const lines = linesFor([]).filter(({ framework }) => framework === "fetch" || framework === "hono");
await runLines(
  lines,
  () => ALL_CELLS,
  (_line, results) => {
    for (const { framework, row, column, storage, outcome, differences } of results)
      tell({
        name: `${framework} › ${row}: ${column}/${storage}`,
        ...(outcome === "failed" && { error: differences.join("\n") }),
      });
  },
);
tell({ end: true });
process.exit();

function tell(what: unknown): void {
  console.log(JSON.stringify(what));
}

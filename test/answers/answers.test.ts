import assert from "node:assert/strict";
import { describe as group, test } from "node:test";
import { ALL_CELLS, described, linesFor, runLines, type Cell } from "./run.js";

const cell = (name: string): Cell => ALL_CELLS.find(({ column, storage }) => name === `${column.name}/${storage}`)!;

/**
 * For every row on every framework, but for the long ones: what shows most, and one more in turn. `npm run answers`
 * runs all.
 */
const ALWAYS = cell("written/later");
const IN_TURN = [
  "first visit/memory",
  "save fails/later",
  "due/memory",
  "first visit/later",
  "save fails/memory",
  "read/memory",
  "save slow/later",
  "written/memory",
].map(cell);

group("answers with a session are those without", async () => {
  const lines = linesFor([]).filter(({ row }) => !row.isLong);
  const wrong = (await runLines(lines, (index) => [ALWAYS, IN_TURN[index % IN_TURN.length]!])).filter(
    ({ outcome }) => outcome === "failed",
  );
  for (const framework of new Set(lines.map((line) => line.framework))) {
    test(framework, () => {
      const own = wrong.filter((one) => one.framework === framework);
      assert.ok(own.length === 0, described(own).join("\n\n"));
    });
  }
});

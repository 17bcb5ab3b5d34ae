import assert from "node:assert/strict";
import { describe as group, test } from "node:test";
import { COLUMNS } from "./columns.js";
import { describe, linesFor, runLines, type Cell } from "./run.js";

/** What shows most, for every row; `npm run answers` runs all. */
const SHORT: readonly Cell[] = [
  ...COLUMNS.filter(({ name }) => ["first visit", "due"].includes(name)).map((column) => ({ column, storage: "memory" }) as const),
  ...COLUMNS.filter(({ name }) => ["written", "save fails"].includes(name)).map((column) => ({ column, storage: "later" }) as const),
];

group("answers with a session are those without", async () => {
  const wrong = (await runLines(linesFor([]), SHORT)).filter(({ outcome }) => outcome === "failed" || outcome === "mended");
  for (const framework of new Set(linesFor([]).map((line) => line.framework))) {
    test(framework, () => {
      const own = wrong.filter((one) => one.framework === framework);
      assert.ok(own.length === 0, own.map(describe).join("\n\n"));
    });
  }
});

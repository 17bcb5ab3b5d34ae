import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { SUBJECTS } from "../support/storage-subjects.js";
import { DECORATORS } from "../support/storage-suites.js";

test("every storage is in the table of npm run storages", () => {
  const { exports } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    exports: Record<string, unknown>;
  };
  const storages = Object.keys(exports).flatMap((entry) =>
    entry.startsWith("./storage/") ? [entry.slice("./storage/".length)] : [],
  );
  assert.ok(storages.length >= 8);
  const shown = new Set([...SUBJECTS.map(({ driver }) => driver), ...Object.keys(DECORATORS)]);
  assert.deepEqual(
    storages.filter((name) => !shown.has(name)),
    [],
  );
});

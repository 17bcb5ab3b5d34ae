import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pages, root } from "./pages.js";

const code = readFileSync(join(root, "src", "contracts", "events.ts"), "utf8");

/** The words of a union type. */
function wordsOf(type: string): string[] {
  const union = new RegExp(`export type ${type} =([^;]+);`).exec(code)![1]!;
  return [...union.matchAll(/"([^"]+)"/g)].map(([, word]) => word!).sort();
}

test("the page of events has a row for every type and every reason there is, and no other", () => {
  const { text } = pages.find(({ name }) => name === "events")!;
  const rows = [...text.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, word]) => word!);
  assert.deepEqual(
    rows.toSorted(),
    [...wordsOf("SessionEventType"), ...wordsOf("EndReason"), ...wordsOf("AbsentReason")].sort(),
  );
});

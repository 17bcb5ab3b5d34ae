import assert from "node:assert/strict";
import { test } from "node:test";
import { pageAt, wordsOf } from "./pages.js";

test("the page of events has a row for every type and every reason there is, and no other", () => {
  const { text } = pageAt("reference/events");
  const rows = [...text.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, word]) => word!);
  assert.deepEqual(
    rows.toSorted(),
    [...wordsOf("SessionEventType"), ...wordsOf("EndReason"), ...wordsOf("AbsentReason")].sort(),
  );
});

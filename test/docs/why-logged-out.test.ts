import assert from "node:assert/strict";
import { test } from "node:test";
import { pageAt, wordsOf } from "./pages.js";

const { text } = pageAt("deploy/why-logged-out");

/** The first words of the rows of the table whose heading is this event. */
function rowsOf(event: string): string[] {
  const [, table = ""] = new RegExp(`^\\| \`${event}\` \\|.*\\n\\|[-|]+\\n((?:\\|.*\\n)+)`, "m").exec(text) ?? [];
  return [...table.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, word]) => word!).sort();
}

test("every reason of absent has a row with advice, and there is no other row", () => {
  assert.deepEqual(rowsOf("absent"), wordsOf("AbsentReason"));
});

test("every reason of ended has a row with its cause, and there is no other row", () => {
  assert.deepEqual(rowsOf("ended"), wordsOf("EndReason"));
});

test("every event that the page sends its reader to exists", () => {
  const named = [...text.matchAll(/`([a-z-]+)` event|look for `([a-z-]+)`/g)].map(([, a, b]) => a ?? b!);
  assert.ok(named.length >= 3, named.join());
  assert.deepEqual(
    named.filter((name) => !wordsOf("SessionEventType").includes(name)),
    [],
  );
});

test("every heading that the page links to is there", () => {
  const headings = [...text.matchAll(/^## (.*)$/gm)].map(([, heading]) =>
    heading!.toLowerCase().replaceAll(" ", "-"),
  );
  const linked = [...text.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor!);
  assert.ok(linked.length >= 3);
  assert.deepEqual(
    linked.filter((anchor) => !headings.includes(anchor)),
    [],
  );
});

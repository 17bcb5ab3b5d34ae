import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { pageAt, root } from "./pages.js";

const { text, path } = pageAt("understand/wants");
const rows = [...text.matchAll(/^\| (\d+) \| (.*) \| (.*) \|$/gm)].map(([, number, want, answer]) => ({
  number: Number(number),
  want: want!,
  answer: answer!,
}));

test("there are 25 wants, in order, each with a thread that asks for it and an answer", () => {
  assert.deepEqual(
    rows.map(({ number }) => number),
    Array.from({ length: 25 }, (_, i) => i + 1),
  );
  for (const { want, answer } of rows) {
    assert.match(want, /\(\[[^\]]+\]\(https:\/\/github\.com\/[\w.-]+\/[\w.-]+\/issues\/\d+\)/);
    assert.ok(answer.length > 5, want);
  }
});

test("each heading that an answer links to is there", () => {
  const broken = rows.flatMap(({ answer }) =>
    [...answer.matchAll(/\]\(([^)#]+)#([^)]+)\)/g)].flatMap(([, file, anchor]) => {
      const target = join(root, dirname(path), file!);
      return existsSync(target) && anchorsOf(readFileSync(target, "utf8")).includes(anchor!)
        ? []
        : `${file}#${anchor}`;
    }),
  );
  assert.deepEqual(broken, []);
});

test("each verb and option that an answer names is in the library", () => {
  const sources = ["contracts/session-api.ts", "session/options.ts", "session/request-options.ts", "index.ts"]
    .concat(["testing/seed.ts", "storage/encrypted.ts", "adapters/adapter-core.ts", "contracts/events.ts"])
    .map((file) => readFileSync(join(root, "src", file), "utf8"))
    .join("\n");
  const code = rows.flatMap(({ answer }) => [...answer.matchAll(/`([^`]+)`/g)].map(([, piece]) => piece!));
  const names = code.flatMap((piece) => piece.match(/(?<!["\w])[a-z]+[A-Z]\w+/g) ?? []);
  assert.ok(names.length >= 10, names.join());
  assert.deepEqual(
    names.filter((name) => !new RegExp(`\\b${name}\\b`).test(sources)),
    [],
  );
});

/** The anchors of a page's headings, as GitHub names them. */
function anchorsOf(page: string): string[] {
  return [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\w\s-]/g, "")
      .replace(/\s/g, "-"),
  );
}

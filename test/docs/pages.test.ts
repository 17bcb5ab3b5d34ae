import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { blocksOf, compiled, modulesOf, pages, root } from "./pages.js";

const result = await compiled();
after(result.remove);

test("every block of TypeScript in the documentation compiles", () => {
  assert.ok(pages.flatMap(({ blocks }) => blocks).filter(({ language }) => language === "ts").length >= 20);
  assert.equal(result.says, "");
});

test("each block is part of a module, none is left out, and sees what the first one knows", () => {
  const text = [
    "# A",
    "```ts",
    'import { a, type T } from "a";',
    "const b = a;",
    "```",
    "```ts",
    'import a from "c";',
    "a(b);",
    "```",
    "```sh",
    "npm i",
    "```",
  ].join("\n");
  assert.deepEqual(
    [...modulesOf({ path: "docs/tasks/page.md", name: "page", text, blocks: blocksOf(text) })],
    [
      ["tasks-page", 'import { a, type T } from "a";\nconst b = a;\nexport { a, type T, b };\n'],
      ["tasks-page-2", 'import { type T, b } from "./tasks-page.js";\nimport a from "c";\na(b);\nexport {};\n'],
    ],
  );
});

test("every storage has a page, and the table to choose by leads to it", () => {
  const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    exports: Record<string, unknown>;
  };
  const names = Object.keys(exports).flatMap((entry) =>
    entry.startsWith("./storage/") ? [entry.slice("./storage/".length)] : [],
  );
  const table = readFileSync(join(root, "docs", "storages", "README.md"), "utf8");
  for (const name of names) assert.match(table, new RegExp(`\\]\\(${name}\\.md\\)`), name);
  assert.deepEqual(
    names.filter((name) => !existsSync(join(root, "docs", "storages", `${name}.md`))),
    [],
  );
});

test("every link to a file leads to one", () => {
  const texts = [
    ...pages.map(({ path }) => path),
    "README.md",
    "SECURITY.md",
    "ARCHITECTURE.md",
    "examples/README.md",
  ];
  const broken = texts.flatMap((path) => {
    const links = [...readFileSync(join(root, path), "utf8").matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)];
    return links
      .map(([, to = ""]) => to)
      .filter((to) => !existsSync(join(root, dirname(path), to)))
      .map((to) => `${path}: ${to}`);
  });
  assert.deepEqual(broken, []);
});

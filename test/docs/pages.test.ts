import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { blocksOf, compiled, modulesOf, pages, root, run } from "./pages.js";

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

/** Folders whose programs have tests of their own; what needs another runtime is run by `npm run runtimes`. */
const RUN_ELSEWHERE = /^docs\/(start|tasks|deploy|storages|migrate|frameworks)\//;

test("every program of the other pages runs", async () => {
  const files = pages
    .filter(({ path, blocks }) => !RUN_ELSEWHERE.test(path) && blocks.some(({ language }) => language === "ts"))
    .flatMap((page) => Array.from(modulesOf(page).keys()))
    .map((name) => pathToFileURL(join(result.directory, `${name}.js`)).href);
  assert.ok(files.length > 25);
  const program = `for (const file of ${JSON.stringify(files)}) {
    await import(file).catch((error) => { console.error(file, error); process.exit(1); });
  }
  process.exit(0);`;
  const { output, code } = await run(process.execPath, ["--input-type=module", "--eval", program]);
  assert.equal(code, 0, output);
});

test("every block of JSON can be read", () => {
  for (const { path, blocks } of pages)
    for (const { language, code } of blocks)
      if (language === "json") assert.doesNotThrow(() => JSON.parse(code), path);
});

test("every command of npm that a page names is in package.json", () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: object };
  const named = pages.flatMap(({ path, text }) =>
    [...text.matchAll(/\bnpm run ([a-z:-]+)/g)].map(([, name]) => ({ path, name: name! })),
  );
  assert.ok(named.length > 20);
  assert.deepEqual(
    named.filter(({ name }) => !Object.hasOwn(scripts, name)),
    [],
  );
});

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { root } from "./pages.js";

/** The page that says which test to run for which change: test/README.md. */

const page = readFileSync(join(root, "test", "README.md"), "utf8");
const rows = [...page.matchAll(/^\| `([^`]+)` \| (.+) \|$/gm)].map(([, folder, text]) => ({
  folder: folder!,
  text: text!,
}));
const files = readdirSync(join(root, "test"), { recursive: true, encoding: "utf8" })
  .map((file) => file.replaceAll("\\", "/"))
  .filter((file) => file.endsWith(".test.ts"));
const quoted = [...page.matchAll(/`([^`]+)`/g)].map(([, text]) => text!);

test("the page of tests has a row for every folder with tests, and none for another", () => {
  const named = rows.map(({ folder }) => folder);
  assert.equal(new Set(named).size, named.length);
  const folders = new Set(files.map((file) => dirname(file).replace(/^unit\/.*/, "unit")));
  assert.deepEqual([...folders, "support"].sort(), named.toSorted());
});

test("the folders below test/unit are folders of src", () => {
  const below = files.filter((file) => file.startsWith("unit/")).map((file) => dirname(file).slice("unit/".length));
  assert.deepEqual(
    [...new Set(below)].filter((folder) => !existsSync(join(root, "src", folder))),
    [],
  );
});

test("each command of the page exists, and runs tests of its row", () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: object };
  for (const [, name] of page.matchAll(/`npm run ([\w:-]+)`/g))
    assert.ok(Object.hasOwn(scripts, name!), `npm run ${name}`);
  for (const { folder, text } of rows) {
    for (const [, patterns] of text.matchAll(/`npm test -- ([^`]+)`/g)) {
      for (const pattern of patterns!.split(" ")) {
        const own = files.filter((file) => file.includes(pattern) && file.startsWith(`${folder}/`));
        assert.ok(own.length > 0, `npm test -- ${pattern} runs nothing of ${folder}`);
      }
    }
    if (folder !== "support") assert.match(text, /`(npm (test --|run) |node scripts\/)/, folder);
  }
});

test("each file and folder of the project that the page names is there", () => {
  const paths = quoted.filter((text) => /^(src|test|docs|bench|examples|scripts)(\/[\w.*/-]+)?$/.test(text));
  assert.ok(paths.length > 20);
  const missing = paths.filter((path) => !existsSync(join(root, path.includes("*") ? dirname(path) : path)));
  assert.deepEqual(missing, []);
});

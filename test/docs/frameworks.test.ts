import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pageAt, root } from "./pages.js";

/** Frameworks whose own build compiles an example: `npm run adapters` runs it. */
const BUILT = ["react-router", "astro"];

for (const name of BUILT) {
  test(`the code on the page of ${name} is that of its example`, () => {
    const blocks = pageAt(`frameworks/${name}`).blocks.filter(({ language }) => language === "js");
    assert.ok(blocks.length >= 4);
    for (const { code } of blocks) {
      const [, path = ""] = /^\/\/ (\S+)\n/.exec(code) ?? [];
      const file = join(root, "examples", name, path);
      assert.ok(path !== "" && existsSync(file), code);
      const shown = code.slice(code.indexOf("\n") + 1).trim();
      assert.ok(readFileSync(file, "utf8").includes(shown), `${path}:\n${shown}`);
    }
  });
}

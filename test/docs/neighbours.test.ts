import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { PACKAGES } from "../adoption/programs/packages.js";
import { NEIGHBOURS } from "../answers/neighbours/packages.js";
import { pageAt, root } from "./pages.js";

const { devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  devDependencies: Record<string, string>;
};

/** Each package of the page's tables, and the version beside it. */
function listed(): Map<string, string> {
  const { text } = pageAt("frameworks/neighbours");
  const rows = text.split("\n").flatMap((line) => {
    const [, names = "", version = ""] = /^\| (`[^|]*`) \| (\d[\w.-]*) \|/.exec(line) ?? [];
    return [...names.matchAll(/`([^`]+)`/g)].map(([, name]) => [name!, version] as const);
  });
  assert.equal(new Set(rows.map(([name]) => name)).size, rows.length, "a package is listed twice");
  return new Map(rows);
}

test("the page of neighbours names the packages that are run, in the versions that are run", () => {
  const table = listed();
  for (const [name, version] of Object.entries(NEIGHBOURS)) assert.equal(table.get(name), version, name);
  for (const [name, version] of table)
    assert.equal(
      NEIGHBOURS[name] ?? PACKAGES[name] ?? devDependencies[name] ?? devDependencies[name.split("/")[0]!],
      version,
      name,
    );
});

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "./source.js";

/**
 * What a file may not name: somebody's own directories, and the host a package was fetched from. Written so that this
 * file is clean.
 */
const PRIVATE = [
  new RegExp(`(?<![\\w.:/-])/(${["work", "root", "home", "Users"].join("|")})/\\w`),
  /[A-Z]:\\Users\\/,
  /"resolved": ?"/,
  new RegExp(["registry", "npmjs"].join("\\.")),
  new RegExp(["deb", "debian", "org"].join("\\.")),
];

const files = existsSync(join(root, ".git"))
  ? execFileSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8" })
      .split("\0")
      .filter((file) => file !== "" && existsSync(join(root, file)))
  : [];

test(
  "no file of the repository names a place that only one machine knows",
  { skip: files.length === 0 && "this is no git checkout" },
  () => {
    const registry = process.env["npm_config_registry"];
    const host = registry === undefined ? [] : [new URL(registry).host];
    const found = files.flatMap((file) => {
      const text = readFileSync(join(root, file), "utf8");
      return host.some((name) => text.includes(name)) || PRIVATE.some((pattern) => pattern.test(text)) ? [file] : [];
    });
    assert.deepEqual(found, []);
  },
);

test("what is built or installed is not committed", { skip: files.length === 0 && "this is no git checkout" }, () => {
  assert.deepEqual(
    files.filter((file) => /(^|\/)(dist|build|node_modules)\/|\.tgz$/.test(file)),
    [],
  );
});

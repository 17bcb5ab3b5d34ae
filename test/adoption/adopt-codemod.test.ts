import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

interface Npm {
  fromNpm(packages: Readonly<Record<string, string>>): string;
}

const root = fileURLToPath(new URL("../../", import.meta.url));
const { fromNpm } = (await import(join(root, "scripts", "from-npm.mjs"))) as Npm;
const modules = join(fromNpm({ jscodeshift: "17.3.0" }), "node_modules");
const transform = join(root, "codemods", "session-calls.cjs");
const samples = join(root, "test", "adoption", "codemod");

/** What the command of docs/migrate/codemod.md makes of the files, by their names. */
function rewritten(files: Readonly<Record<string, string>>, ...more: string[]): Record<string, string> {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-codemod-"));
  try {
    for (const [name, source] of Object.entries(files)) writeFileSync(join(directory, name), source);
    const command = join(modules, "jscodeshift", "bin", "jscodeshift.js");
    const options = ["-t", transform, "--extensions=js,ts,tsx,mjs", "--parser=tsx", "--run-in-band", ...more];
    execFileSync(process.execPath, [command, ...options, directory], { stdio: "pipe" });
    return Object.fromEntries(
      readdirSync(directory).map((name) => [name, readFileSync(join(directory, name), "utf8")]),
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const sample = (name: string): string => readFileSync(join(samples, `${name}.txt`), "utf8");

for (const [name, ...more] of [["express.js"], ["cookie.js"], ["iron.ts", "--object=session"]] as const)
  test(`${name} is rewritten, what cannot be decided has a comment, and a second run changes nothing`, () => {
    const [base, extension] = name.split(".");
    const expected = sample(`${base}-after.${extension}`);
    const once = rewritten({ [name]: sample(`${base}-before.${extension}`) }, ...more);
    assert.equal(once[name], expected);
    assert.deepEqual(rewritten(once, ...more), once);
  });

test("the command and the file are those of the page", () => {
  const page = readFileSync(join(root, "docs", "migrate", "codemod.md"), "utf8");
  assert.match(page, /npx jscodeshift@17\.3\.0 -t node_modules\/holdfast\/codemods\/session-calls\.cjs/);
  const { files } = createRequire(import.meta.url)(join(root, "package.json")) as { files: readonly string[] };
  assert.ok(files.includes("codemods"));
});

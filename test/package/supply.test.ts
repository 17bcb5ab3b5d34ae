import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

/** What comes with the package, and what it is made with. */
interface Locked {
  readonly version?: string;
  readonly license?: string;
  readonly integrity?: string;
  readonly hasInstallScript?: boolean;
}

const root = new URL("../../", import.meta.url);
const read = (file: string) => JSON.parse(readFileSync(new URL(file, root), "utf8"));
const manifest = read("package.json");
const locked: Readonly<Record<string, Locked>> = read("package-lock.json").packages;
const { billOfMaterials } = (await import(new URL("scripts/sbom.mjs", root).href)) as {
  billOfMaterials(): { metadata: { component: { name: string; version: string } }; components: unknown[] };
};

/**
 * May be linked with anything. lru-cache and postgres are development tools, in no package of ours: the one is
 * permissive too, the other in the public domain.
 */
const LICENCES = ["MIT", "ISC", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "Apache-2.0"];
const DEVELOPMENT_ONLY: Readonly<Record<string, string>> = {
  "node_modules/lru-cache": "BlueOak-1.0.0",
  "node_modules/postgres": "Unlicense",
};

test("installing it installs no other package, and runs no script", () => {
  assert.deepEqual([manifest.dependencies, manifest.optionalDependencies], [undefined, undefined]);
  const scripts = Object.keys(manifest.scripts);
  for (const hook of ["preinstall", "install", "postinstall", "prepare"]) assert.ok(!scripts.includes(hook), hook);
});

test("no tool it is made with runs a script when it is installed", () => {
  assert.deepEqual(
    Object.keys(locked).filter((path) => locked[path]!.hasInstallScript),
    [],
  );
});

test("every licence is one that asks for nothing but its text", () => {
  const others = Object.entries(locked).filter(
    ([path, { license }]) => path !== "" && !LICENCES.includes(license ?? "") && DEVELOPMENT_ONLY[path] !== license,
  );
  assert.deepEqual(
    others.map(([path, { license }]) => `${path}: ${license}`),
    [],
  );
  assert.ok(Object.keys(locked).length > 100);
});

test("the bill of materials names the library and nothing else", () => {
  const { metadata, components } = billOfMaterials();
  assert.deepEqual(
    [metadata.component.name, metadata.component.version, components],
    [manifest.name, manifest.version, []],
  );
});

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

/**
 * What `npm ci` refuses on a clean machine, seen before anybody has one. After a change of dependencies: `npm run
 * lock`.
 */
interface Locked {
  readonly version?: string;
  readonly resolved?: string;
  readonly license?: string;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (file: string) => JSON.parse(readFileSync(join(root, file), "utf8"));
const manifest: Locked = read("package.json");
const packages: Readonly<Record<string, Locked>> = read("package-lock.json").packages;

test("the lock file is that of package.json, and every dependency has one exact version", () => {
  const { devDependencies, peerDependencies } = packages[""]!;
  assert.deepEqual([devDependencies, peerDependencies], [manifest.devDependencies, manifest.peerDependencies]);
  const loose = Object.entries(manifest.devDependencies ?? {}).filter(
    ([, version]) => !/^(npm:.+@)?\d+\.\d+\.\d+$/.test(version),
  );
  assert.deepEqual(loose, []);
});

test("the lock file names every platform's builds", () => {
  const wanted = Object.values(packages).flatMap(({ optionalDependencies = {} }) =>
    Object.keys(optionalDependencies),
  );
  assert.deepEqual(
    wanted.filter((name) => !Object.keys(packages).some((path) => path.endsWith(`node_modules/${name}`))),
    [],
  );
});

test("the lock file names no registry", () => {
  assert.deepEqual(
    Object.entries(packages)
      .filter(([, { resolved }]) => resolved !== undefined)
      .map(([path]) => path),
    [],
  );
});

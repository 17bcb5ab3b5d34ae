/** What would be published: which files, how large, and that each of them is for users. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

interface Packed {
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (file: string): string => readFileSync(join(root, file), "utf8");
const manifest = JSON.parse(read("package.json"));
const { pack } = (await import(new URL("../../scripts/package-check.mjs", import.meta.url).href)) as {
  pack(directory: string): Promise<Packed>;
};

const directory = mkdtempSync(join(tmpdir(), "holdfast-contents-"));
after(() => rmSync(directory, { recursive: true, force: true }));
const packed = await pack(directory);
const files = packed.files.map(({ path }) => path);

test("compiled files, their types, a codemod and five pages are published; no source, no source map, no test", () => {
  assert.deepEqual(files.filter((file) => !/^dist\/[\w/-]+\.(js|d\.ts)$/.test(file)).sort(), [
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "SECURITY.md",
    "codemods/session-calls.cjs",
    "package.json",
  ]);
  const referring = files.filter((file) => /\.(js|ts)$/.test(file) && read(file).includes("sourceMappingURL"));
  assert.deepEqual(referring, []);
});

test("every published module is loaded by an entry, and every type file belongs to a module", () => {
  // Conditions may be nested: every file that one of them names.
  const named = [...JSON.stringify(manifest.exports).matchAll(/"\.\/(dist\/[^"]+\.js)"/g)].map(([, file]) => file!);
  const reached = new Set(named);
  for (const file of reached) {
    for (const source of [read(file), read(file.replace(/\.js$/, ".d.ts"))])
      for (const [, to] of source.matchAll(/(?:from|import|new URL)\s*\(?\s*"(\.[^"]+\.js)"/g))
        reached.add(join(dirname(file), to!).replaceAll("\\", "/"));
  }
  assert.deepEqual(
    files.filter((file) => file.startsWith("dist/") && !reached.has(file.replace(/\.d\.ts$/, ".js"))),
    [],
  );
});

test("the package is not larger than the page of consumers says", () => {
  const [, tarball, unpacked] = /at most (\d+) kB packed and (\d+) kB unpacked/.exec(
    read("docs/project/consumers.md"),
  )!;
  assert.ok(packed.size <= Number(tarball) * 1000, `${packed.size} bytes packed`);
  assert.ok(packed.unpackedSize <= Number(unpacked) * 1000, `${packed.unpackedSize} bytes unpacked`);
});

test("npm shows where the project is, and links of the README work there", () => {
  assert.match(manifest.repository.url, /^git\+https:\/\/[^ ]+\.git$/);
  for (const address of [manifest.homepage, manifest.bugs]) assert.match(address, /^https:\/\//);
  assert.ok(manifest.keywords.includes("session") && new Set(manifest.keywords).size === manifest.keywords.length);
  assert.ok(
    read("src/errors.ts").includes(`"${manifest.homepage.replace(/\/$/, "")}"`),
    "messages link to the homepage",
  );
});

test("a peer has a range of versions, the types of a framework included", () => {
  for (const [name, range] of Object.entries(manifest.peerDependencies as Record<string, string>))
    assert.match(range, /^\^\d+\.\d+\.\d+( \|\| \^\d+\.\d+\.\d+)*$/, name);
});

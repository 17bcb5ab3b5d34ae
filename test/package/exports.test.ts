import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { WITH_FRAMEWORK } from "./with-framework.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const targets = Object.entries(manifest.exports as Record<string, string | Record<string, string>>);
const entries = targets.filter(([name]) => !name.endsWith(".json")).map(([name]) => `holdfast${name.slice(1)}`);
const adapters = ["node", "connect", "express", "fetch", "fastify", "fastify-plain", "koa", "hono", "h3", "nuxt"].map(
  (name) => `holdfast/${name}`,
);
const load = createRequire(import.meta.url);

/** The sources of a directory that others may import by name: those that introduce themselves as a module. */
function sourcesOf(directory: string): string[] {
  const names = readdirSync(join(root, "src", directory)).map((name) => name.replace(/\.ts$/, ""));
  return names.filter((name) =>
    readFileSync(join(root, "src", directory, `${name}.ts`), "utf8").includes("\n * @module\n"),
  );
}

test("the entries are the index, every adapter, every storage, what opens one by its address, adoption, and the helpers for tests; nothing else", () => {
  const files = [
    ...sourcesOf("adapters"),
    ...sourcesOf("storage").map((name) => `storage/${name}`),
    "testing",
    "open",
    "adopt",
    "express-session",
    ...["store", "memory", "cookie", "session"].map((name) => `express-session/session/${name}`),
  ];
  assert.deepEqual([...entries].sort(), ["holdfast", ...files.map((name) => `holdfast/${name}`)].sort());
  assert.deepEqual(
    adapters.filter((name) => !entries.includes(name)),
    [],
  );
});

test("every file that an entry names is there", () => {
  const files = targets.flatMap(([, target]) => (typeof target === "string" ? target : Object.values(target)));
  assert.deepEqual(
    files.filter((file) => !existsSync(join(root, file))),
    [],
  );
});

for (const name of entries.filter((name) => !WITH_FRAMEWORK.includes(name))) {
  test(`${name}: import and require return the same module`, async () => {
    const imported = (await import(name)) as Record<string, unknown>;
    const required = load(name) as Record<string, unknown>;
    assert.ok(Object.keys(imported).length > 0);
    // What is exported under that name is what `require` returns, instead of the module.
    if ("module.exports" in imported) return assert.equal(required, imported["module.exports"]);
    for (const [key, value] of Object.entries(imported)) assert.equal(required[key], value, key);
  });
}

for (const name of adapters) {
  test(`${name} offers the same functions as every adapter`, async () => {
    const { SessionError, crossOriginProtection, findSession, getSession, loadSession, session } = (await import(
      name
    )) as Record<string, unknown>;
    for (const one of [session, getSession, loadSession, findSession, crossOriginProtection, SessionError])
      assert.equal(typeof one, "function");
    assert.equal(SessionError, ((await import("holdfast")) as Record<string, unknown>)["SessionError"]);
  });
}

test("holdfast/fastify and holdfast/fastify-plain have the same functions: only the types differ", async () => {
  const [augmented, plain] = await Promise.all(
    ["fastify", "fastify-plain"].map((name) => import(`holdfast/${name}`)),
  );
  assert.deepEqual(Object.keys(augmented), Object.keys(plain));
  for (const [name, value] of Object.entries(plain)) assert.equal(augmented[name], value, name);
});

test("nothing is installed with the package, and no framework is required", () => {
  assert.equal(manifest.dependencies, undefined);
  assert.equal(manifest.optionalDependencies, undefined);
  const peers = Object.keys(manifest.peerDependencies ?? {});
  assert.deepEqual(
    peers.filter((name) => manifest.peerDependenciesMeta?.[name]?.optional !== true),
    [],
  );
});

test("nothing runs when the package is installed", () => {
  assert.deepEqual(
    Object.keys(manifest.scripts).filter((name) => /^(pre|post)?install$|^prepare$/.test(name)),
    [],
  );
});

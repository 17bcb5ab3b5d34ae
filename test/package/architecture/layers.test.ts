import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { test } from "node:test";
import { importsOf, namesIn, root, sourceFiles, sourceOf, type Import } from "./source.js";

/** From below to above; an import points down, or stays in its own directory, or between those of `util`. */
const LAYERS = [
  ["contracts", "errors.ts", "util", "session-data.ts"],
  ["cookie", "http"],
  ["extractors", "codecs", "storage", "adopt"],
  ["session", "presets.ts", "open.ts"],
  ["adapters", "testing"],
  ["express-session"],
  ["index.ts"],
];

/** Besides the kit: types of sessions, another entry, and small functions that know nothing of requests. */
const BESIDE_THE_KIT = /^(contracts|util)\/|^(errors|session-data|index|storage\/memory)\.ts$/;

const all = sourceFiles().flatMap((file) => importsOf(file));
const shown = ({ from, to }: Import): string => `${from} → ${to}`;

test("the reader of imports sees each kind of them", () => {
  const text = [
    'import { a, type B } from "./a.js";',
    'import type { C } from "../util/c.js";',
    'import { type D } from "d";',
    'export * from "./e.js";',
    'import "node:f";',
    'const g = await import("g");',
    'type H = typeof import("node:h");',
  ].join("\n");
  assert.deepEqual(
    importsOf("session/x.ts", text).map(
      ({ to, isOwn, isType }) => `${to} ${isOwn ? "own" : "foreign"} ${isType ? "type" : "value"}`,
    ),
    [
      "session/a.ts own value",
      "util/c.ts own type",
      "d foreign type",
      "session/e.ts own value",
      "node:f foreign value",
      "g foreign value",
    ],
  );
});

test("every source belongs to a layer, and every import names a source", () => {
  const files = new Set(sourceFiles());
  assert.deepEqual(
    [...files].filter((file) => layerOf(file) < 0),
    [],
  );
  assert.deepEqual(all.filter(({ to, isOwn }) => isOwn && !files.has(to)).map(shown), []);
});

test("imports only point down", () => {
  const inside = all.filter((one) => one.isOwn && !isDeclarationsDoor(one));
  const wrong = inside.filter(
    ({ from, to }) => layerOf(to) > layerOf(from) || (layerOf(to) === layerOf(from) && areStrangers(from, to)),
  );
  assert.deepEqual(wrong.map(shown), []);
});

test("no source imports the index, except the type that lets applications declare session data", () => {
  assert.deepEqual(
    all
      .filter((one) => (one.to === "index.ts" && !isDeclarationsDoor(one)) || /^holdfast(\/|$)/.test(one.to))
      .map(shown),
    [],
  );
});

test("no two files share a name", () => {
  const names = sourceFiles().map((file) => basename(file));
  assert.deepEqual(
    names.filter((name, i) => names.indexOf(name) !== i),
    [],
  );
});

test("no module can be reached from itself, by types neither", () => {
  const next = grouped(all);
  const cycles = sourceFiles().filter((file) => reaches(file, file, next));
  assert.deepEqual(cycles, []);
});

/** The framework itself: in calls of its adapter, or, where decorators are made, when its adapter is loaded. */
const FRAMEWORK_IMPORTS = [
  "adapters/nestjs-request.ts → @nestjs/common",
  "adapters/nestjs-request.ts → @nestjs/core",
  "adapters/nestjs-request.ts → rxjs/operators",
  "adapters/nestjs.ts → @nestjs/common",
  "adapters/nestjs.ts → @nestjs/core",
  "adapters/next-request.ts → next/headers.js",
];

test("the library imports no package and no module of Node", () => {
  const foreign = all.filter(({ isOwn, isType }) => !isOwn && !isType);
  assert.deepEqual(foreign.map(shown).sort(), FRAMEWORK_IMPORTS);
  const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  assert.equal(dependencies, undefined);
});

test("every storage driver runs the storage suite", () => {
  const drivers = sourceFiles().filter(
    (file) => file.startsWith("storage/") && sourceOf(file).includes("\n * @module\n"),
  );
  assert.ok(drivers.includes("storage/memory.ts"));
  const without = drivers.filter((file) => {
    const suite = join(root, "test", "storage", `${basename(file, ".ts")}.test.ts`);
    return !existsSync(suite) || !/\bstorageSuite\(/.test(readFileSync(suite, "utf8"));
  });
  assert.deepEqual(without, []);
});

/** The files with a `session()` or a `SessionModule`, and what they share with each other only. */
const adapters = sourceFiles().filter(
  (file) =>
    file.startsWith("adapters/") && /export ((async )?function session|class SessionModule)\b/.test(sourceOf(file)),
);

test("every adapter is made with the kit, holdfast/adapter, and nothing else of the library", () => {
  const kit = [...exportedBy("adapters/adapter.ts"), ...exportedBy("adapters/common-exports.ts")];
  const wrong = adapters.flatMap(partsOf).flatMap((file) =>
    namedImports(file)
      .filter(({ to }) => !partsOf(file).includes(to))
      .filter(
        ({ to }) =>
          !BESIDE_THE_KIT.test(to) && !/^adapters\/(common-exports|connect|fastify-hooks|h3|h3-event)\.ts$/.test(to),
      )
      .filter(({ name }) => !kit.includes(name))
      .map(({ to, name }) => `${file} imports ${name} of ${to}`),
  );
  assert.deepEqual(wrong, []);
  assert.ok(kit.includes("serveFetch") && kit.includes("HeldResponse"));
});

/** The files of an adapter: its own, and those that begin with its name. */
function partsOf(file: string): string[] {
  const [, name = ""] = /^adapters\/([a-z0-9]+)/.exec(file)!;
  const parts = sourceFiles().filter((one) => one.startsWith(`adapters/${name}-`) && !one.endsWith("-adapter.ts"));
  const own = [`adapters/${name}.ts`, file].filter((one) => sourceFiles().includes(one));
  return [...new Set([...own, ...parts])];
}

/** The names that a list of exports has. */
function exportedBy(file: string): string[] {
  const lists = [...sourceOf(file).matchAll(/^export (?:type )?\{([^}]+)\} from "[^"]+";$/gm)];
  return lists.flatMap(([, names = ""]) => namesIn(names));
}

/** The names that a source imports of the library. */
function namedImports(file: string): { to: string; name: string }[] {
  const found = [...sourceOf(file).matchAll(/^import (?:type )?\{([^}]+)\} from "(\.[^"]+)";$/gm)];
  return found.flatMap(([, names = "", from = ""]) =>
    namesIn(names).map((name) => ({ to: join(dirname(file), from).replace(/\.js$/, ".ts"), name })),
  );
}

test("every adapter runs the adapter suite", () => {
  assert.ok(adapters.length >= 4);
  const without = adapters.filter(
    (file) =>
      !existsSync(join(root, "test", "support", "apps", basename(file))) &&
      !existsSync(join(root, "test", "frameworks", "apps", basename(file))),
  );
  assert.deepEqual(without, []);
});

/** A module is only augmented where it is part of the program: every adapter's types lead to the index. */
function isDeclarationsDoor({ from, to, isType }: Import): boolean {
  return from === "adapters/common-exports.ts" && to === "index.ts" && isType;
}

function layerOf(file: string): number {
  return LAYERS.findIndex((members) => members.includes(topOf(file)));
}

function topOf(file: string): string {
  return file.split("/")[0]!;
}

/**
 * Neighbours of one layer do not know each other, but for the lowest: its leaves are used by contracts, errors by
 * leaves.
 */
function areStrangers(from: string, to: string): boolean {
  return layerOf(from) > 0 && topOf(from) !== topOf(to);
}

function grouped(imports: readonly Import[]): Map<string, Import[]> {
  const groups = new Map<string, Import[]>();
  for (const one of imports) groups.set(one.from, [...(groups.get(one.from) ?? []), one]);
  return groups;
}

function reaches(
  from: string,
  goal: string,
  next: ReadonlyMap<string, readonly Import[]>,
  seen: Set<string> = new Set(),
): boolean {
  return (next.get(from) ?? []).some(({ to }) => {
    if (to === goal) return true;
    if (seen.has(to)) return false;
    seen.add(to);
    return reaches(to, goal, next, seen);
  });
}

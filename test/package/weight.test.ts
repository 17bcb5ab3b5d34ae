import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { WITH_FRAMEWORK } from "./with-framework.js";

/** What an application takes on with each entry point: modules, bytes, and what happens when it is imported. */
interface Weight {
  readonly modules: number;
  readonly foreign: readonly string[];
  readonly minified: number;
  readonly gzipped: number;
}
type Weights = Readonly<Record<string, Weight>>;
interface Weighing {
  weigh(): Promise<Weights>;
  readLimits(): Weights;
  limitsOf(weight: Weight): Weight;
  complaints(weights: Weights, limits: Weights): string[];
  fileOf(weights: Weights): string;
}

const run = promisify(execFile);
const { complaints, fileOf, limitsOf, readLimits, weigh } = (await import(
  new URL("../../scripts/weights.mjs", import.meta.url).href
)) as Weighing;
const limits = readLimits();

test("no entry point has become heavier, or so much lighter that its limit guards nothing", async () => {
  const weights = await weigh();
  const found = complaints(weights, limits);
  assert.ok(
    found.length === 0,
    `${found.join("\n")}\nWhere that is meant, \`node scripts/weights.mjs\` writes this to test/package/weights.json:\n${fileOf(weights)}`,
  );
});

test("one module too many, a foreign import, bytes too many or far too few, an unknown entry: each is reported", () => {
  const weight = { modules: 4, foreign: ["node:http"], minified: 1000, gzipped: 500 };
  const limits = { ".": limitsOf(weight) };
  assert.deepEqual(limits["."], { modules: 4, minified: 1020, gzipped: 510, foreign: ["node:http"] });
  assert.deepEqual(JSON.parse(fileOf({ ".": weight })), limits);
  const said = (change: Partial<Weight>) => complaints({ ".": { ...weight, ...change } }, limits);
  assert.deepEqual(said({ minified: 1020, gzipped: 459 }), []);
  assert.deepEqual(said({ modules: 5 }), [". loads 5 modules, not 4"]);
  assert.deepEqual(said({ foreign: ["node:fs", "node:http"] }), [
    ". imports node:fs, node:http from elsewhere, not node:http",
  ]);
  assert.deepEqual(said({ foreign: [] }), [". imports nothing from elsewhere, not node:http"]);
  assert.deepEqual(said({ minified: 1021 }), [". takes 1021 bytes minified, more than 1020"]);
  assert.deepEqual(said({ gzipped: 458 }), [". takes 458 bytes gzipped, far less than 510: lower the limit"]);
  assert.deepEqual(complaints({ "./new": weight }, limits), ["./new has no limits", ". has limits and is no entry"]);
});

for (const name of Object.keys(limits).filter((name) => !WITH_FRAMEWORK.includes(`holdfast${name.slice(1)}`))) {
  test(`importing holdfast${name.slice(1)} starts no timer and opens nothing`, async () => {
    assert.deepEqual(await startedBy(`holdfast${name.slice(1)}`), []);
  });
}

test("a module that starts a timer or opens something when it is imported is seen", async () => {
  const module = (text: string) => `data:text/javascript,${encodeURIComponent(text)}`;
  assert.deepEqual(await startedBy(module("setTimeout(() => {}, 60_000).unref()")), ["setTimeout"]);
  assert.deepEqual(await startedBy(module("setInterval(() => {}, 60_000)")), ["setInterval", "Timeout"]);
  assert.deepEqual(await startedBy(module('import { createServer } from "node:net"; createServer().listen(0)')), [
    "TCPServerWrap",
  ]);
});

/**
 * What a module starts and opens when it is imported, in a process of its own; requests for files are those of the
 * import itself, and end.
 */
async function startedBy(specifier: string): Promise<string[]> {
  const program = `
    const { setImmediate: turn } = await import("node:timers/promises");
    const started = [];
    for (const name of ["setTimeout", "setInterval", "setImmediate"]) {
      const real = globalThis[name];
      globalThis[name] = (...args) => (started.push(name), real(...args));
    }
    const open = async () => {
      do await turn(); while (process.getActiveResourcesInfo().some((name) => /Req/.test(name)));
      return process.getActiveResourcesInfo();
    };
    const before = await open();
    await import(${JSON.stringify(specifier)});
    const opened = await open();
    for (const one of before) if (opened.includes(one)) opened.splice(opened.indexOf(one), 1);
    console.log(JSON.stringify([...started, ...opened]));
    process.exit();`;
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", program]);
  return JSON.parse(stdout);
}

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { WITH_FRAMEWORK } from "../with-framework.js";
import { root } from "./source.js";

/**
 * Puts a witness in place of everything that starts a timer, draws randomness or reaches for the world, then runs
 * `program`.
 */
function watched(program: string): string {
  return `
    import { syncBuiltinESMExports, createRequire } from "node:module";
    const require = createRequire(import.meta.url);
    const deeds = [];
    const watch = (object, names) => {
      for (const name of names) {
        const real = object[name];
        object[name] = function (...args) {
          if (new Error().stack.includes("/dist/")) deeds.push(name);
          return Reflect.apply(real, this, args);
        };
      }
    };
    watch(globalThis, ["setTimeout", "setInterval", "setImmediate", "queueMicrotask", "fetch"]);
    watch(crypto, ["getRandomValues", "randomUUID"]);
    watch(require("node:crypto"), ["randomBytes", "randomUUID", "randomFillSync"]);
    watch(require("node:net").Socket.prototype, ["connect"]);
    watch(require("node:dns"), ["lookup"]);
    watch(require("node:fs"), ["readFileSync", "readFile", "writeFileSync", "writeFile", "openSync", "open", "statSync", "existsSync"]);
    watch(require("node:fs/promises"), ["readFile", "writeFile", "open", "stat"]);
    watch(Math, ["random"]);
    watch(process, ["on", "once", "emitWarning"]);
    syncBuiltinESMExports();
    const entries = Object.keys(require(${JSON.stringify(`${root}package.json`)}).exports).filter((name) => !name.endsWith(".json"));
    const modules = {};
    const skipped = ${JSON.stringify(WITH_FRAMEWORK)};
    for (const name of entries.filter((name) => !skipped.includes("holdfast" + name.slice(1))))
      modules[name] = await import("holdfast" + name.slice(1));
    ${program}
    console.log(JSON.stringify({ deeds, timers: process.getActiveResourcesInfo().filter((name) => name === "Timeout") }));
  `;
}

async function deedsOf(program: string): Promise<unknown> {
  const running = promisify(execFile)(process.execPath, ["--input-type=module", "-"], {
    cwd: root,
    env: { ...process.env, NODE_ENV: "test" },
    timeout: 20_000,
  });
  running.child.stdin?.end(watched(program));
  return JSON.parse((await running).stdout);
}

const NOTHING = { deeds: [], timers: [] };

test("importing every entry does nothing: no timer, no random byte, nothing read or asked", async () => {
  assert.deepEqual(await deedsOf(""), NOTHING);
});

test("constructing a store, a storage and every middleware does nothing either", async () => {
  const construct = `
    const core = modules["."];
    core.createStore({ storage: modules["./storage/memory"].memoryStorage() });
    core.chain(core.fromCookie("a"), core.fromHeader("x-b"));
    for (const { session } of Object.values(modules)) session?.({ absoluteTimeout: "24h" });
    for (const { session } of Object.values(modules)) session?.({ ...core.fiberDefaults });
  `;
  assert.deepEqual(await deedsOf(construct), NOTHING);
});

test("the witness sees a deed", async () => {
  const create = `await modules["."].createStore({ storage: modules["./storage/memory"].memoryStorage() }).create({});`;
  const { deeds } = (await deedsOf(create)) as { deeds: string[] };
  assert.ok(deeds.includes("getRandomValues"), `only ${deeds.join(", ")}`);
});

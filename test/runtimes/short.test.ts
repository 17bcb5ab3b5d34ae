import assert from "node:assert/strict";
import { test } from "node:test";
import type { RowResult } from "./rows.js";
import type { RuntimeName } from "./start.js";
import { playSuites, playSuitesOnWorkerd } from "./suites.js";

/** `npm run runtimes` plays all of them, and more. */
const ADAPTERS: Readonly<Record<RuntimeName, string>> = {
  node20: "connect",
  node22: "express",
  node24: "fastify",
  node26: "koa",
  bun: "node",
  deno: "hono",
};

/** An adapter's cases, and the storage kit through three decorators. */
const AT_LEAST = 150;

function assertHeld(results: readonly RowResult[]): void {
  assert.deepEqual(
    results.filter(({ error }) => error !== undefined),
    [],
  );
  const held = results.filter(({ leftOut }) => leftOut === undefined).length;
  assert.ok(held >= AT_LEAST, `${held} cases`);
}

for (const [runtime, adapter] of Object.entries(ADAPTERS) as [RuntimeName, string][]) {
  test(`${runtime}: the adapter ${adapter} and storage in memory hold there`, async () => {
    const results: RowResult[] = [];
    await playSuites(runtime, [`adapters/${adapter}`, "storages/memory"], (result) => void results.push(result));
    assertHeld(results);
  });
}

test("workerd: the adapters fetch and express and storage in memory, in D1 and in Durable Objects hold there", async () => {
  const results: RowResult[] = [];
  const suites = ["adapters/fetch", "adapters/express", "storages/memory", "storages/D1", "storages/Durable Objects"];
  await playSuitesOnWorkerd(suites, (result) => void results.push(result));
  assertHeld(results);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect, isDeepStrictEqual } from "node:util";
import { createStore } from "holdfast";
import { memoryStorage } from "holdfast/storage/memory";

/** Names that tools read from any object: React's development build, Immutable under Jest's `equals`, Jest itself. */
const PROBES = ["@@iterator", "@@__IMMUTABLE_ITERABLE__@@", "then", "asymmetricMatch", "$$typeof", "nodeType"];

test("what tools read from any object is no mistake; another unknown name is warned of, once", async () => {
  const session = await createStore<Record<string, unknown>>({ storage: memoryStorage() }).create({ n: 1 });
  const warnings: string[] = [];
  const note = (warning: Error): unknown => warnings.push(warning.message);
  process.on("warning", note);
  try {
    inspect(session);
    JSON.stringify(session);
    isDeepStrictEqual(session, {});
    String(session);
    for (const name of PROBES) assert.equal(Reflect.get(session, name), undefined);
    for (let i = 0; i < 2; i++) assert.equal(Reflect.get(session, "basket"), undefined);
    await new Promise(setImmediate);
  } finally {
    process.off("warning", note);
  }
  assert.equal(warnings.length, 1, warnings.join("\n"));
  assert.match(warnings[0]!, /has no property "basket"/);
});

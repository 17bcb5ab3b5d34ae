import assert from "node:assert/strict";
import { after, test } from "node:test";
import { ADAPTERS, type Adapter } from "../support/apps.js";
import { within } from "../support/within.js";
import { brokenBodies } from "./cases/broken-bodies.js";
import { byHand } from "./cases/by-hand.js";
import { caches } from "./cases/caches.js";
import { cookies } from "./cases/cookies.js";
import { errors } from "./cases/errors.js";
import { failing } from "./cases/failing.js";
import { firstByte } from "./cases/first-byte.js";
import { forms } from "./cases/forms.js";
import { mounting } from "./cases/mounting.js";
import { plain } from "./cases/plain.js";
import { streams } from "./cases/streams.js";
import { unloaded } from "./cases/unloaded.js";
import { verbs } from "./cases/verbs.js";
import { wire } from "./cases/wire.js";
import { mishaps } from "./hygiene.js";
import { Matrix } from "./matrix.js";
import { NOT_EXPRESSIBLE } from "./not-expressible.js";
import { World, type Case } from "./world.js";

const CASES: readonly Case[] = [...plain, ...cookies, ...errors, ...firstByte, ...streams, ...brokenBodies, ...verbs, ...failing, ...forms, ...mounting, ...caches, ...unloaded, ...byHand, ...wire];

const matrix = new Matrix();
after(() => console.log(String(matrix)));

for (const one of CASES) {
  test(one.name, async (t) => {
    for (const adapter of ADAPTERS) {
      const reason = NOT_EXPRESSIBLE[one.name]?.[adapter.name];
      if (reason) matrix.note(one.name, adapter.name, "n/a");
      await t.test(adapter.name, { skip: reason ?? false }, () => play(one, adapter));
    }
  });
}

async function play(one: Case, adapter: Adapter): Promise<void> {
  const world = new World(adapter);
  matrix.note(one.name, adapter.name, "FAIL");
  const earlier = mishaps.length;
  try {
    await within(5000, `${one.name}, ${adapter.name}`, one.run(world));
  } finally {
    await world.end();
  }
  assert.deepEqual(mishaps.slice(earlier), []);
  matrix.note(one.name, adapter.name, "ok");
}

test("every entry of what a framework cannot express names a case", () => {
  const names = CASES.map(({ name }) => name);
  assert.deepEqual(Object.keys(NOT_EXPRESSIBLE).filter((name) => !names.includes(name)), []);
});

test("nothing was rejected unhandled, thrown uncaught or warned of during the suite", async () => {
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(mishaps, []);
});

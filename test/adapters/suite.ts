import assert from "node:assert/strict";
import type { Adapter } from "../support/apps.js";
import { within } from "../support/within.js";
import { brokenBodies } from "./cases/broken-bodies.js";
import { byHand } from "./cases/by-hand.js";
import { caches } from "./cases/caches.js";
import { cookies } from "./cases/cookies.js";
import { crossOrigin } from "./cases/cross-origin.js";
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
import { World, type Case } from "./world.js";

/** Everything that has to hold on every adapter, in every runtime. */
export const CASES: readonly Case[] = [
  ...plain,
  ...cookies,
  ...errors,
  ...firstByte,
  ...streams,
  ...brokenBodies,
  ...verbs,
  ...failing,
  ...forms,
  ...mounting,
  ...caches,
  ...unloaded,
  ...crossOrigin,
  ...byHand,
  ...wire,
];

/** Runs one case on one adapter; rejects if it does not hold, or if anything in the process went unhandled. */
export async function play(one: Case, adapter: Adapter): Promise<void> {
  const world = new World(adapter);
  const earlier = mishaps.length;
  try {
    await within(5000, `${one.name}, ${adapter.name}`, one.run(world));
  } finally {
    await world.end();
  }
  assert.deepEqual(mishaps.slice(earlier), []);
}

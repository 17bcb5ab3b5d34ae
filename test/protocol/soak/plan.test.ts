import assert from "node:assert/strict";
import { test } from "node:test";
import { CLOCK_SKEW_MS } from "#dist/contracts/storage.js";
import { Dice, killPlan, offsets, personSteps, staffSteps } from "./plan.js";

const SERVERS = 4;
const SEEDS = Array.from({ length: 200 }, (_, seed) => seed);
const first = <T>(count: number, steps: Generator<T>): T[] =>
  Array.from({ length: count }, () => steps.next().value as T);

test("a seed replays the plan, another seed is another plan", () => {
  const plan = (seed: number) => [
    first(50, personSteps(seed, "ann.1", SERVERS)),
    first(50, staffSteps(seed, "staff", SERVERS)),
    killPlan(seed, 30_000, SERVERS, true),
    offsets(seed, SERVERS),
  ];
  assert.deepEqual(plan(7), plan(7));
  plan(7).forEach((part, i) => assert.notDeepEqual(part, plan(8)[i]));
  assert.notDeepEqual(
    first(50, personSteps(7, "ann.1", SERVERS)),
    first(50, personSteps(7, "ann.2", SERVERS)),
    "each tab has steps of its own",
  );
});

test("however short it is, a server and the database are killed, in order and in time", () => {
  for (const seed of SEEDS) {
    const kills = killPlan(seed, 2000, SERVERS, true);
    assert.deepEqual(kills.map(({ target }) => target === "database").sort(), [false, true]);
    assert.deepEqual(
      kills.map(({ at }) => at),
      kills.map(({ at }) => at).sort((a, b) => a - b),
    );
    assert.ok(kills.every(({ at }) => at > 0 && at < 2000));
    assert.ok(
      killPlan(seed, 2000, SERVERS, false).every(({ target }) => target !== "database"),
      "a file is not killed",
    );
  }
});

test("no two clocks differ by more than what the library allows", () => {
  for (const seed of SEEDS) {
    const off = offsets(seed, SERVERS);
    assert.equal(off.length, SERVERS);
    assert.ok(Math.max(...off) - Math.min(...off) < CLOCK_SKEW_MS);
  }
});

test("every action occurs as often as its weight says", () => {
  const dice = new Dice(1, "weights");
  const drawn = Array.from({ length: 10_000 }, () => dice.weighted({ often: 3, seldom: 1 }));
  const often = drawn.filter((name) => name === "often").length;
  assert.ok(often > 7200 && often < 7800, `${often}`);
});

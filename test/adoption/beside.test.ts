import assert from "node:assert/strict";
import { describe as group, test } from "node:test";
import { BESIDE } from "./beside/all.js";
import { shown } from "./compare.js";
import type { Program } from "./program.js";
import { compared } from "./run.js";

/** A part of the programs, a few of each kind, without those that wait. `npm run adoption` plays all. */
const EVERY = 5;

const isShort = ({ name, isEndless }: Program): boolean => !isEndless && !name.includes("never calls back");

group("programs of express-session on the drop-in", () => {
  const some = BESIDE.filter(isShort).filter((_, index) => index % EVERY === 0);
  for (const program of some) {
    test(program.name, async () => {
      for (const { side, wrong } of await compared(program))
        assert.equal(wrong.length, 0, `${side}:\n${wrong.map(shown).join("\n")}`);
    });
  }
});

test("there are at least 200 programs, each with a name of its own", () => {
  const names = BESIDE.map(({ name }) => name);
  assert.ok(names.length >= 200, String(names.length));
  assert.equal(new Set(names).size, names.length);
});

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { ADAPTERS } from "../support/apps.js";
import { mishaps } from "./hygiene.js";
import { Matrix } from "./matrix.js";
import { NOT_EXPRESSIBLE } from "./not-expressible.js";
import { CASES, play } from "./suite.js";

const matrix = new Matrix();
after(() => console.log(String(matrix)));

for (const one of CASES) {
  test(one.name, async (t) => {
    for (const adapter of ADAPTERS) {
      const reason = NOT_EXPRESSIBLE[one.name]?.[adapter.name];
      if (reason) matrix.note(one.name, adapter.name, "n/a");
      await t.test(adapter.name, { skip: reason ?? false }, async () => {
        matrix.note(one.name, adapter.name, "FAIL");
        await play(one, adapter);
        matrix.note(one.name, adapter.name, "ok");
      });
    }
  });
}

test("every entry of what a framework cannot express names a case", () => {
  const names = CASES.map(({ name }) => name);
  assert.deepEqual(
    Object.keys(NOT_EXPRESSIBLE).filter((name) => !names.includes(name)),
    [],
  );
});

test("nothing was rejected unhandled, thrown uncaught or warned of during the suite", async () => {
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(mishaps, []);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { RULES } from "./checker.js";
import { DATABASES } from "./databases.js";
import { soak } from "./run.js";
import { SABOTAGES } from "./sabotages.js";

/** The soak ends with the first violation, so this is how long it may look for one. */
const SECONDS = 60;

for (const sabotage of Object.keys(SABOTAGES)) {
  test(`the soak fails over a storage whose sabotage is: ${sabotage}`, async () => {
    const { verdicts } = await soak({
      kind: "sqlite",
      database: await DATABASES.sqlite(),
      seed: 1,
      seconds: SECONDS,
      servers: 1,
      people: 2,
      tabs: 2,
      sabotage,
    });
    const broken = verdicts.filter(({ violations }) => violations.length > 0).map(({ rule }) => rule);
    assert.ok(broken.length > 0, "no rule was violated");
    assert.ok(
      broken.every((rule) => Object.hasOwn(RULES, rule)),
      broken.join("; "),
    );
  });
}

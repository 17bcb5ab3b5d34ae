import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { unlessMissing } from "../../support/services.js";
import { DATABASES, type Database, type DatabaseKind } from "./databases.js";
import { report } from "./report.js";
import { soak } from "./run.js";

const SEED = 20_260_801;
const SECONDS = 10;

const ready: (readonly [DatabaseKind, Database])[] = [];
for (const kind of Object.keys(DATABASES) as DatabaseKind[]) {
  await unlessMissing(kind, "", async () => ready.push([kind, await DATABASES[kind]()]));
}

/** Side by side, with as many clients together as one soak of `npm run soak` has. */
describe("servers and databases are killed at random under load: no promise is broken", { concurrency: true }, () => {
  for (const [kind, database] of ready) {
    test(kind, async () => {
      const outcome = await soak({ kind, database, seed: SEED, seconds: SECONDS, people: 2, tabs: 2 });
      console.log(report(outcome));
      assert.deepEqual(
        outcome.verdicts.flatMap(({ rule, violations }) => violations.map((violation) => `${rule}: ${violation}`)),
        [],
      );
      assert.ok(outcome.verdicts.find(({ rule }) => rule === "every acknowledged increment is there")!.checked > 0);
      assert.ok(outcome.kills.servers > 0 && (kind === "sqlite" || outcome.kills.database > 0));
    });
  }
});

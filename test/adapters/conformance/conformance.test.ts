import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { ADAPTERS } from "./adapters.js";
import { isNote, nameOf, parseRecording } from "./format.js";
import { play } from "./play.js";
import { described, RECORDINGS } from "./run.js";

for (const file of ["scenarios.json", "extra.json"]) {
  const scenarios = parseRecording(readFileSync(join(RECORDINGS, file), "utf8"));
  for (const adapter of ADAPTERS) {
    describe(`${file} on ${adapter.name}`, () => {
      for (const [index, scenario] of scenarios.entries()) {
        if (isNote(scenario)) continue;
        test(nameOf(scenario, index), async (t) => {
          const { differences, skipped } = await play(scenario, adapter);
          if (skipped !== undefined) return t.skip(skipped);
          assert.equal(differences.length, 0, `\n${described(differences)}`);
        });
      }
    });
  }
}

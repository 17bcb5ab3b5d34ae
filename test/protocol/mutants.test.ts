import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { build, MUTANTS } from "./mutants.js";
import { prove, type Outcome } from "./proving.js";
import { MUTANTS as STORAGES } from "./simulation.js";

/** Some promise was seen to be broken. */
function assertCaught(name: string, { failure, code }: Outcome): void {
  assert.equal(code, "ERR_ASSERTION", failure ?? "nobody noticed");
  assert.match(failure!, /^(P[1-7]|Owners|Overlap|Apart): /);
  console.log(`${name}: ${failure!.split(":").slice(0, 2).join(":")}`);
}

describe("what is broken on purpose is noticed", { concurrency: 2 }, () => {
  for (const [name, { proof }] of Object.entries(MUTANTS))
    test(`the library with ${name}`, async () => assertCaught(name, await prove({ proof, library: build(name) })));
  for (const mutant of STORAGES)
    test(`a storage whose ${mutant}`, async () =>
      assertCaught(mutant, await prove({ proof: `a storage whose ${mutant}` })));
});

test("a mutant that does not apply says so", () => {
  assert.throws(() => build("no such mutant"), TypeError);
});

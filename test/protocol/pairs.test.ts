import assert from "node:assert/strict";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { FAULTS, MUTANTS } from "./simulation.js";

interface Outcome {
  readonly said?: string;
  readonly failure?: string;
  readonly code?: string;
}

/** What a proof says, which runs in a thread of its own. */
function prove(name: string): Promise<Outcome> {
  const worker = new Worker(new URL("./proofs.js", import.meta.url), { workerData: name });
  return new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
}

async function holds(name: string, say: (text: string) => void): Promise<void> {
  const { said, failure } = await prove(name);
  assert.equal(failure, undefined);
  say(said!);
}

test("every pair of requests, every order of their storage calls: no promise broken", (t) => holds("pairs", (text) => t.diagnostic(text)));

for (const fault of FAULTS) {
  test(`the same, with one storage call after the other ${fault}`, (t) => holds(fault, (text) => t.diagnostic(text)));
}

test("chosen triples in every order", (t) => holds("triples", (text) => t.diagnostic(text)));

for (const mutant of MUTANTS) {
  test(`a storage whose ${mutant} is caught`, async () => {
    assert.equal((await prove(mutant)).code, "ERR_ASSERTION");
  });
}

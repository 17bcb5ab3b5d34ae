import assert from "node:assert/strict";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import type { Work } from "./library.js";
import { FAULTS } from "./simulation.js";

const each = (name: string): string[] => FAULTS.map((fault) => `${name}, ${fault}`);

/** Every proof but those of mutants, the longest first. */
export const ALL_PROOFS: readonly string[] = [
  ...[1, 2, 3, 4].map((part) => `all triples, part ${part}`),
  "owners",
  "triples",
  ...each("visitors of every kind"),
  ...each("every two of an owner's"),
  "impersonation",
  ...each("impersonation"),
  "adoption",
  ...each("adoption"),
  "verbs that overlap, beside another request",
  ...each("verbs that overlap"),
  "verbs that overlap",
  "owners of every kind",
  "clocks apart, owners",
  "an older key ring",
  "an owner at the limit",
  "clocks apart, visitors",
  "the reduction, owners",
  "the reduction, visitors",
  "visitors",
];

/** How a proof ended. */
export interface Outcome {
  /** What it counted. */
  readonly said?: string;
  readonly failure?: string;
  readonly code?: string;
}

/** Runs a proof in a thread of its own. */
export function prove(work: Work): Promise<Outcome> {
  const worker = new Worker(new URL("./proofs.js", import.meta.url), { workerData: work });
  return new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
}

/** Declares that a proof holds; what it counted is printed. */
export function holds(title: string, proof: string): void {
  test(title, async () => {
    const { said, failure } = await prove({ proof });
    assert.equal(failure, undefined);
    console.log(`${proof}: ${said}`);
  });
}

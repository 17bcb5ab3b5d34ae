import assert from "node:assert/strict";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import type { Kind, Played, Task } from "./histories.js";

/** How many histories of each kind are played; the proof asks for more. */
const RUNS: Record<Kind, number> = { "one after the other": 700, "side by side": 1200, "call by call": 1200 };
const more = Number(process.env["HOLDFAST_PROOF_RUNS"] ?? 0);

/** The same histories everywhere, others in a proof; a number given by hand plays those again. */
const GIVEN = process.env["HOLDFAST_SEED"] ?? process.argv[2];
const SEED = 20_260_101;
const seed = GIVEN === undefined ? (more > 0 ? Math.floor(Math.random() * 2 ** 31) : SEED) : Number(GIVEN);

const COMMANDS = [
  "request",
  "by hand",
  "token",
  "id",
  "edit",
  "create",
  "revoke",
  "revoke all",
  "clear",
  "steal",
  "wait",
];
const IN_TABS = ["begin", "goes on", "answers", "ends"];
const VERBS = [
  "look",
  "set",
  "push",
  "increment",
  "delete",
  "regenerate",
  "authenticate",
  "reset",
  "destroy",
  "save",
  "setIdleTimeout",
];
const ENDS = ["cookie", "no cookie", "removal", "hands out a token", "is saved", "opens nothing"];
const KINDS: Record<Kind, readonly string[]> = {
  "one after the other": [...COMMANDS, ...VERBS, ...ENDS],
  "side by side": [
    ...COMMANDS,
    ...IN_TABS,
    ...VERBS,
    ...ENDS,
    "is not saved",
    "fails with ended",
    "save fails with ended",
  ],
  "call by call": ["2 call by call", "3 call by call"],
};

/**
 * Plays in a thread of its own: outside of the test runner's bookkeeping of every promise it takes a fifth of the
 * time.
 */
function play(task: Task): Promise<Played> {
  const worker = new Worker(new URL("./histories.js", import.meta.url), { workerData: task });
  return new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
}

const sum = (counts: Played["counts"], names: readonly string[]): number =>
  names.reduce((total, name) => total + (counts.get(name) ?? 0), 0);

for (const [kind, runs] of Object.entries(RUNS) as [Kind, number][]) {
  test(`clients see what the model lets them see: requests ${kind}`, async (t) => {
    const { runs: played, counts, failure } = await play({ kind, seed, runs: Math.max(runs, more) });
    t.diagnostic(
      `HOLDFAST_SEED=${seed}: ${played} histories of ${sum(counts, [...COMMANDS, ...IN_TABS])} commands with ${sum(counts, VERBS)} verbs; ${[...counts].map((each) => each.join(" ")).join(", ")}`,
    );
    assert.ok(failure === undefined, `HOLDFAST_SEED=${seed}\n${failure}`);
    for (const name of KINDS[kind]) assert.ok(counts.has(name), `${name} never happened`);
  });
}

/** Each is found by histories of this kind, of which no more are needed than are played in every run. */
const FOUND: Record<string, Kind> = {
  "a storage whose update creates": "side by side",
  "a storage whose update ignores the version": "side by side",
  "a storage whose delete ignores the version": "call by call",
  "a storage that keeps expired records for a minute more": "one after the other",
  "a storage that keeps the first deadline of a record": "one after the other",
  "a storage whose delete does nothing": "one after the other",
  "a storage that reads from a replica": "one after the other",
  "a storage that forgets one record in eight": "one after the other",
  "a server whose clock stands still": "one after the other",
  "a server whose clock is a minute behind": "one after the other",
  "a model whose old tokens go on opening": "one after the other",
  "a model that knows no late requests": "one after the other",
  "a model whose sessions last a millisecond longer": "one after the other",
};

for (const [mutant, kind] of Object.entries(FOUND)) {
  test(`${mutant} is noticed`, async (t) => {
    const { runs, failure } = await play({ kind, seed: SEED, runs: RUNS[kind], mutant });
    assert.ok(failure !== undefined, `${runs} histories show no difference`);
    t.diagnostic(`by history ${runs}`);
  });
}

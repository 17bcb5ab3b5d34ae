/**
 * `npm run proof`: the promises, tried in every way there is: random histories against the reference model, every
 * order of every two requests with a fault at every storage call, every three of the core kinds, and builds with one
 * mechanism switched off, each of which must be noticed. Prints what was counted. The last line is `N passed, N
 * failed`.
 */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { runTests } from "./run-tests.mjs";
import { buildLibrary, root, setup } from "./setup.mjs";
import { buildTests } from "./typecheck.mjs";

const HISTORIES = "1500";
const FILE_TIMEOUT_MS = 280_000;

await setup({ build: false });
await buildLibrary();
await buildTests();
process.env.HOLDFAST_PROOF_RUNS ??= HISTORIES;
const began = performance.now();
const total = { passed: 0, failed: 0 };

await runTests(
  ["mutants", "model", "history-found"].map((name) => join(root, "build", "protocol", `${name}.test.js`)),
  ({ file, passed, failures, output }) => {
    console.log(output.stdout);
    for (const { name, error } of failures) console.log(`\n✖ ${file} › ${name}\n${error}`);
    total.passed += passed;
    total.failed += failures.length;
  },
  FILE_TIMEOUT_MS,
);

const { ALL_PROOFS, prove } = await import(pathToFileURL(join(root, "build", "protocol", "proving.js")).href);
const waiting = [...ALL_PROOFS];
let schedules = 0;
await Promise.all(
  Array.from({ length: Math.min(availableParallelism(), 8) }, async () => {
    for (let proof = waiting.shift(); proof; proof = waiting.shift()) {
      const { said, failure } = await prove({ proof });
      schedules += Number(/(\d+) schedules/.exec(said ?? "")?.[1] ?? 0);
      console.log(failure === undefined ? `✔ ${proof}: ${said}` : `✖ ${proof}: ${failure}`);
      total[failure === undefined ? "passed" : "failed"] += 1;
    }
  }),
);

console.log(
  `\n${schedules} schedules in ${ALL_PROOFS.length} proofs, ${Math.round((performance.now() - began) / 1000)} ` +
    "s in all",
);
process.exitCode = total.failed > 0 ? 1 : 0;
console.log(`\n${total.passed} passed, ${total.failed} failed`);

/**
 * `npm run fuzz`: a million inputs and more, for everything that reads what strangers send or what stands in a
 * database; then every mutant, which must be caught. `npm run fuzz -- RUNS SEED` repeats a run. The last line is `N
 * passed, N failed`.
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { buildLibrary, root, setup } from "./setup.mjs";
import { buildTests } from "./typecheck.mjs";

const RUNS = 2_000_000;
const MUTANT_RUNS = 50_000;

await setup({ build: false });
await buildLibrary();
await buildTests();

const [runs = RUNS, seed = Math.trunc(Math.random() * 2 ** 31)] = process.argv.slice(2).map(Number);
if (!Number.isSafeInteger(runs) || runs < 1 || !Number.isSafeInteger(seed))
  throw new TypeError("npm run fuzz -- RUNS SEED: two whole numbers");

const load = (name) => import(pathToFileURL(join(root, "build", "attacks", "fuzz", `${name}.js`)).href);
const { fuzz, TARGETS } = await load("targets");
const { MUTANTS } = await load("mutants");
const { HOLDFAST } = await load("subject");

let [passed, failed, total] = [0, 0, 0];

console.log(`seed ${seed}`);
for (const target of TARGETS) {
  const { name, runs: tried, error } = fuzz(target, Math.round((runs * target.share) / 1000), seed);
  total += tried;
  tell(error === undefined, `${String(tried).padStart(8)}  ${name}`, error);
}
console.log(`${String(total).padStart(10)}  inputs in all\n`);
for (const [name, { target, wrong }] of Object.entries(MUTANTS)) {
  const { runs: tried, error } = fuzz(target, MUTANT_RUNS, seed, { ...HOLDFAST, ...wrong });
  tell(error !== undefined, `${String(tried).padStart(8)}  caught ${name}`, `nothing of ${target.name} fails`);
}

process.exitCode = failed > 0 ? 1 : 0;
console.log(`\n${passed} passed, ${failed} failed`);

function tell(isGood, line, why) {
  if (isGood) passed += 1;
  else failed += 1;
  console.log(`${isGood ? "✔" : "✖"} ${line}${isGood ? "" : `\n${why}`}`);
}

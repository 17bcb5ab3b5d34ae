/**
 * `npm run soak`: four server processes and their database under the load of mixed clients, killed (`kill -9`) and
 * started again at random, clocks minutes apart; then a checker reads what the clients wrote down. Five minutes,
 * spread over Redis, PostgreSQL and SQLite.
 *
 *     npm run soak -- --seconds 60              another length, in all
 *     npm run soak -- --seed 7                  the same plan again: who does what, and what is killed when
 *     npm run soak -- --storage redis           one storage only
 *     npm run soak -- --sabotage "delete removes nothing"    over a storage that breaks its contract: it has to fail
 *     npm run soak -- --log FILE                writes down every request, a line of JSON each
 *
 * The last line is `N passed, N failed`.
 */
import { appendFileSync, rmSync } from "node:fs";
import { parseArgs } from "node:util";
import { mayInstall } from "./services/lib.mjs";
import { buildLibrary, setup } from "./setup.mjs";
import { buildTests } from "./typecheck.mjs";

const SECONDS = 300;
const PEOPLE = 5;
const TABS = 3;
const LOOK_MS = 200;
const EXIT_INTERRUPTED = 130;

const { values } = parseArgs({
  options: {
    seconds: { type: "string" },
    seed: { type: "string" },
    storage: { type: "string" },
    sabotage: { type: "string" },
    log: { type: "string" },
  },
});
const interrupted = interruption();
await setup({ build: false });
await buildLibrary();
await buildTests();
const { DATABASES } = await import("../build/protocol/soak/databases.js");
const { SABOTAGES } = await import("../build/protocol/soak/sabotages.js");
const { soak } = await import("../build/protocol/soak/run.js");
const { report, tally } = await import("../build/protocol/soak/report.js");

const seed = number("seed", Math.floor(Math.random() * 2 ** 31));
const kinds = values.storage === undefined ? Object.keys(DATABASES) : [oneOf("storage", DATABASES)];
const sabotage = values.sabotage === undefined ? undefined : oneOf("sabotage", SABOTAGES);
const seconds = number("seconds", SECONDS) / kinds.length;
const total = { passed: 0, failed: 0 };

console.log(
  `seed ${seed}: npm run soak -- --seed ${seed} --seconds ${seconds * kinds.length}${values.storage === undefined ? "" : ` --storage ${values.storage}`}`,
);
if (values.log !== undefined) rmSync(values.log, { force: true });
for (const kind of kinds) await run(kind);
console.log(`\n${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed > 0 ? 1 : 0);

async function run(kind) {
  try {
    const outcome = await soak({
      kind,
      database: await DATABASES[kind](),
      seed,
      seconds,
      people: PEOPLE,
      tabs: TABS,
      sabotage,
      signal: interrupted,
    });
    const { passed, failed } = tally(outcome);
    total.passed += passed;
    total.failed += failed;
    console.log(`\n${report(outcome)}`);
    if (values.log !== undefined)
      for (const entry of outcome.log) appendFileSync(values.log, `${JSON.stringify({ kind, ...entry })}\n`);
  } catch (error) {
    if (interrupted.aborted) process.exit(EXIT_INTERRUPTED);
    const isMissing = error.name === "MissingProgram" && !process.env.CI && !mayInstall();
    if (!isMissing) total.failed += 1;
    console.log(`\n${kind}: ${isMissing ? `not run: ${error.message}` : error.stack}`);
  }
}

function number(option, otherwise) {
  const value = values[option] === undefined ? otherwise : Number(values[option]);
  if (!Number.isFinite(value) || value < 0) throw new Error(`--${option} wants a number`);
  return value;
}

function oneOf(option, choices) {
  if (Object.hasOwn(choices, values[option])) return values[option];
  throw new Error(`there is no --${option} ${values[option]}; there are ${Object.keys(choices).join(", ")}`);
}

/**
 * Ends everything in good order when somebody interrupts; npm hands a signal to the shell between us and it, which
 * tells nobody.
 */
function interruption() {
  const controller = new AbortController();
  const interrupt = () => controller.abort(new Error("interrupted"));
  process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
  const shell = process.ppid;
  if (process.env.npm_lifecycle_event) setInterval(() => process.ppid === shell || interrupt(), LOOK_MS).unref();
  return controller.signal;
}

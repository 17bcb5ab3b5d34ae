/**
 * `npm run storages`: the storage contract, case by case, for every driver with every client on the real servers,
 * plain and through every decorator. `npm run storages -- redis sqlite` runs these drivers only. The last line is `N
 * passed, N failed`.
 *
 * `npm run storages -- --matrix` runs the client matrix: driver, client, version and configuration, each row with the
 * whole contract and the stories of sessions, or its refusal. `-- --matrix redis "ioredis 4"` runs the rows that have
 * one of these words.
 */
import { mayInstall } from "./services/lib.mjs";
import { buildLibrary, setup } from "./setup.mjs";
import { buildTests } from "./typecheck.mjs";

/** Servers that are asked at once. */
const AT_ONCE = 3;

await setup({ build: false });
await buildLibrary();
await buildTests();
if (process.argv.includes("--matrix")) {
  const { printMatrix } = await import("../build/storage/matrix/print.js");
  process.exit((await printMatrix(process.argv.slice(2).filter((word) => word !== "--matrix"))) > 0 ? 1 : 0);
}
const { SUBJECTS } = await import("../build/support/storage-subjects.js");
const { CASES, DECORATORS } = await import("../build/support/storage-suites.js");
const EACH = CASES.length * Object.keys(DECORATORS).length;
const total = { passed: 0, failed: 0 };

const outcomes = await runAll(chosen(process.argv.slice(2)));
printTable(outcomes);
printFailures(outcomes);
console.log(`\n${CASES.length} cases, each ${Object.keys(DECORATORS).join(", ")}`);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed > 0 ? 1 : 0);

function chosen(names) {
  const drivers = [...new Set(SUBJECTS.map(({ driver }) => driver))];
  const unknown = names.filter((name) => !drivers.includes(name));
  if (unknown.length > 0) throw new Error(`${unknown.join(", ")}: unknown; drivers are ${drivers.join(", ")}`);
  return SUBJECTS.filter(({ driver }) => names.length === 0 || names.includes(driver));
}

/**
 * One subject of a server after the other: the clocks of two suites would sweep each other's entries. Each is shown
 * when all before it have been.
 */
async function runAll(subjects) {
  const outcomes = [];
  const servers = [...new Set(subjects.map(({ server }) => server))];
  let shown = 0;
  const worker = async () => {
    for (let server = servers.shift(); server; server = servers.shift()) {
      for (const [i, subject] of subjects.entries()) {
        if (subject.server !== server) continue;
        outcomes[i] = await outcomeOf(subject);
        for (; outcomes[shown]; shown++) showSubject(shown + 1, outcomes[shown]);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return outcomes;
}

async function outcomeOf({ driver, client, run }) {
  const results = [];
  try {
    const server = await run((result) => results.push(result));
    const lacking = EACH - results.length;
    return {
      driver,
      client,
      server,
      results,
      error: lacking > 0 ? `ended before ${lacking} of its cases did` : undefined,
    };
  } catch (error) {
    const isMissing = error.name === "MissingProgram" && !process.env.CI && !mayInstall();
    return {
      driver,
      client,
      server: isMissing ? `not run: ${error.message}` : "",
      results,
      error: isMissing ? undefined : error.stack,
    };
  }
}

function showSubject(number, { driver, client, server, results, error }) {
  const failed = results.filter((result) => result.error).length + (error ? 1 : 0);
  const passed = results.filter((result) => !result.error).length;
  total.passed += passed;
  total.failed += failed;
  const counts = `${passed} passed${failed > 0 ? `, ${failed} failed` : ""}`;
  console.log(`${`${number}`.padStart(2)}  ${driver.padEnd(10)}${client.padEnd(52)}${server.padEnd(30)}${counts}`);
}

/**
 * A row for each case, a column for each subject: ✔ where it passed plain and through every decorator, · where it did
 * not run.
 */
function printTable(outcomes) {
  const width = Math.max(...CASES.map((name) => name.length));
  console.log(`\n${"case".padEnd(width)} ${outcomes.map((_, i) => `${i + 1}`.padStart(3)).join("")}`);
  for (const name of CASES) {
    const signs = outcomes.map(({ results }) => signOf(results.filter((result) => result.name === name)).padStart(3));
    console.log(`${name.padEnd(width)} ${signs.join("")}`);
  }
}

function signOf(results) {
  if (results.length === 0) return "·";
  return results.some(({ error }) => error) ? "✖" : "✔";
}

function printFailures(outcomes) {
  for (const [i, { results, error }] of outcomes.entries()) {
    const failures = results
      .filter((result) => result.error)
      .map((result) => `${result.decorator}, ${result.name}: ${result.error}`);
    for (const failure of error ? [...failures, error] : failures) console.log(`\n${i + 1}) ${failure}`);
  }
}

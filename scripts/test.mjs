/**
 * `npm test`: all set-up, then what one checks before a commit. `npm test -- --all` checks everything. `npm test --
 * PATTERN …` runs the test files whose path contains one of the patterns, nothing else. `npm test -- --times` runs
 * everything and writes how long each takes. The last line is `N passed, N failed`.
 */
import { availableParallelism } from "node:os";
import { join, relative } from "node:path";
import { installBench } from "./bench-packages.mjs";
import { ensureChromium } from "./ensure-chromium.mjs";
import { lint } from "./lint.mjs";
import { assertPackage } from "./package-check.mjs";
import { runTests } from "./run-tests.mjs";
import { buildLibrary, filesBelow, prune, root, setup } from "./setup.mjs";
import { isAlone, isForAll } from "./test-plan.mjs";
import { loadOf, longestFirst, nameOf, readTimes, writeTimes } from "./test-times.mjs";
import { buildExamples, buildTests } from "./typecheck.mjs";

const SWITCHES = ["--all", "--times"];
const [all, times] = SWITCHES.map((name) => process.argv.includes(name));
const patterns = process.argv.slice(2).filter((arg) => !SWITCHES.includes(arg));
const isFullRun = patterns.length === 0;
const isShort = isFullRun && !all && !times;
const build = join(root, "build");
const known = readTimes();
/** `{ seconds, cpu }` of each file that ran. */
const measured = {};
const total = { passed: 0, failed: 0, skipped: 0 };
const failures = [];
/** How many test files are left to `--all`. */
let left = 0;

try {
  await setup({ build: false });
  await checkAll();
} catch (error) {
  total.failed += 1;
  failures.push({ name: "npm test", error: error.message });
}
summary();

async function checkAll() {
  await step("types: library", buildLibrary);
  await Promise.all([compile(), isFullRun && step("lint", lint), isFullRun && fetchPrograms()]);
  if (isFullRun) await step("package", assertPackage);
  await runTests(testFiles(), showFile, undefined, (file) => loadOfBuilt(relative(build, file)));
  if (times) writeTimes(measured);
}

async function compile() {
  await step("types: tests", buildTests);
  await step("types: examples", buildExamples);
  prune(join(root, "test"), build);
}

async function fetchPrograms() {
  await step("browser", ensureChromium);
  await step("libraries to compare with", installBench);
}

/** One step counts as one check. */
async function step(name, check) {
  const began = performance.now();
  try {
    await check();
    total.passed += 1;
    show("✔", name, began);
  } catch (error) {
    total.failed += 1;
    failures.push({ name, error: error.message });
    show("✖", name, began);
  }
}

function show(sign, name, began) {
  console.log(`${sign} ${name} (${((performance.now() - began) / 1000).toFixed(1)} s)`);
}

/** How many processors a file of `build` keeps busy. */
function loadOfBuilt(file) {
  return isAlone(slashed(file)) ? Infinity : loadOf(file, known);
}

function slashed(file) {
  return file.replaceAll("\\", "/");
}

function testFiles() {
  const found = filesBelow(build).filter((file) => file.endsWith(".test.js"));
  const files = isShort ? found.filter((file) => !isForAll(slashed(file))) : found;
  left = found.length - files.length;
  const chosen = files.filter(
    (file) =>
      isFullRun ||
      patterns.some((pattern) => file.includes(pattern.replace(/^(test|build)\//, "").replace(/\.ts$/, ".js"))),
  );
  if (chosen.length === 0)
    throw new Error(`no test file ${isFullRun ? "is there" : `matches ${patterns.join(" or ")}`}`);
  const [alone, others] = [true, false].map((wanted) => chosen.filter((file) => isAlone(slashed(file)) === wanted));
  return [...longestFirst(others, known), ...alone].map((file) => join(build, file));
}

function showFile({ file, seconds, cpu, passed, skipped, failures: failed, output }) {
  measured[nameOf(file)] = { seconds, cpu };
  total.passed += passed;
  total.failed += failed.length;
  total.skipped += skipped.length;
  failures.push(...failed.map(({ name, error }) => ({ name: `${file} › ${name}`, error })));
  const counts = [
    `${passed} passed`,
    failed.length > 0 && `${failed.length} failed`,
    skipped.length > 0 && `${skipped.length} skipped`,
  ];
  console.log(
    `${failed.length > 0 ? "✖" : "✔"} ${file}: ${counts.filter(Boolean).join(", ")} (${seconds.toFixed(1)} s, ${cpu.toFixed(1)} s computing)`,
  );
  if (output.stdout) console.log(indented(output.stdout));
  for (const { name, why } of skipped) console.log(indented(`skipped: ${name} (${why})`));
  if (failed.length > 0 && output.stderr) console.log(indented(output.stderr));
}

function summary() {
  for (const [index, { name, error }] of failures.entries())
    console.log(`\n${index + 1}) ${name}\n${indented(error)}`);
  if (total.skipped > 0) console.log(`\n${total.skipped} skipped`);
  const computing = Object.values(measured).reduce((sum, { cpu }) => sum + cpu, 0);
  console.log(
    `\n${(performance.now() / 1000).toFixed(0)} s; tests computed ${computing.toFixed(0)} s on ${availableParallelism()} processors`,
  );
  if (left > 0) console.log(`\n${left} test files with other databases, runtimes and outages: npm test -- --all`);
  process.exitCode = total.failed > 0 ? 1 : 0;
  console.log(`\n${total.passed} passed, ${total.failed} failed`);
}

function indented(text) {
  return text.replace(/^(?=.)/gm, "    ");
}

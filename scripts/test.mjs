/**
 * `npm test`: all set-up, then everything that is checked. `npm test -- PATTERN …` runs the test files whose path
 * contains one of the patterns, nothing else. The last line is `N passed, N failed`.
 */
import { join } from "node:path";
import { installBench } from "./bench-packages.mjs";
import { checkPackage } from "./check-package.mjs";
import { ensureChromium } from "./ensure-chromium.mjs";
import { lint } from "./lint.mjs";
import { runTests } from "./run-tests.mjs";
import { buildLibrary, filesBelow, prune, root, setup } from "./setup.mjs";
import { buildExamples, buildTests } from "./typecheck.mjs";

const patterns = process.argv.slice(2);
const isFullRun = patterns.length === 0;
const build = join(root, "build");
/** These take longest: begun first, nothing waits for them in the end. */
const LONG = ["protocol", "browser", "adapters", "storage/failover", "unit/codecs/value"];
const total = { passed: 0, failed: 0, skipped: 0 };
const failures = [];

try {
  await setup({ build: false });
  await all();
} catch (error) {
  total.failed += 1;
  failures.push({ name: "npm test", error: error.message });
}
summary();

async function all() {
  await step("types: library", buildLibrary);
  await step("types: tests", buildTests);
  await step("types: examples", buildExamples);
  prune(join(root, "test"), build);
  if (isFullRun) {
    await step("lint", lint);
    await step("package", checkPackage);
    await step("browser", ensureChromium);
    await step("libraries to compare with", installBench);
  }
  await runTests(testFiles(), showFile);
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

function testFiles() {
  const files = filesBelow(build).filter((file) => file.endsWith(".test.js"));
  const chosen = files.filter(
    (file) =>
      isFullRun ||
      patterns.some((pattern) => file.includes(pattern.replace(/^(test|build)\//, "").replace(/\.ts$/, ".js"))),
  );
  if (chosen.length === 0)
    throw new Error(`no test file ${isFullRun ? "is there" : `matches ${patterns.join(" or ")}`}`);
  return chosen.sort((a, b) => rank(a) - rank(b) || a.localeCompare(b, "en")).map((file) => join(build, file));
}

function rank(file) {
  const place = LONG.findIndex((start) => file.startsWith(start));
  return place < 0 ? LONG.length : place;
}

function showFile({ file, seconds, passed, skipped, failures: failed, output }) {
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
    `${failed.length > 0 ? "✖" : "✔"} ${file}: ${counts.filter(Boolean).join(", ")} (${seconds.toFixed(1)} s)`,
  );
  if (output.stdout) console.log(indented(output.stdout));
  for (const { name, why } of skipped) console.log(indented(`skipped: ${name} (${why})`));
  if (failed.length > 0 && output.stderr) console.log(indented(output.stderr));
}

function summary() {
  for (const [index, { name, error }] of failures.entries())
    console.log(`\n${index + 1}) ${name}\n${indented(error)}`);
  if (total.skipped > 0) console.log(`\n${total.skipped} skipped`);
  process.exitCode = total.failed > 0 ? 1 : 0;
  console.log(`\n${total.passed} passed, ${total.failed} failed`);
}

function indented(text) {
  return text.replace(/^(?=.)/gm, "    ");
}

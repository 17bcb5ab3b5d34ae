/**
 * `npm run attacks`: runs every test that is named after an attack (`attack 29: …`, `attacks 17, 18: …`, `attacks
 * 1–6: …`, its own name or that of a test around it) and holds the results against test/attacks/list.json. Prints
 * number, attack, where it was tried, outcome; the last line is `N passed, N failed`.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { runTests } from "./run-tests.mjs";
import { buildLibrary, filesBelow, prune, root, setup } from "./setup.mjs";
import { buildExamples, buildTests } from "./typecheck.mjs";

const build = join(root, "build");
const NAMED = /^attacks? ([\d–, ]+):/;
const PATIENCE_MS = 600_000;

/** The attacks a name stands for. */
export function attacksOf(name) {
  const numbers = NAMED.exec(name)?.[1];
  return numbers === undefined ? [] : numbers.split(",").flatMap((part) => range(part.trim()));
}

function range(part) {
  const [from, to = from] = part.split("–").map(Number);
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

/** The list, and the words that say what an attack must have been tried on. */
export function readList() {
  return JSON.parse(readFileSync(join(root, "test", "attacks", "list.json"), "utf8"));
}

/** What is wrong with the list itself: numbers missing or twice, entries that do not say enough. */
export function faultsOf({ words, attacks }) {
  const numbers = attacks.map(({ number }) => number);
  const expected = Array.from({ length: 122 }, (_, i) => i + 1);
  const faults = expected
    .filter((number) => numbers.filter((one) => one === number).length !== 1)
    .map((number) => `attack ${number} is not in the list once`);
  for (const { number, title, across = [], notBuilt } of attacks) {
    if (!expected.includes(number)) faults.push(`attack ${number} is none`);
    if (typeof title !== "string" || title.length < 5) faults.push(`attack ${number} has no title`);
    if (notBuilt !== undefined && (typeof notBuilt !== "string" || notBuilt.length < 5))
      faults.push(`attack ${number} does not say what is not built`);
    for (const word of across)
      if (!words[word]) faults.push(`attack ${number} is tried across ${word}, which is nothing`);
  }
  return faults;
}

/** Judges one attack by the results of its tests, each `{ path, file, outcome }`. */
export function judge({ number, across = [], notBuilt }, words, results) {
  const own = results.filter(({ path }) => path.some((name) => attacksOf(name).includes(number)));
  const failed = own.filter(({ outcome }) => outcome === "failed");
  const passed = own.filter(({ outcome }) => outcome === "passed");
  const where = whereOf(own, words);
  if (failed.length > 0)
    return { outcome: "FAILED", where, why: failed.map(({ path, file }) => `${file} › ${path.join(" › ")}`) };
  if (notBuilt !== undefined)
    return own.length === 0
      ? { outcome: "not built", where: notBuilt }
      : { outcome: "FAILED", where, why: ["it has tests, and the list says it is not built"] };
  if (passed.length === 0)
    return { outcome: "FAILED", where, why: ["no test that ran and passed is named after it"] };
  const lacking = across.flatMap((word) =>
    words[word].filter((name) => !own.some(({ path }) => path.includes(name))),
  );
  return lacking.length > 0
    ? { outcome: "FAILED", where, why: [`not tried on ${lacking.join(", ")}`] }
    : { outcome: "passed", where };
}

/** The adapters, extractors and storages of the tests that passed or were skipped, and the files. */
function whereOf(results, words) {
  const names = (outcome) =>
    Object.values(words)
      .flat()
      .filter((name) => results.some((one) => one.outcome === outcome && one.path.includes(name)));
  const passed = names("passed");
  const skipped = names("skipped").filter((name) => !passed.includes(name));
  const files = [...new Set(results.map(({ file }) => file.replace(/\.test\.js$/, "")))];
  return [
    files.join(", "),
    passed.length > 0 && `on ${passed.join(" ")}`,
    skipped.length > 0 && `not to be had on ${skipped.join(" ")}`,
  ]
    .filter(Boolean)
    .join(" · ");
}

async function main() {
  await setup({ build: false });
  await buildLibrary();
  await buildTests();
  await buildExamples();
  prune(join(root, "test"), build);
  const list = readList();
  const results = [];
  const broken = [];
  const files = filesBelow(build).filter(
    (file) =>
      (file.endsWith(".test.js") && /["'`]attacks? [\d–, ]+:/.test(readFileSync(join(build, file), "utf8"))) ||
      isPartOfSuite(file),
  );
  await runTests(
    files.map((file) => join(build, file)),
    (result) => collect(result, results, broken),
    PATIENCE_MS,
  );
  report(list, results, broken);
}

/** Suites whose cases are named in other files. */
function isPartOfSuite(file) {
  return /^(adapters\/suite|express-session\/adapter-suite|storage\/failover\/).*\.test\.js$/.test(file);
}

function collect({ file, names, skipped, failures }, results, broken) {
  const add = (outcome) => (name) => results.push({ file, path: name.split(" › "), outcome });
  names.forEach(add("passed"));
  skipped.map(({ name }) => name).forEach(add("skipped"));
  for (const { name, error } of failures) {
    if (attacksOf(name).length > 0 || name.split(" › ").some((part) => attacksOf(part).length > 0))
      add("failed")(name);
    if (name.startsWith("(")) broken.push(`${file}: ${error}`);
  }
  console.error(`${failures.length > 0 ? "✖" : "✔"} ${file}`);
}

function report(list, results, broken) {
  const faults = [...faultsOf(list), ...broken];
  let [passed, failed] = [0, faults.length];
  for (const attack of list.attacks) {
    const { outcome, where, why = [] } = judge(attack, list.words, results);
    if (outcome === "passed") passed += 1;
    if (outcome === "FAILED") failed += 1;
    console.log(
      `${String(attack.number).padStart(3)}  ${outcome.padEnd(9)}  ${attack.title}\n     ${" ".repeat(9)}  ${where}${why.map((one) => `\n     ${" ".repeat(9)}  ! ${one}`).join("")}`,
    );
  }
  for (const fault of faults) console.log(`! ${fault}`);
  console.log(
    `\n${results.length} results, ${list.attacks.filter(({ notBuilt }) => notBuilt !== undefined).length} ` +
      "attacks on what is not built",
  );
  process.exitCode = failed > 0 ? 1 : 0;
  console.log(`${passed} passed, ${failed} failed`);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) await main();

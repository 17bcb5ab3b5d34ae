/**
 * `npm run adoption [-- PATTERN …]`: plays programs written for express-session on express-session itself and on the
 * drop-in, compares what is on the wire and in the store; then programs for Fastify and Koa, express-session's own tests
 * (pattern `own-tests`), packages that import express-session and are given the alias package (`alias`), and the tests
 * of `adopt` (`adopt`). A pattern is a part of a program's name. The last line is `N passed, N failed`.
 */
import { join } from "node:path";
import { runTests } from "./run-tests.mjs";
import { buildLibrary, filesBelow, root, setup } from "./setup.mjs";
import { buildTests } from "./typecheck.mjs";

/** Where the tests of `adopt` are. */
const OF_ADOPT = /(^|\/)(adopt\/.*|adoption|adoption\/(recordings|adopt).*)\.test\.js$/;

/** Its tests are named `library and store › situation`. */
const MATRIX = "adoption/adopt-matrix.test.js";

process.env.NO_DEPRECATION ??= "express-session";
process.env.NODE_ENV ??= "test";
await setup({ build: false });
await buildLibrary();
await buildTests();
const patterns = process.argv.slice(2);
const { main } = await import("../build/adoption/run.js");
const total = { ...(await main(patterns)) };
if (patterns.length === 0 || patterns.includes("adopt")) await runTests(testsOfAdopt(), add);
console.log(`\n${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed > 0 ? 1 : 0);

function testsOfAdopt() {
  const build = join(root, "build");
  return filesBelow(build)
    .filter((file) => OF_ADOPT.test(file.replaceAll("\\", "/")))
    .map((file) => join(build, file));
}

function add({ file, passed, names, skipped, failures }) {
  if (file === MATRIX) table(names, skipped, failures);
  total.passed += passed;
  total.failed += failures.length;
  for (const { name, error } of failures) console.log(`✖ ${file} › ${name}\n${error}`);
  console.log(`${file}: ${passed} passed, ${failures.length} failed`);
}

/** Prints each library and store with what became of each situation; `–`: there is no such thing, and why. */
function table(names, skipped, failures) {
  const cells = new Map();
  const situations = new Set();
  const put = (test, text) => {
    const [library, situation] = test.split(" › ");
    if (situation === undefined) return;
    situations.add(situation);
    cells.set(library, { ...cells.get(library), [situation]: text });
  };
  for (const name of names) put(name, "ok");
  for (const { name } of skipped) put(name, "–");
  for (const { name } of failures) put(name, "FAIL");
  const row = (first, columns) => [first.padEnd(47), ...columns.map((text) => text.padEnd(10))].join(" ").trimEnd();
  console.log(`\n${row("adopted from recordings of", [...situations])}`);
  for (const library of [...cells.keys()].sort())
    console.log(
      row(
        library,
        [...situations].map((situation) => cells.get(library)[situation] ?? ""),
      ),
    );
  for (const why of new Set(skipped.map(({ why: reason }) => reason))) console.log(`–: ${why}`);
  console.log("");
}

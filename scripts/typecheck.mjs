/** Type checks, by compiling what is run then: library, tests, examples. `npm run typecheck` does all. */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { buildLibrary, filesBelow, root, run, setup, tsc } from "./setup.mjs";

/** Compiled elsewhere, by a test: see test/package/types.test.ts. */
const APART = /^package[\\/]types[\\/]/;

/** Compiles `test` to `build`; what did not change since the last time is left as it is. */
export function buildTests() {
  const known = join(root, "build", ".tsbuildinfo");
  if (!isWhole()) rmSync(known, { force: true });
  return compile(["-p", "test", "--incremental", "--tsBuildInfoFile", known]);
}

/** Whether every test is in `build`: the compiler does not look, and would not write again what was removed. */
function isWhole() {
  return filesBelow(join(root, "test"))
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts") && !APART.test(file))
    .every((file) => existsSync(join(root, "build", file.replace(/\.ts$/, ".js"))));
}

/** Compiles the examples, against the built library. */
export function buildExamples() {
  return compile(["-p", "examples"]);
}

async function compile(args) {
  if ((await run(process.execPath, [tsc, ...args])) !== 0) throw new Error("the compiler found the errors above");
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await setup({ build: false });
  await buildLibrary();
  await buildTests();
  await buildExamples();
}

/** Type checks, by compiling what is run then: library, tests, examples. `npm run typecheck` does all. */
import { pathToFileURL } from "node:url";
import { buildLibrary, run, setup, tsc } from "./setup.mjs";

/** Compiles `test` to `build`. */
export function buildTests() {
  return compile(["-p", "test"]);
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

/**
 * `npm run conformance [-- FILE …]`: plays recordings of the format in test/adapters/conformance/README.md through every
 * adapter; without arguments the project's own copy of the model's. The last line is `N passed, N failed`.
 */
import { run as execute, setup, tsc } from "./setup.mjs";

await setup();
if ((await execute(process.execPath, [tsc, "-p", "test/adapters/conformance"])) !== 0)
  throw new Error("the runner does not compile");
const { run } = await import("../build/adapters/conformance/run.js");
process.exitCode = await run(process.argv.slice(2));

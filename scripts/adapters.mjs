/**
 * `npm run adapters [-- PATTERN …]`: the adapter suite and the cases of each framework, on every framework and version
 * that has an adapter. A pattern is part of the name of a framework (`next`, `"express 4"`) or of a case. What is
 * missing is installed from npm, with exact versions. Prints a table; the last line is `N passed, N failed`.
 */
import { buildLibrary, setup } from "./setup.mjs";
import { buildTests } from "./typecheck.mjs";

await setup({ build: false });
await buildLibrary();
await buildTests();
const { main } = await import("../build/frameworks/run.js");
process.exit(await main(process.argv.slice(2)));

/**
 * `npm run answers [-- PATTERN …]`: answers in every way without and with a session, compares what is on the wire
 * (test/answers/README.md). A pattern is a framework, a part of a row's name, or a fault's number. The last line is
 * `N passed, N failed`.
 */
import { buildLibrary, setup } from "./setup.mjs";
import { buildTests } from "./typecheck.mjs";

await setup({ build: false });
await buildLibrary();
await buildTests();
const { main } = await import("../build/answers/run.js");
process.exitCode = await main(process.argv.slice(2));

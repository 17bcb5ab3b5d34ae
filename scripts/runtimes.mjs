/**
 * `npm run runtimes [-- NAME …]`: plays in Node 20, 22, 24 and 26, Bun, Deno, workerd and Vercel's Edge Runtime what
 * fits there: the adapter suite, the answers matrix of fetch functions, every kind of body, the storage kit with each
 * client. A name is a runtime's or a part's. What is missing is installed from npm. Prints a table, and what did not
 * run and why; the last line is `N passed, N failed`.
 */
import { buildLibrary, setup } from "./setup.mjs";
import { buildTests } from "./typecheck.mjs";

await setup({ build: false });
await buildLibrary();
await buildTests();
const { main } = await import("../build/runtimes/run.js");
process.exit(await main(process.argv.slice(2)));

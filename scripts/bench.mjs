/**
 * `npm run bench`: what a session costs, beside the bare framework, a hand-written floor and other libraries. `--
 * --help` lists the options. The packages it needs are its own: they are installed in bench/ when it runs first.
 */
import { installBench } from "./bench-packages.mjs";
import { setup } from "./setup.mjs";

await setup();
await installBench();
const { main } = await import("../bench/main.mjs");
await main(process.argv.slice(2));

/** Writes docs/.vitepress/public/demonstration.svg: a picture of what `npm start` shows, from a run of it. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root, setup } from "./setup.mjs";
import { buildExamples } from "./typecheck.mjs";

await setup();
await buildExamples();
const { still } = await import("../examples/dist/demo/still.js");
const directory = join(root, "docs", ".vitepress", "public");
mkdirSync(directory, { recursive: true });
writeFileSync(join(directory, "demonstration.svg"), await still());

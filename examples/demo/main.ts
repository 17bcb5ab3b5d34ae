import { parseArgs } from "node:util";
import { openDemonstration } from "./open.js";

await openDemonstration(parseArgs({ options: { storage: { type: "string" }, port: { type: "string" } } }).values);

/** Two processes of Deno on one file. */
import { join } from "node:path";
import { runtimeCommand } from "../../support/piped.js";
import { NOWHERE, playColumns, temporaryDirectory } from "./play.js";

const [runtime, args] = runtimeCommand("deno");
const where = { ...NOWHERE, url: join(temporaryDirectory(), "sessions.kv") };
playColumns("denoKv", [{ name: "deno-kv", where }], { runtime, args });

import { runtimeCommand } from "../../support/piped.js";
import { playFamily } from "./play.js";

const [runtime] = runtimeCommand("bun");
await playFamily("bun", { runtime });

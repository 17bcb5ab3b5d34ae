import { playFamily } from "./play.js";

await playFamily("redis", { servers: ["redis", "valkey"] });

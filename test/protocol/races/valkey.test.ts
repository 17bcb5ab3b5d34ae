import { playFamily } from "./play.js";

await playFamily("redis", { server: "valkey" });

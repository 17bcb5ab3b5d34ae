import { playFamily } from "./play.js";

/** The drop-in for express-session: plain properties, over the same storages. */
await playFamily("memory", { isAlone: true, isDropIn: true });
await playFamily("redis", { isDropIn: true, server: "redis", column: "redis, redis" });

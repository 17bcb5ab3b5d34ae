import { playFamily } from "./play.js";

/** Where several servers are one database. */
await playFamily("redis", { servers: ["redis-sentinel", "redis-cluster"] });

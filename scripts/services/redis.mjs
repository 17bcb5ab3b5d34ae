import { program } from "./lib.mjs";
import { startRedis } from "./redis-server.mjs";

/** One Redis. */
export const start = () => startRedis("redis", program("redis-server", { apt: "redis-server" }));

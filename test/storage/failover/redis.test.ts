import { describe } from "node:test";
import { unlessMissing } from "../../support/services.js";
import { REDIS_CLIENTS } from "./clients.js";
import { outages } from "./outages.js";
import { durableRedis } from "./servers.js";

await unlessMissing("redis", "", async () => {
  const server = await durableRedis();
  for (const [name, open] of Object.entries(REDIS_CLIENTS))
    describe(`redis, ${name}`, () => outages(`redis, ${name}`, server, open));
});

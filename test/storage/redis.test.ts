import { after, describe, test } from "node:test";
import { redisStorage } from "holdfast/storage/redis";
import { storageSuite } from "holdfast/testing";
import { CLIENTS } from "../support/redis-clients.js";
import { withService } from "../support/services.js";

for (const { server, client, connect } of CLIENTS) {
  await withService(server, (service) => {
    describe(`${client}, ${server}: the storage contract`, async () => {
      const { redis, close } = await connect(service);
      after(close);
      for (const { name, run } of storageSuite(() => ({ storage: redisStorage(redis) }))) test(name, run);
    });
  });
}

import assert from "node:assert/strict";
import { describe } from "node:test";
import { unlessMissing } from "../../support/services.js";
import { assertHonest } from "./app.js";
import { openBun } from "./bun-clients.js";
import { outage, outages, PATIENCE, worksAsEver } from "./outages.js";
import { durableRedis, withOwn, type OwnServer } from "./servers.js";

await unlessMissing("redis", "", async () => {
  const server = await durableRedis();
  describe("Bun.RedisClient", () => {
    outages("Bun.RedisClient", server, openBun("redis"));
    outageBeyondRetries(server);
  });
});

await withOwn("postgres", ({ servers }) => {
  describe("Bun.SQL of PostgreSQL", () => outages("Bun.SQL of PostgreSQL", servers[0]!, openBun("postgres")));
});

await withOwn("mariadb", ({ servers }) => {
  describe("Bun.SQL of MySQL", () => outages("Bun.SQL of MySQL", servers[0]!, openBun("mysql")));
});

/** By default the client gives up within a minute; with one attempt, at once. */
function outageBeyondRetries(server: OwnServer): void {
  for (const options of [{ maxRetries: 1 }, { autoReconnect: false }, { enableOfflineQueue: false }]) {
    outage(
      `Bun.RedisClient with ${JSON.stringify(options)}: it has given up, and is connected again when the server is back`,
      server,
      openBun("redis", options),
      async ({ app }) => {
        const guest = await app.guest();
        await server.kill();
        for (let i = 0; i < 3; i++) assertHonest(await guest.read());
        await server.start();
        await guest.untilServed(PATIENCE);
        const log = await guest.assertLog();
        assert.ok(log.length > 0);
        await worksAsEver(guest);
      },
    );
  }
}

/** What only Redis does to its clients. */
import assert from "node:assert/strict";
import { mkdirSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Redis } from "ioredis";
import { unlessMissing } from "../../support/services.js";
import { until } from "../../support/within.js";
import { assertHonest, assertNobody } from "./app.js";
import { REDIS_CLIENTS, type Open } from "./clients.js";
import { administer } from "./load.js";
import { assertReadsGoOn, outage, worksAsEver } from "./outages.js";
import { startRedis, type OwnServer } from "./servers.js";

const keysOf = (redis: Redis): Promise<string[]> => redis.keys("holdfast:*");

interface Servers {
  readonly server: OwnServer;
  readonly replica: OwnServer;
  /** One that saves its data to a file. */
  readonly saving: OwnServer;
}

await unlessMissing("redis", "", async () => {
  const server = await startRedis();
  const servers = {
    server,
    saving: await startRedis("--save", "3600 1000000"),
    replica: await startRedis("--replicaof", "127.0.0.1", `${server.port}`),
  };
  for (const [name, open] of Object.entries(REDIS_CLIENTS)) declare(name, open, servers);
});

function declare(name: string, open: Open, { server, replica, saving }: Servers): void {
  outage(`${name}: the script cache is flushed, again and again: nobody notices`, server, open, async ({ app }) => {
    const guest = await app.guest();
    await administer(server.port, async (redis) => {
      for (let round = 0; round < 5; round++) {
        await redis.script("FLUSH");
        const answers = await Promise.all([guest.append(), guest.append(), guest.append()]);
        assert.deepEqual(
          answers.map(({ status }) => status),
          [200, 200, 200],
        );
      }
      await guest.assertLog();
      await redis.script("FLUSH");
      await worksAsEver(guest);
    });
  });

  outage(
    `${name}: the server stands still: 503 in time; what it was sent meanwhile counts once`,
    server,
    open,
    async ({ app }) => {
      const guest = await app.guest();
      const { answering: writing, letGo } = await app.hold(() => guest.append());
      server.freeze();
      try {
        letGo();
        for (const answer of await Promise.all([
          writing,
          guest.read(),
          guest.append(),
          guest.twin().logout(),
          app.visitor().append(),
        ]))
          assertHonest(answer);
      } finally {
        server.thaw();
      }
      await guest.untilServed(5000);
      assert.equal((await guest.assertLog()).length, 2, "the write whose command was sent took effect");
      await worksAsEver(guest);
    },
  );

  outage(
    `${name}: no memory left: a write is a 503, reading and logging out go on`,
    server,
    open,
    async ({ app, another }) => {
      const guest = await app.guest();
      const leaving = await app.guest();
      const refreshing = await another({ refreshInterval: 0 });
      await administer(server.port, async (redis) => {
        await redis.config("SET", "maxmemory", "1");
        try {
          assertHonest(await guest.append());
          assertHonest(await guest.login());
          assertHonest(await app.visitor().append());
          await guest.assertLog();
          assert.equal((await guest.twin(refreshing).read()).status, 200, "also where the deadline moves");
          const old = leaving.twin();
          assert.equal((await leaving.logout()).status, 200);
          await assertNobody(old);
        } finally {
          await redis.config("SET", "maxmemory", "0");
        }
      });
      await worksAsEver(guest);
    },
  );

  outage(
    `attack 74: ${name}: the server evicts sessions: who had one is a visitor, no error; what comes too late for one is dropped`,
    server,
    open,
    async ({ app }) => {
      const [guest, writer] = [await app.guest(), await app.guest()];
      const { answering: writing, letGo } = await app.hold(() => writer.append());
      await administer(server.port, evictAll);
      letGo();
      const { status, setCookies } = await writing;
      assert.deepEqual({ status, setCookies }, { status: 200, setCookies: [] });
      assert.deepEqual(
        app.events.map(({ type }) => type),
        ["dropped"],
      );
      await assertNobody(guest);
      const before = guest.cookie;
      assert.equal((await guest.append()).status, 200);
      assert.notEqual(guest.cookie, before, "a new session under a new token");
    },
  );

  outage(
    `${name}: the server cannot save to its disk: a write is a 503, reading goes on`,
    saving,
    open,
    async ({ app, another }) => {
      const guest = await app.guest();
      await administer(saving.port, async (redis) => {
        const [, directory] = (await redis.config("GET", "dir")) as string[];
        const inTheWay = join(directory!, "dump.rdb");
        rmSync(inTheWay, { force: true });
        mkdirSync(inTheWay);
        await saved(redis, "err");
        assertHonest(await guest.append());
        assertHonest(await guest.login());
        assertHonest(await guest.twin().logout());
        assertHonest(await (await another()).visitor().append());
        await guest.assertLog();
        await assertReadsGoOn(guest, another);
        rmdirSync(inTheWay);
        await saved(redis, "ok");
      });
      await worksAsEver(guest);
    },
  );

  outage(
    `${name}: too few replicas (min-replicas-to-write): a write is a 503, reading goes on`,
    server,
    open,
    async ({ app, another }) => {
      const guest = await app.guest();
      await administer(server.port, async (redis) => {
        await redis.config("SET", "min-replicas-to-write", "9");
        try {
          assertHonest(await guest.append());
          assertHonest(await guest.twin().logout());
          assertHonest(await app.visitor().append());
          await guest.assertLog();
          await assertReadsGoOn(guest, another);
        } finally {
          await redis.config("SET", "min-replicas-to-write", "0");
        }
      });
      await worksAsEver(guest);
    },
  );

  outage(
    `${name}: a replica that must not be written: reads are served, a write is a 503; made the primary it works`,
    server,
    open,
    async ({ app, another }) => {
      const guest = await app.guest();
      const failedOver = await another({}, replica.port);
      const elsewhere = guest.twin(failedOver);
      await elsewhere.untilServed(5000);
      await until("the replica has it", async () => (await elsewhere.read()).body !== "{}");
      assertHonest(await elsewhere.append());
      assertHonest(await elsewhere.login());
      assertHonest(await elsewhere.twin().logout());
      assertHonest(await failedOver.visitor().append());
      await elsewhere.assertLog();
      await assertReadsGoOn(elsewhere, another, replica.port);
      await administer(replica.port, (redis) => redis.replicaof("NO", "ONE"));
      await worksAsEver(elsewhere);
      await administer(replica.port, (redis) => redis.replicaof("127.0.0.1", server.port));
    },
  );
}

/** Has the server write its file, and waits until that ended so. */
async function saved(redis: Redis, status: "ok" | "err"): Promise<void> {
  await redis.bgsave();
  await until("the end of saving", async () =>
    (await redis.info("persistence")).includes("rdb_bgsave_in_progress:0"),
  );
  assert.ok((await redis.info("persistence")).includes(`rdb_last_bgsave_status:${status}`));
}

async function evictAll(redis: Redis): Promise<void> {
  const used = Number(/used_memory:(\d+)/.exec(await redis.info("memory"))![1]);
  await redis.config("SET", "maxmemory-policy", "allkeys-lru", "maxmemory", `${used + 2_000_000}`);
  for (let n = 0; (await keysOf(redis)).length > 0; n++) await redis.set(`junk:${n}`, "x".repeat(100_000));
  await redis.flushall();
  await redis.config("SET", "maxmemory-policy", "noeviction", "maxmemory", "0");
}

import assert from "node:assert/strict";
import type { Redis } from "ioredis";
import { aWhile, until } from "../../support/within.js";
import { assertHonest, assertNobody } from "./app.js";
import { SENTINEL_CLIENTS } from "./clients.js";
import { administer, Load, missingAt, together } from "./load.js";
import { PATIENCE, report } from "./outages.js";
import { withOwn, type OwnServer, type OwnService } from "./servers.js";

interface Roles {
  readonly primary: OwnServer;
  readonly replica: OwnServer;
}

/** Who is the primary, once the other one follows it. */
async function roles({ servers, database }: OwnService): Promise<Roles> {
  const nodes = servers.slice(0, 2);
  const sentinel = servers[2]!;
  const primaryPort = await administer(sentinel.port, async (redis) =>
    Number(((await redis.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", database)) as string[])[1]),
  );
  const [primary, replica] = [
    nodes.find(({ port }) => port === primaryPort)!,
    nodes.find(({ port }) => port !== primaryPort)!,
  ];
  if (!replica.isRunning) await replica.start();
  await administer(replica.port, (redis) => redis.replicaof("127.0.0.1", primary.port));
  await administer(primary.port, (redis) =>
    until("the replica follows", async () => (await redis.info("replication")).includes("state=online"), PATIENCE),
  );
  await administer(sentinel.port, (redis) =>
    until("the sentinels know", async () => isWellKnown(redis, database), PATIENCE),
  );
  return { primary, replica };
}

async function isWellKnown(redis: Redis, name: string): Promise<boolean> {
  const [replica = []] = (await redis.call("SENTINEL", "REPLICAS", name)) as string[][];
  const value = (field: string): string | undefined => replica[replica.indexOf(field) + 1];
  return value("flags") === "slave" && value("master-link-status") === "ok";
}

/**
 * The replica hears nothing from now on: who is connected stays so, who comes anew needs a password it does not have.
 */
async function cutReplication(redis: Redis): Promise<void> {
  await redis.config("SET", "requirepass", "secret");
  await redis.call("CLIENT", "KILL", "TYPE", "replica");
}

await withOwn("redis-sentinel", (service) => {
  together(
    "attack 73: sentinel: the primary is killed under load: served again without a restart, nothing lost but what replication lost",
    SENTINEL_CLIENTS,
    service,
    3,
    async (sides) => {
      const { primary, replica } = await roles(service);
      const loads = sides.map((side) => new Load(side));
      await aWhile(300);
      await primary.kill();
      await aWhile(100);
      const lost = await administer(
        replica.port,
        async (redis) =>
          new Map(
            await Promise.all(
              sides.flatMap(({ guests }) =>
                guests.map(async (guest) => [guest, await missingAt(redis, guest)] as const),
              ),
            ),
          ),
      );
      await Promise.all(sides.map(({ guests }, i) => loads[i]!.untilServed(guests, PATIENCE)));
      await Promise.all(loads.map((load) => load.stop()));
      for (const [i, { guests }] of sides.entries()) {
        for (const guest of guests) await guest.assertLog(lost.get(guest));
        loads[i]!.report(
          "sentinel",
          guests.reduce((sum, guest) => sum + lost.get(guest)!.length, 0),
        );
      }
    },
  );

  together(
    "attack 73: sentinel: what was acknowledged while replication stood still is lost with the primary, that and nothing else",
    SENTINEL_CLIENTS,
    service,
    3,
    async (sides) => {
      const { primary } = await roles(service);
      await aWhile(100);
      await administer(primary.port, cutReplication);
      const stories = [];
      for (const { guests } of sides) {
        const [writer, leaver, member] = [guests[0]!, guests[1]!, guests[2]!];
        const [left, old] = [leaver.twin(), member.twin()];
        for (const answer of [
          await writer.append(),
          await writer.append(),
          await leaver.logout(),
          await member.login(),
        ])
          assert.equal(answer.status, 200);
        await assertNobody(left);
        stories.push({ writer, left, member, old });
      }
      await primary.kill();
      for (const { writer, left, member, old } of stories) {
        await writer.untilServed(PATIENCE);
        const lost = writer.acknowledged.slice(1);
        await writer.assertLog(lost);
        await left.assertLog();
        await old.assertLog();
        await assertNobody(member);
        assert.equal((await left.logout()).status, 200);
      }
      report(
        "sentinel",
        "lost with the primary whose replica had not heard of them: writes, a logout and a login, each acknowledged",
      );
    },
  );

  together(
    "attack 73: sentinel: with min-replicas-to-write nothing is acknowledged that the replica cannot have",
    SENTINEL_CLIENTS,
    service,
    1,
    async (sides) => {
      const { primary, replica } = await roles(service);
      await administer(primary.port, async (redis) => {
        await redis.config("SET", "min-replicas-to-write", "1", "min-replicas-max-lag", "1");
        await redis.call("CLIENT", "KILL", "TYPE", "replica");
        await replica.kill();
        for (const { app, guests } of sides) {
          assertHonest(await guests[0]!.append());
          assertHonest(await guests[0]!.login());
          assertHonest(await guests[0]!.twin().logout());
          assertHonest(await app.visitor().append());
          await guests[0]!.assertLog();
        }
        await redis.config("SET", "min-replicas-to-write", "0");
        for (const { guests } of sides) assert.equal((await guests[0]!.append()).status, 200);
      });
    },
  );
});

import assert from "node:assert/strict";
import type { Redis } from "ioredis";
import { aWhile, until } from "../../support/within.js";
import type { Visitor } from "./app.js";
import { CLUSTER_CLIENTS } from "./clients.js";
import { administer, Load, missingAt, together } from "./load.js";
import { PATIENCE, report, worksAsEver } from "./outages.js";
import { withOwn, type OwnService } from "./servers.js";

interface Node {
  readonly id: string;
  readonly port: number;
  readonly isPrimary: boolean;
  /** Whose replica it is. */
  readonly of: string;
}

/** The nodes that are up, as one of them knows them. */
async function nodes({ servers }: OwnService): Promise<readonly Node[]> {
  const lines = await administer(servers.find(({ isRunning }) => isRunning)!.port, async (redis) =>
    ((await redis.call("CLUSTER", "NODES")) as string).trim().split("\n"),
  );
  return lines
    .map((line) => line.split(" "))
    .filter(([, , flags]) => !/fail|noaddr/.test(flags!))
    .map(([id, address, flags, of]) => ({
      id: id!,
      port: Number(/:(\d+)@/.exec(address!)![1]),
      isPrimary: flags!.includes("master"),
      of: of!,
    }));
}

/** The primaries, the one with the most sessions of these guests first, and which are on which. */
async function primaries(
  service: OwnService,
  guests: readonly Visitor[],
): Promise<readonly { readonly node: Node; readonly guests: readonly Visitor[] }[]> {
  const found = await Promise.all(
    (await nodes(service))
      .filter(({ isPrimary }) => isPrimary)
      .map(async (node) => ({ node, guests: await administer(node.port, (redis) => guestsAt(redis, guests)) })),
  );
  return found.sort((a, b) => b.guests.length - a.guests.length);
}

async function guestsAt(redis: Redis, guests: readonly Visitor[]): Promise<readonly Visitor[]> {
  const keys = new Set(await redis.keys("holdfast:*"));
  return guests.filter(({ key }) => keys.has(key));
}

/** Moves a slot step by step, with time for requests to meet each of them. */
async function moveSlot(slot: number, from: Node, to: Node, all: readonly Node[]): Promise<void> {
  const say = (node: Node, ...words: (string | number)[]): Promise<unknown> =>
    administer(node.port, (redis) => redis.call(String(words[0]), words.slice(1).map(String)));
  await say(to, "CLUSTER", "SETSLOT", slot, "IMPORTING", from.id);
  await say(from, "CLUSTER", "SETSLOT", slot, "MIGRATING", to.id);
  await aWhile(15);
  const keys = (await say(from, "CLUSTER", "GETKEYSINSLOT", slot, 100)) as string[];
  for (const key of keys) await say(from, "MIGRATE", "127.0.0.1", to.port, key, 0, 5000);
  await aWhile(30);
  for (const node of [to, from, ...all.filter(({ isPrimary, id }) => isPrimary && id !== to.id && id !== from.id)])
    await say(node, "CLUSTER", "SETSLOT", slot, "NODE", to.id);
}

await withOwn("redis-cluster", (service) => {
  together(
    "cluster: slots move to another primary under load: every request is served, nothing lost",
    CLUSTER_CLIENTS,
    service,
    10,
    async (sides) => {
      const everybody = sides.flatMap(({ guests }) => guests);
      const [from, to] = await primaries(service, everybody);
      const all = await nodes(service);
      const loads = sides.map((side) => new Load(side));
      const slots = await administer(from!.node.port, (redis) =>
        Promise.all(from!.guests.map(({ key }) => redis.cluster("KEYSLOT", key))),
      );
      for (const slot of new Set(slots)) await moveSlot(slot, from!.node, to!.node, all);
      await Promise.all(sides.map(({ guests }, i) => loads[i]!.untilServed(guests, PATIENCE)));
      await Promise.all(loads.map((load) => load.stop()));
      for (const guest of everybody) await guest.assertLog();
      assert.deepEqual(
        (await administer(to!.node.port, (redis) => guestsAt(redis, from!.guests))).length,
        from!.guests.length,
        "they did move",
      );
      for (const [i, load] of loads.entries()) {
        report(
          `cluster, ${sides[i]!.client}`,
          `${slots.length} sessions moved to another primary, ${load.errors} of ${load.count} requests were 503`,
        );
        assert.equal(load.errors, 0);
      }
      for (const { guests } of sides) await worksAsEver(guests[0]!);
    },
  );

  together(
    "attack 73: cluster: a primary is killed under load: served again without a restart, nothing lost but what replication lost",
    CLUSTER_CLIENTS,
    service,
    6,
    async (sides) => {
      const everybody = sides.flatMap(({ guests }) => guests);
      const [victim] = await primaries(service, everybody);
      const replica = (await nodes(service)).find(({ of }) => of === victim!.node.id)!;
      const server = service.servers.find(({ port }) => port === victim!.node.port)!;
      const loads = sides.map((side) => new Load(side));
      await aWhile(300);
      await server.kill();
      await aWhile(100);
      const lost = await administer(replica.port, async (redis) => {
        await redis.call("READONLY");
        return new Map(
          await Promise.all(victim!.guests.map(async (guest) => [guest, await missingAt(redis, guest)] as const)),
        );
      });
      await Promise.all(sides.map(({ guests }, i) => loads[i]!.untilServed(guests, PATIENCE)));
      await Promise.all(loads.map((load) => load.stop()));
      for (const [i, { guests }] of sides.entries()) {
        for (const guest of guests) await guest.assertLog(lost.get(guest));
        loads[i]!.report(
          "cluster",
          guests.reduce((sum, guest) => sum + (lost.get(guest)?.length ?? 0), 0),
        );
        await worksAsEver(guests[0]!);
      }
      await server.start();
      await until(
        "it follows its successor",
        async () => (await nodes(service)).some(({ port, isPrimary }) => port === server.port && !isPrimary),
        PATIENCE,
      );
      for (const { app } of sides) await worksAsEver(await app.guest());
    },
  );
});

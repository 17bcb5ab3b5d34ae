/** Clients that put commands together by themselves: every call is answered, however many overlap. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Cluster, Redis } from "ioredis";
import { Cluster as Cluster5, Redis as Redis5 } from "ioredis5";
import { Cluster as ValkeyCluster, Redis as Valkey } from "iovalkey";
import type { Storage } from "holdfast";
import { redisStorage } from "holdfast/storage/redis";
import { withService } from "../support/services.js";

const call = { now: Date.now(), signal: new AbortController().signal };
const entry = (value: string) => ({ value, expiresAt: call.now + 60_000 });

/** Sessions in every slot, each written, moved and ended while the others are. */
async function overlap(storage: Storage, name: string): Promise<void> {
  const keys = Array.from({ length: 200 }, (_, i) => `${name}-${i}`);
  const results = await Promise.all(
    keys.map(async (key) => {
      const created = await storage.create(key, entry("1"), call);
      assert.ok(created);
      const [read, updated] = await Promise.all([
        storage.get(key, call),
        storage.update(key, entry("2"), created.version!, call),
      ]);
      assert.ok(read && updated);
      assert.ok(await storage.touch(key, call.now + 90_000, updated.version!, call));
      assert.equal((await storage.get(key, call))?.value, "2");
      return storage.delete(key, updated.version!, call);
    }),
  );
  assert.ok(results.every(Boolean));
}

for (const [name, Client] of Object.entries({ ioredis: Cluster, "ioredis 5": Cluster5, iovalkey: ValkeyCluster })) {
  await withService("redis-cluster", ({ addresses }) => {
    test(`${name}, a cluster with enableAutoPipelining: every script reaches the server of its key`, async (t) => {
      const cluster = new (Client as typeof Cluster)([...addresses], { enableAutoPipelining: true });
      cluster.on("error", () => {});
      t.after(() => cluster.disconnect());
      const storage = redisStorage(cluster);
      for (let round = 0; round < 3; round++) await overlap(storage, `${name}-${round}`);
      for (const node of cluster.nodes("master")) await node.script("FLUSH");
      await overlap(storage, `${name}-flushed`);
    });
  });
}

for (const [name, Client] of Object.entries({ ioredis: Redis, "ioredis 5": Redis5, iovalkey: Valkey })) {
  await withService("redis", ({ url }) => {
    test(`${name}, one server with enableAutoPipelining`, async (t) => {
      const redis = new (Client as typeof Redis)(url, { enableAutoPipelining: true });
      t.after(() => redis.disconnect());
      await overlap(redisStorage(redis), `single-${name}`);
    });
  });
}

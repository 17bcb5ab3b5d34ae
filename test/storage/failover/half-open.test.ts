/**
 * Connections whose peer is gone without a word: with the options that the storage pages name, a server is found
 * again soon.
 */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { Redis } from "ioredis";
import { MemcacheClient } from "memcache-client";
import { MongoClient } from "mongodb";
import { createPool } from "mysql2/promise";
import pg from "pg";
import { createClient } from "redis";
import type { Storage } from "holdfast";
import { memcachedStorage } from "holdfast/storage/memcached";
import { mongodbStorage } from "holdfast/storage/mongodb";
import { mysqlStorage } from "holdfast/storage/mysql";
import { postgresStorage } from "holdfast/storage/postgres";
import { redisStorage } from "holdfast/storage/redis";
import { foreign } from "../../support/foreign-packages.js";
import { ownService, unlessMissing, type Service } from "../../support/services.js";
import { App, assertHonest, STORAGE_TIMEOUT, type Visitor } from "./app.js";
import { openBun } from "./bun-clients.js";
import { Proxy } from "./proxy.js";

/** Resolves when all connections of the pool are open: one that is opened later would not fall silent. */
async function poolOpen(client: MongoClient): Promise<void> {
  const open = new Promise<void>((resolve) => {
    let count = 0;
    client.on("connectionReady", () => ++count === POOL && resolve());
  });
  await client.connect();
  await open;
}

interface Opened {
  readonly storage: Storage;
  close(): unknown;
}

type Open = (port: number) => Promise<Opened>;

const host = "127.0.0.1";
const ignore = (): void => {};
const POOL = 3;
/** How long it may take until requests are served again, in ms. */
const PATIENCE = 8000;

/** By server: clients with the options that the pages name. */
const CLIENTS: Readonly<Record<string, Readonly<Record<string, Open>>>> = {
  redis: {
    // Its socketTimeout begins anew with each command that is written, so it is no bound where there are requests.
    async "node-redis, watched by a ping"(port) {
      const client = createClient({ socket: { host, port } });
      await client.on("error", ignore).connect();
      const watch = setInterval(() => {
        const silent = setTimeout(() => {
          client.destroy();
          client.connect().catch(ignore);
        }, 1000);
        void client
          .ping()
          .catch(ignore)
          .finally(() => clearTimeout(silent));
      }, 1000);
      return { storage: redisStorage(client), close: () => (clearInterval(watch), client.destroy()) };
    },
    async "ioredis, socketTimeout"(port) {
      const redis = new Redis({ host, port, socketTimeout: 1500 });
      redis.on("error", ignore);
      return { storage: redisStorage(redis), close: () => redis.disconnect() };
    },
    "Bun.RedisClient, idleTimeout": openBun("redis", { idleTimeout: 1500 }),
  },
  postgres: {
    async "pg, no option"(port) {
      const pool = new pg.Pool({ host, port, user: "postgres", database: "postgres", max: POOL });
      pool.on("error", ignore);
      const storage = postgresStorage(pool);
      await storage.ensureSchema();
      return { storage, close: () => pool.end() };
    },
    "Bun.SQL, no option": openBun("postgres", { max: POOL }),
  },
  mariadb: {
    "Bun.SQL, no option": openBun("mysql", { max: POOL }),
    async "mysql2, no option"(port) {
      const pool = createPool({ host, port, user: "root", database: "holdfast", connectionLimit: POOL });
      const storage = mysqlStorage(pool);
      await storage.ensureSchema();
      return { storage, close: () => pool.end() };
    },
    async "mariadb, no option"(port) {
      const pool = foreign("mariadb").createPool({
        host,
        port,
        user: "root",
        database: "holdfast",
        connectionLimit: POOL,
      });
      const storage = mysqlStorage(pool);
      await storage.ensureSchema();
      return { storage, close: () => pool.end() };
    },
  },
  mongodb: {
    async "mongodb, socketTimeoutMS"(port) {
      const client = new MongoClient(`mongodb://${host}:${port}/app`, {
        maxPoolSize: POOL,
        minPoolSize: POOL,
        serverSelectionTimeoutMS: 2000,
        socketTimeoutMS: 1500,
      });
      await poolOpen(client);
      const storage = mongodbStorage(client.db().collection("half_open"));
      await storage.ensureSchema();
      return { storage, close: () => client.close() };
    },
  },
  memcached: {
    async "memcache-client, cmdTimeout"(port) {
      const client = new MemcacheClient({ server: `${host}:${port}`, cmdTimeout: 1000 });
      return { storage: memcachedStorage(client), close: () => client.shutdown() };
    },
  },
};

/** Servers whose clients have several connections. */
const POOLED = ["postgres", "mariadb", "mongodb"];

/**
 * Guests, made when a client has all its connections: one that is opened later would not fall silent. While replies
 * are slow, requests overlap, and each takes a connection.
 */
async function guestsOnAll(app: App, proxy: Proxy, connections: number): Promise<readonly Visitor[]> {
  proxy.slowDown(20);
  for (let rounds = 50; ; rounds--) {
    const guests = await Promise.all(Array.from({ length: POOL }, () => app.guest()));
    if (proxy.connections < connections && rounds > 0) continue;
    assert.ok(proxy.connections >= connections, `${proxy.connections} connections`);
    await proxy.restore();
    return guests;
  }
}

/** All servers are there before the first test begins: making one stops this process for a while. */
const services = new Map<string, Service>();
for (const name of Object.keys(CLIENTS))
  await unlessMissing(name, "", async () => services.set(name, await ownService(name)));

for (const [name, service] of services) {
  describe(name, () => {
    after(() => service.servers[0]!.kill());
    for (const [client, open] of Object.entries(CLIENTS[name]!)) {
      test(`${client}: every connection falls silent: 503 in time, and served again within seconds`, async (t) => {
        const proxy = await Proxy.before(service.port);
        t.after(() => proxy.close());
        const { storage, close } = await open(proxy.port);
        t.after(close);
        const app = await App.over(storage);
        t.after(() => app.close());
        const guests = await guestsOnAll(app, proxy, POOLED.includes(name) ? POOL : 1);
        proxy.silence();
        const began = performance.now();
        (await Promise.all(guests.map((guest) => guest.read()))).forEach(assertHonest);
        assert.ok(performance.now() - began >= STORAGE_TIMEOUT - 5);
        await Promise.all(guests.map((guest) => guest.untilServed(PATIENCE)));
        for (const guest of guests) await guest.assertLog();
      });
    }
  });
}

/** Connections that do not commit what a session writes: found out at the call, and named. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import callbacks from "mysql2";
import mysql from "mysql2/promise";
import pg from "pg";
import { createStore, type Storage } from "holdfast";
import { mysqlStorage } from "holdfast/storage/mysql";
import { postgresStorage } from "holdfast/storage/postgres";
import { redisStorage } from "holdfast/storage/redis";
import { pgNative } from "../support/foreign-packages.js";
import { REDIS_OPENERS } from "../support/redis-conditions.js";
import { ownService, withService } from "../support/services.js";

const call = { now: Date.now(), signal: new AbortController().signal };
const entry = { value: "one", expiresAt: call.now + 60_000 };

/** Each call of a storage fails as a storage, and says why. */
async function refuses(storage: Storage, why: RegExp): Promise<void> {
  const store = createStore<{ n: number }>({ storage, storageTimeout: "20s", commitTimeout: "60s" });
  await assert.rejects(
    store.create({ n: 1 }),
    (error: { code?: string; message: string }) => error.code === "storage" && why.test(error.message),
  );
  await assert.rejects(
    async () => storage.get("k", call),
    (error: { code?: string; message: string }) => error.code === "storage" && why.test(error.message),
  );
}

await withService("redis", ({ port }) => {
  for (const [name, open] of Object.entries(REDIS_OPENERS)) {
    test(`redis, ${name}: inside a MULTI of the application every call is refused, and it is named`, async () => {
      const { client, send, close } = await open(port);
      try {
        const storage = redisStorage(client);
        await send("MULTI");
        await refuses(storage, /inside a transaction of the application \(MULTI\).* pass/);
        for (const change of [
          () => storage.update("k", entry, "AAAAAAAAAAAA", call),
          () => storage.touch("k", 1, "AAAAAAAAAAAA", call),
          () => storage.delete("k", "AAAAAAAAAAAA", call),
        ]) {
          await assert.rejects(async () => change(), { code: "storage" });
        }
        await send("DISCARD");
        assert.equal(await storage.get("k", call), undefined);
      } finally {
        await close();
      }
    });
  }
});

await withService("postgres", ({ url }) => {
  test("pg Client: refused before the statement is sent, inside a transaction that failed as well, and served after it", async (t) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    t.after(() => client.end());
    const storage = postgresStorage(client);
    await storage.ensureSchema();
    await client.query("BEGIN");
    await refuses(storage, /inside a transaction of the application \(BEGIN\)/);
    await client.query("SELECT 1/0").catch(() => {});
    await refuses(storage, /inside a transaction of the application \(BEGIN\)/);
    await client.query("ROLLBACK");
    assert.equal(await storage.get("k", call), undefined);
  });

  test("pg Client: statements of the application that are queued do not slip a transaction under it", async (t) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    t.after(() => client.end());
    const storage = postgresStorage(client);
    await storage.ensureSchema();
    const begun = client.query("BEGIN");
    const created = storage.create("slipped", entry, call);
    const failed = assert.rejects(async () => created, { code: "storage" });
    await begun;
    await failed;
    await client.query("ROLLBACK");
    assert.equal(await storage.get("slipped", call), undefined);
  });

  test("pg Pool: a connection returned inside a transaction is refused, others work, and many storages add one listener", async (t) => {
    const pool = new pg.Pool({ connectionString: url, max: 2 });
    t.after(() => pool.end());
    const storage = postgresStorage(pool);
    for (let i = 0; i < 20; i++) postgresStorage(pool);
    assert.ok(pool.listenerCount("release") <= 1);
    await storage.ensureSchema();
    const [leaked, other] = [await pool.connect(), await pool.connect()];
    await leaked.query("BEGIN");
    leaked.release();
    await refuses(storage, /inside a transaction of the application \(BEGIN\)/);
    other.release();
    await storage.get("k", call);
    const busy = await pool.connect();
    await refuses(storage, /\(BEGIN\)/);
    await assert.rejects(Promise.all([storage.get("k", call), storage.get("k", call)]), { code: "storage" });
    busy.release();
  });
});

await withService("postgres", ({ url }) => {
  test("pg-native with parsers of its own for text, which it uses for all queries: an error, never an empty session", async (t) => {
    const plain = new pg.Pool({ connectionString: url });
    const types = { getTypeParser: () => () => "broken" };
    const pool = new (pgNative().Pool)({ connectionString: url, types });
    t.after(() => Promise.all([plain.end(), pool.end()]));
    await postgresStorage(plain).ensureSchema();
    const key = `native-${Math.random()}`;
    assert.ok(await postgresStorage(plain).create(key, entry, call));
    await assert.rejects(async () => postgresStorage(pool).get(key, call), { code: "storage" });
  });
});

await withService("mariadb", ({ url }) => {
  for (const [name, open] of Object.entries({
    "mysql2/promise connection": async (uri: string) => {
      const connection = await mysql.createConnection(uri);
      return { client: connection, run: (sql: string) => connection.query(sql), close: () => connection.end() };
    },
    "mysql2 connection": async (uri: string) => {
      const connection = callbacks.createConnection(uri);
      return {
        client: connection,
        run: (sql: string) => connection.promise().query(sql),
        close: () => connection.promise().end(),
      };
    },
  })) {
    test(`${name}: inside a transaction of the application every call is refused, and it is named`, async (t) => {
      const { client, run, close } = await open(url);
      t.after(close);
      const storage = mysqlStorage(client);
      await storage.ensureSchema();
      await storage.get("k", call);
      await run("START TRANSACTION");
      await refuses(storage, /inside a transaction of the application \(START TRANSACTION\)/);
      await run("ROLLBACK");
      assert.equal(await storage.get("k", call), undefined);
    });
  }

  for (const [name, configure] of Object.entries<(pool: callbacks.Pool) => void>({
    "by the pool": (pool) => pool.on("connection", (connection) => connection.query("SET autocommit = 0")),
  })) {
    test(`autocommit off, set ${name}: every call is refused, and it is named`, async (t) => {
      const pool = callbacks.createPool({ uri: url, connectionLimit: 1 });
      t.after(() => pool.promise().end());
      await mysqlStorage(pool).ensureSchema();
      const fresh = callbacks.createPool({ uri: url, connectionLimit: 2 });
      t.after(() => fresh.promise().end());
      configure(fresh);
      for (const storage of [mysqlStorage(fresh), mysqlStorage(fresh.promise())]) {
        await refuses(storage, /autocommit off/);
        await refuses(storage, /autocommit off/);
      }
      assert.equal(await mysqlStorage(pool).get("k", call), undefined, "and nothing keeps a row locked");
      assert.ok(await mysqlStorage(pool).create(`k${Math.random()}`, entry, call));
    });
  }
});

await withService("mariadb", async () => {
  const own = await ownService("mariadb");
  after(() => own.servers[0]!.kill());
  test("autocommit off for the whole server: every call is refused, and it is named", async (t) => {
    const admin = await mysql.createConnection(own.url);
    t.after(() => admin.end());
    await mysqlStorage(admin).ensureSchema();
    await admin.query("SET GLOBAL autocommit = 0");
    const pool = mysql.createPool(own.url);
    t.after(() => pool.end());
    await refuses(mysqlStorage(pool), /autocommit off/);
  });
});

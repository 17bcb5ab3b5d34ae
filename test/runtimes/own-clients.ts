/** What the clients that Bun and Deno have themselves are asked for besides the storage suite; run by that runtime. */
import assert from "node:assert/strict";
import { createStore, type Storage, type StorageCall } from "holdfast";
import { denoKvStorage, type DenoKv } from "holdfast/storage/deno-kv";
import { mysqlStorage } from "holdfast/storage/mysql";
import { postgresStorage } from "holdfast/storage/postgres";
import { redisStorage } from "holdfast/storage/redis";
import { sqliteStorage } from "holdfast/storage/sqlite";
import { testClock } from "holdfast/testing";

/** A case, by its name. */
export type Cases = Readonly<Record<string, () => Promise<void>>>;

// oxlint-disable-next-line typescript/no-explicit-any -- the runtime's own, whose types are not installed here
const { Bun, Deno } = globalThis as any;

const MINUTE = 60_000;
const call = (now: number = Date.now()): StorageCall => ({ now, signal: AbortSignal.timeout(5000) });
const entry = (value: string, now: number = Date.now()) => ({ value, expiresAt: now + MINUTE });

type Kv = DenoKv & { set(key: readonly string[], value: unknown): Promise<unknown>; close(): void };

async function withKv(run: (kv: Kv, storage: Storage) => Promise<void>): Promise<void> {
  const kv: Kv = await Deno.openKv(":memory:");
  try {
    await run(kv, denoKvStorage(kv));
  } finally {
    kv.close();
  }
}

/** The store's key of a session under the default prefix. */
const kvKey = (name: string): readonly string[] => ["holdfast", name];

const LIMIT = 65_520;

export const DENO: Cases = {
  "the largest value is stored, and one byte more is too-large before Deno refuses it": () =>
    withKv(async (_kv, storage) => {
      for (const [name, character, bytes] of [
        ["a", "x", 1],
        ["b", "é", 2],
        ["c", "日", 3],
      ] as const) {
        const largest = character.repeat(LIMIT / bytes);
        assert.ok(await storage.create(name, entry(largest), call()));
        assert.equal((await storage.get(name, call()))!.value, largest);
        await assert.rejects(async () => storage.create(`${name}2`, entry(`${largest}x`), call()), {
          code: "too-large",
          message: /a value of Deno KV at most 65520/,
        });
        assert.equal(await storage.get(`${name}2`, call()), undefined);
      }
    }),

  "a session that does not fit is refused by the store, and what was stored is still there": () =>
    withKv(async (_kv, storage) => {
      const store = createStore<{ text: string }>({ storage, maxRecordBytes: 1_000_000 });
      const { id } = await store.create({ text: "before" });
      await assert.rejects(
        store.edit(id, (session) => session.set("text", "x".repeat(70_000))),
        { code: "too-large" },
      );
      assert.equal((await store.getById(id))!.get("text"), "before");
    }),

  "expireIn is longer than the session lives, also after a touch, and decides nothing": () =>
    withKv(async (kv, inner) => {
      const kept: number[] = [];
      const spied: DenoKv = {
        get: (...args) => kv.get(...args),
        list: (...args) => kv.list(...args),
        atomic() {
          const atomic = kv.atomic();
          const set = atomic.set.bind(atomic);
          atomic.set = (key, value, options) => (kept.push(options!.expireIn!), set(key, value, options));
          return atomic;
        },
      };
      const storage = denoKvStorage(spied);
      const now = Date.now();
      const { version } = (await storage.create("k", entry("v", now), call(now))) as { version: string };
      const touched = await storage.touch("k", now + 10 * MINUTE, version, call(now));
      assert.ok(touched);
      assert.deepEqual(kept, [6 * MINUTE, 15 * MINUTE]);
      assert.deepEqual(await inner.get("k", call()), {
        value: "v",
        version: touched.version,
        expiresAt: now + 10 * MINUTE,
      });
      const clock = testClock();
      const store = createStore({ storage, clock, idleTimeout: "1m" });
      const { id, token } = await store.create({ n: 1 });
      clock.advance("61s");
      assert.equal(await store.getByToken(token), undefined);
      assert.equal(await store.getById(id), undefined);
    }),

  "an entry of somebody else under the same key is no session, and is never replaced": () =>
    withKv(async (kv, storage) => {
      for (const value of ["text", 7n, new Uint8Array(3), { value: "x" }]) {
        await kv.set(kvKey("k"), value);
        const stored = (await storage.get("k", call()))!;
        assert.deepEqual([stored.value, stored.expiresAt], ["", 0]);
        assert.equal(await storage.update("k", entry("ours"), stored.version, call()), false);
        assert.equal(await storage.touch("k", Date.now() + MINUTE, stored.version, call()), false);
        assert.equal(await storage.delete("k", stored.version, call()), false);
        assert.equal(await storage.create("k", entry("ours"), call()), false);
        assert.deepEqual((await kv.get(kvKey("k"))).value, value);
      }
    }),

  "clear removes its own keys and no others, ten in each atomic operation": () =>
    withKv(async (kv, storage) => {
      for (let i = 0; i < 25; i++) await storage.create(`app:${i}`, entry("v"), call());
      await storage.create("app2:1", entry("v"), call());
      await kv.set(["app:1"], "of the application");
      await storage.clear!("app:", call());
      const left: unknown[] = [];
      for await (const { key } of kv.list({ start: [], end: ["\uffff"] })) left.push(key);
      assert.deepEqual(left, [["app:1"], ["holdfast", "app2:1"]]);
    }),

  "the sessions of an owner are listed and ended": () =>
    withKv(async (_kv, storage) => {
      const store = createStore({ storage });
      const ids = await Promise.all([1, 2, 3].map(async () => (await store.create({}, { owner: "ann" })).id));
      const listed = await store.listByOwner("ann");
      assert.deepEqual(listed.map(({ id }) => id).sort(), [...ids].sort());
      assert.equal(await store.deleteByOwner("ann", { except: ids[0]! }), 2);
      assert.deepEqual(
        (await store.listByOwner("ann")).map(({ id }) => id),
        [ids[0]],
      );
    }),

  "a database that is closed is an error that says so": () =>
    withKv(async (_kv) => {
      const kv: Kv = await Deno.openKv(":memory:");
      const storage = denoKvStorage(kv);
      const store = createStore({ storage });
      const { id } = await store.create({});
      kv.close();
      await assert.rejects(store.getById(id), { code: "storage", status: 503, message: /the Deno.Kv is closed/ });
      await assert.rejects(async () => storage.create("k", entry("v"), call()), { code: "storage" });
      await assert.rejects(async () => storage.clear!("k", call()), { code: "storage" });
    }),

  "check() finds that everything works, and that something is closed": () =>
    withKv(async (_kv) => {
      const kv: Kv = await Deno.openKv(":memory:");
      const storage = denoKvStorage(kv);
      assert.deepEqual(
        (await storage.check!(call())).map(({ level }) => level),
        ["ok"],
      );
      kv.close();
      const [found] = await storage.check!(call());
      assert.deepEqual([found!.level, found!.what], ["bad", "the Deno.Kv is closed"]);
    }),

  "what is no Deno.Kv is refused, with what to write": () =>
    withKv(async (kv) => {
      const promise = Deno.openKv(":memory:");
      const opened: readonly (readonly [wrong: unknown, says: RegExp])[] = [
        [promise, /client is a Promise; write denoKvStorage\(await …\)/],
        [kv.atomic(), /client is an atomic operation of Deno KV; write denoKvStorage\(kv\)/],
        [Deno.openKv, /lacks get, list, atomic; write denoKvStorage\(await Deno.openKv\(\)\).*--unstable-kv/],
        [undefined, /undefined lacks get, list, atomic; .*--unstable-kv/],
        ["file.kv", /a string lacks get, list, atomic/],
        [{ get() {}, put() {}, list() {}, getWithMetadata() {} }, /client is .*KV/],
        [new Map(), /lacks list, atomic/],
      ];
      for (const [wrong, says] of opened)
        assert.throws(() => denoKvStorage(wrong as DenoKv), {
          name: "TypeError",
          code: "wrong-client",
          message: says,
        });
      (await promise).close();
      for (const [options, says] of [
        [{ prefix: "app" }, /prefix is "app"; write \["app"\]/],
        [{ ttl: 1 }, /leave it out/],
      ] as const)
        assert.throws(() => denoKvStorage(kv, options as never), { name: "TypeError", message: says });
    }),
};

const DEAD = "127.0.0.1:1";

export const BUN: Cases = {
  async "an SQL for another database is refused, and the storage that takes it is named"() {
    const [postgres, mysql] = [
      new Bun.SQL(`postgres://a:hunter2@${DEAD}/x`),
      new Bun.SQL(`mysql://a:hunter2@${DEAD}/x`),
    ];
    const sqlite = new Bun.SQL(":memory:");
    const refused: readonly (readonly [make: () => unknown, says: RegExp])[] = [
      [() => postgresStorage(mysql), /an SQL of Bun for MySQL; write mysqlStorage\(sql\)/],
      [() => mysqlStorage(postgres), /an SQL of Bun for PostgreSQL; write postgresStorage\(sql\)/],
      [() => sqliteStorage(postgres), /an SQL of Bun for PostgreSQL; write postgresStorage\(sql\)/],
      [() => sqliteStorage(mysql), /an SQL of Bun for MySQL; write mysqlStorage\(sql\)/],
      ...[sqliteStorage, postgresStorage, mysqlStorage].map(
        (storage) =>
          [
            () => storage(sqlite),
            /open transaction.*; write sqliteStorage\(new Database\(file\)\), of bun:sqlite/,
          ] as const,
      ),
      [() => redisStorage(postgres), /neither sendCommand .* nor call/],
      [() => postgresStorage(new Bun.RedisClient(`redis://${DEAD}`)), /this has no query\(\)/],
    ];
    for (const [make, says] of refused)
      assert.throws(make, (error: Error & { code?: string }) => {
        assert.deepEqual([error.name, error.code], ["TypeError", "wrong-client"]);
        assert.match(error.message, says);
        assert.doesNotMatch(error.message, /hunter2/);
        return true;
      });
    await sqlite.end();
  },

  async "a transaction, a class, a promise and an address are refused"() {
    const sqlite = new Bun.SQL(":memory:");
    let transaction: unknown;
    await sqlite.begin(async (own: unknown) => void (transaction = own));
    for (const [wrong, says] of [
      [transaction, /a transaction or a reserved connection of Bun; write postgresStorage\(sql\)/],
      [Bun.SQL, /the function SQL; write/],
      [Promise.resolve(sqlite), /a Promise/],
    ] as const)
      assert.throws(() => postgresStorage(wrong as never), { name: "TypeError", message: says });
    for (const [wrong, says] of [
      [Bun.RedisClient, /the function RedisClient has neither/],
      [`redis://${DEAD}`, /a string has neither/],
      [new Bun.RedisClient(`redis://${DEAD}`).connect().catch(() => {}), /a Promise/],
    ] as const)
      assert.throws(() => redisStorage(wrong as never), { name: "TypeError", message: says });
    await sqlite.end();
  },

  async "Bun.redis and Bun.sql are taken as they are, and are not connected by that"() {
    redisStorage(Bun.redis);
    postgresStorage(Bun.sql);
    assert.equal(Bun.redis.connected, false);
  },

  async "a server that is not there is a 503 in time"() {
    for (const storage of [
      redisStorage(new Bun.RedisClient(`redis://${DEAD}`)),
      postgresStorage(new Bun.SQL(`postgres://a:hunter2@${DEAD}/x`)),
      mysqlStorage(new Bun.SQL(`mysql://a:hunter2@${DEAD}/x`)),
    ]) {
      const store = createStore({ storage, storageTimeout: 500 });
      const began = performance.now();
      await assert.rejects(store.getByToken("A".repeat(43)), { status: 503 });
      assert.ok(performance.now() - began < 2000);
    }
  },
};

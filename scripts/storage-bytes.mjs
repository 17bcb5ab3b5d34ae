/**
 * `npm run bytes`: how many bytes a session takes in each storage, measured on the real servers over 10,000 sessions
 * of a signed-in visitor with three things in the cart: as they were created, and after each was written ten times
 * more. Those of docs/storages.
 */
import { createClient as createLibsql } from "@libsql/client";
import { MemcacheClient } from "memcache-client";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import mysql from "mysql2/promise";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import pg from "pg";
import { createClient } from "redis";
import { startService } from "./services.mjs";
import { setup } from "./setup.mjs";

const SESSIONS = 10_000;
const REWRITES = 10;
const AT_ONCE = 64;
/** Ids are kept outside of the heap, which is measured. */
const ID_BYTES = 46;
const DATA = { userId: 1, cart: ["anchor", "rope", "wall-hook"] };

await setup();
const { createStore } = await import("../dist/index.js");
const { encrypted } = await import("../dist/storage/encrypted.js");
const { memcachedStorage } = await import("../dist/storage/memcached.js");
const { memoryStorage } = await import("../dist/storage/memory.js");
const { mysqlStorage } = await import("../dist/storage/mysql.js");
const { postgresStorage } = await import("../dist/storage/postgres.js");
const { redisStorage } = await import("../dist/storage/redis.js");
const { sqliteStorage } = await import("../dist/storage/sqlite.js");

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");

/** Each: a storage, and how many bytes it takes as a whole at this moment. */
const SUBJECTS = {
  async memory() {
    return { name: `memory, Node ${process.versions.node}`, storage: memoryStorage(), bytes: heap, close() {} };
  },

  async redis() {
    const { url, version, stop } = await startService("redis");
    const client = await createClient({ url }).connect();
    const bytes = async () => Number(/used_memory:(\d+)/.exec(await client.info("memory"))[1]);
    return { name: `redis ${version}`, storage: redisStorage(client), bytes, close: () => client.close().then(stop) };
  },

  async postgres() {
    const { url, version, stop } = await startService("postgres");
    const pool = new pg.Pool({ connectionString: url, max: 8 });
    const storage = postgresStorage(pool);
    await storage.ensureSchema();
    const bytes = async () => {
      await pool.query("VACUUM holdfast_sessions");
      return Number((await pool.query("SELECT pg_total_relation_size('holdfast_sessions') AS bytes")).rows[0].bytes);
    };
    return { name: `postgres ${version}`, storage, bytes, close: () => pool.end().then(stop) };
  },

  async mysql() {
    const { url, version, stop } = await startService("mariadb");
    const pool = mysql.createPool({ uri: url, connectionLimit: 8 });
    const storage = mysqlStorage(pool);
    await storage.ensureSchema();
    const bytes = async () => {
      await pool.query("ANALYZE TABLE holdfast_sessions");
      const [[row]] = await pool.query(
        "SELECT data_length + index_length AS bytes FROM information_schema.tables WHERE table_name = " +
          "'holdfast_sessions'",
      );
      return Number(row.bytes);
    };
    return { name: `mysql, MariaDB ${version}`, storage, bytes, close: () => pool.end().then(stop) };
  },

  async sqlite() {
    const directory = mkdtempSync(join(tmpdir(), "holdfast-bytes-"));
    const file = join(directory, "sessions.db");
    const client = createLibsql({ url: `file:${file}` });
    await client.execute("PRAGMA synchronous = OFF");
    const storage = sqliteStorage(client);
    await storage.ensureSchema();
    const [{ version }] = (await client.execute("SELECT sqlite_version() AS version")).rows;
    const close = () => {
      client.close();
      rmSync(directory, { recursive: true });
    };
    return {
      name: typeof version === "string" ? `sqlite ${version}` : "sqlite",
      storage,
      bytes: () => statSync(file).size,
      close,
    };
  },

  async memcached() {
    const { url, version, stop } = await startService("memcached");
    const client = new MemcacheClient({ server: url.slice("memcached://".length) });
    const bytes = async () => {
      const rows = Object.values(await client.cmd("stats slabs"))[0].map(([name, value]) => [name, Number(value)]);
      const stats = Object.fromEntries(rows);
      return rows.reduce(
        (sum, [name, used]) =>
          name.endsWith(":used_chunks") ? sum + used * stats[name.replace("used_chunks", "chunk_size")] : sum,
        0,
      );
    };
    const close = () => {
      client.shutdown();
      return stop();
    };
    return { name: `memcached ${version}`, storage: memcachedStorage(client), bytes, close };
  },
};

await showRecord();
for (const open of Object.values(SUBJECTS)) await measure(await open());

async function measure({ name, storage, bytes, close }) {
  const store = createStore({ storage });
  await store.create(DATA);
  const empty = await bytes();
  const ids = Buffer.alloc(SESSIONS * ID_BYTES);
  await inSlices(async (i) => ids.write((await store.create(DATA)).id, i * ID_BYTES));
  const created = await bytes();
  const idOf = (i) => ids.toString("latin1", i * ID_BYTES, (i + 1) * ID_BYTES);
  for (let round = 0; round < REWRITES; round++)
    await inSlices((i) =>
      store.edit(idOf(i), (session) => session.update("cart", ([first, ...rest]) => [...rest, first])),
    );
  const rewritten = await bytes();
  console.log(
    `${name.padEnd(24)}${perSession(created - empty)} created${perSession(rewritten - empty)} written ten times more`,
  );
  await close();
}

/** What the store hands to every storage. */
async function showRecord() {
  const storage = memoryStorage();
  const call = { now: Date.now(), signal: new AbortController().signal };
  const key = ({ id }) => `holdfast:${id.slice(id.indexOf("_") + 1)}`;
  const plain = await createStore({ storage }).create(DATA);
  const sealed = await createStore({
    storage: encrypted(storage, [crypto.getRandomValues(new Uint8Array(32))]),
  }).create(DATA);
  const [one, other] = [storage.get(key(plain), call), storage.get(key(sealed), call)];
  console.log(`key    ${key(plain)}   (${key(plain).length} bytes)`);
  console.log(
    `value  ${JSON.stringify(one.value)}   (${Buffer.byteLength(one.value)} bytes; encrypted ` +
      `${Buffer.byteLength(other.value)})\n`,
  );
}

async function inSlices(work) {
  for (let at = 0; at < SESSIONS; at += AT_ONCE)
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, SESSIONS - at) }, (_, i) => work(at + i)));
}

function heap() {
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

function perSession(bytes) {
  return `${Math.round(bytes / SESSIONS)}`.padStart(6);
}

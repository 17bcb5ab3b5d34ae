/**
 * `npm run bytes [-- STORAGE …]`: how many bytes a session takes in each storage, measured on the real servers over 10,000 sessions
 * of a signed-in visitor with three things in the cart: as they were created, and after each was written ten times
 * more. Those of docs/storages. MongoDB and DynamoDB are measured over fewer, by the size that each document or item
 * has: what stands in for their servers here keeps them in another way.
 */
import { createClient as createLibsql } from "@libsql/client";
import { MemcacheClient } from "memcache-client";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { BSON, MongoClient } from "mongodb";
import mysql from "mysql2/promise";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import pg from "pg";
import { createClient } from "redis";
import { fromNpm } from "./from-npm.mjs";
import { startService } from "./services.mjs";
import { setup } from "./setup.mjs";

const SESSIONS = 10_000;
/** Where each document has a size of its own. */
const FEW = 200;
/** By DynamoDB's own rule, beside the names and values of the attributes. */
const ITEM_BYTES = 100;
const AWS_SDK = "3.1169.0";
const REWRITES = 10;
const AT_ONCE = 64;
/** Ids are kept outside of the heap, which is measured. */
const ID_BYTES = 46;
const DATA = { userId: 1, cart: ["anchor", "rope", "wall-hook"] };

await setup();
const { createStore } = await import("../dist/index.js");
const { dynamodbStorage } = await import("../dist/storage/dynamodb.js");
const { encrypted } = await import("../dist/storage/encrypted.js");
const { memcachedStorage } = await import("../dist/storage/memcached.js");
const { memoryStorage } = await import("../dist/storage/memory.js");
const { mongodbStorage } = await import("../dist/storage/mongodb.js");
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

  async mongodb() {
    const { url, stop } = await startService("mongodb");
    const client = new MongoClient(url);
    const collection = client.db().collection("sessions");
    const storage = mongodbStorage(collection);
    const bytes = async () => {
      const documents = await collection.find().toArray();
      return documents.reduce((sum, document) => sum + BSON.calculateObjectSize(document), 0);
    };
    return { name: "mongodb", storage, bytes, sessions: FEW, close: () => client.close().then(stop) };
  },

  async dynamodb() {
    const { url, stop } = await startService("dynamodb");
    const directory = fromNpm({ "@aws-sdk/client-dynamodb": AWS_SDK, "@aws-sdk/lib-dynamodb": AWS_SDK });
    const { DynamoDB } = createRequire(join(directory, "_.js"))("@aws-sdk/client-dynamodb");
    const credentials = { accessKeyId: "test", secretAccessKey: "test" };
    const client = new DynamoDB({ endpoint: url, region: "us-east-1", credentials });
    const storage = dynamodbStorage(client, { table: "sessions" });
    await storage.ensureSchema();
    const bytes = async () => {
      const { Items } = await client.scan({ TableName: "sessions" });
      return Items.reduce((sum, item) => sum + itemBytes(item), 0);
    };
    const close = () => {
      client.destroy();
      return stop();
    };
    return { name: "dynamodb", storage, bytes, sessions: FEW, close };
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
const asked = process.argv.slice(2);
for (const [name, open] of Object.entries(SUBJECTS)) {
  if (asked.length === 0 || asked.includes(name)) await measure(await open());
}

async function measure({ name, storage, bytes, close, sessions = SESSIONS }) {
  const store = createStore({ storage });
  await store.create(DATA);
  const empty = await bytes();
  const ids = Buffer.alloc(sessions * ID_BYTES);
  await inSlices(sessions, async (i) => ids.write((await store.create(DATA)).id, i * ID_BYTES));
  const created = await bytes();
  const idOf = (i) => ids.toString("latin1", i * ID_BYTES, (i + 1) * ID_BYTES);
  for (let round = 0; round < REWRITES; round++)
    await inSlices(sessions, (i) =>
      store.edit(idOf(i), (session) => session.update("cart", ([first, ...rest]) => [...rest, first])),
    );
  const rewritten = await bytes();
  console.log(
    `${name.padEnd(24)}${perSession(created - empty, sessions)} created${perSession(rewritten - empty, sessions)} written ten times more`,
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

async function inSlices(sessions, work) {
  for (let at = 0; at < sessions; at += AT_ONCE)
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, sessions - at) }, (_, i) => work(at + i)));
}

function heap() {
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

/** As it is billed: names and values in UTF-8, and of a number about half of its digits. */
function itemBytes(item) {
  return Object.entries(item).reduce(
    (sum, [name, { S, N }]) =>
      sum + Buffer.byteLength(name) + (S === undefined ? N.length / 2 + 1 : Buffer.byteLength(S)),
    ITEM_BYTES,
  );
}

function perSession(bytes, sessions) {
  return `${Math.round(bytes / sessions)}`.padStart(6);
}

/**
 * Storages as the conformance kit opens them, by the names of their clients. Nothing is loaded before it is asked
 * for.
 */
import type { Storage } from "holdfast";
import { d1Storage, durableStorage, type D1Client, type DurableNamespace } from "holdfast/storage/cloudflare";
import { denoKvStorage, type DenoKv } from "holdfast/storage/deno-kv";
import { dynamodbStorage } from "holdfast/storage/dynamodb";
import { memcachedStorage } from "holdfast/storage/memcached";
import { memoryStorage } from "holdfast/storage/memory";
import { mongodbStorage } from "holdfast/storage/mongodb";
import { mysqlStorage, type BunSqlClient } from "holdfast/storage/mysql";
import { postgresStorage } from "holdfast/storage/postgres";
import { redisStorage, type BunRedisClient } from "holdfast/storage/redis";
import { sqliteStorage } from "holdfast/storage/sqlite";
import { upstashStorage } from "holdfast/storage/upstash";
import type { Service } from "../support/services.js";
import type { SqliteClient } from "../support/sqlite-clients.js";

/** A storage that is open, and how to end it. */
export interface OpenedStorage {
  readonly storage: Storage;
  close(): unknown;
}

/** What only a Worker is given. */
export interface WorkerBindings {
  readonly DB: D1Client;
  readonly SESSIONS: DurableNamespace;
}

/** A client, and the server that it needs. */
export interface StorageClient {
  readonly name: string;
  readonly server?: "redis" | "postgres" | "pgbouncer" | "mariadb" | "memcached" | "mongodb" | "dynamodb" | "upstash";
  open(where: Service | undefined, env?: WorkerBindings): Promise<OpenedStorage>;
}

const redis = (name: string): StorageClient => ({
  name,
  server: "redis",
  async open(where) {
    const { CLIENTS } = await import("../support/redis-clients.js");
    const { redis: client, close } = await CLIENTS.find(
      (one) => one.server === "redis" && one.client === name,
    )!.connect(where!);
    return { storage: redisStorage(client), close };
  },
});

const postgres = (name: string): StorageClient => ({
  name,
  server: "postgres",
  async open(where) {
    const { POSTGRES_CLIENTS } = await import("../support/postgres-clients.js");
    const { client, close } = await POSTGRES_CLIENTS[name]!(where!.url, false);
    const storage = postgresStorage(client);
    await storage.ensureSchema();
    return { storage, close };
  },
});

const mysql = (name: string): StorageClient => ({
  name,
  server: "mariadb",
  async open(where) {
    const { MYSQL_CLIENTS } = await import("../support/mysql-clients.js");
    const { client, close } = await MYSQL_CLIENTS[name]!(where!.url);
    const storage = mysqlStorage(client);
    await storage.ensureSchema();
    return { storage, close };
  },
});

const sqlite = (name: SqliteClient): StorageClient => ({
  name,
  async open() {
    const { mkdtempSync, rmSync } = await import("node:fs");
    const { tmpdir } = await import("node:os");
    const { join } = await import("node:path");
    const { openSqlite } = await import("../support/sqlite-clients.js");
    const directory = mkdtempSync(join(tmpdir(), "holdfast-sqlite-"));
    process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
    const { database, run, close } = await openSqlite(name, join(directory, "kit.db"));
    await run("PRAGMA journal_mode = WAL");
    await run("PRAGMA synchronous = OFF");
    const storage = sqliteStorage(database);
    await storage.ensureSchema();
    return { storage, close };
  },
});

/** What Bun and Deno have themselves. */
const own = globalThis as unknown as {
  readonly Bun: {
    readonly RedisClient: new (url: string) => BunRedis;
    readonly SQL: new (url: string, options: object) => BunSql;
  };
  readonly Deno: { openKv(path: string): Promise<DenoKv & { close(): void }> };
};

type BunRedis = BunRedisClient & { close(): void };
type BunSql = BunSqlClient & { end(): Promise<void> };

const bunSql = (name: string, server: "postgres" | "pgbouncer" | "mariadb", options: object = {}): StorageClient => ({
  name,
  server,
  async open(where) {
    const sql = new own.Bun.SQL(where!.url, options);
    const storage = server === "mariadb" ? mysqlStorage(sql) : postgresStorage(sql);
    await storage.ensureSchema();
    return { storage, close: () => sql.end() };
  },
});

/** Every client that some runtime has. */
export const STORAGES: readonly StorageClient[] = [
  { name: "memory", open: async () => ({ storage: memoryStorage(), close() {} }) },
  ...(["node:sqlite", "better-sqlite3", "bun:sqlite", "libsql"] as const).map(sqlite),
  ...["redis", "ioredis", "ioredis 5", "iovalkey"].map(redis),
  {
    name: "Bun.RedisClient",
    server: "redis",
    async open(where) {
      const client = new own.Bun.RedisClient(where!.url);
      await client.connect();
      return { storage: redisStorage(client), close: () => client.close() };
    },
  },
  bunSql("Bun.SQL of PostgreSQL", "postgres"),
  bunSql("Bun.SQL behind PgBouncer", "pgbouncer", { prepare: false }),
  bunSql("Bun.SQL of MySQL", "mariadb"),
  {
    name: "Deno.Kv",
    async open() {
      const { mkdtempSync, rmSync } = await import("node:fs");
      const { tmpdir } = await import("node:os");
      const { join } = await import("node:path");
      const directory = mkdtempSync(join(tmpdir(), "holdfast-kv-"));
      process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
      const kv = await own.Deno.openKv(join(directory, "kit.kv"));
      return { storage: denoKvStorage(kv), close: () => kv.close() };
    },
  },
  ...["pg Pool", "pg Client", "postgres"].map(postgres),
  ...["mysql2/promise pool", "mysql2/promise connection", "mysql2 pool"].map(mysql),
  {
    name: "mysql2/promise pool, disableEval",
    server: "mariadb",
    async open(where) {
      const { createPool } = await import("mysql2/promise");
      const pool = createPool({ uri: where!.url, connectionLimit: 8, disableEval: true });
      const storage = mysqlStorage(pool);
      await storage.ensureSchema();
      return { storage, close: () => pool.end() };
    },
  },
  {
    name: "mongodb",
    server: "mongodb",
    async open(where) {
      const { MongoClient } = await import("mongodb");
      const client = new MongoClient(where!.url, { serverSelectionTimeoutMS: 5000 });
      const storage = mongodbStorage(client.db().collection(`kit_${crypto.randomUUID()}`));
      await storage.ensureSchema();
      return { storage, close: () => client.close() };
    },
  },
  {
    name: "DynamoDB",
    server: "dynamodb",
    async open(where) {
      const { connectDynamodb } = await import("../support/dynamodb-clients.js");
      const { client, table, close } = await connectDynamodb(where!);
      return { storage: dynamodbStorage(client, { table }), close };
    },
  },
  {
    name: "@upstash/redis",
    server: "upstash",
    async open(where) {
      const { Redis } = await import("@upstash/redis");
      const { url, password: token } = where!;
      return { storage: upstashStorage(new Redis({ url, token, enableTelemetry: false })), close() {} };
    },
  },
  {
    name: "D1",
    async open(_where, env) {
      const storage = d1Storage(env!.DB);
      await storage.ensureSchema();
      return { storage, close() {} };
    },
  },
  { name: "Durable Objects", open: async (_where, env) => ({ storage: durableStorage(env!.SESSIONS), close() {} }) },
  {
    name: "memcache-client",
    server: "memcached",
    async open(where) {
      const { MemcacheClient } = await import("memcache-client");
      const client = new MemcacheClient({ server: `${where!.host}:${where!.port}` });
      return { storage: memcachedStorage(client), close: () => client.shutdown() };
    },
  },
];

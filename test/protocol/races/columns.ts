import type { Storage } from "holdfast";
import type { DenoKv } from "holdfast/storage/deno-kv";
import type { Service } from "../../support/services.js";
import type { SqliteClient } from "../../support/sqlite-clients.js";
import { SABOTAGES } from "./sabotage.js";

/** Where the data of a column is: a server's address, or a file's. */
export type Where = Pick<Service, "url" | "host" | "port" | "addresses" | "username" | "password" | "database">;

/** One client of one database: as both processes know it. */
export interface Column {
  readonly name: string;
  /** The server it needs, as `test/support/services` names it; none for a file. */
  readonly server?: string;
  open(where: Where): Promise<Storage>;
}

/** The columns of each family of databases. Only what a family needs is loaded. */
export const FAMILIES = {
  async redis() {
    const { CLIENTS } = await import("../../support/redis-clients.js");
    const { redisStorage } = await import("holdfast/storage/redis");
    return CLIENTS.map(({ server, client, connect }) => ({
      name: `${client}, ${server}`,
      server,
      open: async (where) => redisStorage((await connect(where as Service)).redis),
    }));
  },
  async upstash() {
    const { connectUpstash } = await import("../../support/upstash-clients.js");
    const { upstashStorage } = await import("holdfast/storage/upstash");
    return [
      {
        name: "@upstash/redis",
        server: "redis",
        open: async (where) => upstashStorage((await connectUpstash(where as Service)).redis),
      },
    ];
  },
  async postgres() {
    const { POSTGRES_CLIENTS } = await import("../../support/postgres-clients.js");
    const { postgresStorage } = await import("holdfast/storage/postgres");
    return ["postgres", "pgbouncer"].flatMap((server) =>
      Object.entries(POSTGRES_CLIENTS).map(([client, connect]) => ({
        name: `${client}, ${server}`,
        server,
        open: async ({ url }) => ready(postgresStorage((await connect(url, server === "pgbouncer")).client)),
      })),
    );
  },
  async mysql() {
    const { MYSQL_CLIENTS } = await import("../../support/mysql-clients.js");
    const { mysqlStorage } = await import("holdfast/storage/mysql");
    return ["mariadb", ...(process.env.HOLDFAST_TEST_MYSQL_URL ? ["mysql"] : [])].flatMap((server) =>
      Object.entries(MYSQL_CLIENTS).map(([client, connect]) => ({
        name: `${client}, ${server}`,
        server,
        open: async ({ url }) => ready(mysqlStorage((await connect(url)).client)),
      })),
    );
  },
  async mongodb() {
    const { connectMongodb } = await import("../../support/mongodb-clients.js");
    const { mongodbStorage } = await import("holdfast/storage/mongodb");
    return [
      {
        name: "mongodb",
        server: "mongodb",
        open: async (where) => ready(mongodbStorage((await connectMongodb(where, {}, "races")).collection)),
      },
    ];
  },
  async dynamodb() {
    const { connectDynamodb } = await import("../../support/dynamodb-clients.js");
    const { dynamodbStorage } = await import("holdfast/storage/dynamodb");
    return (["DynamoDB", "DynamoDBDocument"] as const).map((kind) => ({
      name: kind,
      server: "dynamodb",
      async open(where) {
        const { client, table } = await connectDynamodb(where, kind, `races_${kind}`);
        return dynamodbStorage(client, { table });
      },
    }));
  },
  async cloudflare() {
    const { BINDINGS, bindingStorage } = await import("../../runtimes/bindings.js");
    return (Object.keys(BINDINGS) as (keyof typeof BINDINGS)[]).map((name) => ({
      name,
      open: async ({ url }) => bindingStorage(url, name),
    }));
  },
  /** What Bun has itself: its processes open them. */
  async bun() {
    const { STORAGES } = await import("../../runtimes/storages.js");
    const isOfBun = (name: string): boolean => name === "Bun.RedisClient" || name.startsWith("Bun.SQL");
    return STORAGES.filter(({ name }) => isOfBun(name)).map(({ name, server = "", open }) => ({
      name,
      server,
      open: async (where) => (await open(where as Service)).storage,
    }));
  },
  /** In a file, which processes of Deno open. */
  async denoKv() {
    const { denoKvStorage } = await import("holdfast/storage/deno-kv");
    const { Deno } = globalThis as unknown as { readonly Deno: { openKv(file: string): Promise<DenoKv> } };
    return [{ name: "deno-kv", open: async ({ url }) => denoKvStorage(await Deno.openKv(url)) }];
  },
  async memcached() {
    const { MemcacheClient } = await import("memcache-client");
    const { memcachedStorage } = await import("holdfast/storage/memcached");
    return [
      {
        name: "memcache-client, memcached",
        server: "memcached",
        open: async ({ host, port }) => memcachedStorage(new MemcacheClient({ server: `${host}:${port}` })),
      },
    ];
  },
  async sqlite() {
    return (["better-sqlite3", "node:sqlite", "libsql", "bun:sqlite"] as const).map((client) => ({
      name: client,
      open: ({ url }) => file(client, url),
    }));
  },
  async memory() {
    const { memoryStorage } = await import("holdfast/storage/memory");
    return [{ name: "memory", open: async () => memoryStorage() }];
  },
  async sabotage() {
    return Object.entries(SABOTAGES).map(([name, { storage }]) => ({
      name,
      open: async ({ url }) => storage(await file("libsql", url)),
    }));
  },
} satisfies Record<string, () => Promise<Column[]>>;

export type Family = keyof typeof FAMILIES;

/** The columns of a family. */
export function columnsOf(family: Family): Promise<Column[]> {
  return FAMILIES[family]();
}

async function file(client: SqliteClient, path: string): Promise<Storage> {
  const { openSqlite } = await import("../../support/sqlite-clients.js");
  const { sqliteStorage } = await import("holdfast/storage/sqlite");
  const { database, run } = await openSqlite(client, path);
  await run("PRAGMA journal_mode = WAL");
  return ready(sqliteStorage(database));
}

async function ready<S extends Storage & { ensureSchema(): PromiseLike<unknown> }>(storage: S): Promise<S> {
  await storage.ensureSchema();
  return storage;
}

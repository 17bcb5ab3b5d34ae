import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { MemcacheClient } from "memcache-client";
import type { Storage } from "holdfast";
import { dynamodbStorage } from "holdfast/storage/dynamodb";
import { memcachedStorage } from "holdfast/storage/memcached";
import { memoryStorage } from "holdfast/storage/memory";
import { mongodbStorage } from "holdfast/storage/mongodb";
import { mysqlStorage } from "holdfast/storage/mysql";
import { postgresStorage } from "holdfast/storage/postgres";
import { redisStorage } from "holdfast/storage/redis";
import { upstashStorage } from "holdfast/storage/upstash";
import { playSuites } from "../runtimes/suites.js";
import { AWS_SDK, connectDynamodb } from "./dynamodb-clients.js";
import { connectMongodb } from "./mongodb-clients.js";
import { MYSQL_CLIENTS } from "./mysql-clients.js";
import { POSTGRES_CLIENTS } from "./postgres-clients.js";
import { CLIENTS as REDIS_CLIENTS } from "./redis-clients.js";
import { service, type Service } from "./services.js";
import { BETTER_SQLITE3, SQLITE_ENVIRONMENT, SQLITE_RUNTIMES } from "./sqlite-runtimes.js";
import type { SqliteClient } from "./sqlite-clients.js";
import { runSuites, type CaseResult } from "./storage-suites.js";
import { connectUpstash } from "./upstash-clients.js";

/** One driver with one client, on one server: what `npm run storages` tells apart. */
export interface StorageSubject {
  readonly driver: string;
  readonly client: string;
  /** Subjects of the same server share its data: they run one after the other. */
  readonly server: string;
  /** Runs every case through every decorator; answers the server it spoke to. */
  run(report: (result: CaseResult) => void): Promise<string>;
}

const SQLITE_NAMES: Readonly<Record<string, string>> = {
  libsql: `@libsql/client ${versionOf("@libsql/client")}`,
  "better-sqlite3": `better-sqlite3 ${BETTER_SQLITE3}`,
};

const SERVERS: Readonly<Record<string, string>> = {
  redis: "Redis",
  valkey: "Valkey",
  "redis-sentinel": "Redis Sentinel",
  "redis-cluster": "Redis Cluster",
  postgres: "PostgreSQL",
  pgbouncer: "PgBouncer",
  mariadb: "MariaDB",
  mysql: "MySQL",
  memcached: "Memcached",
  dynamodb: "DynamoDB's requests,",
  mongodb: "MongoDB's protocol,",
};

/** Every driver, with every client it takes, on every kind of server. */
export const SUBJECTS: readonly StorageSubject[] = [
  {
    driver: "memory",
    client: "-",
    server: "memory",
    async run(report) {
      await runSuites(memoryStorage(), report);
      return "this process";
    },
  },
  ...REDIS_CLIENTS.map(({ server, client, connect }) =>
    onServer("redis", redisClient(client), server, async (where) => {
      const { redis, close } = await connect(where);
      return { storage: redisStorage(redis), close };
    }),
  ),
  onServer("upstash", `@upstash/redis ${versionOf("@upstash/redis")}`, "redis", async (where) => {
    const { redis, close } = await connectUpstash(where);
    return { storage: upstashStorage(redis), close };
  }),
  ...["postgres", "pgbouncer"].flatMap((server) =>
    Object.entries(POSTGRES_CLIENTS).map(([client, connect]) =>
      onServer("postgres", `${client} ${versionOf(client.split(" ")[0]!)}`, server, async ({ url }) => {
        const { client: connected, close } = await connect(url, server === "pgbouncer");
        const storage = postgresStorage(connected);
        await storage.ensureSchema();
        return { storage, close };
      }),
    ),
  ),
  ...["mariadb", "mysql"].flatMap((server) =>
    Object.entries(MYSQL_CLIENTS).map(([client, connect]) =>
      onServer("mysql", `${client} ${versionOf("mysql2")}`, server, async ({ url }) => {
        const { client: connected, close } = await connect(url);
        const storage = mysqlStorage(connected);
        await storage.ensureSchema();
        return { storage, close };
      }),
    ),
  ),
  ...(Object.keys(SQLITE_RUNTIMES) as SqliteClient[]).map(onSqlite),
  ...(["DynamoDB", "DynamoDBDocument"] as const).map((kind) =>
    onServer("dynamodb", `${kind} ${AWS_SDK}`, "dynamodb", async (where) => {
      const { client, table, close } = await connectDynamodb(where, kind);
      return { storage: dynamodbStorage(client, { table }), close };
    }),
  ),
  onServer("mongodb", `mongodb ${versionOf("mongodb")}`, "mongodb", async (where) => {
    const { collection, close } = await connectMongodb(where);
    const storage = mongodbStorage(collection);
    await storage.ensureSchema();
    return { storage, close };
  }),
  ...(["D1", "Durable Objects"] as const).map(onWorkerd),
  onServer("memcached", `memcache-client ${versionOf("memcache-client")}`, "memcached", async ({ host, port }) => {
    const client = new MemcacheClient({ server: `${host}:${port}` });
    return { storage: memcachedStorage(client), close: () => client.shutdown() };
  }),
  onRuntime("deno-kv", "deno", "Deno.Kv", "deno-kv"),
  onRuntime("redis", "bun", "Bun.RedisClient", "redis"),
  onRuntime("postgres", "bun", "Bun.SQL of PostgreSQL", "postgres"),
  onRuntime("postgres", "bun", "Bun.SQL behind PgBouncer", "pgbouncer"),
  onRuntime("mysql", "bun", "Bun.SQL of MySQL", "mariadb"),
];

/** A client that only a runtime has, in a process of it. */
function onRuntime(driver: string, runtime: "bun" | "deno", client: string, server: string): StorageSubject {
  const run: StorageSubject["run"] = async (report) => {
    await playSuites(runtime, [`storages/${client}`], ({ name, error }) => {
      const [, decorator = "", rest = name] = /, (\w+): ([^]*)$/.exec(name) ?? [];
      report({ decorator, name: rest, ...(error !== undefined && { error }) });
    });
    return server === "deno-kv" ? "a file" : (SERVERS[server] ?? server);
  };
  return { driver, client, server, run };
}

interface Opened {
  readonly storage: Storage;
  close(): unknown;
}

function onServer(
  driver: string,
  client: string,
  server: string,
  open: (where: Service) => Promise<Opened>,
): StorageSubject {
  const run: StorageSubject["run"] = async (report) => {
    const where = await service(server);
    const { storage, close } = await open(where);
    try {
      await runSuites(storage, report);
    } finally {
      await close();
    }
    return `${SERVERS[server] ?? server} ${where.version ?? "(version not told)"}`;
  };
  return { driver, client, server, run };
}

/** In a process of the client's own runtime, which prints what it has to say. */
function onSqlite(client: SqliteClient): StorageSubject {
  const run: StorageSubject["run"] = async (report) => {
    const program = fileURLToPath(new URL("storage-child.js", import.meta.url));
    const child = spawn(SQLITE_RUNTIMES[client], [program, client], {
      env: SQLITE_ENVIRONMENT,
      stdio: ["ignore", "pipe", "inherit"],
    });
    let server = "SQLite";
    for await (const line of createInterface(child.stdout)) {
      const told = JSON.parse(line) as CaseResult | { server: string };
      if ("server" in told) ({ server } = told);
      else report(told);
    }
    return server;
  };
  return { driver: "sqlite", client: SQLITE_NAMES[client] ?? client, server: client, run };
}

/** Inside a Worker. */
function onWorkerd(client: string): StorageSubject {
  const run: StorageSubject["run"] = async (report) => {
    const { playSuitesOnWorkerd } = await import("../runtimes/suites.js");
    await playSuitesOnWorkerd([`storages/${client}`], ({ name: whole, error }) => {
      const [, decorator = "", name = ""] = /^[^,]*, (\w+): (.*)$/.exec(whole) ?? [];
      report({ decorator, name, ...(error !== undefined && { error }) });
    });
    const { workerdVersion } = await import("../runtimes/start.js");
    return `workerd ${workerdVersion()}`;
  };
  return { driver: "cloudflare", client, server: client, run };
}

/** ioredis is there twice, the older one under a name of its own; a pool is of the same package. */
function redisClient(name: string): string {
  const [, kind = name, rest = ""] = /^(\w+)(?: \d)?( \(\w+\))?$/.exec(name) ?? [];
  return `${kind} ${versionOf(name === "ioredis 5" ? "ioredis5" : kind)}${rest}`;
}

function versionOf(name: string): string {
  const manifest = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
}

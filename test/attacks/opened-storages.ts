import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MemcacheClient } from "memcache-client";
import mysql from "mysql2/promise";
import pg from "pg";
import { createClient } from "redis";
import type { Storage } from "holdfast";
import { dynamodbStorage, type DynamodbClient } from "holdfast/storage/dynamodb";
import { encrypted } from "holdfast/storage/encrypted";
import { memcachedStorage } from "holdfast/storage/memcached";
import { memoryStorage } from "holdfast/storage/memory";
import { mongodbStorage } from "holdfast/storage/mongodb";
import { mysqlStorage } from "holdfast/storage/mysql";
import { observed } from "holdfast/storage/observed";
import { postgresStorage } from "holdfast/storage/postgres";
import { redisStorage } from "holdfast/storage/redis";
import { sqliteStorage } from "holdfast/storage/sqlite";
import { upstashStorage } from "holdfast/storage/upstash";
import { ask, bindingStorage, startBindings } from "../runtimes/bindings.js";
import { connectDynamodb } from "../support/dynamodb-clients.js";
import { connectMongodb } from "../support/mongodb-clients.js";
import { service } from "../support/services.js";
import { openPiped } from "../support/piped.js";
import { openSqlite } from "../support/sqlite-clients.js";
import { watched } from "../support/storages.js";
import { connectUpstash } from "../support/upstash-clients.js";

/** A storage over a real database, and all that an operator of it can see. */
export interface OpenedStorage {
  readonly storage: Storage;
  /** What the storage was given and what reached its server so far, its logs and everything it holds, as one text. */
  seen(): Promise<string>;
  close(): Promise<unknown>;
}

/** One of each driver, with its server; and what may stand before a driver. */
export const STORAGES: Readonly<Record<string, () => Promise<OpenedStorage>>> = {
  memory,
  redis,
  postgres,
  mysql: mariadb,
  sqlite,
  memcached,
  mongodb,
  dynamodb,
  upstash,
  cloudflare,
  "deno-kv": denoKv,
  encrypted: overEncryption,
  observed: overObservation,
};

async function memory(): Promise<OpenedStorage> {
  return overMemory(memoryStorage());
}

function overMemory(inner: Storage, more: () => unknown = () => ""): OpenedStorage {
  const storage = watched(inner);
  return { storage, seen: async () => JSON.stringify([storage.calls, more()]), close: async () => {} };
}

async function overEncryption(): Promise<OpenedStorage> {
  const below = watched();
  return overMemory(encrypted(below, [randomBytes(32)]), () => below.calls);
}

async function overObservation(): Promise<OpenedStorage> {
  const told: unknown[] = [];
  return overMemory(
    observed(
      memoryStorage(),
      (call) => void told.push({ ...call, error: String((call as { error?: unknown }).error) }),
    ),
    () => told,
  );
}

/** MONITOR and the slow log write down every command. */
async function redis(): Promise<OpenedStorage> {
  const { host, port } = await service("redis");
  const wire = await Wire.to(host, port);
  const [client, operator, monitor] = await Promise.all(
    [wire.port, port, port].map((one) =>
      createClient({ url: `redis://127.0.0.1:${one}` })
        .on("error", () => {})
        .connect(),
    ),
  );
  await operator!.configSet("slowlog-log-slower-than", "0");
  const lines: string[] = [];
  await monitor!.monitor((line) => void lines.push(String(line)));
  const held = async (): Promise<unknown[]> => {
    const keys = await operator!.keys("*");
    return [
      keys,
      await Promise.all(keys.map((key) => operator!.sendCommand(["DUMP", key]))),
      await operator!.sendCommand(["SLOWLOG", "GET", "-1"]),
    ];
  };
  const close = async (): Promise<void> => {
    for (const one of [client, operator, monitor]) one!.destroy();
    await wire.close();
  };
  return {
    storage: redisStorage(client!),
    seen: async () => wire.text + lines.join("\n") + JSON.stringify(await held()),
    close,
  };
}

async function postgres(): Promise<OpenedStorage> {
  const { url, host, port } = await service("postgres");
  const wire = await Wire.to(host, port);
  const pool = new pg.Pool({ connectionString: url.replace(`${host}:${port}`, `127.0.0.1:${wire.port}`), max: 4 });
  const table = fresh();
  const storage = postgresStorage(pool, { table });
  await storage.ensureSchema();
  const close = async (): Promise<void> => {
    await pool.query(`DROP TABLE ${table}`);
    await pool.end();
    await wire.close();
  };
  const seen = async (): Promise<string> =>
    wire.text +
    JSON.stringify([
      (await pool.query(`SELECT * FROM ${table}`)).rows,
      (await pool.query("SELECT query FROM pg_stat_activity")).rows,
    ]);
  return { storage, seen, close };
}

/** The general log writes down every statement, with what stood in the place of its question marks. */
async function mariadb(): Promise<OpenedStorage> {
  const { url, host, port } = await service("mariadb");
  const wire = await Wire.to(host, port);
  const pool = mysql.createPool({
    uri: url.replace(`${host}:${port}`, `127.0.0.1:${wire.port}`),
    connectionLimit: 4,
  });
  const table = fresh();
  await pool.query("SET GLOBAL log_output = 'TABLE', GLOBAL general_log = ON");
  const storage = mysqlStorage(pool, { table });
  await storage.ensureSchema();
  const close = async (): Promise<void> => {
    await pool.query("SET GLOBAL general_log = OFF");
    await pool.query(`DROP TABLE ${table}`);
    await pool.end();
    await wire.close();
  };
  const seen = async (): Promise<string> =>
    wire.text +
    JSON.stringify([
      await pool.query(`SELECT * FROM ${table}`),
      await pool.query("SELECT CONVERT(argument USING utf8mb4) AS said FROM mysql.general_log"),
    ]);
  return { storage, seen, close };
}

/** A file is all there is: the database, its write-ahead log, and what was deleted and not yet overwritten. */
async function sqlite(): Promise<OpenedStorage> {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-attacks-"));
  const { database, close } = await openSqlite("libsql", join(directory, "sessions.db"));
  const storage = sqliteStorage(database);
  await storage.ensureSchema();
  const end = async (): Promise<void> => {
    close();
    rmSync(directory, { recursive: true, force: true });
  };
  return { storage, seen: async () => filesOf(directory), close: end };
}

async function memcached(): Promise<OpenedStorage> {
  const { host, port } = await service("memcached");
  const wire = await Wire.to(host, port);
  const client = new MemcacheClient({ server: `127.0.0.1:${wire.port}` });
  const close = async (): Promise<void> => {
    client.shutdown();
    await wire.close();
  };
  return { storage: memcachedStorage(client), seen: async () => wire.text, close };
}

async function mongodb(): Promise<OpenedStorage> {
  const { host, port, url } = await service("mongodb");
  const wire = await Wire.to(host, port);
  const { collection, close } = await connectMongodb({
    url: url.replace(`${host}:${port}`, `127.0.0.1:${wire.port}`),
  });
  const seen = async (): Promise<string> => wire.text + JSON.stringify(await collection.find({}).toArray());
  const end = async (): Promise<void> => {
    await close();
    await wire.close();
  };
  return { storage: mongodbStorage(collection as never), seen, close: end };
}

async function dynamodb(): Promise<OpenedStorage> {
  const { host, port, url } = await service("dynamodb");
  const wire = await Wire.to(host, port);
  const { client, table, close } = await connectDynamodb({
    url: url.replace(`${host}:${port}`, `127.0.0.1:${wire.port}`),
  });
  const end = async (): Promise<void> => {
    close();
    await wire.close();
  };
  return { storage: dynamodbStorage(client as DynamodbClient, { table }), seen: async () => wire.text, close: end };
}

/** REST before Redis: the wire is that of HTTP. */
async function upstash(): Promise<OpenedStorage> {
  const redisService = await service("redis");
  const { host, port, url } = redisService;
  const wire = await Wire.to(host, port);
  const { redis: client, close } = await connectUpstash({
    ...redisService,
    url: url.replace(`${host}:${port}`, `127.0.0.1:${wire.port}`),
  });
  const end = async (): Promise<void> => {
    close();
    await wire.close();
  };
  return { storage: upstashStorage(client), seen: async () => wire.text, close: end };
}

/** D1 in workerd: what is sent to it, and its rows. */
async function cloudflare(): Promise<OpenedStorage> {
  const { url, close } = await startBindings();
  const lines: string[] = [];
  const storage = bindingStorage(url, "D1", (_isolate, text) => void lines.push(text));
  const seen = async (): Promise<string> => JSON.stringify([lines, await ask(url, "/d1/rows", [])]);
  return { storage, seen, close };
}

/** Deno KV in a process of Deno: what that is told and tells, and its files. */
async function denoKv(): Promise<OpenedStorage> {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-attacks-"));
  const lines: string[] = [];
  const { storage, close } = await openPiped("deno-kv", join(directory, "sessions.kv"), {}, (line) =>
    lines.push(line),
  );
  const end = async (): Promise<void> => {
    await close();
    rmSync(directory, { recursive: true, force: true });
  };
  return { storage, seen: async () => lines.join("\n") + filesOf(directory), close: end };
}

function filesOf(directory: string): string {
  return readdirSync(directory)
    .map((name) => readFileSync(join(directory, name), "latin1"))
    .join("\n");
}

let tables = 0;
const fresh = (): string => `attacks_${process.pid}_${++tables}`;

/** The wire to a server, and every byte that went over it in either direction. */
class Wire {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #chunks: Buffer[] = [];

  static async to(host: string, port: number): Promise<Wire> {
    const wire = new Wire(host, port);
    await new Promise<void>((resolve) => wire.#server.listen(0, "127.0.0.1", resolve));
    return wire;
  }

  private constructor(host: string, port: number) {
    this.#server = createServer((client) => {
      const server = connect(port, host);
      for (const [from, to] of [
        [client, server],
        [server, client],
      ] as const) {
        this.#sockets.add(from.setNoDelay(true));
        from
          .on("data", (chunk: Buffer) => void this.#chunks.push(chunk))
          .on("error", () => to.destroy())
          .on("close", () => to.destroy());
        from.pipe(to);
      }
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString("latin1");
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

import type { Storage } from "holdfast";
import { memoryStorage } from "holdfast/storage/memory";
import { mysqlStorage } from "holdfast/storage/mysql";
import { postgresStorage, type SqlStorage } from "holdfast/storage/postgres";
import { redisStorage } from "holdfast/storage/redis";
import { sqliteStorage, type SqliteDatabase } from "holdfast/storage/sqlite";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

/** A storage that is ready, and what ends its client. */
export interface OpenedStorage {
  readonly storage: Storage;
  /** What a person calls it. */
  readonly name: string;
  close(): Promise<unknown>;
}

/** How long the first connection may take, in ms. */
const CONNECT_MS = 5000;

const OPENERS: Readonly<Record<string, (address: string) => Promise<OpenedStorage>>> = {
  "redis:": openRedis,
  "rediss:": openRedis,
  "postgres:": openPostgres,
  "postgresql:": openPostgres,
  "mysql:": openMysql,
  "sqlite:": openSqlite,
};

/** Opens the storage of an address; without one, this process's memory. */
export async function openStorage(address: string | undefined): Promise<OpenedStorage> {
  if (address === undefined) return { storage: memoryStorage(), name: "memory", close: async () => {} };
  const open = OPENERS[/^[a-z]+:/.exec(address)?.[0] ?? ""];
  if (!open) throw new TypeError(`--storage is ${shown(address)}; write redis://HOST:PORT, postgres://USER@HOST/DATABASE, mysql://USER@HOST/DATABASE or sqlite:FILE`);
  try {
    return await open(address);
  } catch (cause) {
    throw new Error(`${shown(address)}: ${reasonOf(cause)}`, { cause });
  }
}

/** Prints what is wrong with a database, or may be, before the first visitor finds out. */
export async function printFindings(storage: Storage, name: string): Promise<void> {
  const findings = (await storage.check?.({ now: Date.now(), signal: AbortSignal.timeout(CONNECT_MS) })) ?? [];
  for (const { level, what, advice } of findings) {
    if (level !== "ok") console.warn(`${name}, ${level}: ${what}; ${advice}`);
  }
}

/** The client answers at once that there is no connection: a request waits for none, and nothing is sent late. */
async function openRedis(url: string): Promise<OpenedStorage> {
  const { createClient } = await clientPackage("redis", () => import("redis"));
  let wasReady = false;
  const reconnectStrategy = (tries: number, cause: Error): number | Error => (wasReady ? Math.min(50 * 2 ** tries, 1000) : cause);
  const client = createClient({ url, disableOfflineQueue: true, socket: { reconnectStrategy, connectTimeout: CONNECT_MS } });
  client.on("error", (error: unknown) => wasReady && console.error(`Redis: ${reasonOf(error)}`));
  await client.connect();
  wasReady = true;
  return { storage: redisStorage(client), name: "Redis", close: async () => (client.isReady ? client.close() : client.destroy()) };
}

async function openPostgres(connectionString: string): Promise<OpenedStorage> {
  const { default: pg } = await clientPackage("pg", () => import("pg"));
  const pool = new pg.Pool({ connectionString, connectionTimeoutMillis: CONNECT_MS });
  pool.on("error", (error) => console.error(`PostgreSQL: ${reasonOf(error)}`));
  return withTable("PostgreSQL", postgresStorage(pool), () => pool.end());
}

async function openMysql(uri: string): Promise<OpenedStorage> {
  const { createPool } = await clientPackage("mysql2", () => import("mysql2/promise"));
  const pool = createPool({ uri, connectTimeout: CONNECT_MS });
  return withTable("MySQL", mysqlStorage(pool), () => pool.end());
}

async function openSqlite(address: string): Promise<OpenedStorage> {
  const file = address.slice("sqlite:".length);
  if (file === "") throw new TypeError("write sqlite:FILE");
  const builtin = process.getBuiltinModule("node:sqlite" as string) as NodeSqlite | undefined;
  return builtin ? throughNode(builtin, resolve(file)) : throughLibsql(pathToFileURL(file).href);
}

/** What is used of `node:sqlite`, which Node has from 22 on. */
interface NodeSqlite {
  readonly DatabaseSync: new (file: string) => SqliteDatabase & { close(): void };
}

async function throughNode({ DatabaseSync }: NodeSqlite, file: string): Promise<OpenedStorage> {
  const database = new DatabaseSync(file);
  return withTable("SQLite", sqliteStorage(database), async () => database.close());
}

async function throughLibsql(url: string): Promise<OpenedStorage> {
  const { createClient } = await clientPackage("@libsql/client", () => import("@libsql/client"));
  const client = createClient({ url });
  return withTable("SQLite", sqliteStorage(client), async () => client.close());
}

/** Sees to the table, and to the sweeping of what expired. */
async function withTable(name: string, storage: SqlStorage, end: () => Promise<unknown>): Promise<OpenedStorage> {
  try {
    await storage.ensureSchema();
  } catch (error) {
    await end();
    throw error;
  }
  storage.startSweep({ onError: (error) => console.error(`${name}: ${reasonOf(error)}`) });
  const close = (): Promise<unknown> => {
    storage.close();
    return end();
  };
  return { storage, name, close };
}

/** Clients are not dependencies of the library: whoever uses one installs it. */
async function clientPackage<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    if (Object(cause).code !== "ERR_MODULE_NOT_FOUND") throw cause;
    throw new Error(`its client is not installed; run: npm install ${name}`, { cause });
  }
}

/** An address without what may be secret in it. */
function shown(address: string): string {
  return JSON.stringify(address.replace(/\/\/.*@/, "//…@").replace(/\?.*/, ""));
}

/** A failure to connect to a name with several addresses has no message of its own. */
function reasonOf(error: unknown): string {
  const { message, errors } = Object(error) as { message?: string; errors?: unknown[] };
  return message || (errors ? reasonOf(errors[0]) : String(error));
}

/** The databases of a soak: how they are started, and how a server process opens them. */
import { rmSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import type { Storage } from "holdfast";
import { postgresStorage } from "holdfast/storage/postgres";
import { redisStorage } from "holdfast/storage/redis";
import { sqliteStorage } from "holdfast/storage/sqlite";
import { openSqlite } from "../../support/sqlite-clients.js";

/** Where a server process finds its database. */
export type Address =
  | { readonly kind: "redis" | "postgres"; readonly port: number }
  | { readonly kind: "sqlite"; readonly directory: string };
export type DatabaseKind = Address["kind"];

/** A database of its own. Nothing runs before `start`. */
export interface Database {
  readonly address: Address;
  /** Starts it, also after it was killed, on the same data. */
  start(): Promise<unknown>;
  /** Ends it as a failure would; not there where the database is a file. */
  kill?(): Promise<void>;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

interface ServiceProcess {
  readonly port: number;
  start(): Promise<unknown>;
  kill(): Promise<void>;
  stop(): Promise<void>;
}

interface Lib {
  program(name: string, options: { apt: string }): string;
  temporaryDirectory(name: string): string;
}

interface RedisServer {
  redisServer(name: string, command: string, options: { args: string[] }): Promise<ServiceProcess>;
}

interface PostgresServer {
  postgresServer(options: { args: string[] }): Promise<ServiceProcess>;
}

/** Makes the database ready to be started; throws a `MissingProgram` where this machine lacks it. */
export const DATABASES: Readonly<Record<DatabaseKind, () => Promise<Database>>> = {
  async redis() {
    const { program } = await services<Lib>("lib");
    const { redisServer } = await services<RedisServer>("redis-server");
    const server = await redisServer("redis", program("redis-server", { apt: "redis-server" }), {
      args: ["--appendonly", "yes", "--appendfsync", "always"],
    });
    return { ...ways(server), address: { kind: "redis", port: server.port } };
  },
  async postgres() {
    const { postgresServer } = await services<PostgresServer>("postgres");
    const server = await postgresServer({ args: ["-c", "fsync=on"] });
    const address: Address = { kind: "postgres", port: server.port };
    let isMade = false;
    const start = async (): Promise<void> => {
      await server.start();
      if (!isMade) await makeTable(server.port);
      isMade = true;
    };
    return { ...ways(server), address, start };
  },
  async sqlite() {
    const { temporaryDirectory } = await services<Lib>("lib");
    const directory = temporaryDirectory("soak");
    return {
      address: { kind: "sqlite", directory },
      start: () => makeFile(directory),
      stop: async () => rmSync(directory, REMOVAL),
    };
  },
};

/** Who is about to end may still write. */
export const REMOVAL = { recursive: true, force: true, maxRetries: 10 } as const;

function services<T>(name: string): Promise<T> {
  return import(new URL(`../../../scripts/services/${name}.mjs`, import.meta.url).href) as Promise<T>;
}

function ways(server: ServiceProcess): Pick<Database, "start" | "stop"> & Required<Pick<Database, "kill">> {
  return { start: () => server.start(), kill: () => server.kill(), stop: () => server.stop() };
}

async function makeTable(port: number): Promise<void> {
  const { default: pg } = await import("pg");
  const client = new pg.Client(account(port));
  client.on("error", ignore);
  await client.connect();
  try {
    await postgresStorage(client).ensureSchema();
  } finally {
    await client.end();
  }
}

async function makeFile(directory: string): Promise<void> {
  const { database, run, close } = await openSqlite("libsql", fileIn(directory));
  try {
    await run("PRAGMA journal_mode = WAL");
    await sqliteStorage(database).ensureSchema();
  } finally {
    close();
  }
}

/**
 * Opens the database as one process of an application does. It may be down: then calls fail until it is there. `nth`
 * chooses among the clients; the others are not loaded.
 */
export async function openStorage(address: Address, nth: number): Promise<Storage> {
  const isEven = nth % 2 === 0;
  switch (address.kind) {
    case "redis":
      return isEven ? throughNodeRedis(address.port) : throughIoRedis(address.port);
    case "postgres":
      return isEven ? throughPg(address.port) : throughPostgresJs(address.port);
    case "sqlite": {
      const client = isEven || !isBuiltin("node:sqlite") ? "libsql" : "node:sqlite";
      return sqliteStorage((await openSqlite(client, fileIn(address.directory))).database);
    }
  }
}

const host = "127.0.0.1";
const POOL = 4;
const CONNECT_MS = 1000;
const fileIn = (directory: string): string => join(directory, "sessions.db");
const account = (port: number) => ({ host, port, user: "postgres", database: "postgres" });
/** That a connection failed shows in answers; without a listener the process would end. */
const ignore = (): void => {};

async function throughNodeRedis(port: number): Promise<Storage> {
  const { createClient } = await import("redis");
  const client = createClient({ socket: { host, port } });
  client.on("error", ignore);
  client.connect().catch(ignore);
  return redisStorage(client);
}

async function throughIoRedis(port: number): Promise<Storage> {
  const { Redis } = await import("ioredis");
  const client = new Redis({ host, port });
  client.on("error", ignore);
  return redisStorage(client);
}

async function throughPg(port: number): Promise<Storage> {
  const { default: pg } = await import("pg");
  const pool = new pg.Pool({ ...account(port), max: POOL, connectionTimeoutMillis: CONNECT_MS });
  pool.on("error", ignore);
  return postgresStorage(pool);
}

/**
 * Asking for types, which nobody needs here, is what 3.4.9 ends the process with where a connection breaks right
 * after it was made.
 */
async function throughPostgresJs(port: number): Promise<Storage> {
  const { default: postgres } = await import("postgres");
  return postgresStorage(
    postgres({
      ...account(port),
      max: POOL,
      connect_timeout: CONNECT_MS / 1000,
      fetch_types: false,
      onnotice: ignore,
    }),
  );
}

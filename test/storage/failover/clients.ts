import type { EventEmitter } from "node:events";
import { Cluster, Redis } from "ioredis";
import { createPool, type Pool } from "mysql2/promise";
import pg from "pg";
import postgres from "postgres";
import { createClient, createCluster, createSentinel } from "redis";
import type { Storage } from "holdfast";
import { mysqlStorage } from "holdfast/storage/mysql";
import { postgresStorage } from "holdfast/storage/postgres";
import { redisStorage } from "holdfast/storage/redis";

/** A client that is connected, and the storage over it. */
export interface Opened {
  readonly storage: Storage;
  /** Where the client tells of its events, if it does. */
  readonly emitter?: EventEmitter;
  /** Whether it keeps commands while there is no connection, and sends them later. */
  readonly keepsCommands?: boolean;
  close(): unknown;
  /** How many connections of a pool are in use, and how many callers wait for one. */
  busy?(): readonly number[];
}

/** Opens a client at a port of this machine, as an application does: with the options it has by default. */
export type Open = (port: number) => Promise<Opened>;

const host = "127.0.0.1";
/** That a connection failed shows in answers; without a listener the process would end. */
const ignore = (): void => {};

export const REDIS_CLIENTS: Readonly<Record<string, Open>> = {
  async "node-redis"(port) {
    const client = createClient({ socket: { host, port } });
    client.on("error", ignore);
    await client.connect();
    // Its `close` waits for commands that are still to be sent, also if the connection is gone for good: after a failed
    // test it would never return.
    return { storage: redisStorage(client), emitter: client, keepsCommands: true, close: () => client.destroy() };
  },
  async ioredis(port) {
    const client = new Redis({ host, port });
    client.on("error", ignore);
    return { storage: redisStorage(client), emitter: client, keepsCommands: true, close: () => client.disconnect() };
  },
};

/** Addresses of several servers that a client finds its way from, and what the sentinels call the primary. */
export interface Addresses {
  readonly addresses: readonly { readonly host: string; readonly port: number }[];
  readonly database: string;
}

export type OpenMany = (service: Addresses) => Promise<Opened>;

export const SENTINEL_CLIENTS: Readonly<Record<string, OpenMany>> = {
  async "node-redis"({ addresses, database }) {
    const client = createSentinel({ name: database, sentinelRootNodes: [...addresses] });
    client.on("error", ignore);
    await client.connect();
    return { storage: redisStorage(client), close: () => client.close() };
  },
  async ioredis({ addresses, database }) {
    const client = new Redis({ name: database, sentinels: [...addresses] });
    client.on("error", ignore);
    return { storage: redisStorage(client), close: () => client.disconnect() };
  },
};

export const CLUSTER_CLIENTS: Readonly<Record<string, OpenMany>> = {
  async "node-redis"({ addresses }) {
    const client = createCluster({
      rootNodes: addresses.map(({ host, port }) => ({ url: `redis://${host}:${port}` })),
    });
    client.on("error", ignore);
    await client.connect();
    return { storage: redisStorage(client), close: () => client.close() };
  },
  async ioredis({ addresses }) {
    const client = new Cluster([...addresses]);
    client.on("error", ignore);
    return { storage: redisStorage(client), close: () => client.disconnect() };
  },
};

/** More than the requests that a test sends at once. */
const POOL = 8;

export const POSTGRES_CLIENTS: Readonly<Record<string, Open>> = {
  async pg(port) {
    const pool = new pg.Pool({ host, port, user: "postgres", database: "postgres", max: POOL });
    pool.on("error", ignore);
    const storage = postgresStorage(pool);
    await storage.ensureSchema();
    return {
      storage,
      emitter: pool,
      close: () => pool.end(),
      busy: () => [pool.totalCount - pool.idleCount, pool.waitingCount],
    };
  },
  async postgres(port) {
    // Asking for types is what 3.4.9 ends the process with where a connection breaks right after it was made.
    const sql = postgres({
      host,
      port,
      user: "postgres",
      database: "postgres",
      max: POOL,
      fetch_types: false,
      // By default it waits up to 20 s after several attempts that failed. Shorter than the timeout of a statement.
      backoff: () => 0.1,
      onnotice: ignore,
    });
    const storage = postgresStorage(sql);
    await storage.ensureSchema();
    // Without a timeout it waits for ever once a connection was cut (3.4.9).
    return { storage, close: () => sql.end({ timeout: 1 }) };
  },
};

export const MYSQL_CLIENTS: Readonly<Record<string, Open>> = {
  async mysql2(port) {
    const pool = createPool({ host, port, user: "app", database: "holdfast", connectionLimit: POOL });
    const storage = mysqlStorage(pool);
    await storage.ensureSchema();
    return { storage, close: () => pool.end(), busy: () => busyOf(pool) };
  },
};

/** mysql2 tells nobody but its own tests. */
function busyOf({ pool }: Pool): readonly number[] {
  const { _allConnections, _freeConnections, _connectionQueue } = pool as unknown as Record<
    string,
    { readonly length: number }
  >;
  return [_allConnections!.length - _freeConnections!.length, _connectionQueue!.length];
}

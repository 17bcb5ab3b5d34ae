import { Cluster, Redis } from "ioredis";
import { Cluster as Cluster5, Redis as Redis5 } from "ioredis5";
import { Cluster as ValkeyCluster, Redis as Valkey } from "iovalkey";
import { createClient, createClientPool, createCluster, createSentinel } from "redis";
import type { RedisClient } from "holdfast/storage/redis";
import type { Service } from "./services.js";

/** A client that is connected, and how to end it. */
export interface Connected {
  readonly redis: RedisClient;
  close(): unknown;
}

export interface ClientCase {
  readonly server: "redis" | "valkey" | "redis-sentinel" | "redis-cluster";
  readonly client: string;
  connect(service: Service, options?: { readonly keyPrefix?: string }): Promise<Connected>;
}

/** Every kind of client that `redisStorage` takes. */
export const CLIENTS: readonly ClientCase[] = [
  ...(["redis", "valkey"] as const).flatMap((server): ClientCase[] => [
    { server, client: "redis", connect: ({ url }, options) => opened(createClient({ ...options, url })) },
    { server, client: "ioredis", connect: async ({ url }, options) => io(new Redis(url, { ...options })) },
    { server, client: "ioredis 5", connect: async ({ url }, options) => io(new Redis5(url, { ...options })) },
    { server, client: "iovalkey", connect: async ({ url }, options) => io(new Valkey(url, { ...options })) },
  ]),
  {
    server: "redis",
    client: "redis (pool)",
    connect: ({ url }, options) => opened(createClientPool({ ...options, url }, { acquireTimeout: 15_000 })),
  },
  {
    server: "redis-sentinel",
    client: "redis",
    connect: ({ addresses, database }, options) =>
      opened(createSentinel({ ...options, name: database, sentinelRootNodes: [...addresses], replicaPoolSize: 1 })),
  },
  {
    server: "redis-sentinel",
    client: "ioredis",
    connect: async ({ addresses, database }, options) =>
      io(new Redis({ ...options, name: database, sentinels: [...addresses] })),
  },
  {
    server: "redis-sentinel",
    client: "ioredis 5",
    connect: async ({ addresses, database }, options) =>
      io(new Redis5({ ...options, name: database, sentinels: [...addresses] })),
  },
  {
    server: "redis-sentinel",
    client: "iovalkey",
    connect: async ({ addresses, database }, options) =>
      io(new Valkey({ ...options, name: database, sentinels: [...addresses] })),
  },
  {
    server: "redis-cluster",
    client: "redis",
    connect: ({ addresses }, options) =>
      opened(
        createCluster({
          ...options,
          useReplicas: true,
          rootNodes: addresses.map(({ host, port }) => ({ url: `redis://${host}:${port}` })),
        }),
      ),
  },
  {
    server: "redis-cluster",
    client: "ioredis",
    connect: async ({ addresses }, options) => io(new Cluster([...addresses], { ...options })),
  },
  {
    server: "redis-cluster",
    client: "ioredis 5",
    connect: async ({ addresses }, options) => io(new Cluster5([...addresses], { ...options })),
  },
  {
    server: "redis-cluster",
    client: "iovalkey",
    connect: async ({ addresses }, options) => io(new ValkeyCluster([...addresses], { ...options })),
  },
];

interface Openable {
  connect(): Promise<unknown>;
  close(): unknown;
  on(event: "error", listener: () => void): unknown;
}

/** What tests do to the server shows in answers; node-redis and ioredis report it as events besides. */
async function opened(client: RedisClient & Openable): Promise<Connected> {
  client.on("error", () => {});
  await client.connect();
  return { redis: client, close: () => client.close() };
}

interface Disconnectable {
  disconnect(): void;
  on(event: "error", listener: () => void): unknown;
}

function io(client: RedisClient & Disconnectable): Connected {
  client.on("error", () => {});
  return { redis: client, close: () => client.disconnect() };
}

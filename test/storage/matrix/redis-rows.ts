/** Redis and Valkey: clients of `redis`, `ioredis` and `iovalkey` since 2023, configured as people do. */
import * as ioredis5 from "ioredis5";
import * as iovalkey from "iovalkey";
import { Redis } from "ioredis";
import { redisStorage, type RedisClient } from "holdfast/storage/redis";
import { foreign, foreignVersion } from "../../support/foreign-packages.js";
import type { Service } from "../../support/services.js";
import { host, ignore, type MatrixRow, type Opened } from "./row.js";
import { versionOf } from "./servers.js";

const PASSWORD = "matrix";

/** Whoever signs in with these has the rights that the page names, and no more. */
const LEAST = ["+get", "+set", "+evalsha", "+eval", "+getrange", "+setrange", "+pexpire", "+unlink", "+scan"];

async function withUser(server: Service): Promise<void> {
  const admin = new Redis(server.url);
  // The keys of the suite, of the stories and of clear's own cases are called as they like.
  await admin.call("ACL", "SETUSER", "matrix", "reset", "on", `>${PASSWORD}`, "allkeys", ...LEAST);
  admin.disconnect();
}

/** How a client is configured, for the two families; `only` names the clients that know it. */
interface Setting {
  readonly options: object;
  readonly prepare?: (server: Service) => Promise<void>;
  readonly server?: string;
  readonly only?: RegExp;
}

const USER = { options: { username: "matrix", password: PASSWORD }, prepare: withUser };

const NODE_SETTINGS: Readonly<Record<string, Setting>> = {
  "as it comes": { options: {} },
  "database 5": { options: { database: 5 } },
  "a user of the ACL with least rights": USER,
  "no offline queue": { options: { disableOfflineQueue: true } },
  "a ping every 50 ms": { options: { pingInterval: 50 } },
  "a short queue of commands": { options: { commandsQueueMaxLength: 1000 } },
  "no delay, keep-alive of 1 s": { options: { socket: { noDelay: false, keepAlive: 1000 } } },
  "read-only replicas allowed": { options: { readonly: false, name: "web" } },
  RESP2: { options: { RESP: 2 }, only: /^redis [56]/ },
  RESP3: { options: { RESP: 3 }, only: /^redis [56]/ },
  "a timeout for each command": { options: { commandOptions: { timeout: 5000 } }, only: /^redis [56]/ },
  "maintenance notices off": { options: { maintNotifications: "disabled" }, only: /^redis 6/ },
  "a key prefix": { options: { keyPrefix: "app:{1}*:" }, only: /^redis 6/ },
  TLS: { options: { socket: { tls: true, rejectUnauthorized: false } }, server: "redis with TLS" },
  "commands that are renamed, none of ours": { options: {}, server: "redis with renamed commands" },
};

const IO_SETTINGS: Readonly<Record<string, Setting>> = {
  "as it comes": { options: {} },
  "database 5": { options: { db: 5 } },
  "a user of the ACL with least rights": { options: { ...USER.options, enableReadyCheck: false }, prepare: withUser },
  "no offline queue": { options: { enableOfflineQueue: false } },
  "a key prefix": { options: { keyPrefix: "app:{1}*:" } },
  "a timeout for each command": { options: { commandTimeout: 5000 } },
  "numbers as strings": { options: { stringNumbers: true } },
  "automatic pipelining": { options: { enableAutoPipelining: true } },
  "errors with their stack": { options: { showFriendlyErrorStack: true } },
  "no retries, no ready check": { options: { maxRetriesPerRequest: null, enableReadyCheck: false } },
  "connects when it is asked": { options: { lazyConnect: true } },
  TLS: { options: { tls: { rejectUnauthorized: false } }, server: "redis with TLS" },
  "commands that are renamed, none of ours": { options: {}, server: "redis with renamed commands" },
};

const NODE_CLIENTS = ["redis4.6", "redis4", "redis5", "redis"];

const IO_CLIENTS: Readonly<Record<string, { readonly version: string; readonly load: () => any }>> = {
  "ioredis 4": { version: `ioredis ${foreignVersion("ioredis4")}`, load: () => foreign("ioredis4") },
  "ioredis 5.3": { version: `ioredis ${foreignVersion("ioredis5.3")}`, load: () => foreign("ioredis5.3").Redis },
  "ioredis 5.9": { version: `ioredis ${versionOf("ioredis5")}`, load: () => ioredis5.Redis },
  "ioredis 6": { version: `ioredis ${versionOf("ioredis")}`, load: () => Redis },
  "iovalkey 0.1": { version: `iovalkey ${foreignVersion("iovalkey0.1")}`, load: () => foreign("iovalkey0.1").Redis },
  "iovalkey 0.4": { version: `iovalkey ${versionOf("iovalkey")}`, load: () => iovalkey.Redis },
};

/** Of each family these are run by `npm test` too. */
const PARTS = new Set(["a user of the ACL with least rights"]);

export const REDIS_ROWS: readonly MatrixRow[] = [
  ...NODE_CLIENTS.flatMap((name) =>
    rowsOf(`redis ${foreignVersion(name)}`, NODE_SETTINGS, (server, options) =>
      openNode(foreign(name).createClient, server, options),
    ),
  ),
  ...NODE_CLIENTS.slice(2).flatMap((name) => poolRows(name)),
  ...Object.values(IO_CLIENTS).flatMap(({ version, load }) =>
    rowsOf(version, IO_SETTINGS, (server, options) => openIo(load(), server, options)),
  ),
  ...["redis", "ioredis", "ioredis5", "iovalkey"].map(onValkey),
  ...several(),
  {
    driver: "redis",
    client: `redis ${versionOf("redis")}`,
    configuration: "the server was told to know no EVALSHA",
    server: "redis without EVALSHA",
    bad: /does not know EVALSHA.*renamed/,
    open: (server) => openNode(foreign("redis").createClient, server, {}),
  },
  {
    driver: "redis",
    client: `ioredis ${versionOf("ioredis")}`,
    configuration: "a user who may not look into scripts' keys (no GETRANGE)",
    server: "redis",
    bad: /inside of a script is not allowed/,
    async open(server) {
      const admin = new Redis(server.url);
      await admin.call("ACL", "SETUSER", "half", "reset", "on", `>${PASSWORD}`, "allkeys", ...LEAST, "-getrange");
      admin.disconnect();
      return openIo(Redis, server, { username: "half", password: PASSWORD, enableReadyCheck: false });
    },
  },
];

type Open = (server: Service, options: object) => Promise<Opened>;

function rowsOf(client: string, settings: Readonly<Record<string, Setting>>, open: Open): MatrixRow[] {
  const known = Object.entries(settings).filter(([, { only }]) => only === undefined || only.test(client));
  return known.map(([configuration, { options, prepare, server = "redis" }]) => ({
    driver: "redis",
    client,
    configuration,
    server,
    isPart: PARTS.has(configuration) && /^(redis 4.6|redis 6|ioredis 4)/.test(client),
    async open(where) {
      await prepare?.(where);
      return open(where, options);
    },
  }));
}

/** Options may have a `socket`: the address goes there. */
async function openNode(create: (options: object) => any, { port }: Service, options: object): Promise<Opened> {
  const { socket } = options as { socket?: object };
  const client = create({ ...options, socket: { host, port, ...socket } });
  await client.on("error", ignore).connect();
  return {
    storage: redisStorage(client as RedisClient),
    close: () => (client.destroy ? client.destroy() : client.disconnect()),
  };
}

async function openIo(Client: any, { port }: Service, options: object): Promise<Opened> {
  const client = new Client({ host, port, ...options });
  client.on("error", ignore);
  if (client.status !== "ready") await (client.status === "wait" ? client.connect() : ready(client));
  return { storage: redisStorage(client as RedisClient), close: () => client.disconnect() };
}

function ready(client: { once(event: string, listener: () => void): unknown }): Promise<void> {
  return new Promise((resolve) => client.once("ready", resolve));
}

function poolRows(name: string): MatrixRow[] {
  const { createClientPool, RESP_TYPES } = foreign(name);
  const bytes = { [RESP_TYPES.BLOB_STRING]: Buffer, [RESP_TYPES.SIMPLE_STRING]: Buffer, [RESP_TYPES.NUMBER]: String };
  const row = (configuration: string, open: (server: Service) => Promise<Opened>): MatrixRow => ({
    driver: "redis",
    client: `redis ${foreignVersion(name)}`,
    configuration,
    server: "redis",
    open,
  });
  const pool = (most: number) => (server: Service) =>
    openNode(
      (options) => createClientPool(options, { minimum: 1, maximum: most, acquireTimeout: 15_000 }),
      server,
      {},
    );
  const typed = (server: Service): Promise<Opened> =>
    openNode(foreign(name).createClient, server, { commandOptions: { typeMapping: bytes } });
  return [
    row("a pool", pool(8)),
    row("a pool of one", pool(1)),
    row("everything as bytes, numbers as strings", typed),
  ];
}

function onValkey(name: string): MatrixRow {
  const client = `${name.replace(/\d$/, "")} ${versionOf(name)}`;
  const load: Readonly<Record<string, unknown>> = {
    ioredis: Redis,
    ioredis5: ioredis5.Redis,
    iovalkey: iovalkey.Redis,
  };
  return {
    driver: "redis",
    client,
    configuration: "as it comes",
    server: "valkey",
    open: (server) =>
      name === "redis" ? openNode(foreign("redis").createClient, server, {}) : openIo(load[name], server, {}),
  };
}

/** Clusters, and primaries that sentinels name. */
function several(): MatrixRow[] {
  const { createCluster, createSentinel } = foreign("redis");
  const row = (client: string, configuration: string, server: string, make: (where: Service) => any): MatrixRow => ({
    driver: "redis",
    client: `${client.replace(/5$/, "")} ${versionOf(client)}`,
    configuration,
    server,
    async open(where) {
      const made = make(where);
      await made.on("error", ignore).connect?.().catch(ignore);
      return { storage: redisStorage(made), close: () => (made.destroy ? made.destroy() : made.disconnect()) };
    },
  });
  const roots = ({ addresses }: Service): object[] =>
    addresses.map(({ host, port }) => ({ url: `redis://${host}:${port}` }));
  const io = { ioredis: { Cluster: Redis.Cluster, Redis }, ioredis5, iovalkey };
  return [
    row("redis", "a cluster", "redis-cluster", (where) => createCluster({ rootNodes: roots(where) })),
    row("redis", "a cluster, replicas in use", "redis-cluster", (where) =>
      createCluster({ rootNodes: roots(where), useReplicas: true }),
    ),
    row("redis", "what the sentinels name", "redis-sentinel", ({ addresses, database }) =>
      createSentinel({ name: database, sentinelRootNodes: [...addresses], replicaPoolSize: 1 }),
    ),
    ...Object.entries(io).flatMap(([name, { Cluster, Redis: Single }]: [string, any]) => [
      row(name, "a cluster", "redis-cluster", ({ addresses }) => new Cluster([...addresses], { lazyConnect: true })),
      row(
        name,
        "a cluster that pipelines by itself",
        "redis-cluster",
        ({ addresses }) => new Cluster([...addresses], { lazyConnect: true, enableAutoPipelining: true }),
      ),
      row(
        name,
        "what the sentinels name",
        "redis-sentinel",
        ({ addresses, database }) => new Single({ name: database, sentinels: [...addresses], lazyConnect: true }),
      ),
    ]),
  ];
}

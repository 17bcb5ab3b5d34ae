/** What may go wrong around Redis, brought about by its own means. */
import { Redis } from "ioredis";
import { Redis as Redis5 } from "ioredis5";
import { Redis as Valkey } from "iovalkey";
import { createClient, createClientPool, RESP_TYPES } from "redis";
import { redisStorage, type RedisClient } from "holdfast/storage/redis";
import type { StorageConditions, StorageUnderTest } from "holdfast/testing";
import { Proxy } from "../storage/failover/proxy.js";
import type { Service } from "./services.js";

/** A storage, and the client it was made with. */
export interface RedisUnderTest extends StorageUnderTest {
  /** Sends a command on the connection that the storage uses. */
  send(...command: string[]): Promise<unknown>;
}

interface Opened {
  readonly client: RedisClient;
  send(...command: string[]): Promise<unknown>;
  close(): unknown;
}

const ignore = (): void => {};

async function nodeRedis(port: number, options: Parameters<typeof createClient>[0] = {}): Promise<Opened> {
  const client = createClient({ ...options, socket: { port, host: "127.0.0.1", reconnectStrategy: 5 } } as object);
  await client.on("error", ignore).connect();
  return { client, send: (...command) => client.sendCommand(command), close: () => client.destroy() };
}

function io(Client: typeof Redis | typeof Redis5 | typeof Valkey) {
  return async (port: number, options: object = {}): Promise<Opened> => {
    const client = new (Client as typeof Redis)({ port, host: "127.0.0.1", retryStrategy: () => 5, ...options });
    client.on("error", ignore);
    return { client, send: (name, ...args) => client.call(name!, args), close: () => client.disconnect() };
  };
}

/** Each client of one connection. */
export const REDIS_OPENERS: Readonly<Record<string, (port: number) => Promise<Opened>>> = {
  redis: nodeRedis,
  ioredis: io(Redis),
  "ioredis 5": io(Redis5),
  iovalkey: io(Valkey),
  async "redis (pool)"(port) {
    const client = createClientPool(
      { socket: { port, host: "127.0.0.1", reconnectStrategy: 5 } },
      { minimum: 1, maximum: 1 },
    );
    await client.on("error", ignore).connect();
    return {
      client: client as RedisClient,
      send: (...command) => client.sendCommand(command),
      close: () => client.destroy(),
    };
  },
};

/** What clients may be told to make of replies, by the client it is told. */
const ROW_SETTINGS: Readonly<Record<string, Readonly<Record<string, (port: number) => Promise<Opened>>>>> = {
  redis: {
    RESP2: (port) => nodeRedis(port, { RESP: 2 }),
    RESP3: (port) => nodeRedis(port, { RESP: 3 }),
    "everything as bytes, numbers as strings": (port) =>
      nodeRedis(port, {
        commandOptions: {
          typeMapping: {
            [RESP_TYPES.BLOB_STRING]: Buffer,
            [RESP_TYPES.SIMPLE_STRING]: Buffer,
            [RESP_TYPES.NUMBER]: String,
          },
        },
      }),
    "a timeout for each command": (port) => nodeRedis(port, { commandOptions: { timeout: 5000 } }),
  },
  ioredis: {
    "numbers as strings": (port) => io(Redis)(port, { stringNumbers: true }),
    "automatic pipelining": (port) => io(Redis)(port, { enableAutoPipelining: true }),
    "a prefix": (port) => io(Redis)(port, { keyPrefix: "app:{1}:" }),
    "errors with their stack": (port) => io(Redis)(port, { showFriendlyErrorStack: true }),
  },
};

/** The storage of a client, at a server of its own behind a proxy, and what may go wrong there. */
export async function redisConditions(
  client: string,
  service: Service,
): Promise<{ make(): Promise<RedisUnderTest>; conditions: StorageConditions<RedisUnderTest>; close(): unknown }> {
  const open = REDIS_OPENERS[client]!;
  const proxy = await Proxy.before(service.port);
  const admin = new Redis(service.url);
  const make = async (): Promise<RedisUnderTest> => {
    const { client, send, close } = await open(proxy.port);
    return { storage: redisStorage(client), send, close: async () => void (await close()) };
  };
  const conditions: StorageConditions<RedisUnderTest> = {
    async readOnly() {
      await admin.config("SET", "min-replicas-to-write", "9");
      return () => admin.config("SET", "min-replicas-to-write", "0");
    },
    async refusedWrites() {
      await admin.call("ACL", "SETUSER", "default", "-getrange");
      return () => admin.call("ACL", "SETUSER", "default", "+getrange");
    },
    async foreignTransaction({ send }) {
      await send("MULTI");
      await send("SET", "the application's", "1");
      return () => send("DISCARD");
    },
    async latency(_under, ms) {
      proxy.slowDown(ms);
      return () => proxy.restore();
    },
    async cutConnections() {
      await proxy.close();
      await proxy.restore();
    },
    rowSettings: Object.fromEntries(
      Object.entries(ROW_SETTINGS[client] ?? {}).map(([name, make]) => [
        name,
        async () => {
          const { client, close } = await make(service.port);
          return { storage: redisStorage(client), close: async () => void (await close()) };
        },
      ]),
    ),
  };
  const close = async (): Promise<void> => {
    admin.disconnect();
    await proxy.close();
  };
  return { make, conditions, close };
}

/**
 * Records in Redis or Valkey: one server, Sentinel or Cluster, through the application's client.
 *
 * @module
 */
import type { Storage } from "../contracts/storage.js";
import { misuse, onlyKeys } from "../util/assert.js";
import { OTHER_STORAGE_OPTIONS } from "../util/other-names.js";
import { connection, type RedisClient } from "./redis-clients.js";
import { RedisStorage } from "./redis-storage.js";

export type {
  BunRedisClient,
  IoRedisClient,
  IoRedisCluster,
  NodeRedisClient,
  NodeRedisCluster,
  NodeRedisSentinel,
  RedisClient,
} from "./redis-clients.js";

/** Options of {@link redisStorage}. */
export interface RedisOptions {
  /**
   * Prepended to every key, after the client's own `keyPrefix`. Default: nothing; keys begin with the store's
   * `namespace` anyway.
   */
  prefix?: string;
}

/**
 * Stores records in Redis 7 or newer, or Valkey. It accepts clients of `redis`, `ioredis` and `iovalkey`: for a single
 * server, a cluster or sentinel; and the `RedisClient` of Bun. The application connects and closes the client.
 *
 * One string per key, `<version>.<deadline>.<value>`. A read is one `GET`; a change is one command or one script on
 * one key, so it is atomic on a cluster too. Reads go to the primary, whatever the settings of the client are.
 *
 * @param client - the client
 * @param options - `prefix`
 * @returns the storage
 * @throws {TypeError} if the client is not supported; the message says what to pass
 * @example
 * ```ts
 * const storage = redisStorage(await createClient({ url: "redis://localhost" }).connect());
 * ```
 */
export function redisStorage(client: RedisClient, options: RedisOptions = {}): Storage {
  const connected = connection(client);
  const { prefix = "" } = onlyKeys("redisStorage", options, ["prefix"], OTHER_STORAGE_OPTIONS);
  if (typeof prefix !== "string") throw misuse("prefix", prefix, '"app:"');
  return new RedisStorage(connected, prefix);
}

/**
 * Records in Redis or Valkey: one server, Sentinel or Cluster, through the client that the application has.
 *
 * @module
 */
import type { Storage } from "../contracts/storage.js";
import { misuse, onlyKeys } from "../util/assert.js";
import { connection, type RedisClient } from "./redis-clients.js";
import { RedisStorage } from "./redis-storage.js";

export type {
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
   * Put before every key, after the client's own `keyPrefix`. Default: nothing; keys begin with the store's
   * `namespace` anyway.
   */
  prefix?: string;
}

/**
 * Keeps records in Redis 7 or newer, or Valkey. Takes clients of `redis`, `ioredis` and `iovalkey`: single, cluster
 * and sentinel ones. The client stays the application's: it connects it and ends it.
 *
 * One string per key, `<version>.<deadline>.<value>`. Reads are one `GET`; changes are one command or one script
 * each, on one key, so that they are atomic on a cluster too. Reads are answered by the primary, whatever the client
 * does otherwise.
 */
export function redisStorage(client: RedisClient, options: RedisOptions = {}): Storage {
  const { prefix = "" } = onlyKeys("redisStorage", options, ["prefix"]);
  if (typeof prefix !== "string") throw misuse("prefix", prefix, '"app:"');
  return new RedisStorage(connection(client), prefix);
}

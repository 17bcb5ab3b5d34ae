/**
 * Records in Upstash Redis over REST, for platforms without persistent connections: Workers, Lambda, edge functions.
 *
 * @module
 */
import type { Storage, StorageCall, StorageFinding } from "../contracts/storage.js";
import { mistake, SessionError } from "../errors.js";
import { kindOf, misuse, onlyKeys } from "../util/assert.js";
import { OTHER_STORAGE_OPTIONS } from "../util/other-names.js";
import { clockFinding, warning } from "./findings.js";
import { has, refuseLookAlikes, type LookAlike } from "./look-alikes.js";
import type { Command, Connection, Send } from "./redis-clients.js";
import { RedisStorage, type RedisKind } from "./redis-storage.js";

/** The part of a client of `@upstash/redis` that is used. */
export interface UpstashClient {
  /** Missing before version 1.34.9; a script reads instead. */
  getex?(key: string): Promise<unknown>;
  set(key: string, value: string, options: { px: number; nx: true }): Promise<unknown>;
  evalsha(hash: string, keys: string[], args: string[]): Promise<unknown>;
  eval(script: string, keys: string[], args: string[]): Promise<unknown>;
  unlink(...keys: string[]): Promise<unknown>;
  scan(cursor: string, options: { match: string; count: number }): Promise<unknown>;
  time?(): Promise<unknown>;
}

/** Options of {@link upstashStorage}. */
export interface UpstashOptions {
  /** Prepended to every key. Default: nothing; keys begin with the store's `namespace` anyway. */
  prefix?: string;
}

/**
 * Stores records in Upstash Redis, through a client of `@upstash/redis` (or `@vercel/kv`). One string per key, with
 * the same format and scripts as `redisStorage`. A read is a `GETEX`: commands that can change a key go to the
 * primary, while a `GET` may go to a replica that has not received a logout yet.
 *
 * @param client - the application's client, with or without automatic pipelining and deserialization
 * @param options - `prefix`
 * @returns the storage
 * @throws {TypeError} if the client is not supported, or its `signal` is not a function
 * @example
 * ```ts
 * const storage = upstashStorage(Redis.fromEnv({ signal: () => AbortSignal.timeout(2000) }));
 * ```
 */
export function upstashStorage(client: UpstashClient, options: UpstashOptions = {}): Storage {
  const { prefix = "" } = onlyKeys("upstashStorage", options, ["prefix"], OTHER_STORAGE_OPTIONS);
  if (typeof prefix !== "string") throw misuse("prefix", prefix, '"app:"');
  refuseLookAlikes("upstashStorage", client, LOOK_ALIKES);
  const lacking = CALLS.filter((call) => !has(client, call));
  if (lacking.length > 0) {
    throw mistake(
      "wrong-client",
      `upstashStorage: ${kindOf(client)} lacks ${lacking.join(", ")}; write ` +
        "upstashStorage(Redis.fromEnv()), with the Redis of @upstash/redis",
    );
  }
  refuseFixedSignal(client);
  return new RedisStorage(connectionOf(client), prefix, UPSTASH);
}

const CALLS = ["set", "evalsha", "eval", "unlink", "scan"] as const;

const LOOK_ALIKES: readonly LookAlike[] = [
  {
    name: "a client of ioredis or iovalkey",
    matches: (client) => has(client, "call", "disconnect"),
    write: () => "redisStorage(redis), of holdfast/storage/redis",
  },
  {
    name: "a client of redis",
    matches: (client) => has(client, "sendCommand"),
    write: () => "redisStorage(client), of holdfast/storage/redis",
  },
  {
    name: "a pipeline or a multi() of @upstash/redis",
    matches: (client) => has(client, "exec", "length") && !has(client, "pipeline"),
    write: () => "upstashStorage(redis), the client itself",
  },
];

/**
 * After such a signal is aborted, the client resolves every command without a request: a read finds nothing, a write
 * seems to succeed.
 */
function refuseFixedSignal(client: object): void {
  const { client: http } = client as { readonly client?: { readonly options?: { readonly signal?: unknown } } };
  const signal = http?.options?.signal;
  if (signal === undefined || signal === null || typeof signal === "function") return;
  const write =
    "signal: () => AbortSignal.timeout(2000), a function: one signal for all commands would abort them all";
  throw misuse("signal of the client", signal, write);
}

/** Its scripts have no flags, and its configuration cannot be read. */
const UPSTASH: RedisKind = { read: "GETEX", flags: false, findings: upstashFindings };

function connectionOf(client: UpstashClient): Connection {
  const send: Send = (command) => run(client, command).catch(plainly);
  return {
    send: (_key, command) => send(command),
    primaries: async () => [send],
    advised: (error) => error,
    keyPrefix: "",
    prefixesItself: false,
  };
}

/** Scripts run on the primary as well. */
const READ = "return redis.call('GET',KEYS[1])";

/** Uses the methods of the client, so that automatic pipelining applies. */
async function run(client: UpstashClient, [name, ...args]: Command): Promise<unknown> {
  const [first = "", second = "", third = "", fourth = ""] = args;
  switch (name) {
    case "GETEX":
      return client.getex ? client.getex(first) : client.eval(READ, [first], []);
    case "SET":
      return client.set(first, second, { px: Number(fourth), nx: true });
    case "EVALSHA":
      return client.evalsha(first, [third], args.slice(3));
    case "EVAL":
      return client.eval(first, [third], args.slice(3));
    case "SCAN":
      return client.scan(first, { match: third, count: Number(args[4]) });
    case "UNLINK":
      return client.unlink(first);
    case "TIME":
      return client.time?.();
    default:
      throw new Error(`holdfast: upstashStorage does not run ${name}`);
  }
}

/**
 * The client adds the whole command, or the start of a response, to an error: a log would show the content of the
 * session. Only the server's message is kept.
 */
function plainly(error: unknown): never {
  const { name, message } = error as { readonly name?: unknown; readonly message?: unknown };
  if (name === "UpstashJSONParseError") throw new Error("the response is not JSON: it was not sent by Upstash");
  if (name !== "UpstashError" || typeof message !== "string") throw error;
  const said = message.replace(/^Command (\d+ \[ \w+ \] )?failed: /, "").replace(/, command was: [^]*/, "");
  if (said.startsWith("ERR max request size exceeded")) throw new SessionError("too-large", `Upstash: ${said}`);
  throw new Error(said);
}

async function upstashFindings([send]: readonly Send[], { now }: StorageCall): Promise<StorageFinding[]> {
  const time = (await send!(["TIME"])) as unknown[] | undefined;
  const eviction = warning(
    "the eviction setting of the database cannot be read over REST",
    "check in the console that Eviction is off",
  );
  return time ? [eviction, clockFinding(Number(time[0]) * 1000 + Number(time[1]) / 1000, now)] : [eviction];
}

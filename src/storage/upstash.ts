/**
 * Records in Upstash Redis over REST, where there are no connections to keep: Workers, Lambda, edge functions.
 *
 * @module
 */
import type { Storage, StorageCall, StorageFinding } from "../contracts/storage.js";
import { SessionError } from "../errors.js";
import { kindOf, misuse, onlyKeys } from "../util/assert.js";
import { clockFinding, warning } from "./findings.js";
import { has, refuseLookAlikes, type LookAlike } from "./look-alikes.js";
import type { Command, Connection, Send } from "./redis-clients.js";
import { RedisStorage, type RedisKind } from "./redis-storage.js";

/** A client of `@upstash/redis`, as far as it is used. */
export interface UpstashClient {
  getex(key: string): Promise<unknown>;
  set(key: string, value: string, options: { px: number; nx: true }): Promise<unknown>;
  evalsha(hash: string, keys: string[], args: string[]): Promise<unknown>;
  eval(script: string, keys: string[], args: string[]): Promise<unknown>;
  unlink(...keys: string[]): Promise<unknown>;
  scan(cursor: string, options: { match: string; count: number }): Promise<unknown>;
  time?(): Promise<unknown>;
}

/** Options of {@link upstashStorage}. */
export interface UpstashOptions {
  /** Put before every key. Default: nothing; keys begin with the store's `namespace` anyway. */
  prefix?: string;
}

/**
 * Keeps records in Upstash Redis, through a client of `@upstash/redis` (or `@vercel/kv`). One string per key, as
 * `redisStorage` has it, by the same scripts. Reads are a `GETEX`: a command that changes something is answered by
 * the primary, where a `GET` may be answered by a replica that has not heard of a logout yet.
 *
 * @param client - The application's client; with or without automatic pipelining and deserialization.
 * @param options - `prefix`.
 * @returns The storage.
 * @throws TypeError for what is no such client, and for a client whose `signal` is not a function.
 *
 * @example
 * const storage = upstashStorage(Redis.fromEnv({ signal: () => AbortSignal.timeout(2000) }));
 */
export function upstashStorage(client: UpstashClient, options: UpstashOptions = {}): Storage {
  const { prefix = "" } = onlyKeys("upstashStorage", options, ["prefix"]);
  if (typeof prefix !== "string") throw misuse("prefix", prefix, '"app:"');
  refuseLookAlikes("upstashStorage", client, LOOK_ALIKES);
  const lacking = CALLS.filter((call) => !has(client, call));
  if (lacking.length > 0) {
    throw new TypeError(
      `holdfast: upstashStorage: ${kindOf(client)} lacks ${lacking.join(", ")}; write ` +
        "upstashStorage(Redis.fromEnv()), with the Redis of @upstash/redis",
    );
  }
  refuseFixedSignal(client);
  return new RedisStorage(connectionOf(client), prefix, UPSTASH);
}

const CALLS = ["getex", "set", "evalsha", "eval", "unlink", "scan"] as const;

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
 * Once such a signal is aborted, the client answers every command by itself: a read finds nothing, a write is done.
 */
function refuseFixedSignal(client: object): void {
  const { client: http } = client as { readonly client?: { readonly options?: { readonly signal?: unknown } } };
  const signal = http?.options?.signal;
  if (signal === undefined || signal === null || typeof signal === "function") return;
  const write = "signal: () => AbortSignal.timeout(2000), a function: one signal for all commands ends them all";
  throw misuse("signal of the client", signal, write);
}

/** Its scripts take no flags, and it has no settings that could be asked for. */
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

/** Calls of its own, not commands: so they are pipelined where the client does that by itself. */
async function run(client: UpstashClient, [name, ...args]: Command): Promise<unknown> {
  const [first = "", second = "", third = "", fourth = ""] = args;
  switch (name) {
    case "GETEX":
      return client.getex(first);
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
 * The client puts the whole command into an error, or the beginning of an answer, and a log would show what the
 * session holds: what the server said is left of it.
 */
function plainly(error: unknown): never {
  const { name, message } = error as { readonly name?: unknown; readonly message?: unknown };
  if (name === "UpstashJSONParseError") throw new Error("the answer is no JSON: it is not Upstash that answered");
  if (name !== "UpstashError" || typeof message !== "string") throw error;
  const said = message.replace(/^Command (\d+ \[ \w+ \] )?failed: /, "").replace(/, command was: [^]*/, "");
  if (said.startsWith("ERR max request size exceeded")) throw new SessionError("too-large", `Upstash: ${said}`);
  throw new Error(said);
}

async function upstashFindings([send]: readonly Send[], { now }: StorageCall): Promise<StorageFinding[]> {
  const time = (await send!(["TIME"])) as unknown[] | undefined;
  const eviction = warning(
    "whether the database evicts sessions when it is full cannot be asked over REST",
    "see to it in the console that Eviction is off",
  );
  return time ? [eviction, clockFinding(Number(time[0]) * 1000 + Number(time[1]) / 1000, now)] : [eviction];
}

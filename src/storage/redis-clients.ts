import { mistake, SessionError } from "../errors.js";
import { kindOf, misuse } from "../util/assert.js";
import { has as hasCalls, isA, refuseLookAlikes, type LookAlike } from "./look-alikes.js";

/** The part of a client or pool of `redis` (node-redis) that is used. */
export interface NodeRedisClient {
  sendCommand(args: string[], options?: { timeout?: number }): Promise<unknown>;
  /** True if it is connected. */
  readonly isReady?: boolean;
}

/** The part of a cluster of `redis` (node-redis) that is used. */
export interface NodeRedisCluster {
  sendCommand(firstKey: string | undefined, isReadonly: boolean | undefined, args: string[]): Promise<unknown>;
  // oxlint-disable-next-line typescript/no-explicit-any -- elements of `masters` are passed back unchanged
  nodeClient(node: any): Promise<NodeRedisClient>;
  readonly masters: readonly unknown[];
}

/** The part of a sentinel client of `redis` (node-redis) that is used. */
export interface NodeRedisSentinel {
  sendCommand(isReadonly: boolean | undefined, args: string[]): Promise<unknown>;
  getSentinelNode(): unknown;
}

/** The part of a client of `ioredis` or `iovalkey`, for one server or sentinel, that is used. */
export interface IoRedisClient {
  call(command: string, args: string[]): Promise<unknown>;
}

/** The part of a cluster of `ioredis` or `iovalkey` that is used. */
export interface IoRedisCluster extends IoRedisClient {
  nodes(role: "master"): readonly IoRedisClient[];
  pipeline?(commands: unknown[][]): { exec(): Promise<[error: Error | null, reply?: unknown][] | null> };
}

/** The part of a `RedisClient` of Bun, such as `Bun.redis`, that is used. */
export interface BunRedisClient {
  send(command: string, args: string[]): Promise<unknown>;
  connect(): Promise<unknown>;
  readonly connected: boolean;
}

/** A client accepted by {@link redisStorage}; its kind is recognised by its methods. */
export type RedisClient =
  | NodeRedisClient
  | NodeRedisCluster
  | NodeRedisSentinel
  | IoRedisClient
  | IoRedisCluster
  | BunRedisClient;

export type Command = [name: string, ...args: string[]];
export type Send = (command: Command) => Promise<unknown>;

/** One interface for all clients. */
export interface Connection {
  /** Runs a command on the primary that has the key. */
  send(key: string, command: Command): Promise<unknown>;
  /** One function for each primary. */
  primaries(): Promise<readonly Send[]>;
  /** Returns the error, or one with advice if the client is closed or was never connected. */
  advised(error: unknown): unknown;
  /** The prefix that the client is configured with, and whether it adds the prefix itself. */
  readonly keyPrefix: string;
  readonly prefixesItself: boolean;
}

/**
 * Recognises clients by their methods: ioredis has `call`; of node-redis a cluster has `nodeClient`, a sentinel client
 * `getSentinelNode`.
 */
export function connection(client: RedisClient): Connection {
  refuseLookAlikes("redisStorage", client, LOOK_ALIKES);
  return { ...connectionOf(client), advised: (error) => (isClosed(client) ? closed(error) : error) };
}

/** True if the client was never connected or was closed: this is not an outage, which ends without intervention. */
function isClosed(client: RedisClient): boolean {
  const { isOpen, status } = client as { readonly isOpen?: boolean; readonly status?: string };
  return isOpen === false || status === "wait" || status === "end";
}

function closed(cause: unknown): SessionError {
  const advice = "write `await client.connect()` before the first request, and close it after the last";
  return new SessionError("storage", `the client is closed, or was never connected; ${advice}`, { cause });
}

type Made = Omit<Connection, "advised">;

function connectionOf(client: RedisClient): Made {
  if (has(client, "call"))
    return has(client, "nodes") ? ioCluster(client as IoRedisCluster) : ioSingle(client as IoRedisClient);
  if (hasCalls(client, "send", "connect", "getBuffer")) return bunSingle(client as BunRedisClient);
  if (!has(client, "sendCommand")) {
    throw mistake(
      "wrong-client",
      `redisStorage: ${kindOf(client)} has neither sendCommand (clients of redis) nor call (clients ` +
        "of ioredis and iovalkey); write redisStorage(createClient(…)) or redisStorage(new Redis(…))",
    );
  }
  if (has(client, "nodeClient")) return nodeCluster(client as NodeRedisCluster);
  return has(client, "getSentinelNode")
    ? nodeSentinel(client as NodeRedisSentinel)
    : nodeSingle(client as NodeRedisClient);
}

const LOOK_ALIKES: readonly LookAlike[] = [
  {
    name: "a client of @upstash/redis",
    matches: (client) => hasCalls(client, "getex", "evalsha") && "readYourWritesSyncToken" in client,
    write: () => "upstashStorage(redis), of holdfast/storage/upstash",
  },
  {
    name: "a pipeline or a multi() of ioredis",
    matches: (client) => client.isPipeline === true || isA(client, "Pipeline"),
    write: () => "redisStorage(redis), the client itself",
  },
  {
    name: "a client of redis 3 or older",
    matches: (client) => hasCalls(client, "send_command") && !hasCalls(client, "call"),
    write: () => "redisStorage(createClient(…)) of redis 4 or newer, or of ioredis",
  },
  {
    name: "a multi() of redis",
    matches: (client) => hasCalls(client, "exec") && !hasCalls(client, "connect") && !hasCalls(client, "call"),
    write: () => "redisStorage(client), the client itself",
  },
  {
    name: "client.legacy()",
    matches: (client) => isA(client, "RedisLegacyClient"),
    write: () => "redisStorage(client), the client itself",
  },
  {
    name: "a client in legacy mode",
    matches: (client) => client.options?.legacyMode === true && hasCalls(client.v4, "sendCommand"),
    write: () => "redisStorage(client.v4)",
  },
];

/** True for an instance with a method of this name, false for a class. */
function has(client: unknown, call: string): boolean {
  return (
    typeof client === "object" && client !== null && typeof (client as Record<string, unknown>)[call] === "function"
  );
}

function nodeSingle(client: NodeRedisClient): Made {
  const send = nodeSend(client);
  return { send: (_key, command) => send(command), primaries: async () => [send], ...nodePrefix(client) };
}

/**
 * The client's own timeout applies to commands that wait to be written, and needs an `AbortSignal` each: a tenth of
 * the cost of a request. A connected client writes the command before the timeout, and the store has a timeout of its
 * storage calls.
 */
function nodeSend(client: NodeRedisClient): Send {
  const { commandOptions } =
    (client as { readonly options?: { readonly commandOptions?: { readonly timeout?: number } } }).options ?? {};
  if (commandOptions?.timeout !== undefined) return (command) => client.sendCommand(command);
  return (command) => (client.isReady ? client.sendCommand(command, NO_TIMEOUT) : client.sendCommand(command));
}

/**
 * A client of Bun gives up after `maxRetries` attempts to connect again, within a minute by default, and then rejects
 * every command until `connect()` is called, also when the server is back. So a command waits for `connect()` if there
 * is no connection. It is not sent a second time: a command that was in progress may have taken effect.
 */
function bunSingle(client: BunRedisClient): Made {
  const send: Send = async ([name, ...args]) => {
    if (!client.connected) await client.connect();
    return client.send(name, args);
  };
  return {
    send: (_key, command) => send(command),
    primaries: async () => [send],
    keyPrefix: "",
    prefixesItself: false,
  };
}

const NO_TIMEOUT = Object.freeze({ timeout: 0 });

function nodeSentinel(client: NodeRedisSentinel): Made {
  const send: Send = (command) => client.sendCommand(false, command);
  return { send: (_key, command) => send(command), primaries: async () => [send], ...nodePrefix(client) };
}

function nodeCluster(client: NodeRedisCluster): Made {
  const send: Connection["send"] = (key, command) => client.sendCommand(key, false, command);
  const primaries = async (): Promise<Send[]> => {
    const clients = await Promise.all(
      (await known(() => client.masters, send)).map((node) => client.nodeClient(node)),
    );
    return clients.map((node) => (command) => node.sendCommand(command));
  };
  return { send, primaries, ...nodePrefix(client) };
}

function ioSingle(client: IoRedisClient): Made {
  const send = ioSend(client);
  return { send: (_key, command) => send(command), primaries: async () => [send], ...ioPrefix(client) };
}

function ioCluster(client: IoRedisCluster): Made {
  const { scaleReads = "master" } = optionsOf(client);
  if (scaleReads !== "master")
    throw misuse(
      "scaleReads of the client",
      scaleReads,
      '"master": a replica may return data that is older than a logout',
    );
  const send =
    optionsOf(client).enableAutoPipelining === true && has(client, "pipeline")
      ? ioSendPipelined(client)
      : ioSend(client);
  const primaries = async (): Promise<Send[]> =>
    (
      await known(
        () => client.nodes("master"),
        (_key, command) => send(command),
      )
    ).map(ioSend);
  return { send: (_key, command) => send(command), primaries, ...ioPrefix(client) };
}

function ioSend(client: IoRedisClient): Send {
  const { enableAutoPipelining, dropBufferSupport } = optionsOf(client);
  // ioredis 4, which has this option, loses the arguments of commands that it pipelines automatically.
  if (enableAutoPipelining === true && dropBufferSupport !== undefined)
    return ioSendPipelined(client as IoRedisCluster);
  return ([name, ...args]) => client.call(name.toLowerCase(), args).catch(withoutArguments);
}

/**
 * With automatic pipelining, a cluster client groups commands by their first argument, which for a script is not a
 * key: most of several overlapping commands then fail. A pipeline of one command is sent to the server of its keys.
 */
function ioSendPipelined(client: Pick<IoRedisCluster, "pipeline">): Send {
  return async ([name, ...args]) => {
    const [first] = (await client.pipeline!([[name.toLowerCase(), ...args]]).exec()) ?? [];
    const [error, reply] = first ?? [new Error("the pipeline was not run")];
    return error ? withoutArguments(error) : reply;
  };
}

/** ioredis adds the command and its arguments to errors: a log would show the content of the session. */
function withoutArguments(error: unknown): never {
  const { command } = (error ?? {}) as { command?: { name?: unknown } };
  if (typeof command === "object" && command !== null)
    (error as { command: unknown }).command = { name: command.name };
  throw error;
}

/** Returns the primaries of a cluster; if the client does not know them yet, any command makes it load them. */
async function known<N>(nodes: () => readonly N[], send: Connection["send"]): Promise<readonly N[]> {
  if (nodes().length === 0) await send("holdfast", ["GET", "holdfast"]);
  if (nodes().length === 0) throw new Error("the cluster client knows no primary");
  return nodes();
}

type Prefix = Pick<Connection, "keyPrefix" | "prefixesItself">;

/** node-redis does not add its prefix to plain commands, so it is added here. */
function nodePrefix(client: object): Prefix {
  const { _keyPrefix } = client as { readonly _keyPrefix?: unknown };
  return { keyPrefix: checkedPrefix(_keyPrefix), prefixesItself: false };
}

function ioPrefix(client: object): Prefix {
  return { keyPrefix: checkedPrefix(optionsOf(client).keyPrefix), prefixesItself: true };
}

interface IoRedisOptions {
  readonly keyPrefix?: unknown;
  readonly scaleReads?: unknown;
  readonly enableAutoPipelining?: unknown;
  readonly dropBufferSupport?: unknown;
}

function optionsOf(client: object): IoRedisOptions {
  return (client as { readonly options?: IoRedisOptions }).options ?? {};
}

function checkedPrefix(prefix: unknown): string {
  if (prefix == null) return "";
  if (typeof prefix !== "string") throw misuse("keyPrefix of the client", prefix, "a string");
  return prefix;
}

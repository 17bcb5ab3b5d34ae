/**
 * Records in Redis or Valkey: one server, Sentinel or Cluster, through the client that the application has.
 *
 * @module
 */
import { CLOCK_SKEW_MS, type Storage, type StorageCall, type StorageEntry, type StoredEntry, type Version, type Written } from "../contracts/storage.js";
import { kindOf, misuse, onlyKeys } from "../leaves/assert.js";
import { sha1 } from "../leaves/hash.js";
import { drawVersion, insideTransaction } from "./kit.js";
import { has as hasCalls, isA, refuseLookAlikes, type LookAlike } from "./look-alikes.js";

/** A client or pool of `redis` (node-redis), as far as it is used. */
export interface NodeRedisClient {
  sendCommand(args: string[], options?: { timeout?: number }): Promise<unknown>;
  /** Whether it is connected. */
  readonly isReady?: boolean;
}

/** A cluster of `redis` (node-redis), as far as it is used. */
export interface NodeRedisCluster {
  sendCommand(firstKey: string | undefined, isReadonly: boolean | undefined, args: string[]): Promise<unknown>;
  // oxlint-disable-next-line typescript/no-explicit-any -- what is in `masters` is handed back as it is
  nodeClient(node: any): Promise<NodeRedisClient>;
  readonly masters: readonly unknown[];
}

/** A sentinel client of `redis` (node-redis), as far as it is used. */
export interface NodeRedisSentinel {
  sendCommand(isReadonly: boolean | undefined, args: string[]): Promise<unknown>;
  getSentinelNode(): unknown;
}

/** A client of `ioredis` or `iovalkey`, of one server or of what its sentinels name, as far as it is used. */
export interface IoRedisClient {
  call(command: string, args: string[]): Promise<unknown>;
}

/** A cluster of `ioredis` or `iovalkey`, as far as it is used. */
export interface IoRedisCluster extends IoRedisClient {
  nodes(role: "master"): readonly IoRedisClient[];
}

/** A client that {@link redisStorage} takes; it is known by the calls it has. */
export type RedisClient = NodeRedisClient | NodeRedisCluster | NodeRedisSentinel | IoRedisClient | IoRedisCluster;

/** Options of {@link redisStorage}. */
export interface RedisOptions {
  /** Put before every key, after the client's own `keyPrefix`. Default: nothing; keys begin with the store's `namespace` anyway. */
  prefix?: string;
}

/**
 * Keeps records in Redis 7 or newer, or Valkey. Takes clients of `redis`, `ioredis` and `iovalkey`: single, cluster and sentinel ones.
 * The client stays the application's: it connects it and ends it.
 *
 * One string per key, `<version>.<deadline>.<value>`. Reads are one `GET`; changes are one command or one script each, on one key, so
 * that they are atomic on a cluster too. Reads are answered by the primary, whatever the client does otherwise.
 */
export function redisStorage(client: RedisClient, options: RedisOptions = {}): Storage {
  const { prefix = "" } = onlyKeys("redisStorage", options, ["prefix"]);
  if (typeof prefix !== "string") throw misuse("prefix", prefix, '"app:"');
  return new RedisStorage(connection(client), prefix);
}

type Command = [name: string, ...args: string[]];
type Send = (command: Command) => Promise<unknown>;

/** What all clients come down to. */
interface Connection {
  /** Runs a command on the primary that has the key. */
  send(key: string, command: Command): Promise<unknown>;
  /** One for each primary. */
  primaries(): Promise<readonly Send[]>;
  /** What the client is to put before each key, and whether it does so itself. */
  readonly keyPrefix: string;
  readonly prefixesItself: boolean;
}

class RedisStorage implements Storage {
  readonly #connection: Connection;
  /** Of keys as the server has them, and as the client is given them. */
  readonly #serverPrefix: string;
  readonly #prefix: string;

  constructor(connection: Connection, prefix: string) {
    this.#connection = connection;
    this.#serverPrefix = connection.keyPrefix + prefix;
    this.#prefix = connection.prefixesItself ? prefix : this.#serverPrefix;
  }

  get(name: string): Promise<StoredEntry | undefined> {
    const key = this.#prefix + name;
    return this.#connection.send(key, ["GET", key]).then(entryOf, entryOfOtherType);
  }

  async create(name: string, entry: StorageEntry, { now }: StorageCall): Promise<Written | false> {
    const key = this.#prefix + name;
    const version = drawVersion();
    const reply = await this.#connection.send(key, ["SET", key, encode(version, entry), "PX", keptFor(entry.expiresAt, now), "NX"]);
    return done(reply) == null ? false : { version };
  }

  async update(name: string, entry: StorageEntry, version: Version, { now }: StorageCall): Promise<Written | false> {
    const next = drawVersion();
    const updated = await this.#run(UPDATE, name, version, [encode(next, entry), keptFor(entry.expiresAt, now)]);
    return updated && { version: next };
  }

  async touch(name: string, expiresAt: number, version: Version, { now }: StorageCall): Promise<Written | false> {
    const touched = await this.#run(TOUCH, name, version, [deadline(expiresAt), keptFor(expiresAt, now)]);
    return touched && { version };
  }

  delete(name: string, version: Version): Promise<boolean> {
    return this.#run(DELETE, name, version, []);
  }

  async clear(prefix: string): Promise<void> {
    const pattern = `${(this.#serverPrefix + prefix).replaceAll(/[\\*?[\]]/g, "\\$&")}*`;
    for (const send of await this.#connection.primaries()) await this.#clearPrimary(send, pattern);
  }

  /** Walks a primary's keys; each is removed by a command of its own, which finds its way while slots move. */
  async #clearPrimary(send: Send, pattern: string): Promise<void> {
    const { keyPrefix, prefixesItself } = this.#connection;
    let cursor = "0";
    do {
      const [next, found] = (await send(["SCAN", cursor, "MATCH", pattern, "COUNT", "500"])) as [unknown, unknown[]];
      const keys = found.map((key) => textOf(key).slice(prefixesItself ? keyPrefix.length : 0));
      await Promise.all(keys.map((key) => this.#connection.send(key, ["UNLINK", key])));
      cursor = textOf(next);
    } while (cursor !== "0");
  }

  /** Runs a script by its hash, or by its text where the server does not know it (any more). */
  async #run(script: Script, name: string, version: Version, args: string[]): Promise<boolean> {
    const key = this.#prefix + name;
    const rest = ["1", key, `${version}.`, ...args];
    try {
      return isOne(await this.#connection.send(key, ["EVALSHA", script.hash, ...rest]));
    } catch (error) {
      if (!startsWith(error, "NOSCRIPT")) throw error;
      return isOne(await this.#connection.send(key, ["EVAL", script.text, ...rest]));
    }
  }
}

/** Digits of a deadline: as many as any time has, so that `touch` writes over it in place. */
const DEADLINE_DIGITS = 16;
const VERSION_LENGTH = 12;
const HEAD = new RegExp(`^([\\w-]{${VERSION_LENGTH}})\\.(\\d{${DEADLINE_DIGITS}})\\.`);
const HEAD_LENGTH = VERSION_LENGTH + DEADLINE_DIGITS + 2;

/** The version of what this driver did not write: longer than what scripts compare, so it never matches. */
const NEVER = "not written by holdfast";

function encode(version: string, { value, expiresAt }: StorageEntry): string {
  return `${version}.${deadline(expiresAt)}.${value}`;
}

function entryOf(reply: unknown): StoredEntry | undefined {
  return reply == null ? undefined : decode(textOf(done(reply)));
}

/** A reply, unless the command was not run: inside a MULTI of the application's on this connection it waits for its EXEC, and may be discarded. */
function done(reply: unknown): unknown {
  if ((typeof reply === "string" || reply instanceof Uint8Array) && reply.length === QUEUED.length && textOf(reply) === QUEUED) throw insideTransaction("MULTI");
  return reply;
}

const QUEUED = "QUEUED";

/** A key of another type is no failure: the store finds that it is no record. */
function entryOfOtherType(error: unknown): StoredEntry {
  if (startsWith(error, "WRONGTYPE")) return { value: "", version: NEVER, expiresAt: 0 };
  throw error;
}

/** What somebody else wrote is answered as it is: the store finds that it is no record. */
function decode(text: string): StoredEntry {
  const head = HEAD.exec(text);
  if (!head) return { value: text, version: NEVER, expiresAt: 0 };
  return { value: text.slice(HEAD_LENGTH), version: head[1]!, expiresAt: Number(head[2]) };
}

function deadline(expiresAt: number): string {
  return `${expiresAt}`.padStart(DEADLINE_DIGITS, "0");
}

/** How long the server keeps it, in ms: longer than it is valid, since clocks differ. */
function keptFor(expiresAt: number, now: number): string {
  return `${Math.max(Math.ceil(expiresAt - now + CLOCK_SKEW_MS), 1)}`;
}

interface Script {
  readonly text: string;
  /** By which the server knows it. */
  readonly hash: string;
}

/** Changes the key if it still begins with the version and its dot: 1, else 0. A key of another type is a mismatch; every other error is one. */
function ifUnchanged(change: string, head: string = ""): Script {
  const text =
    `${head}local head = redis.pcall('GETRANGE', KEYS[1], 0, ${VERSION_LENGTH}) ` +
    "if type(head) == 'table' and not string.find(head.err, '^WRONGTYPE') then return head end " +
    `if head ~= ARGV[1] then return 0 end ${change} return 1`;
  let hash: string | undefined;
  return {
    text,
    get hash() {
      return (hash ??= sha1(text));
    },
  };
}

const UPDATE = ifUnchanged("redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])");
/** Takes no memory, so it goes on where the server has none left: a request that only reads is served then. */
const TOUCH = ifUnchanged(`redis.call('SETRANGE', KEYS[1], ${VERSION_LENGTH + 1}, ARGV[2]) redis.call('PEXPIRE', KEYS[1], ARGV[3])`, "#!lua flags=allow-oom\n");
const DELETE = ifUnchanged("redis.call('UNLINK', KEYS[1])");

/** A text, which a client may have been told to answer as bytes. */
function textOf(reply: unknown): string {
  return typeof reply === "string" ? reply : (reply as Uint8Array).toString();
}

/** A number, which a client may have been told to answer as a text. */
function isOne(reply: unknown): boolean {
  return Number(done(reply)) === 1;
}

function startsWith(error: unknown, code: string): boolean {
  return error instanceof Error && error.message.startsWith(code);
}

/** Tells clients apart by the calls they have: ioredis has `call`; of node-redis a cluster has `nodeClient`, a sentinel `getSentinelNode`. */
function connection(client: RedisClient): Connection {
  refuseLookAlikes("redisStorage", client, LOOK_ALIKES);
  if (has(client, "call")) return has(client, "nodes") ? ioCluster(client as IoRedisCluster) : ioSingle(client as IoRedisClient);
  if (!has(client, "sendCommand")) {
    throw new TypeError(`holdfast: redisStorage: ${kindOf(client)} has neither sendCommand (clients of redis) nor call (clients of ioredis and iovalkey); write redisStorage(createClient(…)) or redisStorage(new Redis(…))`);
  }
  if (has(client, "nodeClient")) return nodeCluster(client as NodeRedisCluster);
  return has(client, "getSentinelNode") ? nodeSentinel(client as NodeRedisSentinel) : nodeSingle(client as NodeRedisClient);
}

const LOOK_ALIKES: readonly LookAlike[] = [
  { name: "a pipeline or a multi() of ioredis", matches: (client) => client.isPipeline === true || isA(client, "Pipeline"), write: () => "redisStorage(redis), the client itself" },
  { name: "a client of redis 3 or older", matches: (client) => hasCalls(client, "send_command") && !hasCalls(client, "call"), write: () => "redisStorage(createClient(…)) of redis 4 or newer, or of ioredis" },
  { name: "a multi() of redis", matches: (client) => hasCalls(client, "exec") && !hasCalls(client, "connect") && !hasCalls(client, "call"), write: () => "redisStorage(client), the client itself" },
  { name: "client.legacy()", matches: (client) => isA(client, "RedisLegacyClient"), write: () => "redisStorage(client), the client itself" },
  { name: "a client in legacy mode", matches: (client) => client.options?.legacyMode === true && hasCalls(client.v4, "sendCommand"), write: () => "redisStorage(client.v4)" },
];

/** An instance that has a method of this name; a class is none. */
function has(client: unknown, call: string): boolean {
  return typeof client === "object" && client !== null && typeof (client as Record<string, unknown>)[call] === "function";
}

function nodeSingle(client: NodeRedisClient): Connection {
  const send = nodeSend(client);
  return { send: (_key, command) => send(command), primaries: async () => [send], ...nodePrefix(client) };
}

/**
 * The client's own timeout is for commands that wait to be written, and takes an `AbortSignal` for each: a tenth of what a request costs.
 * A connected client has written the command before it could run out, and the store gives up waiting by itself.
 */
function nodeSend(client: NodeRedisClient): Send {
  const { commandOptions } = (client as { readonly options?: { readonly commandOptions?: { readonly timeout?: number } } }).options ?? {};
  if (commandOptions?.timeout !== undefined) return (command) => client.sendCommand(command);
  return (command) => (client.isReady ? client.sendCommand(command, NO_TIMEOUT) : client.sendCommand(command));
}

const NO_TIMEOUT = Object.freeze({ timeout: 0 });

function nodeSentinel(client: NodeRedisSentinel): Connection {
  const send: Send = (command) => client.sendCommand(false, command);
  return { send: (_key, command) => send(command), primaries: async () => [send], ...nodePrefix(client) };
}

function nodeCluster(client: NodeRedisCluster): Connection {
  const send: Connection["send"] = (key, command) => client.sendCommand(key, false, command);
  const primaries = async (): Promise<Send[]> => {
    const clients = await Promise.all((await known(() => client.masters, send)).map((node) => client.nodeClient(node)));
    return clients.map((node) => (command) => node.sendCommand(command));
  };
  return { send, primaries, ...nodePrefix(client) };
}

function ioSingle(client: IoRedisClient): Connection {
  const send = ioSend(client);
  return { send: (_key, command) => send(command), primaries: async () => [send], ...ioPrefix(client) };
}

function ioCluster(client: IoRedisCluster): Connection {
  const { scaleReads = "master" } = optionsOf(client);
  if (scaleReads !== "master") throw misuse("scaleReads of the client", scaleReads, '"master": what a replica answers may be older than a logout');
  const send = ioSend(client);
  const primaries = async (): Promise<Send[]> => (await known(() => client.nodes("master"), (_key, command) => send(command))).map(ioSend);
  return { send: (_key, command) => send(command), primaries, ...ioPrefix(client) };
}

function ioSend(client: IoRedisClient): Send {
  return ([name, ...args]) => client.call(name.toLowerCase(), args).catch(withoutArguments);
}

/** ioredis puts the whole command into an error, and a log would show what the session holds. */
function withoutArguments(error: unknown): never {
  const { command } = (error ?? {}) as { command?: { name?: unknown } };
  if (typeof command === "object" && command !== null) (error as { command: unknown }).command = { name: command.name };
  throw error;
}

/** A cluster's primaries; any command makes the client find out where it has not yet. */
async function known<N>(nodes: () => readonly N[], send: Connection["send"]): Promise<readonly N[]> {
  if (nodes().length === 0) await send("holdfast", ["GET", "holdfast"]);
  if (nodes().length === 0) throw new Error("the cluster client knows no primary");
  return nodes();
}

type Prefix = Pick<Connection, "keyPrefix" | "prefixesItself">;

/** node-redis leaves plain commands as they are, so its prefix is put here. */
function nodePrefix(client: object): Prefix {
  const { _keyPrefix } = client as { readonly _keyPrefix?: unknown };
  return { keyPrefix: prefixText(_keyPrefix), prefixesItself: false };
}

function ioPrefix(client: object): Prefix {
  return { keyPrefix: prefixText(optionsOf(client).keyPrefix), prefixesItself: true };
}

interface IoRedisOptions {
  readonly keyPrefix?: unknown;
  readonly scaleReads?: unknown;
}

function optionsOf(client: object): IoRedisOptions {
  return (client as { readonly options?: IoRedisOptions }).options ?? {};
}

function prefixText(prefix: unknown): string {
  if (prefix == null) return "";
  if (typeof prefix !== "string") throw misuse("keyPrefix of the client", prefix, "a text");
  return prefix;
}

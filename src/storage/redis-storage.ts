import {
  CLOCK_SKEW_MS,
  type Storage,
  type StorageCall,
  type StorageEntry,
  type StorageFinding,
  type StoredEntry,
  type Version,
  type Written,
} from "../contracts/storage.js";
import { sha1 } from "../util/hash.js";
import { DEFAULT_PREFIX, tryChanges } from "./findings.js";
import { drawVersion, insideTransaction } from "./driver.js";
import { explainRedis, redisFindings } from "./redis-check.js";
import type { Command, Connection, Send } from "./redis-clients.js";

/** What a server of another maker does in another way. */
export interface RedisKind {
  /** The command that reads a key on the primary. */
  readonly read: "GET" | "GETEX";
  /** Whether a script may say in its first line what it needs, as Redis 7 has it. */
  readonly flags: boolean;
  /** What the servers say of themselves. */
  readonly findings: (primaries: readonly Send[], call: StorageCall) => Promise<StorageFinding[]>;
}

const REDIS: RedisKind = { read: "GET", flags: true, findings: redisFindings };

/** Records as strings `<version>.<deadline>.<value>`, over whatever runs a command of Redis. */
export class RedisStorage implements Storage {
  readonly #connection: Connection;
  /** Of keys as the server has them, and as the client is given them. */
  readonly #serverPrefix: string;
  readonly #prefix: string;
  readonly #kind: RedisKind;

  constructor(connection: Connection, prefix: string, kind: RedisKind = REDIS) {
    this.#connection = connection;
    this.#kind = kind;
    this.#serverPrefix = connection.keyPrefix + prefix;
    this.#prefix = connection.prefixesItself ? prefix : this.#serverPrefix;
  }

  get(name: string): Promise<StoredEntry | undefined> {
    const key = this.#prefix + name;
    return this.#connection.send(key, [this.#kind.read, key]).then(entryOf, (error: unknown) => {
      if (isOfOtherType(error)) return OF_OTHER_TYPE;
      throw this.#connection.advised(error);
    });
  }

  async create(name: string, entry: StorageEntry, { now }: StorageCall): Promise<Written | false> {
    const key = this.#prefix + name;
    const version = drawVersion();
    const command: Command = ["SET", key, encode(version, entry), "PX", keptFor(entry.expiresAt, now), "NX"];
    const reply = await this.#connection.send(key, command).catch((error: unknown) => {
      throw this.#connection.advised(error);
    });
    return done(reply) == null ? false : { version };
  }

  async update(name: string, entry: StorageEntry, version: Version, { now }: StorageCall): Promise<Written | false> {
    const next = drawVersion();
    const updated = await this.#run(UPDATE, name, version, [encode(next, entry), keptFor(entry.expiresAt, now)]);
    return updated && { version: next };
  }

  async touch(name: string, expiresAt: number, version: Version, { now }: StorageCall): Promise<Written | false> {
    const touched = await this.#run(this.#kind.flags ? TOUCH : TOUCH_PLAIN, name, version, [
      deadline(expiresAt),
      keptFor(expiresAt, now),
    ]);
    return touched && { version };
  }

  delete(name: string, version: Version): Promise<boolean> {
    return this.#run(DELETE, name, version, []);
  }

  async clear(prefix: string): Promise<void> {
    const pattern = `${(this.#serverPrefix + prefix).replaceAll(/[\\*?[\]]/g, "\\$&")}*`;
    for (const send of await this.#connection.primaries()) await this.#clearPrimary(send, pattern);
  }

  async check(call: StorageCall, prefix: string = DEFAULT_PREFIX): Promise<StorageFinding[]> {
    const tried = await tryChanges(this, call, prefix, explainRedis);
    return [tried, ...(await this.#kind.findings(await this.#connection.primaries(), call))];
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
      if (!startsWith(error, "NOSCRIPT")) throw this.#connection.advised(error);
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

/**
 * A reply, unless the command was not run: inside a MULTI of the application's on this connection it waits for its
 * EXEC, and may be discarded.
 */
function done(reply: unknown): unknown {
  if (
    (typeof reply === "string" || reply instanceof Uint8Array) &&
    reply.length === QUEUED.length &&
    textOf(reply) === QUEUED
  )
    throw insideTransaction("MULTI");
  return reply;
}

const QUEUED = "QUEUED";

/** A key of another type is no failure: the store finds that it is no record. */
function isOfOtherType(error: unknown): boolean {
  return startsWith(error, "WRONGTYPE");
}

const OF_OTHER_TYPE: StoredEntry = { value: "", version: NEVER, expiresAt: 0 };

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

/**
 * Changes the key if it still begins with the version and its dot: 1, else 0. A key of another type is a mismatch;
 * every other error is one.
 */
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
const MOVE = `redis.call('SETRANGE', KEYS[1], ${VERSION_LENGTH + 1}, ARGV[2]) redis.call('PEXPIRE', KEYS[1], ARGV[3])`;
const TOUCH = ifUnchanged(MOVE, "#!lua flags=allow-oom\n");
const TOUCH_PLAIN = ifUnchanged(MOVE);
const DELETE = ifUnchanged("redis.call('UNLINK', KEYS[1])");

/** A text, which a client may have been told to answer as bytes, or to read as JSON: what is written here is none. */
function textOf(reply: unknown): string {
  return typeof reply === "string" ? reply : String(reply);
}

/** A number, which a client may have been told to answer as a text. */
function isOne(reply: unknown): boolean {
  return Number(done(reply)) === 1;
}

function startsWith(error: unknown, code: string): boolean {
  return error instanceof Error && error.message.startsWith(code);
}

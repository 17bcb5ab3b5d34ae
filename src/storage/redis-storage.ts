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
import { sha1 } from "../util/bytes.js";
import { DEFAULT_PREFIX, tryChanges } from "./findings.js";
import { newVersion, insideTransaction } from "./driver.js";
import { explainRedis, redisFindings } from "./redis-check.js";
import type { Command, Connection, Send } from "./redis-clients.js";

/** Differences between servers with Redis commands. */
export interface RedisKind {
  /** The command that reads a key on the primary. */
  readonly read: "GET" | "GETEX";
  /** True if a script can declare flags in its first line, as in Redis 7. */
  readonly flags: boolean;
  /** Findings about the servers. */
  readonly findings: (primaries: readonly Send[], call: StorageCall) => Promise<StorageFinding[]>;
}

const REDIS: RedisKind = { read: "GET", flags: true, findings: redisFindings };

/** Stores records as strings `<version>.<deadline>.<value>`, with any client that runs Redis commands. */
export class RedisStorage implements Storage {
  readonly #connection: Connection;
  /** Prefix of the keys on the server, and of the keys passed to the client. */
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
    const version = newVersion();
    const command: Command = ["SET", key, encode(version, entry), "PX", keptFor(entry.expiresAt, now), "NX"];
    const reply = await this.#connection.send(key, command).catch((error: unknown) => {
      throw this.#connection.advised(error);
    });
    return done(reply) == null ? false : { version };
  }

  async update(name: string, entry: StorageEntry, version: Version, { now }: StorageCall): Promise<Written | false> {
    const next = newVersion();
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

  /** Scans the keys of a primary. Each key is removed by a separate command, which is redirected if its slot moves. */
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

  /** Runs a script by its hash, or by its source if the server does not have it (any more). */
  async #run(script: Script, name: string, version: Version, args: string[]): Promise<boolean> {
    const key = this.#prefix + name;
    const rest = ["1", key, `${version}.`, ...args];
    try {
      return isOne(await this.#connection.send(key, ["EVALSHA", script.hash, ...rest]));
    } catch (error) {
      if (!startsWith(error, "NOSCRIPT")) throw this.#connection.advised(error);
      return isOne(await this.#connection.send(key, ["EVAL", script.source, ...rest]));
    }
  }
}

/** Number of digits of a deadline: enough for every time, so that `touch` can overwrite it in place. */
const DEADLINE_DIGITS = 16;
const VERSION_LENGTH = 12;
const HEAD = new RegExp(`^([\\w-]{${VERSION_LENGTH}})\\.(\\d{${DEADLINE_DIGITS}})\\.`);
const HEAD_LENGTH = VERSION_LENGTH + DEADLINE_DIGITS + 2;

/**
 * Version of values that this driver did not write: longer than the part that scripts compare, so it never matches.
 */
const NEVER = "not written by holdfast";

function encode(version: string, { value, expiresAt }: StorageEntry): string {
  return `${version}.${deadline(expiresAt)}.${value}`;
}

function entryOf(reply: unknown): StoredEntry | undefined {
  return reply == null ? undefined : decode(textOf(done(reply)));
}

/**
 * Returns a reply, unless the command was queued: inside a MULTI of the application on this connection it waits for
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

/** A key of another type is not a failure: the store finds that it is not a record. */
function isOfOtherType(error: unknown): boolean {
  return startsWith(error, "WRONGTYPE");
}

const OF_OTHER_TYPE: StoredEntry = { value: "", version: NEVER, expiresAt: 0 };

/** A value that this driver did not write is returned as it is; the store finds that it is not a record. */
function decode(text: string): StoredEntry {
  const head = HEAD.exec(text);
  if (!head) return { value: text, version: NEVER, expiresAt: 0 };
  return { value: text.slice(HEAD_LENGTH), version: head[1]!, expiresAt: Number(head[2]) };
}

function deadline(expiresAt: number): string {
  return `${expiresAt}`.padStart(DEADLINE_DIGITS, "0");
}

/** How long the server keeps the key, in ms: longer than it is valid, because clocks differ. */
function keptFor(expiresAt: number, now: number): string {
  return `${Math.max(Math.ceil(expiresAt - now + CLOCK_SKEW_MS), 1)}`;
}

interface Script {
  readonly source: string;
  /** Identifies the script on the server. */
  readonly hash: string;
}

/**
 * Changes the key if it still begins with the version and its dot: 1, else 0. A key of another type counts as a
 * mismatch; any other error is an error.
 */
function ifUnchanged(change: string, head: string = ""): Script {
  const source =
    `${head}local head = redis.pcall('GETRANGE', KEYS[1], 0, ${VERSION_LENGTH}) ` +
    "if type(head) == 'table' and not string.find(head.err, '^WRONGTYPE') then return head end " +
    `if head ~= ARGV[1] then return 0 end ${change} return 1`;
  let hash: string | undefined;
  return {
    source,
    get hash() {
      return (hash ??= sha1(source));
    },
  };
}

const UPDATE = ifUnchanged("redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])");
/**
 * Needs no additional memory, so it works if the server's memory is full: requests that only read are still served.
 */
const MOVE = `redis.call('SETRANGE', KEYS[1], ${VERSION_LENGTH + 1}, ARGV[2]) redis.call('PEXPIRE', KEYS[1], ARGV[3])`;
const TOUCH = ifUnchanged(MOVE, "#!lua flags=allow-oom\n");
const TOUCH_PLAIN = ifUnchanged(MOVE);
const DELETE = ifUnchanged("redis.call('UNLINK', KEYS[1])");

/**
 * Converts a reply to a string. A client can be configured to return bytes, or to parse JSON, which these strings
 * never are.
 */
function textOf(reply: unknown): string {
  return typeof reply === "string" ? reply : String(reply);
}

/** Compares a number, which a client can be configured to return as a string. */
function isOne(reply: unknown): boolean {
  return Number(done(reply)) === 1;
}

function startsWith(error: unknown, code: string): boolean {
  return error instanceof Error && error.message.startsWith(code);
}

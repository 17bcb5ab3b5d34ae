/**
 * Records in Memcached, which loses data: all of it at a restart, and the least recently used items when its memory is
 * full.
 *
 * @module
 */
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
import { mistake, SessionError } from "../errors.js";
import { bad, clockFinding, DEFAULT_PREFIX, ok, tryChanges, warning } from "./findings.js";
import { has, isA, refuseLookAlikes, type LookAlike } from "./look-alikes.js";
import { kindOf, misuse, onlyKeys, show, wholeNumber } from "../util/assert.js";

/** The part of a client of `memcache-client` that is used. */
export interface MemcachedClient {
  gets(key: string): Promise<unknown>;
  add(key: string, value: string, options: { lifetime: number }): Promise<unknown>;
  cas(key: string, value: string, options: { lifetime: number; casUniq: string }): Promise<unknown>;
  cmd?(command: string): Promise<unknown>;
}

/** Options of {@link memcachedStorage}. */
export interface MemcachedOptions {
  /** Prepended to every key; visible ASCII. Default: nothing; keys begin with the store's `namespace` anyway. */
  prefix?: string;
  /**
   * The item limit of the server (its `-I` option), in bytes. Larger sessions fail with `too-large`. Default: 1 MiB,
   * the default of the server.
   */
  maxItemBytes?: number;
}

/**
 * Stores records in one Memcached server, through a client of `memcache-client`, which the application opens and
 * closes. There is no `clear`, because Memcached cannot list its keys.
 *
 * One item per key, `<deadline>.<value>`; its version is Memcached's own (cas unique). Each call is one command on one
 * key, except `touch`: it reads and writes, and the write is refused if another came between.
 *
 * @param client - a `MemcacheClient`
 * @param options - `prefix`, `maxItemBytes`
 * @returns the storage
 * @throws {TypeError | RangeError} if the client is not supported or an option is invalid
 * @example
 * ```ts
 * const storage = memcachedStorage(new MemcacheClient({ server: "localhost:11211" }));
 * ```
 */
export function memcachedStorage(client: MemcachedClient, options: MemcachedOptions = {}): Storage {
  const { prefix = "", maxItemBytes = DEFAULT_ITEM_BYTES } = onlyKeys("memcachedStorage", options, [
    "prefix",
    "maxItemBytes",
  ]);
  if (typeof prefix !== "string" || !/^[!-~]*$/.test(prefix))
    throw misuse("prefix", prefix, '"app:", in visible ASCII');
  refuseLookAlikes("memcachedStorage", client, LOOK_ALIKES);
  const lacking = (["gets", "add", "cas"] as const).filter((call) => !hasCall(client, call));
  if (lacking.length > 0)
    throw mistake(
      "wrong-client",
      `memcachedStorage: ${kindOf(client)} lacks ${lacking.join(", ")}; write memcachedStorage(new ` +
        `MemcacheClient({ server: "localhost:11211" }))`,
    );
  refuseSeveralServers(client);
  return new MemcachedStorage(client, prefix, wholeNumber("maxItemBytes", maxItemBytes, 2 * OVERHEAD_BYTES));
}

const LOOK_ALIKES: readonly LookAlike[] = [
  {
    name: "a client of memcached or memjs, which has no promises of gets and cas",
    matches: (client) => "HashRing" in client || isA(client, "Memcached") || has(client, "statsWithKey"),
    write: () => "memcachedStorage(new MemcacheClient(…)), of memcache-client",
  },
];

/** The result of `gets` for a key that exists. */
interface Item {
  readonly value: unknown;
  readonly casUniq: string;
}

class MemcachedStorage implements Storage {
  readonly maxValueBytes: number;
  readonly #client: MemcachedClient;
  readonly #prefix: string;

  constructor(client: MemcachedClient, prefix: string, maxItemBytes: number) {
    this.#client = client;
    this.#prefix = prefix;
    this.maxValueBytes = maxItemBytes - OVERHEAD_BYTES;
  }

  async get(name: string): Promise<StoredEntry | undefined> {
    const item = await this.#item(this.#key(name));
    return item && { ...decode(item.value), version: item.casUniq };
  }

  async create(name: string, entry: StorageEntry, { now }: StorageCall): Promise<Written | false> {
    const key = this.#key(name);
    return changed(() => this.#client.add(key, encode(entry), { lifetime: secondsKept(entry.expiresAt, now) }));
  }

  async update(name: string, entry: StorageEntry, version: Version, { now }: StorageCall): Promise<Written | false> {
    return this.#replace(this.#key(name), encode(entry), version, secondsKept(entry.expiresAt, now));
  }

  async touch(name: string, expiresAt: number, version: Version, { now }: StorageCall): Promise<Written | false> {
    const key = this.#key(name);
    const item = await this.#item(key);
    if (item?.casUniq !== version) return false;
    return this.#replace(
      key,
      encode({ value: decode(item.value).value, expiresAt }),
      version,
      secondsKept(expiresAt, now),
    );
  }

  /** Memcached has no command that deletes one version: the item is replaced by an expired one. */
  async delete(name: string, version: Version): Promise<boolean> {
    return (await this.#replace(this.#key(name), "", version, EXPIRED)) !== false;
  }

  async check(call: StorageCall, prefix: string = DEFAULT_PREFIX): Promise<StorageFinding[]> {
    const tried = await tryChanges(this, call, prefix, (error) => {
      const [refusal] = /^(CLIENT|SERVER)_ERROR [\w ,.]*/.exec(error instanceof Error ? error.message : "") ?? [];
      return refusal === undefined
        ? undefined
        : bad(`the server refuses changes: ${refusal}`, "check its log and its start options");
    });
    const [stats, settings] = [await this.#stats("stats"), await this.#stats("stats settings")];
    return [tried, ...memcachedFindings(stats, settings, this.maxValueBytes + OVERHEAD_BYTES, call.now)];
  }

  async #stats(command: string): Promise<Facts> {
    const response = (await this.#client.cmd?.(command)) as { STAT?: [string, string][] } | undefined;
    return Object.fromEntries(response?.STAT ?? []);
  }

  #replace(key: string, text: string, version: Version, lifetime: number): Promise<Written | false> {
    if (!/^\d{1,20}$/.test(`${version}`)) return Promise.resolve(false);
    return changed(() => this.#client.cas(key, text, { lifetime, casUniq: `${version}` }));
  }

  async #item(key: string): Promise<Item | undefined> {
    try {
      const found = (await this.#client.gets(key)) as Partial<Item> | undefined;
      return typeof found?.casUniq === "string" ? { value: found.value, casUniq: found.casUniq } : undefined;
    } catch (error) {
      if (!isUndecodable(error)) throw error;
      return { value: undefined, casUniq: NEVER };
    }
  }

  #key(name: string): string {
    const key = this.#prefix + name;
    if (!KEY_SHAPE.test(key))
      throw new SessionError(
        "storage",
        `${show(key)} cannot be a key of Memcached: at most 250 characters of visible ASCII; namespace and ` +
          "prefix are part of it",
      );
    return key;
  }
}

interface Facts {
  readonly evictions?: string;
  readonly cas_enabled?: string;
  readonly item_size_max?: string;
  /** Epoch seconds. */
  readonly time?: string;
}

/** Findings from the statistics and settings of the server. */
function memcachedFindings(stats: Facts, settings: Facts, itemBytes: number, now: number): StorageFinding[] {
  const findings = [
    warning(
      "Memcached loses data: all of it at a restart, and the least recently used items when its memory is full",
      "use it only if that is acceptable",
    ),
  ];
  const evicted = Number(stats.evictions ?? 0);
  const room = "give it more memory (-m), or use a separate server for sessions";
  findings.push(
    evicted > 0
      ? bad(`${evicted} items were evicted: sessions among them are lost`, room)
      : ok("no item was evicted"),
  );
  if (settings.cas_enabled === "no")
    findings.push(bad("the server was started without cas (-C)", "start it without that option"));
  const most = Number(settings.item_size_max ?? itemBytes);
  if (most < itemBytes)
    findings.push(
      bad(
        `an item may have ${most} bytes, and maxItemBytes says ${itemBytes}`,
        `write memcachedStorage(client, { maxItemBytes: ${most} }), or start the server with -I`,
      ),
    );
  if (stats.time !== undefined) findings.push(clockFinding(Number(stats.time) * 1000, now));
  return findings;
}

/** A key with a space or a line break would change the command. */
const KEY_SHAPE = /^[!-~]{1,250}$/;
const DEFAULT_ITEM_BYTES = 1024 * 1024;
/** What Memcached stores in addition to the value, and the deadline: an upper bound, with room for long keys. */
const OVERHEAD_BYTES = 512;
/** Version of an item that the client could not decode; never a version of Memcached. */
const NEVER = "undecodable";
/** A lifetime in the past. */
const EXPIRED = -1;
/** Memcached interprets longer lifetimes as absolute times, in epoch seconds. */
const LONGEST_LIFETIME_S = 30 * 86_400;
/** Memcached's absolute times end in 2038; 0 means no expiry. */
const LAST_MOMENT_S = 2 ** 31 - 1;

function encode({ value, expiresAt }: StorageEntry): string {
  return `${expiresAt}.${value}`;
}

/** A value that this driver did not write is returned as it is; the store finds that it is not a record. */
function decode(stored: unknown): StorageEntry {
  const text = typeof stored === "string" ? stored : "";
  const head = /^(\d{1,16})\./.exec(text);
  return head ? { value: text.slice(head[0].length), expiresAt: Number(head[1]) } : { value: text, expiresAt: 0 };
}

/**
 * How long the server keeps the item, in Memcached's format: longer than it is valid, because clocks differ. The
 * server's clock counts whole seconds.
 */
function secondsKept(expiresAt: number, now: number): number {
  const seconds = Math.max(Math.ceil((expiresAt - now + CLOCK_SKEW_MS) / 1000) + 1, 1);
  if (seconds <= LONGEST_LIFETIME_S) return seconds;
  const moment = Math.ceil((expiresAt + CLOCK_SKEW_MS) / 1000);
  return moment <= LAST_MOMENT_S ? moment : 0;
}

/**
 * Returns `false` if the server responds that the item exists, has changed or does not exist. It returns no version.
 */
async function changed(command: () => Promise<unknown>): Promise<Written | false> {
  try {
    await command();
    return { version: undefined };
  } catch (error) {
    const message = error instanceof Error ? error.message : "";
    if (/^(NOT_STORED|EXISTS|NOT_FOUND)\b/.test(message)) return false;
    if (message.startsWith("SERVER_ERROR object too large"))
      throw new SessionError("too-large", "the session is larger than the item limit of this Memcached server", {
        cause: error,
      });
    throw error;
  }
}

/**
 * Another program wrote an item that is marked as JSON or compressed and is not: the client throws the decoder's
 * error.
 */
function isUndecodable(error: unknown): boolean {
  return error instanceof SyntaxError || (error as { readonly code?: unknown } | null)?.code === "ERR_ASSERTION";
}

/** With several servers, `memcache-client` selects any of them for each command, so a record would not be found. */
function refuseSeveralServers(client: object): void {
  const { server } =
    (client as { readonly options?: { readonly server?: { readonly servers?: readonly unknown[] } } }).options ?? {};
  if ((server?.servers?.length ?? 1) > 1)
    throw misuse(
      "server of the client",
      server?.servers,
      "one server: with several servers this client uses any of them for each command",
    );
}

function hasCall(client: unknown, call: string): boolean {
  return (
    typeof client === "object" && client !== null && typeof (client as Record<string, unknown>)[call] === "function"
  );
}

/**
 * Records in Deno KV: a file of one machine, or the database of Deno Deploy.
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
import { kindOf, misuse, onlyKeys } from "../util/assert.js";
import { OTHER_STORAGE_OPTIONS } from "../util/other-names.js";
import { jitter, pause } from "../util/time.js";
import { DEFAULT_PREFIX, tryChanges } from "./findings.js";
import { has, refuseLookAlikes } from "./look-alikes.js";

/** A key of Deno KV; every part is compared as a whole. */
export type DenoKvKey = readonly (string | number | bigint | boolean | Uint8Array)[];

/** The part of a `Deno.Kv` that is used. */
export interface DenoKv {
  get(key: any, options?: { consistency?: "strong" }): Promise<{ value: unknown; versionstamp: string | null }>;
  list(selector: { start: any; end: any }, options?: { limit?: number }): AsyncIterable<{ key: any }>;
  atomic(): DenoKvAtomic;
}

/** The part of a `Deno.AtomicOperation` that is used. */
export interface DenoKvAtomic {
  check(...checks: { key: any; versionstamp: string | null }[]): DenoKvAtomic;
  set(key: any, value: unknown, options?: { expireIn?: number }): DenoKvAtomic;
  delete(key: any): DenoKvAtomic;
  commit(): Promise<{ ok: boolean; versionstamp?: string }>;
}

/** Options of {@link denoKvStorage}. */
export interface DenoKvOptions {
  /** The parts before each key. Default `["holdfast"]`, so that a list of an application's own keys contains none. */
  prefix?: DenoKvKey;
}

/**
 * Stores records in Deno KV, through a `Deno.Kv` that the application opens and closes. `Deno.openKv` needs
 * `--unstable-kv`.
 *
 * One entry per key: the deadline and the value as bytes. Its version is Deno's own `versionstamp`, and every write is
 * an atomic operation that checks it. `touch` reads the value and writes it again. `expireIn` only removes entries
 * that have expired: Deno may do so a minute late, and the store decides what has expired.
 *
 * @param kv - `await Deno.openKv()`
 * @param options - `prefix`
 * @returns the storage
 * @throws {TypeError} if this is not a `Deno.Kv`; the message says what to pass
 * @example
 * ```ts
 * const storage = denoKvStorage(await Deno.openKv());
 * ```
 */
export function denoKvStorage(kv: DenoKv, options: DenoKvOptions = {}): Storage {
  // It has a then(), which throws.
  if (has(kv, "check", "commit")) {
    const write = "client is an atomic operation of Deno KV; write denoKvStorage(kv), the database itself";
    throw mistake("wrong-client", `denoKvStorage: ${write}`);
  }
  refuseLookAlikes("denoKvStorage", kv);
  const lacking = CALLS.filter((call) => !has(kv, call));
  if (lacking.length > 0) {
    throw mistake(
      "wrong-client",
      `denoKvStorage: ${kindOf(kv)} lacks ${lacking.join(", ")}; write denoKvStorage(await Deno.openKv()), and ` +
        "start Deno with --unstable-kv",
    );
  }
  const { prefix = ["holdfast"] } = onlyKeys("denoKvStorage", options, ["prefix"], OTHER_STORAGE_OPTIONS);
  if (!Array.isArray(prefix) || !prefix.every(isPart)) throw misuse("prefix", prefix, '["app"], an array');
  return new DenoKvStorage(kv, prefix as DenoKvKey);
}

const CALLS = ["get", "list", "atomic"] as const;

function isPart(part: unknown): boolean {
  return ["string", "number", "bigint", "boolean"].includes(typeof part) || part instanceof Uint8Array;
}

class DenoKvStorage implements Storage {
  readonly maxValueBytes: number = MAX_VALUE_BYTES;
  readonly #kv: DenoKv;
  readonly #prefix: DenoKvKey;

  constructor(kv: DenoKv, prefix: DenoKvKey) {
    this.#kv = kv;
    this.#prefix = prefix;
  }

  async get(name: string, call: StorageCall): Promise<StoredEntry | undefined> {
    const { value, versionstamp } = await this.#read(this.#key(name), call);
    return versionstamp === null ? undefined : decode(value, versionstamp);
  }

  async create(name: string, entry: StorageEntry, call: StorageCall): Promise<Written | false> {
    return this.#write(this.#key(name), null, encode(entry), entry.expiresAt, call);
  }

  async update(name: string, entry: StorageEntry, version: Version, call: StorageCall): Promise<Written | false> {
    if (!isVersionstamp(version)) return false;
    return this.#write(this.#key(name), version, encode(entry), entry.expiresAt, call);
  }

  async touch(name: string, expiresAt: number, version: Version, call: StorageCall): Promise<Written | false> {
    const key = this.#key(name);
    const { value, versionstamp } = await this.#read(key, call);
    if (versionstamp === null || versionstamp !== version) return false;
    return this.#write(key, version, moved(value as Uint8Array, expiresAt), expiresAt, call);
  }

  async delete(name: string, version: Version, call: StorageCall): Promise<boolean> {
    if (!isVersionstamp(version)) return false;
    const key = this.#key(name);
    const { ok } = await repeated(call, () =>
      this.#kv.atomic().check({ key, versionstamp: version }).delete(key).commit(),
    );
    return ok;
  }

  /** Keys are visible ASCII, and U+007F is greater than each of these. */
  async clear(prefix: string, call: StorageCall): Promise<void> {
    const range = { start: this.#key(prefix), end: this.#key(`${prefix}\u007f`) };
    for (;;) {
      const keys = await repeated(call, () => this.#first(range));
      if (keys.length === 0) return;
      await repeated(call, () => {
        const all = keys.reduce<DenoKvAtomic>((atomic, key) => atomic.delete(key), this.#kv.atomic());
        return all.commit();
      });
    }
  }

  async check(call: StorageCall, prefix: string = DEFAULT_PREFIX): Promise<StorageFinding[]> {
    return [await tryChanges(this, call, prefix, () => undefined)];
  }

  #key(name: string): DenoKvKey {
    return [...this.#prefix, name];
  }

  /** As many keys as one atomic operation removes. */
  async #first(range: { start: DenoKvKey; end: DenoKvKey }): Promise<unknown[]> {
    const keys: unknown[] = [];
    for await (const { key } of this.#kv.list(range, { limit: MUTATIONS })) keys.push(key);
    return keys;
  }

  #read(key: DenoKvKey, call: StorageCall): Promise<{ value: unknown; versionstamp: string | null }> {
    return repeated(call, () => this.#kv.get(key, { consistency: "strong" }));
  }

  async #write(
    key: DenoKvKey,
    version: string | null,
    bytes: Uint8Array,
    expiresAt: number,
    call: StorageCall,
  ): Promise<Written | false> {
    const expireIn = keptFor(expiresAt, call.now);
    const { ok, versionstamp } = await repeated(call, () =>
      this.#kv.atomic().check({ key, versionstamp: version }).set(key, bytes, { expireIn }).commit(),
    );
    return ok && { version: versionstamp };
  }
}

/**
 * A file that another process writes is locked, and Deno does not wait for it: then nothing was changed, and the
 * operation is repeated until the caller stops waiting.
 */
async function repeated<T>({ signal }: StorageCall, operation: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await operation();
    } catch (error) {
      if (!isLocked(error)) throw advised(error);
    }
    await pause(jitter(tries), signal);
  }
}

function isLocked(error: unknown): boolean {
  return error instanceof Error && /database (?:table )?is locked/.test(error.message);
}

/** Digits of a deadline at the start of the bytes: enough for every time. */
const DEADLINE_DIGITS = 16;
/** Deno refuses larger values. It stores strings in two bytes per character if one character needs it. */
const DENO_VALUE_BYTES = 65_536;
const MAX_VALUE_BYTES = DENO_VALUE_BYTES - DEADLINE_DIGITS;
/** Changes of one atomic operation that every version of Deno accepts. */
const MUTATIONS = 10;
/** Deno refuses times that are too far away; whatever is stored for longer is removed by the store. */
const LONGEST_MS = 100 * 365 * 86_400_000;

/** Version of entries that this driver did not write; never a versionstamp, so that nothing replaces them. */
const NEVER = "not written by holdfast";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function encode({ value, expiresAt }: StorageEntry): Uint8Array {
  const bytes = encoder.encode(digits(expiresAt) + value);
  if (bytes.length <= DENO_VALUE_BYTES) return bytes;
  throw new SessionError(
    "too-large",
    `the session has ${bytes.length - DEADLINE_DIGITS} bytes, and a value of Deno KV at most ${MAX_VALUE_BYTES}; ` +
      "store large data under separate keys",
  );
}

/** The same value with another deadline. */
function moved(stored: Uint8Array, expiresAt: number): Uint8Array {
  const bytes = stored.slice();
  bytes.set(encoder.encode(digits(expiresAt)));
  return bytes;
}

function digits(expiresAt: number): string {
  return `${expiresAt}`.padStart(DEADLINE_DIGITS, "0");
}

/** A value that this driver did not write is no record; the store finds that out. */
function decode(value: unknown, version: string): StoredEntry {
  const head = value instanceof Uint8Array ? decoder.decode(value.subarray(0, DEADLINE_DIGITS)) : "";
  if (!/^\d{16}$/.test(head)) return { value: "", version: NEVER, expiresAt: 0 };
  return { value: decoder.decode((value as Uint8Array).subarray(DEADLINE_DIGITS)), version, expiresAt: Number(head) };
}

/** Deno throws if a version has another format, as that of another storage has. */
function isVersionstamp(version: Version): version is string {
  return typeof version === "string" && /^[\da-f]{20}$/.test(version);
}

/** How long Deno keeps the entry, in ms: longer than it is valid, because clocks differ. */
function keptFor(expiresAt: number, now: number): number {
  return Math.min(Math.max(Math.ceil(expiresAt - now + CLOCK_SKEW_MS), 1), LONGEST_MS);
}

/** Says what to do if the database was closed: this is not an outage, which ends without intervention. */
function advised(error: unknown): unknown {
  const { name } = (error ?? {}) as { readonly name?: unknown };
  if (name !== "BadResource") return error;
  const message = "the Deno.Kv is closed; close it after the last request";
  return new SessionError("storage", message, { cause: error });
}

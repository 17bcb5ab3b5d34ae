/**
 * Encrypts the values of another storage.
 *
 * @module
 */
import {
  SEALED_ELSEWHERE,
  type Awaitable,
  type Storage,
  type StorageEntry,
  type StoredEntry,
} from "../contracts/storage.js";
import { mistake, SessionError } from "../errors.js";
import { misplaced } from "../util/assert.js";
import { builtinModule } from "../util/builtin.js";
import { isPromise } from "../util/async.js";
import { assertStorage, wrapped } from "./driver.js";

type NodeCrypto = Pick<
  typeof import("node:crypto"),
  "createCipheriv" | "createDecipheriv" | "createHash" | "randomBytes"
>;

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
const KEY_NAME = /^[\w-]{8}$/;

/** One key of the key ring. */
interface Key {
  /**
   * Identifies the key in the values that it encrypted; derived from a hash of the key, so it does not reveal the key.
   */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * Wraps a storage and encrypts its values (AES-256-GCM, a new nonce for each write).
 *
 * Each value is bound to its key: a value that was moved to another key, forged or damaged cannot be read. The store
 * reports it as `unreadable`, and the request has no session. A value that was encrypted with a key that is not in the
 * ring is also reported, but handled like a record of a newer format: no session here, and never overwritten, because
 * another server may have the key. Deadlines are not encrypted: an attacker with write access to the database can
 * extend an idle deadline, but not an absolute one.
 *
 * To rotate keys, put the new key first, deploy everywhere, and remove the old key when its last session has expired.
 * If old and new processes run at the same time, first deploy once with the new key last. One key is safe for 2³²
 * writes (NIST SP 800-38D).
 *
 * @param storage - the storage to wrap
 * @param keys - 32 random bytes each, as Uint8Array or as base64url or hex string; the first one encrypts, all decrypt
 * @returns the storage with encrypted values
 * @throws {TypeError} if a key is not 32 random bytes, or `storage` is not a storage
 * @throws {SessionError} `unsupported` if the runtime has no `node:crypto`
 * @example
 * ```ts
 * const storage = encrypted(redisStorage(client), [process.env.SESSION_KEY!]);
 * ```
 */
export function encrypted(storage: Storage, keys: readonly (Uint8Array | string)[]): Storage {
  assertStorage(storage, "encrypted: storage");
  const crypto = builtinModule<NodeCrypto>("node:crypto");
  if (!crypto)
    throw new SessionError("unsupported", "encrypted() needs node:crypto; Node, Bun, Deno and workerd have it");
  if (!Array.isArray(keys) || keys.length === 0)
    throw misplaced("encrypted: keys", keys, "an array of keys; the first one encrypts");
  const ring = keys.map((key, i) => readKey(crypto, key, i));
  const seal = (key: string, { value, expiresAt }: StorageEntry): StorageEntry => ({
    value: sealed(crypto, ring[0]!, key, value),
    expiresAt,
  });
  const open = (key: string, entry: StoredEntry | null | undefined): StoredEntry | undefined =>
    entry ? { ...entry, value: opened(crypto, ring, key, entry.value) } : undefined;
  return wrapped(storage, {
    get: (key, call) => then(storage.get(key, call), (entry) => open(key, entry)),
    create: (key, entry, call) => storage.create(key, seal(key, entry), call),
    update: (key, entry, version, call) => storage.update(key, seal(key, entry), version, call),
    ...(storage.maxValueBytes === undefined
      ? {}
      : { maxValueBytes: Math.floor(((storage.maxValueBytes - 16) * 3) / 4) - NONCE_BYTES - TAG_BYTES }),
  });
}

function sealed(crypto: NodeCrypto, key: Key, storageKey: string, value: string): string {
  const nonce = crypto.randomBytes(NONCE_BYTES);
  const cipher = crypto.createCipheriv("aes-256-gcm", key.bytes, nonce).setAAD(Buffer.from(storageKey));
  // workerd throws in `final` after an empty `update`.
  const pieces = value === "" ? [] : [cipher.update(value, "utf8")];
  const bytes = Buffer.concat([nonce, ...pieces, cipher.final(), cipher.getAuthTag()]);
  return `e1.${key.name}.${bytes.toString("base64url")}`;
}

/**
 * Decrypts a value. Returns the empty string, which is not a record, if that fails; `SEALED_ELSEWHERE` if its key is
 * not in the ring.
 */
function opened(crypto: NodeCrypto, ring: readonly Key[], storageKey: string, text: string): string {
  const [format, name, body] = text.split(".");
  const key = ring.find((one) => one.name === name);
  const bytes = Buffer.from(body ?? "", "base64url");
  if (format !== "e1" || !KEY_NAME.test(name ?? "") || bytes.length < NONCE_BYTES + TAG_BYTES) return "";
  if (!key) return SEALED_ELSEWHERE;
  try {
    const decipher = crypto.createDecipheriv("aes-256-gcm", key.bytes, bytes.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(Buffer.from(storageKey)).setAuthTag(bytes.subarray(-TAG_BYTES));
    return decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES), undefined, "utf8") + decipher.final("utf8");
  } catch {
    return "";
  }
}

function readKey(crypto: NodeCrypto, key: unknown, i: number): Key {
  const bytes = typeof key === "string" ? fromString(key) : key;
  if (!(bytes instanceof Uint8Array) || bytes.length !== KEY_BYTES) {
    throw mistake(
      "wrong-option",
      `encrypted: keys[${i}] is not ${KEY_BYTES} bytes; write crypto.randomBytes(32), or its ` +
        "base64url or hex string",
    );
  }
  if (new Set(bytes).size < 8)
    throw mistake("wrong-option", `encrypted: keys[${i}] is not random; write the result of crypto.randomBytes(32)`);
  const name = crypto
    .createHash("sha256")
    .update("holdfast encrypted key")
    .update(bytes)
    .digest("base64url")
    .slice(0, 8);
  return { name, bytes: bytes.slice() };
}

function fromString(text: string): Uint8Array | undefined {
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, "hex");
  return /^[\w+/-]{43}=?$/.test(text) ? Buffer.from(text, "base64") : undefined;
}

function then<A, B>(value: Awaitable<A>, next: (value: A) => B): Awaitable<B> {
  return isPromise(value) ? value.then(next) : next(value);
}

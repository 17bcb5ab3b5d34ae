/**
 * A storage whose values are encrypted at rest, over any other.
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
import { SessionError } from "../errors.js";
import { misplaced } from "../util/assert.js";
import { builtinModule } from "../util/builtin.js";
import { isPromise } from "../util/promise.js";
import { assertStorage } from "./driver.js";
import { wrapped } from "./wrapped.js";

type NodeCrypto = Pick<
  typeof import("node:crypto"),
  "createCipheriv" | "createDecipheriv" | "createHash" | "randomBytes"
>;

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
const KEY_NAME = /^[\w-]{8}$/;

/** One key of the ring. */
interface Key {
  /** Names the key in what it sealed; computed from the key, tells nothing of it. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * The same storage, its values encrypted at rest (AES-256-GCM, a fresh nonce for each write). Each value is bound to
 * its key: moved under another it is unreadable, and so is one that was forged or damaged. The store reports those as
 * `unreadable` and takes them for no session. One that was sealed with a key that is not in the ring is reported,
 * too, and treated like a record of a newer format: no session here, never overwritten, since another server may have
 * the key. Deadlines are not encrypted: who can write to the database can prolong an idle deadline, never an absolute
 * one.
 *
 * `keys`: 32 random bytes each, as Uint8Array or as base64url or hex text; the first seals, all open. To rotate, put
 * the new key first, deploy everywhere, and remove the old one when its last session has expired (add it last and
 * deploy once before that, where old and new processes run side by side). One key is good for 2³² writes (NIST SP
 * 800-38D).
 */
export function encrypted(storage: Storage, keys: readonly (Uint8Array | string)[]): Storage {
  assertStorage(storage, "encrypted: storage");
  const crypto = builtinModule<NodeCrypto>("node:crypto");
  if (!crypto)
    throw new SessionError("unsupported", "encrypted() needs node:crypto; Node, Bun, Deno and workerd have it");
  if (!Array.isArray(keys) || keys.length === 0)
    throw misplaced("encrypted: keys", keys, "an array of keys, the one to seal with first");
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
  // workerd fails in `final` after an empty `update`.
  const pieces = value === "" ? [] : [cipher.update(value, "utf8")];
  const bytes = Buffer.concat([nonce, ...pieces, cipher.final(), cipher.getAuthTag()]);
  return `e1.${key.name}.${bytes.toString("base64url")}`;
}

/**
 * The value again; the empty string, which no record is, if it does not open; `SEALED_ELSEWHERE` if its key is not in
 * the ring.
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
  const bytes = typeof key === "string" ? fromText(key) : key;
  if (!(bytes instanceof Uint8Array) || bytes.length !== KEY_BYTES) {
    throw new TypeError(
      `holdfast: encrypted: keys[${i}] is not ${KEY_BYTES} bytes; write crypto.randomBytes(32), or its ` +
        "base64url or hex text",
    );
  }
  if (new Set(bytes).size < 8)
    throw new TypeError(`holdfast: encrypted: keys[${i}] is not random; write what crypto.randomBytes(32) answered`);
  const name = crypto
    .createHash("sha256")
    .update("holdfast encrypted key")
    .update(bytes)
    .digest("base64url")
    .slice(0, 8);
  return { name, bytes: bytes.slice() };
}

function fromText(text: string): Uint8Array | undefined {
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, "hex");
  return /^[\w+/-]{43}=?$/.test(text) ? Buffer.from(text, "base64") : undefined;
}

function then<A, B>(value: Awaitable<A>, next: (value: A) => B): Awaitable<B> {
  return isPromise(value) ? value.then(next) : next(value);
}

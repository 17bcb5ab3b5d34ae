/** Bytes as text, random bytes, and hashes. */
import { SessionError } from "../errors.js";
import { builtinModule, isEdge, isWorker } from "./builtin.js";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

const CODES = Uint8Array.from(ALPHABET, (letter) => letter.charCodeAt(0));

/** Encodes bytes, or a range of them, as base64url without padding (RFC 4648 §5). */
export function base64url(bytes: Uint8Array, from: number = 0, to: number = bytes.length): string {
  let text = "";
  let at = from;
  for (; at + 3 <= to; at += 3) {
    const three = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
    text += String.fromCharCode(
      CODES[three >> 18]!,
      CODES[(three >> 12) & 63]!,
      CODES[(three >> 6) & 63]!,
      CODES[three & 63]!,
    );
  }
  if (at === to) return text;
  const two = (bytes[at]! << 8) | (at + 1 < to ? bytes[at + 1]! : 0);
  text += ALPHABET[two >> 10]! + ALPHABET[(two >> 4) & 63]!;
  return at + 1 < to ? text + ALPHABET[(two & 15) << 2]! : text;
}

const VALUE_OF: ReadonlyMap<string, number> = new Map(
  Array.from(ALPHABET, (letter, value) => [letter, value] as const),
);

/** Decodes a base64url string without padding; throws on any other character. */
export function fromBase64url(text: string): Uint8Array {
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let [bits, held, at] = [0, 0, 0];
  for (const letter of text) {
    const value = VALUE_OF.get(letter);
    if (value === undefined) throw new SyntaxError("not base64url");
    bits = ((bits << 6) | value) & 0xffff;
    held += 6;
    if (held >= 8) bytes[at++] = (bits >> (held -= 8)) & 0xff;
  }
  return bytes;
}

/**
 * Decodes base64 or base64url, with or without padding, as `Buffer` does.
 *
 * @param text - the string
 * @returns the bytes; none if it contains other characters
 */
export function fromBase64(text: string): Uint8Array {
  try {
    return fromBase64url(
      text
        .replace(/={1,2}$/, "")
        .replace(/\+/g, "-")
        .replace(/\//g, "_"),
    );
  } catch {
    return new Uint8Array(0);
  }
}

/**
 * The UTF-8 text in base64.
 *
 * @param text - the string in base64
 * @returns the decoded text; empty if it is damaged
 */
export function textFromBase64(text: string): string {
  return new TextDecoder().decode(fromBase64(text));
}

/** Returns the length of a string in UTF-8 bytes. */
export function utf8Length(text: string): number {
  let length = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) length += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
  }
  return length;
}

// Random bytes.

/** Random bytes are requested from the system in blocks: a call costs more than its bytes. */
const BLOCK_BYTES = 1024;

let block = new Uint8Array(0);
let used = 0;

/**
 * Returns `count` random bytes of the system's generator as base64url. Throws if the generator returns no random data.
 */
export function randomText(count: number): string {
  if (used + count > block.length) refill();
  const from = used;
  used += count;
  const text = base64url(block, from, used);
  block.fill(0, from, used);
  return text;
}

function refill(): void {
  const fresh: Uint8Array<ArrayBuffer> = globalThis.crypto.getRandomValues(new Uint8Array(BLOCK_BYTES));
  if (fresh.length !== BLOCK_BYTES) throw new Error("holdfast: the system's random generator returned too few bytes");
  if (fresh.every((byte) => byte === 0)) throw new Error("holdfast: the system's random generator returned zeros");
  block = fresh;
  used = 0;
}

// Hashes, by the runtime.

type NodeCrypto = Pick<typeof import("node:crypto"), "createHash" | "createHmac" | "timingSafeEqual"> &
  Partial<Pick<typeof import("node:crypto"), "hash">>;

let crypto: NodeCrypto | undefined;

/**
 * Returns the SHA-256 of a string as base64url (43 characters). `crypto.hash` takes half the time, if the runtime has
 * it.
 */
export function sha256(text: string): string {
  const crypto = nodeCrypto();
  return crypto.hash
    ? crypto.hash("sha256", text, "base64url")
    : crypto.createHash("sha256").update(text).digest("base64url");
}

/**
 * Returns the SHA-1 of a string in hexadecimal: Redis identifies scripts by it. It is not used for anything secret or
 * trusted.
 */
export function sha1(text: string): string {
  return nodeCrypto().createHash("sha1").update(text).digest("hex");
}

/**
 * Returns the HMAC of a string.
 *
 * @param algorithm - the hash function
 * @param key - the secret
 * @param text - the string
 * @param encoding - how the result is written
 */
export function hmac(
  algorithm: "sha1" | "sha256" | "sha512",
  key: string | Uint8Array,
  text: string,
  encoding: "base64" | "base64url",
): string {
  return nodeCrypto().createHmac(algorithm, key).update(text).digest(encoding);
}

/** Compares two strings; the time does not depend on where they differ, only on their lengths. */
export function equalInConstantTime(one: string, other: string): boolean {
  const encoder = new TextEncoder();
  const [first, second] = [encoder.encode(one), encoder.encode(other)];
  return first.length === second.length && nodeCrypto().timingSafeEqual(first, second);
}

/** Throws if this runtime has no hash function: nothing could be stored. */
export function assertCrypto(): void {
  nodeCrypto();
}

function nodeCrypto(): NodeCrypto {
  crypto ??= builtinModule<NodeCrypto>("node:crypto");
  if (!crypto) throw new SessionError("unsupported", lacking());
  return crypto;
}

function lacking(): string {
  if (isWorker()) return WORKER_LACKS;
  return isEdge() ? EDGE_LACKS : RUNTIME_LACKS;
}

const EDGE_LACKS =
  "this runtime has no node:crypto, which holdfast needs: it is an Edge Runtime; write export const runtime = " +
  '"nodejs" into the route (in Next use proxy.ts instead of middleware.ts), or deploy it as a function on Node';

const RUNTIME_LACKS = "this runtime has no node:crypto, which holdfast needs; Node, Bun, Deno and workerd have it";

/** `process.getBuiltinModule` exists from that date on; the flag is on by default from 2026-08-04. */
const WORKER_LACKS =
  'this Worker has no node:crypto, which holdfast needs; write compatibility_flags = ["nodejs_compat"] and a ' +
  'compatibility_date of "2024-09-23" or later into its configuration (from "2026-08-04" on the date is enough)';

import { SessionError } from "../errors.js";
import { builtinModule, isEdge, isWorker } from "./builtin.js";

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

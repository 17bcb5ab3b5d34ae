import { base64url } from "./bytes.js";

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

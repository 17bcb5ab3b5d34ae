let scratch = new Uint8Array(0);
let words = new DataView(scratch.buffer);

/** Texts longer than this, in bytes, get a buffer of their own: what is kept between calls stays small. */
const MOST_KEPT = 256 * 1024;

/**
 * A 32-bit checksum of a text of well-formed Unicode, in base 36: over its UTF-8 as FNV-1a goes over bytes, but four bytes at a time, each step followed
 * by a shift so that high bits count as much as low ones. Every change within four bytes changes it. Finds damage; it is no defence against forgery.
 */
export function checksum(text: string): string {
  const length = utf8Of(text);
  let hash = 0x811c9dc5 ^ length;
  let at = 0;
  for (; at + 4 <= length; at += 4) hash = mixed(hash ^ words.getInt32(at, true));
  for (; at < length; at++) hash = mixed(hash ^ scratch[at]!);
  return (hash >>> 0).toString(36);
}

function mixed(hash: number): number {
  const product = Math.imul(hash, 0x01000193);
  return product ^ (product >>> 15);
}

/** Writes the UTF-8 of a text into the scratch buffer; answers how many bytes it takes. */
function utf8Of(text: string): number {
  if (scratch.length < text.length * 3 || scratch.length > MOST_KEPT) use(text.length * 3);
  return encoder.encodeInto(text, scratch).written;
}

const encoder = new TextEncoder();

function use(bytes: number): void {
  scratch = new Uint8Array(Math.max(4096, bytes));
  words = new DataView(scratch.buffer);
}

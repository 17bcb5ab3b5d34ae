/**
 * A 32-bit checksum of two texts of well-formed Unicode, one after the other, in base 36. The first, a short one,
 * goes in by its characters as in FNV-1a, the second by its UTF-8, four bytes a step, each followed by a shift so
 * that high bits count as much as low ones. Every change within one step changes it. Finds damage; it is no defence
 * against forgery.
 */
export function checksum(first: string, second: string): string {
  const length = utf8Of(second);
  let hash = 0x811c9dc5 ^ length;
  for (let i = 0; i < first.length; i++) hash = mixed(hash ^ first.charCodeAt(i));
  let at = 0;
  for (; at + 4 <= length; at += 4) hash = mixed(hash ^ words.getInt32(at, true));
  for (; at < length; at++) hash = mixed(hash ^ scratch[at]!);
  return (hash >>> 0).toString(36);
}

function mixed(hash: number): number {
  const product = Math.imul(hash, 0x01000193);
  return product ^ (product >>> 15);
}

const encoder = new TextEncoder();

/** What is kept between calls stays small: a longer text, in bytes, has its buffer replaced by the next one. */
const MOST_KEPT = 256 * 1024;
const LEAST = 4096;

let scratch = new Uint8Array(0);
let words = new DataView(scratch.buffer);

/** Writes the UTF-8 of a text into the scratch buffer; answers how many bytes it takes. */
function utf8Of(text: string): number {
  const most = text.length * 3;
  if (scratch.length < most || scratch.length > MOST_KEPT) {
    scratch = new Uint8Array(Math.max(LEAST, most));
    words = new DataView(scratch.buffer);
  }
  return encoder.encodeInto(text, scratch).written;
}

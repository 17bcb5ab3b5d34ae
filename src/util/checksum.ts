/**
 * Returns a 32-bit checksum of two strings of well-formed Unicode, one after the other, in base 36. The first, a short
 * one, is hashed by characters as in FNV-1a, the second by its UTF-8, four bytes a step. A shift after each step makes
 * high bits count as much as low ones, so every change within one step changes the checksum. It detects damage; it
 * does not protect against forgery.
 */
export function checksum(first: string, second: string): string {
  const length = encodeUtf8(second);
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

/**
 * Limit of the buffer that is kept between calls: after a longer string, in bytes, the next call replaces the buffer.
 */
const MOST_KEPT = 256 * 1024;
const LEAST = 4096;

let scratch = new Uint8Array(0);
let words = new DataView(scratch.buffer);

/** Writes the UTF-8 of a string into the shared buffer; returns the number of bytes. */
function encodeUtf8(text: string): number {
  const most = text.length * 3;
  if (scratch.length < most || scratch.length > MOST_KEPT) {
    scratch = new Uint8Array(Math.max(LEAST, most));
    words = new DataView(scratch.buffer);
  }
  return encoder.encodeInto(text, scratch).written;
}

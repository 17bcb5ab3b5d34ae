/**
 * `crypto_secretbox_open_easy` of libsodium: XSalsa20 and Poly1305, for cookies of @fastify/secure-session.
 * `node:crypto` has neither. Only old cookies are opened with it, nothing is encrypted.
 */
export const KEY_BYTES = 32;
export const NONCE_BYTES = 24;
const TAG_BYTES = 16;
const BLOCK_BYTES = 64;

const CONSTANTS: readonly number[] = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574];

const rotated = (value: number, by: number): number => (value << by) | (value >>> (32 - by));

/** The positions of each quarter round of a double round. */
const QUARTERS: readonly (readonly [number, number, number, number])[] = [
  [0, 4, 8, 12],
  [5, 9, 13, 1],
  [10, 14, 2, 6],
  [15, 3, 7, 11],
  [0, 1, 2, 3],
  [5, 6, 7, 4],
  [10, 11, 8, 9],
  [15, 12, 13, 14],
];

/** The twenty rounds of Salsa20. */
function rounds(state: Uint32Array): Uint32Array {
  const x = state.slice();
  for (let round = 0; round < 10; round++)
    for (const [a, b, c, d] of QUARTERS) {
      x[b]! ^= rotated((x[a]! + x[d]!) | 0, 7);
      x[c]! ^= rotated((x[b]! + x[a]!) | 0, 9);
      x[d]! ^= rotated((x[c]! + x[b]!) | 0, 13);
      x[a]! ^= rotated((x[d]! + x[c]!) | 0, 18);
    }
  return x;
}

/** The input of the rounds: constants, key, and sixteen bytes of nonce or counter. */
function stateOf(key: Uint32Array, input: readonly number[]): Uint32Array {
  const [c0, c1, c2, c3] = CONSTANTS as [number, number, number, number];
  const [k0, k1, k2, k3, k4, k5, k6, k7] = key as unknown as number[];
  return Uint32Array.of(c0, k0!, k1!, k2!, k3!, c1, ...input, c2, k4!, k5!, k6!, k7!, c3);
}

function wordsOf(bytes: Uint8Array): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Uint32Array.from({ length: bytes.length >> 2 }, (_, i) => view.getUint32(i * 4, true));
}

/** HSalsa20: the key of one nonce's first sixteen bytes. */
function subkeyOf(key: Uint32Array, nonce: Uint32Array): Uint32Array {
  const x = rounds(stateOf(key, Array.from(nonce.subarray(0, 4))));
  return Uint32Array.from([0, 5, 10, 15, 6, 7, 8, 9], (i) => x[i]!);
}

/** The key stream of XSalsa20, from its beginning. */
function keyStream(key: Uint8Array, nonce: Uint8Array, length: number): Uint8Array {
  const words = wordsOf(nonce);
  const subkey = subkeyOf(wordsOf(key), words);
  const stream = new Uint8Array(Math.ceil(length / BLOCK_BYTES) * BLOCK_BYTES);
  const view = new DataView(stream.buffer);
  for (let block = 0; block * BLOCK_BYTES < stream.length; block++) {
    const state = stateOf(subkey, [words[4]!, words[5]!, block, 0]);
    const x = rounds(state);
    for (const [i, word] of x.entries()) view.setUint32(block * BLOCK_BYTES + i * 4, (word + state[i]!) >>> 0, true);
  }
  return stream;
}

const PRIME = (1n << 130n) - 5n;
const CLAMP = 0x0ffffffc0ffffffc0ffffffc0fffffffn;

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

/** Poly1305 with a one-time key. */
function tagOf(key: Uint8Array, text: Uint8Array): Uint8Array {
  const r = littleEndian(key.subarray(0, 16)) & CLAMP;
  let sum = 0n;
  for (let at = 0; at < text.length; at += 16) {
    const part = text.subarray(at, at + 16);
    sum = ((sum + littleEndian(part) + (1n << BigInt(part.length * 8))) * r) % PRIME;
  }
  const total = sum + littleEndian(key.subarray(16, 32));
  return Uint8Array.from({ length: TAG_BYTES }, (_, i) => Number((total >> BigInt(i * 8)) & 0xffn));
}

/**
 * Decrypts a box.
 *
 * @param box - tag and encrypted text
 * @param nonce - 24 bytes
 * @param key - 32 bytes
 * @returns the text, or undefined if it was not encrypted with this key
 */
export function openBox(box: Uint8Array, nonce: Uint8Array, key: Uint8Array): Uint8Array | undefined {
  if (box.length < TAG_BYTES || nonce.length !== NONCE_BYTES) return undefined;
  const encrypted = box.subarray(TAG_BYTES);
  const stream = keyStream(key, nonce, KEY_BYTES + encrypted.length);
  const tag = tagOf(stream.subarray(0, KEY_BYTES), encrypted);
  let differs = 0;
  for (let i = 0; i < TAG_BYTES; i++) differs |= tag[i]! ^ box[i]!;
  return differs === 0 ? encrypted.map((byte, i) => byte ^ stream[KEY_BYTES + i]!) : undefined;
}

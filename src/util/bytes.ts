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

/** Returns the length of a string in UTF-8 bytes. */
export function utf8Length(text: string): number {
  let length = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) length += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
  }
  return length;
}

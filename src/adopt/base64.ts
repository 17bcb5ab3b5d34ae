import { fromBase64url } from "../util/bytes.js";

/**
 * Decodes base64 or base64url, with or without padding, as `Buffer` does.
 *
 * @param text - the string
 * @returns the bytes; none if it contains other characters
 */
export function bytesOf(text: string): Uint8Array {
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
export function textOf(text: string): string {
  return new TextDecoder().decode(bytesOf(text));
}

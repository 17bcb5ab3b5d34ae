import { misplaced, misuse } from "../util/assert.js";
import { assertCrypto, equalInConstantTime, hmac } from "../util/bytes.js";

/** A key of a signature: text or bytes. */
export type CookieSecret = string | Uint8Array;

/** How values of signed cookies are written; the defaults are the format of `cookie-signature` and express-session. */
export interface SignatureFormat {
  /** What a signed value begins with. Default `"s:"`. */
  readonly prefix?: string;
  /** Hash of the HMAC. Default `"sha256"`. */
  readonly algorithm?: "sha256" | "sha512";
}

/** Encodes and decodes the values of signed cookies. */
export interface SignedValues {
  /** Returns the value with a signature by the first secret, not percent-encoded. */
  sign(value: string): string;
  /** Returns the value of a cookie: percent-encoded, with a signature by the first secret. */
  encode(value: string): string;
  /** Returns the signed value in a cookie as it was sent, or undefined if no secret verifies it. Never throws. */
  decode(sent: string): string | undefined;
}

/** Browsers keep no longer cookie: nothing longer is decoded, in characters. */
const MOST_CHARACTERS = 4096;

/**
 * Signed cookies: `s:VALUE.SIGNATURE`, percent-encoded. The signature is the HMAC of the value in base64 without
 * padding; the last dot divides, because a value may contain dots.
 *
 * @param option - name of the option, for messages
 * @param secrets - one secret, or several: the first one signs, all of them verify
 * @param format - other formats of the same kind (`@fastify/session`)
 * @returns functions that encode and decode values
 * @throws {TypeError} if there is no secret, or one is empty
 */
export function signedValues(
  option: string,
  secrets: CookieSecret | readonly CookieSecret[],
  { prefix = "s:", algorithm = "sha256" }: SignatureFormat = {},
): SignedValues {
  assertCrypto();
  const keys = checkedSecrets(option, secrets);
  const signatureBy = (key: CookieSecret, value: string): string =>
    hmac(algorithm, key, value, "base64").replace(/={1,2}$/, "");
  const sign = (value: string): string => `${prefix}${value}.${signatureBy(keys[0]!, value)}`;
  return {
    sign,
    encode: (value) => encodeURIComponent(sign(value)),
    decode(sent) {
      const text = sent.length > MOST_CHARACTERS ? "" : percentDecoded(sent);
      const dot = text.lastIndexOf(".");
      if (!text.startsWith(prefix) || dot < prefix.length) return undefined;
      const value = text.slice(prefix.length, dot);
      const signature = text.slice(dot + 1);
      return keys.some((key) => equalInConstantTime(signature, signatureBy(key, value))) ? value : undefined;
    },
  };
}

function checkedSecrets(option: string, given: unknown): readonly CookieSecret[] {
  const keys: readonly unknown[] = Array.isArray(given) ? [...(given as unknown[])] : [given];
  if (keys.length === 0) throw misuse(option, given, "at least one secret");
  for (const key of keys)
    if (!(typeof key === "string" || key instanceof Uint8Array) || key.length === 0)
      throw misplaced(option, key === "" ? "" : key, "a secret that is not empty; several as [newest, …older]");
  return keys as readonly CookieSecret[];
}

/** Text that is not percent-encoded correctly is taken as it is, as by the package `cookie`. */
function percentDecoded(sent: string): string {
  if (!sent.includes("%")) return sent;
  try {
    return decodeURIComponent(sent);
  } catch {
    return sent;
  }
}

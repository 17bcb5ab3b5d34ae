import { readCookie } from "../cookie/cookie.js";
import { misplaced } from "../util/assert.js";
import { equalInConstantTime, hmac } from "../util/bytes.js";

/** The keys of the package `cookies` (cookie-session, Koa): one, several, or a Keygrip object. */
export type CookieKeys = string | readonly string[] | Keygrip;

/** The part of Keygrip that is used. */
export interface Keygrip {
  /**
   * Verifies a signature.
   *
   * @param data - what was signed
   * @param digest - the signature
   * @returns true if one of its keys made it
   */
  verify(data: string, digest: string): boolean;
}

/** A value of a cookie, and everything of it that only the client has. */
export interface VerifiedValue {
  readonly value: string;
  readonly secret: string;
}

/**
 * Makes the function that reads a cookie of the package `cookies`: its signature, the HMAC-SHA1 of `NAME=VALUE`, is
 * in a second cookie, `NAME.sig`.
 *
 * @param option - name of the option, for messages
 * @param keys - the keys; undefined: the cookie is not signed
 * @param name - name of the cookie
 * @returns a function that returns the value, or undefined if there is none or no key verifies it
 * @throws {TypeError} if there is no key, or one is empty
 */
export function keygripValues(
  option: string,
  keys: CookieKeys | undefined,
  name: string,
): (cookies: string | undefined) => VerifiedValue | undefined {
  const verify = keys === undefined ? undefined : verifier(option, keys);
  return (cookies) => {
    const value = readCookie(cookies, name).first;
    if (value === undefined || value === "") return undefined;
    if (!verify) return { value, secret: value };
    const signature = readCookie(cookies, `${name}.sig`).first;
    if (signature === undefined || !verify(`${name}=${value}`, signature)) return undefined;
    return { value, secret: `${value}.${signature}` };
  };
}

function verifier(option: string, keys: CookieKeys): (data: string, digest: string) => boolean {
  if (typeof (keys as Partial<Keygrip>).verify === "function")
    return (data, digest) => (keys as Keygrip).verify(data, digest);
  const all: readonly unknown[] = Array.isArray(keys) ? (keys as unknown[]) : [keys];
  if (all.length === 0 || !all.every((key) => typeof key === "string" && key !== ""))
    throw misplaced(option, keys, "the keys, [newest, …older]");
  return (data, digest) =>
    (all as string[]).some((key) => equalInConstantTime(digest, hmac("sha1", key, data, "base64url")));
}

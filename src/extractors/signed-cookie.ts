import { readCookie } from "../cookie/read.js";
import { signedValues, type CookieSecret } from "../cookie/signed.js";
import { cookieName } from "../cookie/write.js";
import type { RequestView } from "../http/request-view.js";
import { single, type Extractor, type Values } from "./extractor.js";

/**
 * Reads the token from a signed cookie in the format of express-session and `cookie-signature`
 * (`s:TOKEN.SIGNATURE`), and sends it in that cookie. A value without a valid signature is no token. A token needs no
 * signature; this is for tokens that are less than unguessable, and for clients that have such cookies already.
 *
 * @param name - name of the cookie
 * @param secrets - one secret, or several: the first one signs, all of them verify
 * @returns an extractor
 * @throws {TypeError} if the name is not a valid cookie name, or a secret is missing or empty
 * @example
 * ```ts
 * session({ extractor: fromSignedCookie("connect.sid", [newSecret, oldSecret]) });
 * ```
 */
export function fromSignedCookie(name: string, secrets: CookieSecret | readonly CookieSecret[]): Extractor {
  const { encode, decode } = signedValues("fromSignedCookie: secrets", secrets);
  const look = (view: RequestView): Values => {
    const { first, count } = readCookie(view.cookies, name);
    return { first: first === undefined ? undefined : decode(first), count };
  };
  return single("cookie", cookieName("fromSignedCookie", name), "first", look, encode);
}

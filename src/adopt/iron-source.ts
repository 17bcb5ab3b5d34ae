import type { AdoptionSource } from "../contracts/adoption-source.js";
import { readCookie } from "../cookie/cookie.js";
import { SessionError } from "../errors.js";
import { misplaced } from "../util/assert.js";
import { builtinModule } from "../util/builtin.js";
import { equalInConstantTime, base64url, fromBase64 } from "../util/bytes.js";
import { objectIn } from "./old-store.js";
import { assertUntil, checkedOptions, nameOf, present, sourceOf, type AdoptOptions } from "./source-options.js";

type NodeCrypto = Pick<typeof import("node:crypto"), "createDecipheriv" | "createHmac" | "pbkdf2Sync">;

/** Options of `fromIronSession`: those of the old `getIronSession(…)` that matter. */
export interface IronSessionOptions extends AdoptOptions {
  /** The password, or all passwords by their number during a rotation. */
  password: string | Readonly<Record<string, string>>;
  /** Name of the cookie. */
  cookieName: string;
  /** When the last old cookie is invalid. Required. */
  until: NonNullable<AdoptOptions["until"]>;
}

/** iron-session splits a cookie into at most this many. */
const MOST_CHUNKS = 5;
const MOST_CHARACTERS = MOST_CHUNKS * 4096;
/** By how much clocks may differ, in ms, as in iron-session. */
const SKEW_MS = 60_000;
const PARTS = 8;

/**
 * Adopts the sessions of iron-session 8 and 9, also of cookies that are split (`chunk: true`).
 *
 * @param options - password and name of the old cookie, and `until`
 * @returns an element of the option `adopt`
 * @throws {TypeError} if an option is missing or invalid
 * @throws {SessionError} `unsupported` if the runtime has no `node:crypto`
 * @example
 * ```ts
 * session({ storage, adopt: [fromIronSession({ password, cookieName: "app_session", until: "2027-03-01" })] });
 * ```
 */
export function fromIronSession(options: IronSessionOptions): AdoptionSource {
  const where = "fromIronSession";
  const own = checkedOptions(where, options, ["password", "cookieName"]);
  assertUntil(where, own);
  const name = nameOf(where, own.cookieName);
  const passwords = checkedPasswords(where, own.password);
  const names = [name, ...Array.from({ length: MOST_CHUNKS }, (_, i) => `${name}.${i}`)];
  const crypto = builtinModule<NodeCrypto>("node:crypto");
  if (!crypto) throw new SessionError("unsupported", `${where} needs node:crypto`);
  return sourceOf(where, own, {
    library: "iron-session",
    names: (request) => present(request, names),
    find({ cookies }, now) {
      const sealed = sealIn(cookies, names);
      const data = sealed === undefined ? undefined : unsealed(crypto, sealed, passwords, now);
      return data && { id: sealed!, secret: sealed!, read: () => ({ data }) };
    },
  });
}

function checkedPasswords(where: string, given: unknown): Readonly<Record<string, string>> {
  const all = typeof given === "string" ? { 1: given } : { ...(given as Record<string, unknown>) };
  const isValid = Object.values(all).every((one) => typeof one === "string" && one !== "");
  if (Object.keys(all).length === 0 || !isValid)
    throw misplaced(`${where}: password`, given, "the password, or { 1: older, 2: newer }");
  return Object.assign(Object.create(null) as Record<string, string>, all);
}

/** The cookie, or its parts in their order, without the version at the end, which nothing protects. */
function sealIn(cookies: string | undefined, [name, ...chunks]: readonly string[]): string | undefined {
  let text = readCookie(cookies, name!).first ?? "";
  if (text === "")
    for (const chunk of chunks) {
      const part = readCookie(cookies, chunk).first;
      if (part === undefined || part === "") break;
      text += part;
    }
  if (text === "" || text.length > MOST_CHARACTERS) return undefined;
  try {
    return decodeURIComponent(text).split("~")[0];
  } catch {
    return undefined;
  }
}

/** Verifies and decrypts a seal (Fe26.2): HMAC-SHA256, AES-256-CBC, keys by one round of PBKDF2-SHA1. */
function unsealed(
  crypto: NodeCrypto,
  seal: string,
  passwords: Readonly<Record<string, string>>,
  now: number,
): Record<string, unknown> | undefined {
  const parts = seal.split("*");
  const [prefix, id, salt, iv, cipher, expires, macSalt, mac] = parts as [string, ...string[]] & string[];
  const password = passwords[id === "" ? "1" : id!];
  if (parts.length !== PARTS || prefix !== "Fe26.2" || password === undefined) return undefined;
  const keyBy = (by: string): Uint8Array => crypto.pbkdf2Sync(password, by, 1, 32, "sha1");
  const signed = parts.slice(0, 6).join("*");
  const expected = base64url(crypto.createHmac("sha256", keyBy(macSalt!)).update(signed).digest());
  if (!equalInConstantTime(mac!, expected)) return undefined;
  if (expires !== "" && !(Number(expires) > now - SKEW_MS)) return undefined;
  try {
    const decipher = crypto.createDecipheriv("aes-256-cbc", keyBy(salt!), fromBase64(iv!));
    const first = decipher.update(fromBase64(cipher!));
    const last = decipher.final();
    const bytes = new Uint8Array(first.length + last.length);
    bytes.set(first);
    bytes.set(last, first.length);
    return objectIn(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}

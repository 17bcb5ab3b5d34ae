import type { AdoptionSource } from "../contracts/adoption-source.js";
import { misuse } from "../util/assert.js";
import { textFromBase64 } from "../util/bytes.js";
import { keygripValues, type CookieKeys } from "./keygrip.js";
import { objectIn } from "./old-store.js";
import {
  assertMap,
  assertUntil,
  checkedOptions,
  nameOf,
  present,
  sourceOf,
  type AdoptOptions,
} from "./source-options.js";

/** Options of `fromCookieSession`: those of the old `cookieSession({ … })` that matter. */
export interface CookieSessionOptions extends AdoptOptions {
  /** The keys; all of them during a rotation. */
  keys?: CookieKeys;
  /** The single key, instead of `keys`. */
  secret?: string;
  /** Name of the cookie. Default `"session"`. */
  name?: string;
  /** `false` if the old cookie was not signed: every client can write it, so it can have no owner. */
  signed?: boolean;
  /** When the last old cookie is invalid. Required. */
  until: NonNullable<AdoptOptions["until"]>;
  /**
   * Converts the data, and says whose session it is. Required: two browsers with the same data have the same cookie.
   * With an owner, they continue one session; without one, each request with the old cookie gets a copy.
   */
  map: NonNullable<AdoptOptions["map"]>;
}

/**
 * Adopts the sessions of cookie-session, which exist only in their cookie.
 *
 * @param options - keys of the old middleware, `until` and `map`
 * @returns an element of the option `adopt`
 * @throws {TypeError} if an option is missing or invalid
 * @example
 * ```ts
 * const map = ({ userId, ...data }) => ({ data, ...(userId && { owner: String(userId) }) });
 * session({ storage, adopt: [fromCookieSession({ keys, until: "2027-03-01", map })] });
 * ```
 */
export function fromCookieSession(options: CookieSessionOptions): AdoptionSource {
  const where = "fromCookieSession";
  const own = checkedOptions(where, options, ["keys", "secret", "name", "signed"]);
  const { keys = own.secret, signed = true } = own;
  assertUntil(where, own);
  assertMap(where, own);
  if (signed && keys === undefined)
    throw misuse(`${where}: keys`, keys, "the keys of the old middleware, or signed: false if it had none");
  const name = nameOf(where, own.name ?? "session");
  const read = keygripValues(`${where}: keys`, signed ? keys : undefined, name);
  return dataInCookie(where, "cookie-session", signed ? own : withoutOwner(where, own), name, (cookies) => {
    const verified = read(cookies);
    const data = verified && objectIn(textFromBase64(verified.value));
    return data && { ...verified, data };
  });
}

/** A cookie with all data, and without an id. */
export function dataInCookie(
  where: string,
  library: string,
  options: AdoptOptions,
  name: string,
  read: (
    cookies: string | undefined,
    now: number,
  ) => { readonly secret: string; readonly data: Record<string, unknown> } | undefined,
): AdoptionSource {
  return sourceOf(where, options, {
    library,
    isSharedByEqualData: true,
    names: (request) => present(request, [name, `${name}.sig`]),
    find({ cookies }, now) {
      const found = read(cookies, now);
      return found && { id: found.secret, secret: found.secret, read: () => ({ data: found.data }) };
    },
  });
}

/** A cookie that every client can write does not prove who sent it. */
export function withoutOwner<T extends AdoptOptions>(where: string, options: T): T {
  const { map } = options;
  if (!map) return options;
  return {
    ...options,
    map: async (data: Record<string, any>) => {
      const next = await map(data);
      if (next?.owner === undefined) return next;
      throw misuse(
        `${where}: owner`,
        "an account",
        "no owner with signed: false: every client can write an unsigned cookie and be that account",
      );
    },
  };
}

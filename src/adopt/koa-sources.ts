import type { AdoptionRequest, AdoptionSource, OldCookie } from "../contracts/adoption-source.js";
import { misplaced, misuse } from "../util/assert.js";
import { textFromBase64 } from "../util/bytes.js";
import { dataInCookie, withoutOwner } from "./cookie-sources.js";
import { keygripValues, type CookieKeys, type VerifiedValue } from "./keygrip.js";
import { checkedStore, objectIn, OldReader, sessionIn, unlessAbsent, type OldStore } from "./old-store.js";
import {
  assertMap,
  assertUntil,
  checkedOptions,
  nameOf,
  present,
  sourceOf,
  type AdoptOptions,
} from "./source-options.js";

/** Options of `fromKoaSession`: those of the old `session({ … }, app)` that matter, and `app.keys`. */
export interface KoaSessionOptions extends AdoptOptions {
  /** The old `app.keys`. Not needed with `signed: false` or `header`. */
  keys?: CookieKeys;
  /** Name of the cookie, the option `key` of koa-session. Default `"koa.sess"`. */
  name?: string;
  /** `false` if the old cookie was not signed. */
  signed?: boolean;
  /** The old store; without one, the sessions are in their cookies, and `until` and `map` are required. */
  store?: OldStore;
  /** The request header that contained the key of the session, if the option `externalKey` read one. */
  header?: string;
  /** Decodes the value of a cookie with all data, if the old option `decode` was set. */
  decode?: (text: string) => Record<string, unknown>;
}

/**
 * Adopts the sessions of koa-session: in the cookie, in a store, or in a store with a key from a header.
 *
 * @param options - keys and store of the old middleware
 * @returns an element of the option `adopt`
 * @throws {TypeError} if an option is missing or invalid
 * @example
 * ```ts
 * session({ storage, adopt: [fromKoaSession({ keys: app.keys, store })] });
 * ```
 */
export function fromKoaSession(options: KoaSessionOptions): AdoptionSource {
  const where = "fromKoaSession";
  const own = checkedOptions(where, options, ["keys", "name", "signed", "store", "header", "decode"]);
  const name = nameOf(where, own.name ?? "koa.sess");
  if (own.store === undefined) return inCookie(where, own, name);
  const store = checkedStore(where, own.store);
  const read = own.header === undefined ? ofCookie(where, own, name) : ofHeader(where, own.header);
  return keysOfStore(where, "koa-session", own, name, read, (id) => promisedBy(store, id, false));
}

/** Options of `fromKoaGenericSession`: those of the old `session({ … })` that matter, and `app.keys`. */
export interface KoaGenericSessionOptions extends AdoptOptions {
  /** The old `app.keys`. */
  keys: CookieKeys;
  /** The store that was passed to the middleware, or a reader of this module. */
  store: OldStore;
  /** Name of the cookie, the option `key`. Default `"koa.sid"`. */
  name?: string;
  /** Start of the keys in the store. Default `"koa:sess:"`. */
  prefix?: string;
}

/**
 * Adopts the sessions of koa-generic-session.
 *
 * @param options - keys and store of the old middleware
 * @returns an element of the option `adopt`
 * @throws {TypeError} if an option is missing or invalid
 * @example
 * ```ts
 * session({ storage, adopt: [fromKoaGenericSession({ keys: app.keys, store })] });
 * ```
 */
export function fromKoaGenericSession(options: KoaGenericSessionOptions): AdoptionSource {
  const where = "fromKoaGenericSession";
  const own = checkedOptions(where, options, ["keys", "store", "name", "prefix"]);
  const { prefix = "koa:sess:" } = own;
  const name = nameOf(where, own.name ?? "koa.sid");
  const store = checkedStore(where, own.store);
  const read = ofCookie(where, own, name);
  return keysOfStore(where, "koa-generic-session", own, name, read, (id) => promisedBy(store, prefix + id, true));
}

type ReadKey = (request: AdoptionRequest) => VerifiedValue | undefined;

/** A key in a signed cookie. */
function ofCookie(where: string, { keys, signed = true }: KoaSessionOptions, name: string): ReadKey {
  if (signed && keys === undefined)
    throw misuse(`${where}: keys`, keys, "the old app.keys, or signed: false if the cookie was not signed");
  const read = keygripValues(`${where}: keys`, signed ? keys : undefined, name);
  return ({ cookies }) => read(cookies);
}

/** A key in a header. */
function ofHeader(where: string, header: unknown): ReadKey {
  if (typeof header !== "string" || header === "")
    throw misplaced(`${where}: header`, header, 'the name of a header, like "x-session"');
  return (request) => {
    const values = request.headers(header.toLowerCase());
    const value = values.length === 1 ? values[0]! : "";
    return value === "" ? undefined : { value, secret: value };
  };
}

function keysOfStore(
  where: string,
  library: string,
  options: AdoptOptions,
  name: string,
  readKey: ReadKey,
  recordOf: (id: string) => Pick<OldCookie, "read" | "remove">,
): AdoptionSource {
  return sourceOf(where, options, {
    library,
    names: (request) => present(request, [name, `${name}.sig`]),
    find(request) {
      const found = readKey(request);
      return found && { id: found.value, secret: found.secret, ...recordOf(found.value) };
    },
  });
}

/** The record of a key, in a store with promises. */
function promisedBy(store: OldStore, key: string, hasCookie: boolean): Pick<OldCookie, "read" | "remove"> {
  return {
    async read({ now }) {
      const reading = (): unknown =>
        store instanceof OldReader ? store.get(key, now) : store.get(key, undefined, { rolling: false });
      return sessionIn(await unlessAbsent(reading), now, hasCookie);
    },
    remove: async () => store.destroy(key),
  };
}

/** All data in the cookie. */
function inCookie(where: string, options: KoaSessionOptions, name: string): AdoptionSource {
  const { signed = true, decode = decoded } = options;
  assertUntil(where, options);
  assertMap(where, options);
  const readValue = ofCookie(where, options, name);
  const own = signed ? options : withoutOwner(where, options);
  return dataInCookie(where, "koa-session", own, name, (cookies, now) => {
    const found = readValue({ cookies, headers: () => [], context: undefined });
    const session = found && sessionIn(attempted(decode, found.value), now, false);
    return session && { secret: found.secret, data: session.data };
  });
}

function decoded(text: string): Record<string, unknown> {
  return objectIn(textFromBase64(text)) ?? {};
}

function attempted(decode: (text: string) => unknown, text: string): unknown {
  try {
    return decode(text);
  } catch {
    return undefined;
  }
}

import type { AdoptionSource, OldCookie } from "../contracts/adoption-source.js";
import { readCookie } from "../cookie/cookie.js";
import { signedValues, type CookieSecret } from "../cookie/signed.js";
import { calledBack, checkedStore, OldReader, sessionIn, unlessAbsent, type OldStore } from "./old-store.js";
import { checkedOptions, nameOf, present, sourceOf, type AdoptOptions } from "./source-options.js";

/** Options of `fromExpressSession`: those of the old `session({ … })` that matter. */
export interface ExpressSessionOptions extends AdoptOptions {
  /** The secret, or all secrets during a rotation: each of them verifies. */
  secret: CookieSecret | readonly CookieSecret[];
  /** The old store (connect-redis, connect-pg-simple, …), or a reader of this module. */
  store: OldStore;
  /** Name of the cookie. Default `"connect.sid"`. */
  name?: string;
}

/**
 * Adopts the sessions of express-session. A record is read from the old store once, and removed after the adoption.
 *
 * @param options - secrets and store of the old middleware
 * @returns an element of the option `adopt`
 * @throws {TypeError} if an option is missing or invalid
 * @example
 * ```ts
 * session({ storage, adopt: [fromExpressSession({ secret, store: new RedisStore({ client }) })] });
 * ```
 */
export function fromExpressSession(options: ExpressSessionOptions): AdoptionSource {
  const where = "fromExpressSession";
  const own = checkedOptions(where, options, ["secret", "store", "name"]);
  const { decode } = signedValues(`${where}: secret`, own.secret);
  return signedIds(where, "express-session", own, own.name ?? "connect.sid", decode);
}

/** A signer of `@fastify/cookie`, for `@fastify/session`. */
export interface FastifySigner {
  /**
   * Verifies a signed value.
   *
   * @param input - the signed value
   * @returns the value, and true if its signature is valid
   */
  unsign(input: string): { valid: boolean; value: string | null };
}

/** Options of `fromFastifySession`: those of the old plugin that matter. */
export interface FastifySessionOptions extends AdoptOptions {
  /** The secret, all secrets, or the signer that was passed to the plugin. */
  secret: CookieSecret | readonly CookieSecret[] | FastifySigner;
  /** The old store, or a reader of this module. */
  store: OldStore;
  /** Name of the cookie. Default `"sessionId"`. */
  cookieName?: string;
  /** Start of the value, like `"s:"`. Default none. */
  cookiePrefix?: string;
  /** Hash of the signature. Default `"sha256"`. */
  algorithm?: "sha256" | "sha512";
}

/**
 * Adopts the sessions of `@fastify/session`. A record is read from the old store once, and removed after the adoption.
 *
 * @param options - secrets and store of the old plugin
 * @returns an element of the option `adopt`
 * @throws {TypeError} if an option is missing or invalid
 * @example
 * ```ts
 * session({ storage, adopt: [fromFastifySession({ secret, store: new RedisStore({ client }) })] });
 * ```
 */
export function fromFastifySession(options: FastifySessionOptions): AdoptionSource {
  const where = "fromFastifySession";
  const own = checkedOptions(where, options, ["secret", "store", "cookieName", "cookiePrefix", "algorithm"]);
  const { secret, cookiePrefix = "", algorithm = "sha256", cookieName = "sessionId" } = own;
  const decode = isSigner(secret)
    ? unsigning(secret, cookiePrefix)
    : signedValues(`${where}: secret`, secret, { prefix: cookiePrefix, algorithm }).decode;
  return signedIds(where, "@fastify/session", own, cookieName, decode);
}

function isSigner(secret: FastifySessionOptions["secret"]): secret is FastifySigner {
  return typeof (secret as Partial<FastifySigner> | null)?.unsign === "function";
}

function unsigning(signer: FastifySigner, prefix: string): (sent: string) => string | undefined {
  return (sent) => {
    try {
      const text = decodeURIComponent(sent);
      if (!text.startsWith(prefix)) return undefined;
      const { valid, value } = signer.unsign(text.slice(prefix.length));
      return valid && value !== null ? value : undefined;
    } catch {
      return undefined;
    }
  };
}

/** A cookie with the signed id of a record. */
function signedIds(
  where: string,
  library: string,
  options: AdoptOptions & { store: OldStore },
  cookie: string,
  decode: (sent: string) => string | undefined,
): AdoptionSource {
  const name = nameOf(where, cookie);
  const store = checkedStore(where, options.store);
  return sourceOf(where, options, {
    library,
    names: (request) => present(request, [name]),
    find({ cookies }) {
      const sent = readCookie(cookies, name).first;
      const id = sent === undefined ? undefined : decode(sent);
      return id === undefined || id === "" ? undefined : inStore(store, id, sent!);
    },
  });
}

/** The record of an id, in a store with callbacks. */
function inStore(store: OldStore, id: string, secret: string): OldCookie {
  return {
    id,
    secret,
    async read({ now }) {
      const reading = (): unknown => (store instanceof OldReader ? store.get(id, now) : calledBack(store, "get", id));
      return sessionIn(await unlessAbsent(reading), now, true);
    },
    remove: () => (store instanceof OldReader ? store.destroy(id) : calledBack(store, "destroy", id)),
  };
}

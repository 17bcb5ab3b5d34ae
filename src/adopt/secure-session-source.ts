import type { AdoptionSource } from "../contracts/adoption-source.js";
import { readCookie } from "../cookie/cookie.js";
import { misplaced, wholeNumber } from "../util/assert.js";
import { fromBase64 } from "../util/bytes.js";
import { objectIn } from "./old-store.js";
import { KEY_BYTES, NONCE_BYTES, openBox } from "./secretbox.js";
import { assertUntil, checkedOptions, nameOf, present, sourceOf, type AdoptOptions } from "./source-options.js";

/** Options of `fromFastifySecureSession`: those of the old plugin that matter. */
export interface FastifySecureSessionOptions extends AdoptOptions {
  /**
   * The key of 32 bytes: bytes, or base64; several during a rotation. A plugin with `secret` and `salt` derives its
   * key: docs/migrate/fastify-session.md has the lines that print it.
   */
  key: Uint8Array | string | readonly (Uint8Array | string)[];
  /** Name of the cookie: the old `cookieName`, or `sessionName`. Default `"session"`. */
  cookieName?: string;
  /** How long a cookie is valid, in seconds: the old `expiry`. Default 86401. */
  expiry?: number;
  /** When the last old cookie is invalid. Required. */
  until: NonNullable<AdoptOptions["until"]>;
}

/** Browsers keep no longer cookie. */
const MOST_CHARACTERS = 4096;

/**
 * Adopts the sessions of `@fastify/secure-session`, which exist only in their cookie.
 *
 * @param options - key and name of the old cookie, and `until`
 * @returns an element of the option `adopt`
 * @throws {TypeError} if an option is missing or invalid
 * @example
 * ```ts
 * const key = readFileSync("secret-key");
 * session({ storage, adopt: [fromFastifySecureSession({ key, until: "2027-03-01" })] });
 * ```
 */
export function fromFastifySecureSession(options: FastifySecureSessionOptions): AdoptionSource {
  const where = "fromFastifySecureSession";
  const own = checkedOptions(where, options, ["key", "cookieName", "expiry"]);
  assertUntil(where, own);
  const name = nameOf(where, own.cookieName ?? "session");
  const keys = checkedKeys(where, own.key);
  const validMs = wholeNumber(`${where}: expiry`, own.expiry ?? 86_401, 1) * 1000;
  return sourceOf(where, own, {
    library: "@fastify/secure-session",
    names: (request) => present(request, [name]),
    find({ cookies }, now) {
      const sent = readCookie(cookies, name).first;
      const opened = sent === undefined ? undefined : openedBy(keys, sent);
      const { __ts: made, ...data } = opened ?? {};
      if (!opened || typeof made !== "number" || made * 1000 + validMs <= now) return undefined;
      return { id: sent!, secret: sent!, read: () => ({ data, expiresAt: made * 1000 + validMs }) };
    },
  });
}

function openedBy(keys: readonly Uint8Array[], sent: string): Record<string, unknown> | undefined {
  const [box, nonce] = partsOf(sent);
  if (!box || nonce?.length !== NONCE_BYTES) return undefined;
  for (const key of keys) {
    const text = openBox(box, nonce, key);
    if (text) return objectIn(new TextDecoder().decode(text));
  }
  return undefined;
}

function partsOf(sent: string): Uint8Array[] {
  if (sent.length > MOST_CHARACTERS) return [];
  try {
    return decodeURIComponent(sent).split(";").map(fromBase64);
  } catch {
    return [];
  }
}

function checkedKeys(where: string, given: unknown): readonly Uint8Array[] {
  const all: readonly unknown[] = Array.isArray(given) ? (given as unknown[]) : [given];
  const keys = all.map((one) => (typeof one === "string" ? fromBase64(one) : one));
  if (keys.length === 0 || !keys.every((key) => key instanceof Uint8Array && key.length === KEY_BYTES))
    throw misplaced(`${where}: key`, given, "the key of 32 bytes, as bytes or base64; several as [newest, …older]");
  return keys as Uint8Array[];
}

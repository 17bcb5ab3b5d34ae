import type { AdoptionCall, AdoptionSource, OldSession } from "../contracts/adoption-source.js";
import type { Awaitable } from "../contracts/storage.js";
import { readCookie } from "../cookie/cookie.js";
import { callable } from "../util/assert.js";
import { checkedOptions, nameOf, present, sourceOf, type AdoptOptions } from "./source-options.js";

/** Options of `fromOtherCookie`. */
export interface OtherCookieOptions extends AdoptOptions {
  /** Name of the cookie. */
  name: string;
  /**
   * Reads the old session. It verifies what has to be verified: the value is what the client sent.
   *
   * @param value - the value of the cookie, percent-decoded
   * @param call - time and abort signal
   * @returns the old session, or undefined if it does not exist or has expired
   */
  read(this: void, value: string, call: AdoptionCall): Awaitable<OldSession | null | undefined>;
  /**
   * Removes the old session, or ends it in another way. Without it, `until` must be set.
   *
   * @param value - the value of the cookie, percent-decoded
   * @param call - time and abort signal
   * @returns nothing that is used; a promise is awaited
   */
  remove?(this: void, value: string, call: AdoptionCall): Awaitable<unknown>;
}

/** Longer values are ignored, in characters. */
const MOST_CHARACTERS = 8192;

/**
 * Adopts the sessions of any other library whose cookie has an unguessable value: Lucia, Auth.js with a database, your
 * own.
 *
 * @param options - name of the cookie, and functions that read and remove an old session
 * @returns an element of the option `adopt`
 * @throws {TypeError} if an option is missing or invalid
 * @example
 * ```ts
 * const read = async (id: string) => {
 *   const row = await lucia.validateSession(id);
 *   return row.session && { data: {}, expiresAt: Number(row.session.expiresAt) };
 * };
 * const remove = (id: string) => lucia.invalidateSession(id);
 * session({ storage, adopt: [fromOtherCookie({ name: "auth_session", read, remove })] });
 * ```
 */
export function fromOtherCookie(options: OtherCookieOptions): AdoptionSource {
  const where = "fromOtherCookie";
  const own = checkedOptions(where, options, ["name", "read", "remove"]);
  const name = nameOf(where, own.name);
  const read = callable(`${where}: read`, own.read, "(value, { now, signal }) => ({ data, expiresAt })");
  const { remove } = own;
  if (remove !== undefined) callable(`${where}: remove`, remove, "(value, { now, signal }) => …");
  return sourceOf(where, own, {
    library: name,
    names: (request) => present(request, [name]),
    find({ cookies }) {
      const value = decoded(readCookie(cookies, name).first);
      if (value === undefined) return undefined;
      return {
        id: value,
        secret: value,
        async read(call) {
          const session = await read(value, call);
          return session && !(session.expiresAt !== undefined && session.expiresAt <= call.now) ? session : undefined;
        },
        ...(remove && { remove: (call: AdoptionCall) => remove(value, call) }),
      };
    },
  });
}

function decoded(sent: string | undefined): string | undefined {
  if (sent === undefined || sent === "" || sent.length > MOST_CHARACTERS) return undefined;
  try {
    return decodeURIComponent(sent);
  } catch {
    return undefined;
  }
}

/** What `holdfast/nuxt` is in a browser: what pages use, and errors that say where sessions are. */
import { mistake } from "../errors.js";

/**
 * Throws: there is no session in a browser.
 *
 * @returns never
 * @throws {TypeError} always
 * @example
 * ```ts
 * const { data } = useSession(); // in a page, without an import
 * ```
 */
export function serverOnly(): never {
  throw mistake(
    "wrong-place",
    "a page or a plugin imports a function of holdfast/nuxt that is for server/middleware and server routes only. " +
      "In a page, write useSession() without importing it, and call a server route to change the session",
  );
}

export {
  serverOnly as session,
  serverOnly as crossOriginProtection,
  serverOnly as useSession,
  serverOnly as findSession,
  serverOnly as getSession,
  serverOnly as loadSession,
};

export { SessionError } from "../errors.js";
export { pageSessions } from "./nuxt-pages.js";

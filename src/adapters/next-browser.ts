/** What `holdfast/next` is in a browser: an error that says where sessions are. */
import { mistake } from "../errors.js";

/**
 * Throws: there is no session in a browser.
 *
 * @returns never
 * @throws {TypeError} always
 * @example
 * ```ts
 * "use server"; // or in a page without "use client"
 * const session = await getSession();
 * ```
 */
export function browserSession(): never {
  throw mistake(
    "wrong-place",
    "a client component imports the module that calls session() of holdfast/next, and sessions are on the " +
      "server only. Read the session in a page and pass what the component shows as props, or call a Server Action",
  );
}

export {
  browserSession as session,
  browserSession as findSession,
  browserSession as getSession,
  browserSession as loadSession,
};

export { SessionError } from "../errors.js";

import type { CookieOptions } from "./cookie/cookie.js";

/**
 * The defaults of Go Fiber v3's session middleware: a record and a cookie for every visitor, a refresh on every
 * request, the token in every writable member of a chain, a cookie that is neither Secure nor HttpOnly. To change one
 * cookie attribute, write `cookie: { ...fiberDefaults.cookie, httpOnly: true }`.
 *
 * @example
 * ```ts
 * session({ ...fiberDefaults, storage });
 * ```
 */
export const fiberDefaults: {
  readonly idleTimeout: "30m";
  readonly refreshInterval: 0;
  readonly storeNew: "always";
  readonly answerIn: "all";
  readonly cookie: Readonly<CookieOptions>;
} = Object.freeze({
  idleTimeout: "30m",
  refreshInterval: 0,
  storeNew: "always",
  answerIn: "all",
  cookie: Object.freeze({ secure: false, httpOnly: false, sameSite: "lax", path: "/" }),
});

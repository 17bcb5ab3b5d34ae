import type { CookieOptions } from "./cookie/write.js";

/**
 * Restores the defaults of the model, Go Fiber v3's session middleware: `session({ ...fiberDefaults, storage })`. A
 * record and a cookie for every visitor, a refresh on every request, an answer in every writable member of a chain; a
 * cookie that is neither Secure nor HttpOnly. To change one attribute of the cookie write `cookie: {
 * ...fiberDefaults.cookie, httpOnly: true }`.
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

/** What `holdfast/tanstack-start` is in a browser: middlewares that do nothing, errors that say where sessions are. */
import { mistake } from "../errors.js";

/** Throws: there is no session in a browser. */
function refuse(): never {
  throw mistake(
    "wrong-place",
    "a browser has no session of holdfast/tanstack-start: sessions are on the server only. Read context.session " +
      "in a server function or a server route, and call that server function in loaders and components",
  );
}

const middleware = { options: {} };

/**
 * Takes the place of `session()`: `src/start.ts` is part of the browser's bundle, too.
 *
 * @returns an object with a middleware that does nothing there; its other methods throw
 * @example
 * ```ts
 * export const startInstance = createStart(() => ({ requestMiddleware: [session().middleware] }));
 * ```
 */
export function browserSession(): object {
  const methods = { run: refuse, get: refuse, load: refuse, find: refuse, read: refuse };
  return Object.defineProperty({ middleware, ...methods }, "store", { get: refuse, enumerable: true });
}

/**
 * Takes the place of `crossOriginProtection()`.
 *
 * @returns a middleware that does nothing there
 * @example
 * ```ts
 * export const startInstance = createStart(() => ({ requestMiddleware: [crossOriginProtection()] }));
 * ```
 */
export function browserProtection(): object {
  return { ...middleware, check: refuse };
}

export {
  browserProtection as crossOriginProtection,
  browserSession as session,
  refuse as findSession,
  refuse as getSession,
  refuse as loadSession,
};

export { SessionError } from "../errors.js";

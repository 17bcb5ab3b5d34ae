import { mistake } from "../errors.js";
import { isPlainObject } from "../util/assert.js";
import { isPromise } from "../util/async.js";
import { cookieSettings, type CookieOptions, type CookieSettings } from "./cookie.js";

/** Validated results that are kept; an application has that many tenants, or computes attributes from the request. */
const MOST_KEPT = 1000;

/**
 * Attributes of the cookie for each request, validated. A result that is equal to an earlier one is not validated
 * again.
 *
 * @param choose - the application's function of the framework's context
 * @param names - the names of all cookies that are written with the attributes
 * @returns a function that calls it and validates what it returns
 * @throws {TypeError} by the function that is returned: if the attributes are wrong, or a promise
 */
export function cookiePerRequest<C extends readonly unknown[]>(
  choose: (...context: C) => CookieOptions,
  names: readonly string[],
): (context: C) => CookieSettings {
  const kept = new Map<string, CookieSettings>();
  return (context) => {
    const given = choose(...context);
    const key = keyOf(given);
    const known = key === undefined ? undefined : kept.get(key);
    if (known) return known;
    const settings = cookieSettings(synchronous(given), names);
    if (key !== undefined) keep(kept, key, settings);
    return settings;
  };
}

/** Undefined if it is not certain that equal text means an equal result. */
function keyOf(given: unknown): string | undefined {
  if (!isPlainObject(given)) return undefined;
  const entries = Object.entries(given as object);
  const isPlain = entries.every(([, value]) => typeof value === "string" || typeof value === "boolean");
  return isPlain ? JSON.stringify(entries) : undefined;
}

function synchronous(given: CookieOptions): CookieOptions {
  if (!isPromise(given)) return given;
  given.then(undefined, () => {});
  throw mistake("wrong-option", "cookie returned a promise; it must be synchronous: (context) => ({ domain, path })");
}

/** The results of a host header may be without end: the oldest one goes. */
function keep(kept: Map<string, CookieSettings>, key: string, settings: CookieSettings): void {
  if (kept.size >= MOST_KEPT) kept.delete(kept.keys().next().value!);
  kept.set(key, settings);
}

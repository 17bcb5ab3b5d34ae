/** The Cookie header of a request, and the Set-Cookie header of a response. */
import { boolean, misuse, onlyKeys, oneOf, outOfRange } from "../util/assert.js";
import { OTHER_COOKIE_OPTIONS } from "../util/other-names.js";

/** The cookies of one name in a Cookie header. */
export interface CookieValues {
  /** The first value, as it was sent: not decoded, with its quotes. */
  readonly first: string | undefined;
  /** Number of cookies with this name. */
  readonly count: number;
}

const NONE: CookieValues = { first: undefined, count: 0 };

/**
 * Finds one name in a Cookie header (RFC 6265 §5.4, as sent by browsers): pairs are split at `;`, names are compared
 * exactly, only spaces and tabs around a name or value are removed. One pass, no percent-decoding, no quoted strings.
 */
export function readCookie(header: string | undefined, name: string): CookieValues {
  if (header === undefined || !header.includes(name)) return NONE;
  let first: string | undefined;
  let count = 0;
  let equals = -1;
  for (let start = 0; start <= header.length; ) {
    const end = until(header, ";", start);
    if (equals < start) equals = until(header, "=", start);
    if (equals < end && trimmed(header, start, equals) === name) {
      first ??= trimmed(header, equals + 1, end);
      count++;
    }
    start = end + 1;
  }
  return { first, count };
}

function until(text: string, mark: string, from: number): number {
  const at = text.indexOf(mark, from);
  return at === -1 ? text.length : at;
}

function trimmed(text: string, from: number, to: number): string {
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

const isBlank = (unit: number): boolean => unit === 0x20 || unit === 0x09;

// Set-Cookie.

/** Attributes of the session cookie (RFC 6265bis). */
export interface CookieOptions {
  /**
   * `"auto"` (default): Secure, except if a browser on the same machine uses plain HTTP; docs/reference/cookies.md has
   * the rule. `true`: always. `false`: never; browsers then refuse `__Host-`, `__Secure-` and `__Http-` names. With
   * `sameSite: "none"` the cookie is always Secure.
   */
  secure?: boolean | "auto";
  /** Scripts cannot read the cookie. Default `true`. */
  httpOnly?: boolean;
  /** Default `"lax"`. */
  sameSite?: "lax" | "strict" | "none" | "Lax" | "Strict" | "None";
  /** Default `"/"`. */
  path?: string;
  /** Default: this host only. */
  domain?: string;
  /** No Max-Age: the browser removes the cookie when it closes. Default `false`. */
  sessionOnly?: boolean;
  /** A separate cookie jar for each top-level site (CHIPS). Default `false`. */
  partitioned?: boolean;
  /** Which cookies Chromium evicts first. Default: not sent. */
  priority?: "low" | "medium" | "high";
}

/** The validated attributes. */
export interface CookieSettings {
  readonly secure: boolean | "auto";
  readonly sessionOnly: boolean;
  readonly domain: string | undefined;
  /** The attributes after Max-Age, which are the same in every response. */
  readonly tail: string;
}

const OPTIONS = [
  "secure",
  "httpOnly",
  "sameSite",
  "path",
  "domain",
  "sessionOnly",
  "partitioned",
  "priority",
] as const;

/** RFC 9110 token: characters of a cookie name. */
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}$/;
/** Name prefixes with special rules in browsers. */
const PREFIX = /^__(?:Host-Http|Host|Secure|Http)-/i;
/** Characters of a URL path (RFC 3986), except `;`: with any other character browsers never send the cookie. */
const PATH = /^\/[-\w.~!$&'()*+,=:@%/]{0,1023}$/;
const DOMAIN = /^\.?(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/i;

/** Browsers keep a cookie at most this long, in seconds (RFC 6265bis: 400 days). */
const MOST_SECONDS = 400 * 24 * 3600;
/** Browsers ignore a cookie if name and value together are longer, in bytes. */
const MOST_BYTES = 4096;

/** Validates a cookie name. */
export function cookieName(option: string, name: unknown): string {
  if (typeof name !== "string" || !NAME.test(name))
    throw misuse(option, name, 'a cookie name of letters, digits and - _ . like "session_id"');
  return name;
}

/** Validates the options against each other and against every name that they are used with. */
export function cookieSettings(given: CookieOptions, names: readonly string[]): CookieSettings {
  const options = onlyKeys("cookie", given, OPTIONS, OTHER_COOKIE_OPTIONS);
  const sameSite = oneOf("cookie.sameSite", lower(options.sameSite ?? "lax"), ["lax", "strict", "none"]);
  const partitioned = boolean("cookie.partitioned", options.partitioned ?? false);
  const path = checkedPath(options.path ?? "/");
  const domain = options.domain === undefined ? undefined : checkedDomain(options.domain);
  const chosen = options.secure ?? "auto";
  if (chosen !== "auto" && typeof chosen !== "boolean")
    throw misuse("cookie.secure", chosen, 'true, false or "auto"');
  const httpOnly = boolean("cookie.httpOnly", options.httpOnly ?? true);
  const prefixed = names.filter((name) => PREFIX.test(name));
  for (const name of prefixed) checkPrefix(name, { secure: chosen, httpOnly, path, domain });
  for (const name of prefixed) checkAlone(name, names);
  if (partitioned && chosen === false)
    throw misuse("cookie.secure", false, "true: browsers drop a partitioned cookie that is not Secure");
  const always = sameSite === "none" || partitioned || prefixed.length > 0;
  return Object.freeze({
    secure: always ? true : chosen,
    sessionOnly: boolean("cookie.sessionOnly", options.sessionOnly ?? false),
    domain,
    tail:
      `; Path=${path}` +
      (domain === undefined ? "" : `; Domain=${domain}`) +
      (httpOnly ? "; HttpOnly" : "") +
      `; SameSite=${sameSite[0]!.toUpperCase()}${sameSite.slice(1)}` +
      (partitioned ? "; Partitioned" : "") +
      (options.priority === undefined ? "" : `; Priority=${priority(options.priority)}`),
  });
}

/**
 * Returns the value of a Set-Cookie header. `lifetime` in ms; `undefined` removes the cookie. Throws if name and value
 * are longer than browsers accept.
 */
export function cookieLine(
  name: string,
  value: string,
  lifetime: number | undefined,
  secure: boolean,
  settings: CookieSettings,
): string {
  if (name.length + value.length > MOST_BYTES)
    throw outOfRange(
      `cookie ${name}`,
      `${name.length + value.length} bytes of name and value`,
      `at most ${MOST_BYTES}`,
    );
  const flags = settings.tail + (secure ? "; Secure" : "");
  if (lifetime === undefined) return `${name}=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT${flags}`;
  return settings.sessionOnly ? `${name}=${value}${flags}` : `${name}=${value}; Max-Age=${maxAge(lifetime)}${flags}`;
}

/** Whole seconds, rounded down, at least 1 (also for NaN), at most 400 days. */
export function maxAge(lifetime: number): number {
  return lifetime >= 1000 ? Math.min(Math.floor(lifetime / 1000), MOST_SECONDS) : 1;
}

function checkPrefix(
  name: string,
  {
    secure,
    httpOnly,
    path,
    domain,
  }: { secure: unknown; httpOnly: boolean; path: string; domain: string | undefined },
): void {
  const rule = `the name ${name} tells browsers to require a cookie`;
  if (secure === false) throw misuse("cookie.secure", false, `true or "auto": ${rule} that is Secure`);
  if (!httpOnly && /^__(Host-)?Http-/i.test(name))
    throw misuse("cookie.httpOnly", false, `true: ${rule} that scripts cannot read`);
  if (!/^__Host-/i.test(name)) return;
  if (domain !== undefined) throw misuse("cookie.domain", domain, `no domain: ${rule} for one host only`);
  if (path !== "/") throw misuse("cookie.path", path, `"/": ${rule} for the whole host`);
}

/** A cookie that a sibling domain can set must not be accepted in place of a cookie with a prefix. */
function checkAlone(name: string, names: readonly string[]): void {
  const bare = (one: string): string => one.replace(PREFIX, "");
  const twin = names.find((other) => other !== name && bare(other) === bare(name));
  if (twin !== undefined)
    throw misuse(
      "extractor",
      `${name} and ${twin}`,
      `one of the two: the prefix guards ${name} against forged cookies, and ${twin} would be accepted in its place`,
    );
}

function checkedPath(path: unknown): string {
  if (typeof path !== "string" || !PATH.test(path))
    throw misuse("cookie.path", path, 'a percent-encoded URL path, like "/app"');
  return path;
}

function checkedDomain(domain: unknown): string {
  if (typeof domain !== "string" || !DOMAIN.test(domain))
    throw misuse("cookie.domain", domain, 'a domain like "example.com"');
  return domain;
}

function priority(value: unknown): string {
  const word = oneOf("cookie.priority", lower(value), ["low", "medium", "high"]);
  return word[0]!.toUpperCase() + word.slice(1);
}

const lower = (value: unknown): unknown => (typeof value === "string" ? value.toLowerCase() : value);

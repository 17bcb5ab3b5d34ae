import { boolean, misuse, onlyKeys, oneOf, outOfRange } from "../util/assert.js";

/** Attributes of the session cookie (RFC 6265bis). */
export interface CookieOptions {
  /**
   * `"auto"` (default): Secure, except where a browser on this machine asks over plain http (docs/cookies.md has the
   * rule). `true`: always. `false`: never, which browsers refuse for `__Host-`, `__Secure-` and `__Http-` names.
   * `sameSite: "none"` is always Secure.
   */
  secure?: boolean | "auto";
  /** Out of reach of scripts. Default `true`. */
  httpOnly?: boolean;
  /** Default `"lax"`. */
  sameSite?: "lax" | "strict" | "none" | "Lax" | "Strict" | "None";
  /** Default `"/"`. */
  path?: string;
  /** Default: the host alone. */
  domain?: string;
  /** No Max-Age: the browser forgets the cookie when it closes. Default `false`. */
  sessionOnly?: boolean;
  /** A jar of its own for each top-level site (CHIPS). Default `false`. */
  partitioned?: boolean;
  /** Which cookies Chromium evicts first. Default: not sent. */
  priority?: "low" | "medium" | "high";
}

/** The validated attributes. */
export interface CookieSettings {
  readonly secure: boolean | "auto";
  readonly sessionOnly: boolean;
  /** Everything after Max-Age that does not change from answer to answer. */
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

/** RFC 9110 token: what a cookie name may consist of. */
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}$/;
/** What makes a name one that browsers guard. */
const PREFIX = /^__(?:Host-Http|Host|Secure|Http)-/i;
/**
 * What a path consists of in a URL (RFC 3986), `;` aside: with any other character browsers never send the cookie.
 */
const PATH = /^\/[-\w.~!$&'()*+,=:@%/]{0,1023}$/;
const DOMAIN = /^\.?(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/i;

/** Browsers keep no cookie longer than this, in seconds (RFC 6265bis: 400 days). */
const MOST_SECONDS = 400 * 24 * 3600;
/** Browsers drop a cookie whose name and value together are longer, in bytes. */
const MOST_BYTES = 4096;

/** A cookie's name, validated. */
export function cookieName(option: string, name: unknown): string {
  if (typeof name !== "string" || !NAME.test(name))
    throw misuse(option, name, 'a cookie name of letters, digits and - _ . like "session_id"');
  return name;
}

/** Validates the options against each other and every name that will be written with them. */
export function cookieSettings(given: CookieOptions, names: readonly string[]): CookieSettings {
  const options = onlyKeys("cookie", given, OPTIONS);
  const sameSite = oneOf("cookie.sameSite", lower(options.sameSite ?? "lax"), ["lax", "strict", "none"]);
  const partitioned = boolean("cookie.partitioned", options.partitioned ?? false);
  const path = checkedPath(options.path ?? "/");
  const domain = options.domain === undefined ? undefined : checkedDomain(options.domain);
  const chosen = options.secure ?? "auto";
  if (chosen !== "auto") boolean('cookie.secure (or "auto")', chosen);
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
 * A Set-Cookie line. `lifetime` in ms; `undefined` removes the cookie. Throws where name and value are longer than
 * browsers keep.
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

/** Whole seconds, rounded down, at least 1 (also of what is no number), at most 400 days. */
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
  const rule = `the name ${name} promises browsers a cookie`;
  if (secure === false)
    throw misuse("cookie.secure", false, `true or "auto": ${rule} that is Secure, and they drop it otherwise`);
  if (!httpOnly && /^__(Host-)?Http-/i.test(name))
    throw misuse("cookie.httpOnly", false, `true: ${rule} out of reach of scripts`);
  if (!/^__Host-/i.test(name)) return;
  if (domain !== undefined) throw misuse("cookie.domain", domain, `no domain: ${rule} for one host alone`);
  if (path !== "/") throw misuse("cookie.path", path, `"/": ${rule} for the whole host`);
}

/** A cookie that anybody may plant must not do for one that browsers guard. */
function checkAlone(name: string, names: readonly string[]): void {
  const bare = (one: string): string => one.replace(PREFIX, "");
  const twin = names.find((other) => other !== name && bare(other) === bare(name));
  if (twin !== undefined)
    throw misuse(
      "extractor",
      `${name} and ${twin}`,
      `one of the two: the prefix guards ${name} against forged cookies, and ${twin} would be taken for it`,
    );
}

function checkedPath(path: unknown): string {
  if (typeof path !== "string" || !PATH.test(path))
    throw misuse("cookie.path", path, 'a path as it stands in a URL, like "/app", percent-encoded');
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

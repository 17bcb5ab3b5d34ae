import { show } from "../util/assert.js";

/** Attributes as an application gives them. */
export interface Attributes {
  readonly path?: string | undefined;
  readonly domain?: string | undefined;
  readonly maxAge?: number | Date | null | undefined;
  readonly originalMaxAge?: number | null | undefined;
  readonly expires?: Date | string | boolean | null | undefined;
  readonly httpOnly?: boolean | undefined;
  readonly secure?: boolean | "auto" | undefined;
  readonly sameSite?: boolean | string | undefined;
  readonly partitioned?: boolean | undefined;
  readonly priority?: string | undefined;
  /** Of other packages: the cookie of a session is always signed. */
  readonly signed?: boolean | undefined;
  readonly encode?: ((value: string) => string) | undefined;
}

/** What is stored of a cookie. */
export type CookieData = Omit<Attributes, "maxAge" | "encode">;

/** Names that are not copied from options. */
const COMPUTED: ReadonlySet<string> = new Set(["data", "maxAge", "expires", "originalMaxAge"]);

/** RFC 6265 and RFC 6265bis: what an attribute may contain. */
const TEXT = /^[\u0020-\u003a\u003c-\u007e]*$/;
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const VALUE =
  /^(?:[\u0021\u0023-\u002b\u002d-\u003a\u003c-\u005b\u005d-\u007e]*|"[\u0021\u0023-\u002b\u002d-\u003a\u003c-\u005b\u005d-\u007e]*")$/;

/** The attributes of the cookie of one session. Changes to them are kept in the session. */
export class Cookie {
  declare path: string;
  declare domain?: string;
  declare httpOnly: boolean;
  declare secure?: boolean | "auto";
  declare sameSite?: boolean | string;
  declare partitioned?: boolean;
  declare priority?: string;
  declare encode?: (value: string) => string;
  /** How long the cookie is kept after each use, in ms; null: until the browser closes. */
  declare originalMaxAge: number | null;
  #expires: Date | boolean | null = null;
  readonly #now: () => number;

  /**
   * @param options - the attributes; default: a cookie for the whole host, without scripts, until the browser closes
   * @param now - returns the time; default: the system's
   * @throws {TypeError} if the options are not an object, or maxAge is no number
   */
  constructor(options?: Attributes | null, now: () => number = Date.now) {
    if (options && typeof options !== "object")
      throw new TypeError(`holdfast: argument options must be an object, not ${show(options)}`);
    this.#now = now;
    this.path = "/";
    this.originalMaxAge = null;
    this.httpOnly = true;
    const given = (options ?? {}) as Attributes & Record<string, unknown>;
    for (const name of Object.keys(given)) {
      if (!COMPUTED.has(name) && !(name in Cookie.prototype)) (this as Record<string, unknown>)[name] = given[name];
      // Of the two the last one counts.
      else if (name === "expires" && given.expires !== undefined) this.expires = dateOf(given.expires);
      else if (name === "maxAge" && given.maxAge !== undefined) this.maxAge = given.maxAge;
    }
    if (given.originalMaxAge !== undefined) this.originalMaxAge = given.originalMaxAge;
  }

  /** When the cookie expires; null or false: when the browser closes. */
  get expires(): Date | boolean | null {
    return this.#expires;
  }

  set expires(date: Date | boolean | null | undefined) {
    this.#expires = date ?? null;
    this.originalMaxAge = this.maxAge;
  }

  /** Sets when the cookie expires, without changing `originalMaxAge`. */
  expireAt(date: Date): void {
    this.#expires = date;
  }

  /** How long the cookie is kept from now on, in ms. */
  get maxAge(): number | null {
    const expires = this.#expires;
    return expires instanceof Date ? expires.valueOf() - this.#now() : null;
  }

  set maxAge(ms: number | Date | null | undefined) {
    if (ms !== null && ms !== undefined && typeof ms !== "number" && !(ms instanceof Date))
      throw new TypeError(`holdfast: cookie.maxAge is ${show(ms)}; write a number of milliseconds`);
    this.#expires = typeof ms === "number" ? new Date(this.#now() + ms) : (ms ?? null);
    this.originalMaxAge = typeof ms === "number" ? ms : this.maxAge;
  }

  /** The attributes, as they are stored. */
  get data(): CookieData {
    const { originalMaxAge, partitioned, priority, expires, secure, httpOnly, domain, path, sameSite } = this;
    return { originalMaxAge, partitioned, priority, expires, secure, httpOnly, domain, path, sameSite };
  }

  /**
   * The Set-Cookie line.
   *
   * @param name - name of the cookie
   * @param value - its value; percent-encoded here, unless there is an own `encode`
   * @returns the line
   * @throws {TypeError} if an attribute cannot be part of a header
   */
  serialize(name: string, value: string): string {
    return lineOf(name, (this.encode ?? encodeURIComponent)(value), this.data);
  }

  /**
   * What `JSON.stringify` stores.
   *
   * @returns the attributes
   */
  toJSON(): CookieData {
    return this.data;
  }
}

/** The attributes as text, without the date: a storage has its own deadlines. */
export function attributesOf(cookie: Cookie): string {
  const { expires: _expires, ...rest }: CookieData = cookie.data;
  return JSON.stringify(rest);
}

/** A Set-Cookie line with the attributes in the order of the package `cookie`. */
export function lineOf(name: string, value: string, attributes: CookieData): string {
  const { domain, path, expires, httpOnly, secure, partitioned, priority, sameSite } = attributes;
  if (!NAME.test(name)) throw invalid("name", name);
  if (!VALUE.test(value)) throw new TypeError("holdfast: cookie.encode returned characters that no cookie can have");
  let line = `${name}=${value}`;
  if (domain) line += `; Domain=${text("domain", domain)}`;
  if (path) line += `; Path=${text("path", path)}`;
  if (expires) line += `; Expires=${dateText(expires)}`;
  if (httpOnly) line += "; HttpOnly";
  if (secure) line += "; Secure";
  if (partitioned) line += "; Partitioned";
  if (priority) line += `; Priority=${word("priority", priority, ["low", "medium", "high"])}`;
  if (sameSite) line += `; SameSite=${sameSite === true ? "Strict" : word("sameSite", sameSite, SAME_SITE)}`;
  return line;
}

const SAME_SITE = ["strict", "lax", "none"];

function text(option: string, value: unknown): string {
  if (typeof value !== "string" || !TEXT.test(value)) throw invalid(option, value);
  return value;
}

function word(option: string, value: unknown, words: readonly string[]): string {
  const lower = typeof value === "string" ? value.toLowerCase() : "";
  if (!words.includes(lower)) throw invalid(option, value);
  return lower[0]!.toUpperCase() + lower.slice(1);
}

function dateText(date: unknown): string {
  if (!(date instanceof Date) || Number.isNaN(date.valueOf())) throw invalid("expires", date);
  return date.toUTCString();
}

function invalid(option: string, value: unknown): TypeError {
  return new TypeError(`option ${option} is invalid: holdfast: cookie.${option} is ${show(value)}`);
}

/** Stored records have dates as strings. */
function dateOf(value: Attributes["expires"]): Date | boolean | null {
  return typeof value === "string" ? new Date(value) : (value ?? null);
}

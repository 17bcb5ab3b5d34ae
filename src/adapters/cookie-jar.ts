import type { ResponseHeaders } from "../http/request-view.js";
import { mistake } from "../errors.js";

/** Attributes of a cookie, as frameworks with a cookie jar name them. */
export interface JarAttributes {
  maxAge?: number;
  expires?: Date;
  path?: string;
  domain?: string;
  httpOnly?: boolean;
  secure?: boolean;
  sameSite?: "lax" | "strict" | "none";
  partitioned?: boolean;
  priority?: "low" | "medium" | "high";
}

/**
 * The cookies that a framework sends with a response, if it offers no headers: `cookies()` of Next, `event.cookies`.
 */
export interface CookieJar {
  /**
   * Sends a cookie.
   *
   * @param name - its name
   * @param value - its value; the session's needs no encoding
   * @param attributes - its attributes
   * @returns anything; it is ignored
   */
  set(name: string, value: string, attributes: JarAttributes): unknown;
}

/**
 * Makes response headers of a cookie jar. Only cookies can be sent: other headers are the framework's, so an extractor
 * that writes a header is refused when the adapter is constructed.
 *
 * @param jar - the cookie jar of one response
 * @returns its cookies as response headers
 * @throws {TypeError} if the session has an attribute that no jar knows
 * @example
 * ```ts
 * const headers = jarHeaders({ set: (name, value, attributes) => cookies.set(name, value, attributes) });
 * ```
 */
export function jarHeaders(jar: CookieJar): ResponseHeaders {
  let sent: readonly string[] = [];
  return {
    names: () => [],
    get: () => undefined,
    set: () => {},
    cookies: () => sent,
    setCookies(lines) {
      for (const line of lines) if (!sent.includes(line)) put(jar, line);
      sent = lines;
    },
  };
}

function put(jar: CookieJar, line: string): void {
  const [pair = "", ...rest] = line.split("; ");
  const at = pair.indexOf("=");
  jar.set(pair.slice(0, at), pair.slice(at + 1), attributesOf(rest));
}

function attributesOf(parts: readonly string[]): JarAttributes {
  const attributes: JarAttributes = {};
  for (const part of parts) {
    const [name = "", value = ""] = part.split("=");
    const read = READERS[name.toLowerCase()];
    if (!read) throw mistake("wrong-call", `the cookie attribute ${name} is not known to a cookie jar`);
    read(attributes, value);
  }
  return attributes;
}

type Reader = (attributes: JarAttributes, value: string) => void;

const READERS: Readonly<Record<string, Reader | undefined>> = {
  "max-age": (to, value) => void (to.maxAge = Number(value)),
  expires: (to, value) => void (to.expires = new Date(value)),
  path: (to, value) => void (to.path = value),
  domain: (to, value) => void (to.domain = value),
  httponly: (to) => void (to.httpOnly = true),
  secure: (to) => void (to.secure = true),
  samesite: (to, value) => void (to.sameSite = value.toLowerCase() as "lax"),
  partitioned: (to) => void (to.partitioned = true),
  priority: (to, value) => void (to.priority = value.toLowerCase() as "low"),
};

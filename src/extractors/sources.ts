import { cookieName, readCookie } from "../cookie/cookie.js";
import { type RequestView, queryValues } from "../http/request-view.js";
import { callable, misuse, oneOf, onlyKeys } from "../util/assert.js";
import { type Extractor, found, single, valuesOf, type Values } from "./extractor.js";
import { signedValues, type CookieSecret } from "../cookie/signed.js";

const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}$/;

/**
 * Reads the token from a cookie, and sends it in that cookie. Of several cookies with the name the first counts.
 *
 * @param name - name of the cookie; default `session_id`
 * @returns an extractor
 * @throws {TypeError} if the name is not a valid cookie name
 * @example
 * ```ts
 * session({ extractor: fromCookie("__Host-session_id") });
 * ```
 */
export function fromCookie(name: string = "session_id"): Extractor {
  return single("cookie", cookieName("fromCookie", name), "first", (view) => readCookie(view.cookies, name));
}

/**
 * Reads the token from a request header, and sends it in a response header. A repeated header is not a token.
 *
 * @param name - name of the header
 * @returns an extractor
 * @throws {TypeError} if the name is not a valid header name
 * @example
 * ```ts
 * session({ extractor: fromHeader("X-Session-ID") });
 * ```
 */
export function fromHeader(name: string): Extractor {
  const key = headerName("fromHeader", name);
  return single("header", key, "refused", (view) => valuesOf(headerValues(view, key)));
}

/**
 * Reads the token from the Authorization header (RFC 9110 §11.6.2) with one scheme, compared case-insensitively.
 * Read-only.
 *
 * @param scheme - default `Bearer`
 * @returns an extractor
 * @throws {TypeError} if the scheme is not valid
 * @example
 * ```ts
 * session({ extractor: fromAuthHeader("Bearer") });
 * ```
 */
export function fromAuthHeader(scheme: string = "Bearer"): Extractor {
  const key = headerName("fromAuthHeader", scheme);
  return single("auth-header", key, "refused", (view) =>
    valuesOf(headerValues(view, "authorization").map((value) => credentials(value, key))),
  );
}

/**
 * Reads the token from a query parameter. Read-only. A token in a URL is exposed in logs and browser histories: use it
 * only if there is no other place.
 *
 * @param name - name of the query parameter
 * @returns an extractor
 * @throws {TypeError} if the name is empty or too long
 * @example
 * ```ts
 * session({ extractor: fromQuery("session") });
 * ```
 */
export function fromQuery(name: string): Extractor {
  return single("query", fieldName("fromQuery", name), "first", (view) => valuesOf(queryValues(view, name)));
}

/**
 * Reads the token from a route parameter, if the framework has routes. Read-only. A token in a URL is exposed in logs
 * and browser histories.
 *
 * @param name - name of the route parameter
 * @returns an extractor
 * @throws {TypeError} if the name is empty or too long
 * @example
 * ```ts
 * session({ extractor: fromParam("session") });
 * ```
 */
export function fromParam(name: string): Extractor {
  return single("param", fieldName("fromParam", name), "first", (view) => valuesOf(strings(view.param(name))));
}

/**
 * Reads the token from a field of a URL-encoded body, or of the body that the framework parsed. Read-only. The handler
 * can still read the body.
 *
 * @param name - name of the form field
 * @returns an extractor
 * @throws {TypeError} if the name is empty or too long
 * @example
 * ```ts
 * session({ extractor: fromForm("session") });
 * ```
 */
export function fromForm(name: string): Extractor {
  const extractor: Extractor = {
    source: "form",
    key: fieldName("fromForm", name),
    needsBody: true,
    get members() {
      return [extractor];
    },
    async find(view) {
      const [value] = strings((await view.form())?.get(name));
      return found(extractor, value, undefined);
    },
  };
  return Object.freeze(extractor);
}

/** Argument of `fromCustom`. */
export interface CustomExtractor {
  /**
   * Returns the value at the place of the token. `request.context` is the context of the framework.
   *
   * @param request - the request
   * @returns the value, or null or undefined if there is none
   */
  extract(this: void, request: RequestView): string | null | undefined;
  /** Where a new token is sent: `cookie` and `header` are written under `key`, `other` is read-only. */
  source: "cookie" | "header" | "other";
  /** Name of the cookie or header to write; for `other` a name for messages. */
  key: string;
}

/**
 * Creates an extractor from your own function.
 *
 * @param custom - the function, and where a new token is sent
 * @returns an extractor
 * @throws {TypeError} if a property is missing or invalid
 * @example
 * ```ts
 * fromCustom({ source: "other", key: "socket", extract: (request) => request.context.handshake?.auth.token });
 * ```
 */
export function fromCustom(custom: CustomExtractor): Extractor {
  const own = onlyKeys("fromCustom", custom, ["extract", "source", "key"]);
  const { extract } = own;
  callable("fromCustom: extract", extract, "(request) => the token, or undefined");
  const source = oneOf("fromCustom: source", own.source, ["cookie", "header", "other"]);
  const key = source === "cookie" ? cookieName("fromCustom: key", own.key) : headerName("fromCustom: key", own.key);
  return single(source, key, "first", (view) => valuesOf(strings(extract(view))));
}

/** Returns every value of a header. Some runtimes join repeated headers with a comma, which no token contains. */
function headerValues(view: RequestView, name: string): readonly string[] {
  return view.headers(name.toLowerCase()).flatMap((value) => value.split(","));
}

function credentials(value: string, scheme: string): string {
  const head = value.slice(0, scheme.length + 1);
  return head.toLowerCase() === `${scheme.toLowerCase()} ` ? value.slice(scheme.length + 1) : "";
}

function headerName(option: string, name: unknown): string {
  if (typeof name !== "string" || !HEADER_NAME.test(name))
    throw misuse(option, name, 'a name of letters, digits and -, like "X-Session-ID"');
  return name;
}

function fieldName(option: string, name: unknown): string {
  if (typeof name !== "string" || name === "" || name.length > 256)
    throw misuse(option, name, 'a name, like "session_id"');
  return name;
}

/** Only strings count: a parser may have created arrays or objects from hostile input. */
function strings(value: unknown): readonly string[] {
  return typeof value === "string" ? [value] : [];
}

/**
 * Reads the token from a signed cookie in the format of express-session and `cookie-signature`
 * (`s:TOKEN.SIGNATURE`), and sends it in that cookie. A value without a valid signature is no token. A token needs no
 * signature; this is for tokens that are less than unguessable, and for clients that have such cookies already.
 *
 * @param name - name of the cookie
 * @param secrets - one secret, or several: the first one signs, all of them verify
 * @returns an extractor
 * @throws {TypeError} if the name is not a valid cookie name, or a secret is missing or empty
 * @example
 * ```ts
 * session({ extractor: fromSignedCookie("connect.sid", [newSecret, oldSecret]) });
 * ```
 */
export function fromSignedCookie(name: string, secrets: CookieSecret | readonly CookieSecret[]): Extractor {
  const { encode, decode } = signedValues("fromSignedCookie: secrets", secrets);
  const look = (view: RequestView): Values => {
    const { first, count } = readCookie(view.cookies, name);
    return { first: first === undefined ? undefined : decode(first), count };
  };
  return single("cookie", cookieName("fromSignedCookie", name), "first", look, encode);
}

import { cookieName } from "../cookie/write.js";
import { readCookie } from "../cookie/read.js";
import type { RequestView } from "../http/request-view.js";
import { queryValues } from "../http/request-view.js";
import { callable, misuse, oneOf, onlyKeys } from "../util/assert.js";
import { type Extractor, found, single, standing } from "./extractor.js";

const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}$/;

/** Reads and answers in a cookie. Of several cookies of the name the first counts. Default name `session_id`. */
export function fromCookie(name: string = "session_id"): Extractor {
  return single("cookie", cookieName("fromCookie", name), "first", (view) => readCookie(view.cookies, name));
}

/** Reads and answers in a header. A header sent twice is no token. */
export function fromHeader(name: string): Extractor {
  const key = headerName("fromHeader", name);
  return single("header", key, "refused", (view) => standing(headerValues(view, key)));
}

/**
 * Reads the Authorization header (RFC 9110 §11.6.2) of one scheme, which is compared without regard to case.
 * Read-only. Default `Bearer`.
 */
export function fromAuthHeader(scheme: string = "Bearer"): Extractor {
  const key = headerName("fromAuthHeader", scheme);
  return single("auth-header", key, "refused", (view) =>
    standing(headerValues(view, "authorization").map((value) => credentials(value, key))),
  );
}

/**
 * Reads a query parameter. Read-only. A token in a URL leaks into logs and histories: use it where nothing else can
 * be.
 */
export function fromQuery(name: string): Extractor {
  return single("query", fieldName("fromQuery", name), "first", (view) => standing(queryValues(view, name)));
}

/**
 * Reads a route parameter, where the framework has routes. Read-only. A token in a URL leaks into logs and histories.
 */
export function fromParam(name: string): Extractor {
  return single("param", fieldName("fromParam", name), "first", (view) => standing(texts(view.param(name))));
}

/**
 * Reads a field of a url-encoded body, or of what the framework parsed. Read-only. The handler can still read the
 * body.
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
      const [value] = texts((await view.form())?.get(name));
      return found(extractor, value, undefined);
    },
  };
  return Object.freeze(extractor);
}

/** What `fromCustom` takes. */
export interface CustomExtractor {
  /**
   * Answers the text that stands where the token is, or nothing. `request.context` is the framework's own context.
   */
  extract(this: void, request: RequestView): string | null | undefined;
  /** Where the answer goes: `cookie` and `header` are written under `key`, `other` is read-only. */
  source: "cookie" | "header" | "other";
  /** Name of the cookie or header to answer in; for `other` a name for messages. */
  key: string;
}

/** An extractor of your own. */
export function fromCustom(custom: CustomExtractor): Extractor {
  const own = onlyKeys("fromCustom", custom, ["extract", "source", "key"]);
  const { extract } = own;
  callable("fromCustom: extract", extract, "(request) => the text, or undefined");
  const source = oneOf("fromCustom: source", own.source, ["cookie", "header", "other"]);
  const key = source === "cookie" ? cookieName("fromCustom: key", own.key) : headerName("fromCustom: key", own.key);
  return single(source, key, "first", (view) => standing(texts(extract(view))));
}

/** Every value of a header; where a runtime joins repeated headers, a comma shows it: no token holds one. */
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

/** Only texts count: a parser may have made arrays or objects of hostile input. */
function texts(value: unknown): readonly string[] {
  return typeof value === "string" ? [value] : [];
}

import type { AdoptionSource } from "../contracts/adoption-source.js";
import { readCookie, cookieLine, type CookieSettings } from "../cookie/cookie.js";
import { isWritable, type Extractor, type Found } from "../extractors/extractor.js";
import { forbidStoring, keepPrivate } from "../http/caching.js";
import { isLocalPlainHttp, isBrowserOnPlainHttp, isOutsideDomain } from "../http/local.js";
import type { ResponseHeaders, RequestView } from "../http/request-view.js";
import type { Telling } from "./request-stage.js";
import type { ReplyContents, RequestSettings } from "./request-options.js";
import { withPage } from "../errors.js";
import { warn } from "../util/builtin.js";
import type { StoreSettings } from "./options.js";

/** Writes the reply for the client into the headers. Called once, after everything is stored. */
export function writeReply(reply: ReplyContents, headers: ResponseHeaders): void {
  const { outcome, found, settings, asked } = reply;
  const carries =
    outcome === "removal" ? remove(reply, headers) : outcome !== undefined && send(reply, outcome, headers);
  const byUrl = cameByUrl(found);
  if (byUrl && headers.get("Referrer-Policy") === undefined) headers.set("Referrer-Policy", "no-referrer");
  if (carries || byUrl) forbidStoring(headers);
  else if (asked) keepPrivate(headers, settings.asked);
}

/**
 * Removes the cookies of other libraries that the request contains: their session was adopted, or ended. A cookie that
 * the application sets in this response is kept.
 */
export function removeOldCookies(
  sources: readonly AdoptionSource[],
  view: RequestView,
  headers: ResponseHeaders,
): void {
  for (const source of sources) {
    const { path, domain } = source.attributes ?? {};
    const where = `; Path=${path ?? "/"}${domain === undefined ? "" : `; Domain=${domain}`}`;
    for (const name of source.cookies(view)) {
      const isSet = headers.cookies().some((line) => line.startsWith(`${name}=`));
      const secure = /^__(?:Host|Secure)-/i.test(name) ? "; Secure" : "";
      if (!isSet) headers.setCookies([...headers.cookies(), `${name}=; Max-Age=0; Expires=${PAST}${where}${secure}`]);
    }
  }
}

const PAST = "Thu, 01 Jan 1970 00:00:00 GMT";

/** True if the token is in the URL: this needs headers whatever happens to the session. */
export function cameByUrl(found: Found | undefined): boolean {
  return found?.member.source === "query" || found?.member.source === "param";
}

/** True if a cookie of this response is Secure. */
export function isSecure({ cookie, view }: Pick<ReplyContents, "cookie" | "view">): boolean {
  return cookie.secure === "auto" ? !isLocalPlainHttp(view) : cookie.secure;
}

function send(reply: ReplyContents, telling: Telling, headers: ResponseHeaders): boolean {
  const members = destinations(reply, telling);
  for (const member of members) write(reply, member, telling, headers);
  return members.length > 0;
}

/**
 * A new token is sent in every writable member, a renewed one in the member that contained the old one (in every one
 * if that is read-only), an unchanged one where it was read and nowhere else.
 */
function destinations({ settings, found }: ReplyContents, { why }: Telling): readonly Extractor[] {
  const source = found && isWritable(found.member) ? [found.member] : [];
  if (why === "new") return settings.writable;
  if (settings.sendsInAll && (why === "renewed" || source.length > 0)) return settings.writable;
  return why === "renewed" && source.length === 0 ? settings.writable : source;
}

function write(
  reply: ReplyContents,
  member: Extractor,
  { token, lifetime, sessionOnly }: Telling,
  headers: ResponseHeaders,
): void {
  const { source, key } = member;
  if (source === "header") return headers.set(key, token);
  const { cookie } = reply;
  const settings = sessionOnly === undefined ? cookie : { ...cookie, sessionOnly };
  setCookie(headers, key, cookieLine(key, member.encode?.(token) ?? token, lifetime, isSecure(reply), settings));
}

/** Removes every cookie in which the request contains the token, and a cookie that an earlier `save()` added. */
function remove(reply: ReplyContents, headers: ResponseHeaders): boolean {
  const cookies = reply.settings.writable.filter((member) => member.source === "cookie");
  const brought = cookies.filter((member) => broughtBy(reply, member));
  for (const { key } of cookies) if (headers.cookies().length > 0) headers.setCookies(withoutOurs(headers, key));
  for (const { key } of brought)
    setCookie(headers, key, cookieLine(key, "", undefined, isSecure(reply), reply.cookie));
  return brought.length > 0;
}

function broughtBy({ found, view }: ReplyContents, member: Extractor): boolean {
  return found !== undefined && (found.member === member || tokenIn(member, view) === found.value);
}

function tokenIn(member: Extractor, view: RequestView): string | undefined {
  if (!member.encode) return readCookie(view.cookies, member.key).first;
  return (member.find(view) as Found | undefined)?.value;
}

/** Adds our line; it replaces one from an earlier `save()`, the application's cookies are kept. */
function setCookie(headers: ResponseHeaders, name: string, line: string): void {
  headers.setCookies([...withoutOurs(headers, name), line]);
}

function withoutOurs(headers: ResponseHeaders, name: string): readonly string[] {
  return headers.cookies().filter((line) => !line.startsWith(`${name}=`));
}

const warnedOfPlainHttp = new WeakSet<RequestSettings>();
const warnedOfDomain = new WeakSet<RequestSettings>();

/**
 * Warns, once for each middleware, of a cookie that the browser drops silently: a Secure one on plain http, or one for
 * a domain that the request's host does not belong to.
 */
export function warnIfDropped(
  settings: RequestSettings,
  view: RequestView,
  cookie: CookieSettings,
  emit: StoreSettings["emit"],
): void {
  if (!warnedOfPlainHttp.has(settings) && isBrowserOnPlainHttp(view) && isSecure({ cookie, view })) {
    warnedOfPlainHttp.add(settings);
    emit({ type: "insecure" });
    const message = "holdfast: a Secure cookie was sent to a browser on plain http, which drops it";
    warn(withPage(`${message}; serve https, or set cookie.secure: false`, "wrong-option"));
  }
  const { domain } = cookie;
  if (domain === undefined || warnedOfDomain.has(settings) || !isOutsideDomain(view, domain)) return;
  warnedOfDomain.add(settings);
  const message =
    `holdfast: a cookie with Domain=${domain} was sent to a request whose Host is not in that domain; browsers drop ` +
    "it, unless a proxy has replaced Host: set cookie.domain to the host or a parent of it, or let the proxy pass " +
    "Host on";
  warn(withPage(message, "wrong-option"));
}

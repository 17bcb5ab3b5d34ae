/** What the drop-in reads of a request, and what it writes into a response. */
import { readCookie } from "../cookie/read.js";
import { signedValues, type SignedValues } from "../cookie/signed.js";
import { forbidStoring } from "../http/caching.js";
import type { ResponseHeaders } from "../http/request-view.js";
import { environment, warn } from "../util/builtin.js";
import type { DropInRequest, DropInSettings } from "./dropin-options.js";
import type { Session } from "./plain-session.js";
import { Cookie, type Attributes } from "./session-cookie.js";

/** What signs the cookie of a request, if there is a secret. */
export function signingOf({ signed }: DropInSettings, req: DropInRequest): SignedValues | undefined {
  return signed ?? (req.secret ? signedValues("req.secret", req.secret) : undefined);
}

/** The error for a middleware without a secret. */
export function noSecret(): Error {
  return new Error("holdfast: a secret is required: write session({ secret })");
}

/**
 * The id in the cookie of a request, if its signature is valid. Also as cookie-parser has read it, if the header has
 * none.
 */
export function idIn(
  req: DropInRequest,
  settings: DropInSettings,
  signed: SignedValues | undefined,
): string | undefined {
  const sent = readCookie(req.headers.cookie, settings.name).first;
  const id = sent === undefined ? undefined : signed?.decode(sent);
  if (id !== undefined) return id;
  const parsed = own(req.signedCookies, settings.name);
  if (parsed !== undefined) return parsed;
  const unsigned = own(req.cookies, settings.name);
  return unsigned === undefined ? undefined : signed?.decode(unsigned);
}

function own(cookies: Record<string, unknown> | undefined, name: string): string | undefined {
  if (typeof cookies !== "object" || cookies === null || !Object.hasOwn(cookies, name)) return undefined;
  const value = cookies[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** True if the client uses TLS, as far as the `proxy` option lets it be seen. */
export function isSecureRequest(req: DropInRequest, proxy: boolean | undefined): boolean {
  if ((req.socket as { encrypted?: boolean } | undefined)?.encrypted) return true;
  if (proxy === false) return false;
  if (proxy !== true) return req.secure === true;
  const [first = ""] = String(req.headers["x-forwarded-proto"] ?? "").split(",");
  return first.trim().toLowerCase() === "https";
}

/** True if the path of the cookie contains the request: elsewhere there is no session. */
export function isUnderPath(req: DropInRequest, { path }: Attributes): boolean {
  const url = req.originalUrl ?? req.url ?? "";
  const absolute = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i.exec(url);
  const pathname = (absolute ? url.slice(absolute[0].length) : url).split(/[?#]/, 1)[0] || "/";
  return pathname.startsWith(path || "/");
}

/** A new cookie for a request, from the options. */
export function newCookie(req: DropInRequest, { cookie, proxy, clock }: DropInSettings): Cookie {
  const attributes = typeof cookie === "function" ? cookie(req) : cookie;
  const made = new Cookie(attributes, () => clock.now());
  if (made.secure === "auto") made.secure = isSecureRequest(req, proxy);
  if (made.sameSite === "auto") made.sameSite = isSecureRequest(req, proxy) ? "none" : "lax";
  return made;
}

/**
 * Adds the cookie of a session to the response. A Secure cookie is not sent over plain HTTP.
 *
 * @returns true if it was added
 */
export function sendCookie(
  req: DropInRequest,
  session: Session,
  id: string,
  settings: DropInSettings,
  headers: ResponseHeaders,
): boolean {
  const { cookie } = session;
  const signed = signingOf(settings, req);
  if (!signed) throw noSecret();
  if (cookie.secure && !isSecureRequest(req, settings.proxy)) {
    hintInsecure(settings);
    return false;
  }
  const line = cookie.serialize(settings.name, signed.sign(id));
  headers.setCookies([...headers.cookies(), line]);
  forbidStoring(headers);
  return true;
}

const hinted = new WeakSet<DropInSettings>();

function hintInsecure(settings: DropInSettings): void {
  if (hinted.has(settings) || environment("NODE_ENV") === "production") return;
  hinted.add(settings);
  warn(
    "holdfast: cookie.secure is true and a request came over plain HTTP, so it got no cookie; behind a TLS proxy " +
      'write app.set("trust proxy", 1) or proxy: true, in development cookie: { secure: "auto" }',
  );
}

/** What the drop-in reads of a request, and what it writes into a response. */
import { readCookie } from "../cookie/cookie.js";
import { signedValues, type SignedValues } from "../cookie/signed.js";
import { forbidStoring } from "../http/caching.js";
import type { ResponseHeaders } from "../http/request-view.js";
import { environment, warn } from "../util/builtin.js";
import type { DropInRequest, DropInSettings } from "./dropin-options.js";
import { Session } from "./plain-session.js";
import { Cookie, lineOf, type Attributes } from "./session-cookie.js";
import { show } from "../util/assert.js";

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
  // An empty id is none: all clients that send it would share a session.
  if (id) return id;
  const parsed = own(req.signedCookies, settings.name);
  if (parsed !== undefined) return parsed;
  const unsigned = own(req.cookies, settings.name);
  return (unsigned && signed?.decode(unsigned)) || undefined;
}

function own(cookies: Record<string, unknown> | undefined, name: string): string | undefined {
  if (typeof cookies !== "object" || cookies === null || !Object.hasOwn(cookies, name)) return undefined;
  const value = cookies[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** `req.session`: an accessor, so that it is seen that a handler reads it. */
export class SessionProperty {
  readonly #req: DropInRequest;
  readonly #onRead: () => void;
  /** The session behind it; a handler may have put anything there. */
  session: Session | null | undefined;
  /** True if a handler has read it. */
  wasRead = false;

  /**
   * @param req - the request
   * @param onRead - called when a handler reads it
   */
  constructor(req: DropInRequest, onRead: () => void = () => {}) {
    this.#req = req;
    this.#onRead = onRead;
  }

  /** Puts it onto the request, also if a handler has deleted it. */
  place(): void {
    Object.defineProperty(this.#req, "session", {
      configurable: true,
      enumerable: true,
      get: () => {
        this.wasRead = true;
        this.#onRead();
        return this.session;
      },
      set: (session: Session | null | undefined) => {
        this.session = session;
      },
    });
  }

  /** Removes it, and the session. */
  remove(): void {
    delete this.#req.session;
    this.session = undefined;
  }

  /** The session that a handler left: none after `delete req.session`. */
  left(): Session | null | undefined {
    const property = Object.getOwnPropertyDescriptor(this.#req, "session");
    if (!property?.get) this.session = property?.value as Session | undefined;
    return this.session;
  }
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
 * The cookie that every new session gets; undefined if it depends on the request.
 *
 * @param settings - of the middleware
 */
export function usualCookie({ cookie, clock }: DropInSettings): Cookie | undefined {
  const varies = typeof cookie === "function" || cookie.secure === "auto" || cookie.sameSite === "auto";
  return varies ? undefined : new Cookie(cookie, () => clock.now());
}

/**
 * Checks what a handler left of its session, whose cookie it may have replaced by a plain object: what no header can
 * contain is an error before anything is stored.
 *
 * @param session - the session; its cookie is replaced
 * @param settings - of the middleware
 * @throws {TypeError} if it is no session, or the cookie, or an attribute, is not valid
 */
export function checkSession(session: unknown, { name, clock }: DropInSettings): void {
  if (!(session instanceof Session))
    throw new TypeError(
      "holdfast: req.session was replaced by an object that is not a session; write " +
        "req.session.regenerate(callback) for an empty one, and assign its properties",
    );
  const given: unknown = session.cookie;
  if (!(given instanceof Cookie)) session.cookie = new Cookie(given as Attributes, () => clock.now());
  lineOf(name, "", session.cookie.data);
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

const shown = new Set<string>();
const MOST_HINTS = 20;

/**
 * Shows once, in development, that two overlapping requests changed the same key, and one change was lost; with the
 * line that keeps both.
 *
 * @param req - the request whose change replaced the other, if it is known
 * @param key - the key
 */
export function hintOverwritten(req: DropInRequest | undefined, key: string): void {
  if (environment("NODE_ENV") === "production" || shown.size >= MOST_HINTS) return;
  const where = req ? ` (${req.method} ${(req.originalUrl ?? req.url ?? "").split("?", 1)[0]})` : "";
  if (shown.has(key + where)) return;
  shown.add(key + where);
  warn(
    `holdfast: two overlapping requests changed req.session[${show(key)}], and one change was lost${where}; to keep ` +
      `both write update(req, ${show(key)}, (value) => …), with import { update } from "holdfast/express-session"`,
  );
}

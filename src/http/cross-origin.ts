import { mistake, SessionError } from "../errors.js";
import { isPlainObject, misplaced, misuse, onlyKeys, show } from "../util/assert.js";
import { header, isHandshake, type RequestView } from "./request-view.js";

/** What `crossOriginProtection` takes. */
export interface CrossOriginOptions {
  /**
   * Other origins whose pages may send requests that change something, each as browsers send it in `Origin`:
   * `"https://login.example.com"`, with a port only if it is not the scheme's own. Default: none.
   */
  trustedOrigins?: readonly string[];
}

/** Returns the error that refuses a request, or nothing if it may pass. */
export type CrossOriginCheck = (method: string, view: CrossOriginView) => SessionError | undefined;

/** What is read of a request. */
export type CrossOriginView = Pick<RequestView, "headers" | "encrypted">;

/** Methods that change nothing (RFC 9110, 9.2.1, and QUERY). Names of methods are compared exactly, as HTTP does. */
const SAFE: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "QUERY"]);
/** `none`: a person typed the address, or opened a bookmark. */
const OWN_SITES: ReadonlySet<string> = new Set(["same-origin", "none"]);

const NAME = String.raw`([a-z0-9._-]{1,255}|\[[0-9a-f:.]{2,45}\])`;
const ORIGIN = new RegExp(String.raw`^([a-z][a-z0-9+.-]{0,63}):\/\/${NAME}(?::(\d{1,5}))?$`);
const HOST = new RegExp(String.raw`^${NAME}(?::(\d{1,5}))?$`);
const PORTS: Readonly<Record<string, string | undefined>> = { http: "80", https: "443" };

/**
 * Validates the options, and makes the check of them.
 *
 * @param called - all that `crossOriginProtection()` was given
 * @returns the check
 * @throws {TypeError} if an option is wrong; the message says what to write
 */
export function crossOriginCheck(called: readonly unknown[]): CrossOriginCheck {
  const trusted = trustedOrigins(called);
  return (method, view) => crossOriginRefusal(method, view, trusted);
}

/**
 * Whether a browser sent a request from a page of another origin, and the request may change something: then the
 * error that refuses it. `Sec-Fetch-Site` decides if it is there: scripts cannot set it, and no proxy changes it.
 * Without it, `Origin` must name the request's host. Without both it is no browser, and passes. If a header was sent
 * several times, every value must pass.
 *
 * @param method - the request's method
 * @param view - its headers, and whether its connection is TLS
 * @param trusted - other origins that may send such requests
 * @returns the error, or undefined
 */
export function crossOriginRefusal(
  method: string,
  view: CrossOriginView,
  trusted: ReadonlySet<string>,
): SessionError | undefined {
  if (SAFE.has(method) && !isHandshake(view)) return undefined;
  const sites = valuesOf(view, "sec-fetch-site");
  const origins = valuesOf(view, "origin");
  const isOwn =
    sites.length > 0 ? sites.every((site) => OWN_SITES.has(site)) : origins.every((origin) => isOfHost(origin, view));
  if (isOwn || (origins.length > 0 && origins.every((origin) => trusted.has(origin)))) return undefined;
  return refused(method, origins, sites.length > 0);
}

/** All values of a header; a runtime that joins repeated headers does it with commas. */
function valuesOf(view: CrossOriginView, name: string): readonly string[] {
  return view.headers(name).flatMap((value) => value.split(",").map((part) => part.trim()));
}

/**
 * Whether an origin is that of the request's own host. Behind a proxy that ends TLS the scheme is not known; but over
 * TLS a page of plain http is another origin.
 */
function isOfHost(origin: string, view: CrossOriginView): boolean {
  const [, scheme = "", name, port] = ORIGIN.exec(origin.toLowerCase()) ?? [];
  const [, ownName, ownPort] = HOST.exec(header(view, "host")?.toLowerCase() ?? "") ?? [];
  if (name === undefined || name !== ownName || !Object.hasOwn(PORTS, scheme)) return false;
  if (view.encrypted && scheme !== "https") return false;
  return (port ?? PORTS[scheme]) === (ownPort ?? PORTS[scheme]);
}

/** The request's host is left out of the message: some frameworks send it to the client, and it may be internal. */
function refused(method: string, origins: readonly string[], hasSite: boolean): SessionError {
  const from = origins.length === 1 && ORIGIN.test(origins[0]!) ? origins[0]! : "an unknown origin";
  const why = hasSite
    ? "its Sec-Fetch-Site says that another origin sent it"
    : "its Origin is not the host it was sent to (a proxy may have replaced Host: then trust your own origin)";
  return new SessionError(
    "cross-origin",
    `a request with the method ${show(method)} from ${from} was refused: ${why}; if pages of that origin may send ` +
      'it, write crossOriginProtection({ trustedOrigins: ["https://…"] })',
  );
}

function trustedOrigins(called: readonly unknown[]): ReadonlySet<string> {
  const given = (called[0] ?? {}) as CrossOriginOptions;
  if (called.length > 1 || !isPlainObject(given))
    throw mistake(
      "wrong-place",
      "crossOriginProtection() makes the middleware from options; write " +
        "app.use(crossOriginProtection()), not app.use(crossOriginProtection)",
    );
  const { trustedOrigins = [] } = onlyKeys("crossOriginProtection", given, ["trustedOrigins"]);
  if (!Array.isArray(trustedOrigins))
    throw misplaced("crossOriginProtection.trustedOrigins", trustedOrigins, '["https://login.example.com"]');
  return new Set(trustedOrigins.map((origin, i) => trustedOrigin(`trustedOrigins[${i}]`, origin)));
}

/** What browsers send: exactly that is compared, so anything else would never be found. */
function trustedOrigin(place: string, value: unknown): string {
  const option = `crossOriginProtection.${place}`;
  const example = '"https://login.example.com"';
  if (typeof value !== "string") throw misplaced(option, value, example);
  if (value.includes("@")) throw misplaced(option, value, `an origin without user and password, like ${example}`);
  if (value.includes("*")) throw misuse(option, value, `each origin by its full name, like ${example}: no wildcards`);
  if (value === "null")
    throw misuse(option, value, `an origin like ${example}: "null" is what every sandboxed page sends`);
  const sent = asSent(value);
  if (sent !== value || !ORIGIN.test(value))
    throw misuse(option, value, `scheme, host and port as browsers send them: ${sent ? show(sent) : example}`);
  return value;
}

/** How a browser sends the origin of an address, or undefined if no page has it. */
function asSent(value: string): string | undefined {
  try {
    const { protocol, host, origin } = new URL(value.replace(/^ws(?=s?:)/i, "http"));
    if (Object.hasOwn(PORTS, protocol.slice(0, -1))) return origin;
    return host === "" || protocol === "ftp:" ? undefined : `${protocol}//${host.toLowerCase()}`;
  } catch {
    return undefined;
  }
}

import { header, type RequestView } from "./request-view.js";

/** A host that names the machine the browser runs on. */
const LOOPBACK = /^(?:localhost|[a-z0-9-]+(?:\.[a-z0-9-]+)*\.localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;
/** The same as an address. */
const LOOPBACK_ADDRESS = /^(?:127(?:\.\d{1,3}){3}|::1|::ffff:127(?:\.\d{1,3}){3})$/i;

/** What only proxies send. */
const PROXIES = [
  "forwarded",
  "via",
  "x-real-ip",
  "x-forwarded-ssl",
  "x-forwarded-scheme",
  "front-end-https",
  "x-arr-ssl",
  "cdn-loop",
] as const;
/** What a development server adds as well, which says of the connection it has what can be seen anyway. */
const FORWARDED = ["x-forwarded-proto", "x-forwarded-host", "x-forwarded-for"] as const;

/**
 * Whether this is plain http on the machine of the browser: the one place where a cookie may go without Secure. A
 * loopback `Host` alone is no proof: a proxy that ends TLS beside the server puts the server's own address there. A
 * browser may say where the page is that asks. Where it does not, what a proxy changes tells: version, headers, and
 * `Connection: keep-alive`, which browsers always send and proxies do not pass on.
 */
export function isLocalPlainHttp(view: RequestView): boolean {
  if (view.encrypted || !isLoopback(header(view, "host"))) return false;
  const site = header(view, "sec-fetch-site");
  const page = site === "cross-site" ? undefined : pageOf(view);
  const isOwnPage = site === "same-origin" || site === "same-site";
  if (page !== undefined && (isOwnPage || !isLocalPage(page))) return isLocalPage(page);
  return view.version !== "1.0" && !isForwarded(view) && (!isBrowser(view) || isKeptAlive(view));
}

/**
 * Whether a browser asked over plain http from elsewhere: over https it would have sent Sec-Fetch headers. A loopback
 * host may be a proxy's, and tells nothing.
 */
export function isBrowserOnPlainHttp(view: RequestView): boolean {
  if (view.encrypted || isLoopback(header(view, "host"))) return false;
  if (header(view, "x-forwarded-proto") === "https" || /proto="?https/i.test(header(view, "forwarded") ?? ""))
    return false;
  return header(view, "sec-fetch-site") === undefined && isBrowser(view);
}

function isLoopback(host: string | undefined): boolean {
  return host !== undefined && LOOPBACK.test(host);
}

/** Where the page is that asks, as far as the browser says so. */
function pageOf(view: RequestView): string | undefined {
  const origin = header(view, "origin");
  return origin === undefined || origin === "null" ? header(view, "referer") : origin;
}

function isLocalPage(page: string): boolean {
  return page.startsWith("http://") && isLoopback(page.slice("http://".length).split("/", 1)[0]);
}

function isBrowser(view: RequestView): boolean {
  return header(view, "sec-fetch-site") !== undefined || header(view, "user-agent")?.startsWith("Mozilla/") === true;
}

function isKeptAlive(view: RequestView): boolean {
  return /\bkeep-alive\b/i.test(header(view, "connection") ?? "");
}

function isForwarded(view: RequestView): boolean {
  if (PROXIES.some((name) => view.headers(name).length > 0)) return true;
  const [proto, host, addresses] = FORWARDED.map((name) => header(view, name)) as [string?, string?, string?];
  if (proto === undefined && host === undefined && addresses === undefined) return false;
  return (
    proto !== "http" ||
    !isLoopback(host) ||
    !(addresses ?? "").split(",").every((address) => LOOPBACK_ADDRESS.test(address.trim()))
  );
}

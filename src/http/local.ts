import { header, type RequestView } from "./request-view.js";

/** Host names of the machine the browser runs on. */
const LOOPBACK = /^(?:localhost|[a-z0-9-]+(?:\.[a-z0-9-]+)*\.localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;
/** The same as IP addresses. */
const LOOPBACK_ADDRESS = /^(?:127(?:\.\d{1,3}){3}|::1|::ffff:127(?:\.\d{1,3}){3})$/i;

/** Headers that only proxies send. */
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
/**
 * True for plain HTTP on the machine of the browser: the only case in which a cookie may be sent without Secure. A
 * loopback `Host` alone is no proof: a TLS-terminating proxy on the same machine may send the server's own address.
 * Some browsers send the URL of the page. If they do not, changes made by a proxy are detected: version, headers, and
 * `Connection: keep-alive`, which browsers always send and proxies do not forward.
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
 * True if a browser on another machine uses plain HTTP: over HTTPS it would have sent Sec-Fetch headers. A loopback
 * host may come from a proxy, so it proves nothing.
 */
export function isBrowserOnPlainHttp(view: RequestView): boolean {
  if (view.encrypted || isLoopback(header(view, "host"))) return false;
  if (header(view, "x-forwarded-proto") === "https" || /proto="?https/i.test(header(view, "forwarded") ?? ""))
    return false;
  return header(view, "sec-fetch-site") === undefined && isBrowser(view);
}

/**
 * Whether a browser that sent this Host drops a cookie of a domain. A loopback host, or one beside X-Forwarded-Host,
 * may be a proxy's, and proves nothing.
 */
export function isOutsideDomain(view: RequestView, domain: string): boolean {
  const host = header(view, "host")?.toLowerCase().replace(/:\d+$/, "") ?? "";
  const parent = domain.toLowerCase().replace(/^\./, "");
  if (host === "" || isLoopback(host) || view.headers("x-forwarded-host").length > 0) return false;
  return host !== parent && !host.endsWith(`.${parent}`);
}

function isLoopback(host: string | undefined): boolean {
  return host !== undefined && LOOPBACK.test(host);
}

/** URL of the page that sent the request, if the browser sends it. */
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

/**
 * Whether a proxy has passed the request on. A development server adds `X-Forwarded-*` as well; if those say of the
 * connection what can be seen anyway, it is as if they were not there.
 */
function isForwarded(view: RequestView): boolean {
  for (const name of PROXIES) if (header(view, name) !== undefined) return true;
  const proto = header(view, "x-forwarded-proto");
  const host = header(view, "x-forwarded-host");
  const addresses = header(view, "x-forwarded-for");
  if (proto === undefined && host === undefined && addresses === undefined) return false;
  return (
    proto !== "http" ||
    !isLoopback(host) ||
    !(addresses ?? "").split(",").every((address) => LOOPBACK_ADDRESS.test(address.trim()))
  );
}

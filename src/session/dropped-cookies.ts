import type { CookieSettings } from "../cookie/cookie.js";
import { isBrowserOnPlainHttp, isOutsideDomain } from "../http/local.js";
import { withPage } from "../errors.js";
import type { RequestView } from "../http/request-view.js";
import { warn } from "../util/builtin.js";
import { isSecure } from "./reply-headers.js";
import type { StoreSettings } from "./options.js";
import type { RequestSettings } from "./request-options.js";

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

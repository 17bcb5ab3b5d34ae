import { SessionError } from "../errors.js";
import {
  isNode,
  isWeb,
  methodOf,
  contextOfCaller,
  isCached,
  viewOf,
  type AnyEvent,
  type H3Settings,
} from "./h3-event.js";
import { readSession } from "../session/lookup.js";
import { placeReader, placeNoReader, type PayloadReader } from "./nuxt-payload.js";
import { readOnly } from "./session-proxy.js";

/** Why the session of a context must not be read. */
const refused = new WeakMap<object, SessionError>();

const WHERE =
  "Read it in a server route that is neither cached nor prerendered; in the page itself, useSession() fetches it " +
  "when the page is in the browser";

const IN_PRERENDERED =
  "this page is rendered when the application is built: it has no visitor, and no session. " + WHERE;

const IN_CACHED =
  "the response of this route is kept and sent to every visitor (swr, isr or cache in routeRules), so it has no " +
  `session. ${WHERE}`;

/** The part of a context that Nitro fills before the first middleware runs. */
interface NitroContext {
  readonly _nitro?: { readonly routeRules?: RouteRules };
}

/** Nitro makes `cache` of `swr`. A rule for some routes may take them out of one for more: then it is false. */
interface RouteRules {
  readonly cache?: unknown;
  readonly isr?: unknown;
  readonly prerender?: unknown;
}

/**
 * Why an event has no session: its response goes to every visitor. Such a response must not contain what belongs to
 * one, and no cookie. Requests that its handler makes have none, either.
 */
export function reasonAgainst(event: AnyEvent): string | undefined {
  const caller = contextOfCaller(event);
  if (caller) {
    const inherited = refused.get(caller)?.message ?? (isCached({ context: caller }) ? IN_CACHED : undefined);
    if (inherited !== undefined) return inherited;
  }
  const { _nitro: nitro } = (event.context ?? {}) as NitroContext;
  const { cache, isr, prerender } = nitro?.routeRules ?? {};
  if (prerender || isPrerendering(event)) return IN_PRERENDERED;
  const isRead = isNode(event) && ["GET", "HEAD"].includes(methodOf(event));
  return isRead && (cache || isr) ? IN_CACHED : undefined;
}

/** While an application is built, requests have this header; they have no connection, so no client can send it. */
function isPrerendering(event: AnyEvent): boolean {
  return isNode(event) && isWithoutConnection(event) && event.node.req.headers["x-nitro-prerender"] !== undefined;
}

/** True for requests that are made inside the process. */
function isWithoutConnection(event: AnyEvent): boolean {
  return isNode(event) && "__unenv__" in event.node.req;
}

/** Makes reading the session of an event an error that says why. */
export function refuseIn(event: AnyEvent, reason: string): void {
  const error = new SessionError("unsupported", reason);
  refused.set(event.context, error);
  placeSession(event, () => {
    throw error;
  });
  placeNoReader(event);
}

/** Why the session of an event must not be read, if so. */
export function refusedIn({ context }: AnyEvent): SessionError | undefined {
  return refused.get(context);
}

/** True for the request by which Nuxt renders its error page. */
export function isErrorPage(event: AnyEvent): boolean {
  return isWithoutConnection(event) && !isWeb(event) && pathOf(event).startsWith("/__nuxt_error");
}

const pathOf = (event: AnyEvent): string => (event as { path?: string }).path ?? "";

/** Nuxt renders its error page by another request, also because the storage has failed: it must not fail again. */
export async function placeInErrorPage(settings: H3Settings, event: AnyEvent, reader: PayloadReader): Promise<void> {
  if (settings.skip?.(event)) return;
  try {
    if (/[?&]status(Code)?=503\b/.test(pathOf(event))) throw unread();
    const session = readOnly(await readSession(settings, settings.storeFor([event]), viewOf(event)), IN_ERROR_PAGE);
    placeSession(event, () => session);
    placeReader(settings, event, reader, session);
  } catch (error) {
    placeSession(event, () => {
      throw error;
    });
    placeNoReader(event);
  }
}

const IN_ERROR_PAGE = "the error page is only rendered; change the session in a server route";

const unread = (): SessionError =>
  new SessionError("unsupported", "the session could not be loaded, and the page that says so has none");

function placeSession({ context }: AnyEvent, get: () => unknown): void {
  if (!("session" in context)) Object.defineProperty(context, "session", { configurable: true, get });
}

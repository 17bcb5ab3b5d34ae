import type { IncomingMessage, ServerResponse } from "node:http";
import type { StoredSession } from "../contracts/session-api.js";
import { SessionError } from "../errors.js";
import { NodeHeaders, NodeView } from "../http/node-request.js";
import type { ResponseHeaders, RequestView } from "../http/request-view.js";
import { WebHeaders, WebView } from "../http/web-request.js";
import { openSession, readSession, requestSessionOf } from "../session/lookup.js";
import type { RequestSettings } from "../session/request-options.js";
import type { RequestSession } from "../session/request-session.js";
import { mount, placeSession, SESSION_PROPERTY } from "./adapter-core.js";
import { serveHeaders } from "./headers-adapter.js";
import { HeldResponse, onClose, sendLastResort } from "./node-adapter.js";
import { wrongFramework } from "./wrong-framework.js";

/** The part of an event of h3 2 that is used. */
export interface WebEvent {
  readonly req: Request;
  readonly res: { readonly headers: Headers; readonly errHeaders: Headers };
  readonly context: object;
  readonly runtime?: { readonly node?: { readonly req?: IncomingMessage } };
}

/** The part of an event of h3 1 that is used. */
export interface NodeEvent {
  readonly node: { readonly req: IncomingMessage; readonly res: ServerResponse };
  readonly context: object;
}

/** An event of h3 2 or of h3 1. */
export type AnyEvent = WebEvent | NodeEvent;

export type H3Context = readonly [event: any];
export type H3Settings = RequestSettings<H3Context, unknown>;

/** Handles the session of one event: the middleware of both versions. */
export function serveEvent(settings: H3Settings, own: string, event: AnyEvent, next?: () => unknown): unknown {
  if (isWeb(event) && next) return serveWeb(settings, event, next);
  if (isNode(event)) return serveNode(settings, event);
  throw wrongFramework(own, [event, next]);
}

/** `open` and `read` of the middleware. */
export function eventOpeners<D extends object>(
  settings: H3Settings,
): {
  open(event: AnyEvent): Promise<StoredSession<D>>;
  read(request: AnyEvent | Request): Promise<StoredSession<D>>;
} {
  return {
    open: async (event) =>
      openSession<D>(settings, [event], viewOf(event), event, headersOf(event), (report) => {
        if (!isWeb(event)) onClose(event.node.res, report);
      }),
    async read(request) {
      const view = request instanceof Request ? new WebView(request) : viewOf(request);
      return readSession<D>(settings, settings.storeFor([request]), view);
    },
  };
}

/** An event of h3 1 has `req` and `res` of Node, under `node`; on Node, one of h3 2 has them, too. */
export function isWeb(event: AnyEvent): event is WebEvent {
  return typeof (event as Partial<WebEvent>).req?.headers?.get === "function";
}

export function isNode(event: AnyEvent): event is NodeEvent {
  return typeof (event as Partial<NodeEvent>).node?.res?.setHeader === "function";
}

/** The method of an event, and what the session reads of it. */
export function methodOf(event: AnyEvent): string {
  return isWeb(event) ? event.req.method : (event.node.req.method ?? "");
}

export function viewOf(event: AnyEvent): RequestView {
  return isWeb(event) ? new H3View(event) : new NodeEventView(event);
}

function headersOf(event: AnyEvent): ResponseHeaders {
  return isWeb(event) ? new WebHeaders(event.res.headers) : new NodeHeaders(event.node.res);
}

/**
 * The context of the event whose handler has made this request by `event.$fetch`, inside the server: Nitro 2 and Nuxt
 * pass it with the request, which has no connection.
 */
export function contextOfCaller(event: AnyEvent): object | undefined {
  if (isWeb(event)) return undefined;
  const { __unenv__: context } = event.node.req as { __unenv__?: unknown };
  return typeof context === "object" && context !== null && "nitro" in context ? context : undefined;
}

/** True if the event is of a handler whose response Nitro keeps, and sends to all clients. */
export function isCached(event: { readonly context: object }): boolean {
  const { cache } = ((event as Partial<typeof event> | undefined)?.context ?? {}) as {
    cache?: { options?: unknown };
  };
  return cache?.options !== undefined;
}

/** The error for a session in such a handler. */
export function inCachedHandler(): SessionError {
  return new SessionError(
    "unsupported",
    "the response of this handler is kept and sent to every visitor (defineCachedEventHandler, or swr, isr or cache " +
      "in routeRules), so it has no session; read the session in a handler that is not cached, and pass what may be " +
      "shared as an argument to a cached function",
  );
}

/** h3 2: what a handler throws becomes a response with the headers `errHeaders`. */
function serveWeb(settings: H3Settings, event: WebEvent, next: () => unknown): Promise<unknown> {
  return serveHeaders<unknown>({
    settings,
    view: new H3View(event),
    context: [event],
    shared: event.req,
    headers: new WebHeaders(event.res.headers),
    handle(requestSession) {
      const own = requestSession ?? requestSessionOf(event, settings);
      if (own) placeSession(event.context, own);
      return next();
    },
    carrierOf: () => new WebHeaders(event.res.errHeaders),
  });
}

/**
 * h3 1: a middleware returns before the handler runs, so the response is held. A request that another event makes
 * inside the server has the session of that event: its response has no client that would keep a cookie.
 */
async function serveNode(settings: H3Settings, event: NodeEvent): Promise<void> {
  const view = new NodeEventView(event);
  const requestSession = mount(settings, view, [event], callerWithSession(settings, event, view) ?? event.node.req);
  const own = requestSession ?? requestSessionOf(event, settings);
  if (own) placeUnlessCached(event.context, own);
  if (!requestSession) return;
  requestSession.host = new EventResponse(requestSession, event);
  if (!settings.isLazy) await requestSession.load();
}

/** A request that was made with another cookie is that of another client. */
function callerWithSession(settings: H3Settings, event: NodeEvent, view: RequestView): object | undefined {
  const context = contextOfCaller(event);
  const caller = context && requestSessionOf(context, settings);
  return caller && !caller.isDone && caller.view.cookies === view.cookies ? context : undefined;
}

/** Nitro gives a cached handler the context of the request that came first: its session must not be read there. */
function placeUnlessCached(context: object, own: RequestSession): void {
  if (!("session" in context)) Object.defineProperty(context, "session", UNLESS_CACHED);
  placeSession(context, own);
}

const UNLESS_CACHED: PropertyDescriptor & ThisType<object> = {
  ...SESSION_PROPERTY,
  get() {
    if (isCached({ context: this })) throw inCachedHandler();
    return SESSION_PROPERTY.get!.call(this) as unknown;
  },
};

class EventResponse extends HeldResponse {
  readonly #event: NodeEvent;

  constructor(requestSession: RequestSession, event: NodeEvent) {
    super(requestSession, event.node.res);
    this.#event = event;
  }

  /** The event looks handled while its response waits: else h3 calls the next handler after a redirect. */
  override before(): Promise<void> | undefined {
    (this.#event as { _handled?: boolean })["_handled"] = true;
    return super.before();
  }

  failed(error: unknown): void {
    void sendFailure(this.requestSession.settings, this.#event, error);
  }
}

/** h3 1 has no error path for what happens after its handler has returned. */
async function sendFailure(settings: H3Settings, event: NodeEvent, error: unknown): Promise<void> {
  const { res } = event.node;
  try {
    await settings.errorHandler?.(error, event);
  } catch (thrown) {
    console.error(thrown);
  }
  if (res.headersSent || res.writableEnded) return;
  console.error(error);
  sendLastResort(res, error);
}

class H3View extends WebView {
  declare readonly context: WebEvent & { context: { params?: Record<string, string> } };

  constructor(event: WebEvent) {
    super(event.req, event);
  }

  get version(): string | undefined {
    return this.context.runtime?.node?.req?.httpVersion;
  }

  override param(name: string): string | undefined {
    return this.context.context.params?.[name];
  }
}

class NodeEventView extends NodeView {
  declare readonly context: NodeEvent & { context: { params?: Record<string, string> } };

  constructor(event: NodeEvent) {
    super(event.node.req, event);
  }

  override param(name: string): string | undefined {
    return this.context.context.params?.[name];
  }
}

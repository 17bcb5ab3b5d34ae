/**
 * Sessions for h3 2 and 1, and for Nitro and Nuxt, whose servers are made of it: `app.use(session())`.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Session, StoredSession } from "../contracts/session-api.js";
import type { DataBy, Schemas, TypedBy } from "../contracts/schema.js";
import type { SessionAccess } from "../contracts/session-access.js";
import type { SessionData } from "../session-data.js";
import type { CrossOriginOptions } from "../http/cross-origin.js";
import { NodeHeaders, NodeView } from "../http/node-request.js";
import type { ResponseHeaders, RequestView } from "../http/request-view.js";
import { WebHeaders, WebView } from "../http/web-request.js";
import { openSession, readSession, requestSessionOf } from "../session/lookup.js";
import { requestSettings, type RequestSettings, type SessionOptions } from "../session/request-options.js";
import type { RequestSession } from "../session/request-session.js";
import { getSession, mount, placeSession, protection, withAccess, type CrossOriginChecks } from "./adapter-core.js";
import { serveHeaders } from "./headers-adapter.js";
import { HeldResponse, onClose, sendLastResort } from "./node-adapter.js";
import { wrongFramework } from "./wrong-framework.js";

export * from "./common-exports.js";

/** The part of an event of h3 2 that is used. */
interface WebEvent {
  readonly req: Request;
  readonly res: { readonly headers: Headers; readonly errHeaders: Headers };
  readonly context: object;
  readonly runtime?: { readonly node?: { readonly req?: IncomingMessage } };
}

/** The part of an event of h3 1 that is used. */
interface NodeEvent {
  readonly node: { readonly req: IncomingMessage; readonly res: ServerResponse };
  readonly context: object;
}

/** An event of h3 2 or of h3 1. */
export type AnyEvent = WebEvent | NodeEvent;

type H3Context = readonly [event: any];
type Settings = RequestSettings<H3Context, unknown>;

/** Options of {@link session}; `skip`, `storage`, `cookie` and `errorHandler` are called with the event. */
export type H3Options = SessionOptions<H3Context>;

/** The middleware, with methods to access its sessions. */
export interface Sessions<D extends object = SessionData> extends SessionAccess<D, AnyEvent> {
  (event: any, next?: () => unknown): any;
  /**
   * Opens the session of an event without the middleware; `save()` sets the cookie in the response headers.
   *
   * @param event - the event
   * @returns the session
   * @throws {SessionError} `storage` or `timeout`
   */
  open(event: AnyEvent): Promise<StoredSession<D>>;
  /**
   * Opens the session of a request without a response (an upgrade).
   *
   * @param request - the event, or the request of an upgrade
   * @returns the session
   * @throws {SessionError} `storage` or `timeout`
   */
  read(request: AnyEvent | Request): Promise<StoredSession<D>>;
}

/**
 * Creates the middleware. In Nitro and Nuxt it is the default export of a file in `server/middleware`.
 *
 * @param options - see docs/reference/options.md
 * @returns the middleware, with methods to access its sessions
 * @throws {TypeError | RangeError} if an option is invalid; the message says what to write
 * @example
 * ```ts
 * const app = new H3().use(session({ storage })); // then event.context.session, or useSession(event)
 * ```
 */
export function session<D extends object = SessionData, S extends Schemas = Schemas>(
  options?: TypedBy<H3Options, D, S>,
): Sessions<DataBy<D, S>>;
export function session<D extends object>(...called: readonly unknown[]): Sessions<D> {
  const settings = requestSettings<H3Context, unknown>(called);
  const middleware = (event: AnyEvent, next?: () => unknown): unknown => {
    if (isWeb(event) && next) return serveWeb(settings, event, next);
    if (isNode(event)) return serveNode(settings, event);
    throw wrongFramework("holdfast/h3", [event, next]);
  };
  return withAccess<D, AnyEvent, typeof middleware, Pick<Sessions<D>, "open" | "read">>(settings, middleware, {
    open: async (event) =>
      openSession<D>(settings, [event], viewOf(event), event, headersOf(event), (report) => {
        if (!isWeb(event)) onClose(event.node.res, report);
      }),
    async read(request) {
      const view = request instanceof Request ? new WebView(request) : viewOf(request);
      return readSession<D>(settings, settings.storeFor([request]), view);
    },
  });
}

/**
 * Returns the session of an event, as `event.context.session` does.
 *
 * @param event - the event
 * @returns the session, typed by `SessionData`
 * @throws {SessionError} `no-session`, `not-loaded`, or the error that prevented loading
 * @example
 * ```ts
 * export default defineEventHandler((event) => useSession(event).get("cart") ?? []);
 * ```
 */
export function useSession<D extends object = SessionData>(event: AnyEvent): Session<D> {
  return getSession(event);
}

/** What {@link crossOriginProtection} makes. */
export interface CrossOriginProtection extends CrossOriginChecks<AnyEvent | Request> {
  (event: any, next?: () => unknown): any;
}

/**
 * Refuses requests that a page of another origin sent and that may change something: with 403, `cross-origin`,
 * thrown for h3's error path. docs/tasks/cross-origin.md says what it covers beside SameSite.
 *
 * @param options - other origins that may send such requests
 * @returns the middleware, to be used before the session
 * @throws {TypeError} if an origin is not as browsers send it
 * @example
 * ```ts
 * app.use(crossOriginProtection({ trustedOrigins: ["https://login.example.com"] }));
 * app.use(session());
 * ```
 */
export function crossOriginProtection(options?: CrossOriginOptions): CrossOriginProtection;
export function crossOriginProtection(...called: readonly unknown[]): CrossOriginProtection {
  const read = (given: AnyEvent | Request): readonly [string, RequestView] => {
    if (given instanceof Request) return [given.method, new WebView(given)];
    return [isWeb(given) ? given.req.method : (given.node.req.method ?? ""), viewOf(given)];
  };
  return protection(called, read, (refusalOf) => (event: AnyEvent, next?: () => unknown): unknown => {
    const error = refusalOf(event);
    if (error) throw error;
    return next?.();
  });
}

/** An event of h3 1 has `req` and `res` of Node, under `node`; on Node, one of h3 2 has them, too. */
function isWeb(event: AnyEvent): event is WebEvent {
  return typeof (event as Partial<WebEvent>).req?.headers?.get === "function";
}

function isNode(event: AnyEvent): event is NodeEvent {
  return typeof (event as Partial<NodeEvent>).node?.res?.setHeader === "function";
}

function viewOf(event: AnyEvent): RequestView {
  return isWeb(event) ? new EventView(event) : new NodeEventView(event);
}

function headersOf(event: AnyEvent): ResponseHeaders {
  return isWeb(event) ? new WebHeaders(event.res.headers) : new NodeHeaders(event.node.res);
}

/** h3 2: what a handler throws becomes a response with the headers `errHeaders`. */
function serveWeb(settings: Settings, event: WebEvent, next: () => unknown): Promise<unknown> {
  return serveHeaders<unknown>({
    settings,
    view: new EventView(event),
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

/** h3 1: a middleware returns before the handler runs, so the response is held. */
async function serveNode(settings: Settings, event: NodeEvent): Promise<void> {
  const { req } = event.node;
  const requestSession = mount(settings, new NodeEventView(event), [event], req);
  const own = requestSession ?? requestSessionOf(event, settings);
  if (own) placeSession(event.context, own);
  if (!requestSession) return;
  requestSession.host = new EventResponse(requestSession, event);
  if (!settings.isLazy) await requestSession.load();
}

class EventResponse extends HeldResponse {
  readonly #event: NodeEvent;

  constructor(requestSession: RequestSession, event: NodeEvent) {
    super(requestSession, event.node.res);
    this.#event = event;
  }

  failed(error: unknown): void {
    void sendFailure(this.requestSession.settings, this.#event, error);
  }
}

/** h3 1 has no error path for what happens after its handler has returned. */
async function sendFailure(settings: Settings, event: NodeEvent, error: unknown): Promise<void> {
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

class EventView extends WebView {
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

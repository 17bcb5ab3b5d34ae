/**
 * Sessions for Koa 3.
 *
 * @module
 */
import type { Context, ExtendableContext, Next } from "koa";
import type { IncomingMessage } from "node:http";
import type { Session, StoredSession } from "../contracts/session-api.js";
import type { DataBy, Schemas, TypedBy } from "../contracts/schema.js";
import type { SessionAccess } from "../contracts/session-access.js";
import { asDropped } from "../http/error-path.js";
import { NodeHeaders, NodeView } from "../http/node-request.js";
import { clearResponse } from "../http/response-arguments.js";
import { parsedFields, type Fields } from "../http/form.js";
import { kindOf } from "../util/assert.js";
import { bindListeners } from "../util/async.js";
import type { SessionData } from "../session-data.js";
import type { RequestSession } from "../session/request-session.js";
import { requestSessionOf, openSession, readSession } from "../session/lookup.js";
import { requestSettings, type RequestSettings, type SessionOptions } from "../session/request-options.js";
import type { CrossOriginOptions } from "../http/cross-origin.js";
import { isPlaced, mount, protection, SESSION_PROPERTY, withAccess, type CrossOriginChecks } from "./adapter-core.js";
import { HeldResponse, onClose, toRead } from "./node-adapter.js";
import { wrongFramework } from "./wrong-framework.js";

export * from "./common-exports.js";

declare module "koa" {
  interface DefaultContext {
    /** The session of this request; its keys are declared in `SessionData`. */
    readonly session: Session<SessionData>;
  }
}

type KoaContext = readonly [ctx: Context];

/**
 * Options of {@link session}; `skip`, `storage` and `errorHandler` are called with `ctx`. An error handler responds by
 * setting body or status.
 */
export type KoaOptions = SessionOptions<KoaContext>;

/** The middleware, with methods to access its sessions. */
export interface Sessions<D extends object = SessionData> extends SessionAccess<D, ExtendableContext> {
  (ctx: ExtendableContext, next: Next): Promise<void>;
  /**
   * Opens the session of a request without the middleware; `save()` sets the cookie in the response headers.
   *
   * @param ctx - the context
   * @returns the session
   * @throws {SessionError} `storage` or `timeout`
   */
  open(ctx: ExtendableContext): Promise<StoredSession<D>>;
  /**
   * Opens the session of a request without a response (an upgrade).
   *
   * @param request - the context, or Node's request
   * @returns the session
   * @throws {SessionError} `storage` or `timeout`
   */
  read(request: IncomingMessage | ExtendableContext): Promise<StoredSession<D>>;
}

/**
 * Creates the middleware.
 *
 * @param options - see https://holdfast-sessions.github.io/holdfast/reference/options
 * @returns the middleware, with methods to access its sessions
 * @throws {TypeError | RangeError} if an option is invalid; the message says what to write
 * @example
 * ```ts
 * app.use(session({ storage, idleTimeout: "30m" }));
 * ```
 */
export function session<D extends object = SessionData, S extends Schemas = Schemas>(
  options?: TypedBy<KoaOptions, D, S>,
): Sessions<DataBy<D, S>>;
export function session<D extends object>(...called: readonly unknown[]): Sessions<D> {
  const settings = requestSettings<KoaContext, unknown>(called);
  const { requests } = settings;
  const middleware = (ctx: ExtendableContext, next: Next): Promise<void> => {
    if (!(ctx as Partial<Context>).request?.req) throw wrongFramework("holdfast/koa", [ctx, next]);
    if (!requests) return serve(settings, ctx as Context, next);
    bindListeners(requests, ctx, ctx.req, ctx.res);
    return requests.run(ctx, serve, settings, ctx as Context, next);
  };
  return withAccess<D, ExtendableContext, typeof middleware, Pick<Sessions<D>, "open" | "read">>(
    settings,
    middleware,
    {
      open: async (ctx) =>
        openSession<D>(settings, [ctx], new KoaView(ctx as Context), ctx, new NodeHeaders(ctx.res), (report) =>
          onClose(ctx.res, report),
        ),
      async read(request) {
        const view = "req" in request ? new KoaView(request as Context) : new NodeView(request);
        return readSession<D>(settings, settings.storeFor([request as Context]), view);
      },
    },
  );
}

/** What {@link crossOriginProtection} makes. */
export interface CrossOriginProtection extends CrossOriginChecks<IncomingMessage | ExtendableContext> {
  (ctx: ExtendableContext, next: Next): Promise<void>;
}

/**
 * Refuses requests that a page of another origin sent and that may change something: with 403, `cross-origin`,
 * thrown for Koa's error path. docs/tasks/cross-origin.md says what it covers beside SameSite.
 *
 * @param options - other origins that may send such requests
 * @returns the middleware, to be mounted before the session
 * @throws {TypeError} if an origin is not as browsers send it
 * @example
 * ```ts
 * app.use(crossOriginProtection({ trustedOrigins: ["https://login.example.com"] }));
 * app.use(session());
 * ```
 */
export function crossOriginProtection(options?: CrossOriginOptions): CrossOriginProtection;
export function crossOriginProtection(...called: readonly unknown[]): CrossOriginProtection {
  const read = (request: IncomingMessage | ExtendableContext): ReturnType<typeof toRead> =>
    toRead("req" in request ? request.req : request);
  return protection(called, read, (refusalOf) => async (ctx: ExtendableContext, next: Next): Promise<void> => {
    const error = refusalOf(ctx);
    if (error) throw error;
    await next();
  });
}

async function serve(settings: RequestSettings<KoaContext>, ctx: Context, next: Next): Promise<void> {
  const requestSession = mount(settings, new KoaView(ctx), [ctx], ctx.req);
  if (requestSessionOf(ctx, settings)) place(ctx);
  if (!requestSession) return next();
  const held = (requestSession.host = new KoaResponse(requestSession, ctx));
  try {
    const loading = settings.isLazy ? undefined : requestSession.load();
    if (loading) await loading;
  } catch (error) {
    return fail(settings, ctx, error);
  }
  try {
    await next();
  } catch (thrown) {
    return abandon(requestSession, held, ctx, thrown);
  }
  // If a handler writes to `ctx.res` itself, maybe later, the session is stored before the first byte.
  if (held.hasBegun || ctx.respond === false) return;
  try {
    const committing = requestSession.commit(true, held);
    if (committing) await sourceGuarded(ctx, committing);
  } catch (error) {
    if (!held.hasBegun) return fail(settings, ctx, error);
  }
}

/**
 * Koa adds its error listener when it sends a body: a stream that fails before that would end the process. With this
 * listener, Koa later finds the stream destroyed.
 */
function sourceGuarded(ctx: Context, work: Promise<void>): Promise<void> {
  const { body } = ctx as { body?: { pipe?: unknown; on?(event: "error", listener: () => void): unknown } | null };
  if (typeof body?.pipe === "function") body.on?.("error", () => {});
  return work;
}

/** Requests whose error response is sent by Koa. */
const failing = new WeakSet<object>();

/** The known applications. */
const met = new WeakSet<object>();

/**
 * Adds `session` to the prototype of all contexts of an application: a property on each context would take as long as
 * everything else for a request that does not use its session. If the prototype or the context has another `session`,
 * the property is added to the context.
 */
function place(ctx: Context): void {
  const application = Object.getPrototypeOf(ctx) as Context;
  if (!met.has(application)) noteFailures(application);
  met.add(application);
  if (!isPlaced(application) || Object.hasOwn(ctx, "session"))
    Object.defineProperty(ctx, "session", SESSION_PROPERTY);
}

/**
 * Koa calls its `error` listeners before it sends the error response. A listener that throws would end the process,
 * and the session that it reads may be the reason of the failure.
 */
function noteFailures(application: Context): void {
  const { onerror: original } = application;
  const onerror = function (this: Context, error: Error | null, ...rest: unknown[]): void {
    if (error) failing.add(this.req);
    Reflect.apply(original, this, [error, ...rest]);
  };
  Object.assign(application, { onerror });
}

/**
 * Throws the handler's exception again after its changes are stored. If they cannot be stored, that error is the
 * response.
 */
async function abandon(
  requestSession: RequestSession,
  held: KoaResponse,
  ctx: Context,
  thrown: unknown,
): Promise<void> {
  if (held.hasBegun) throw thrown;
  try {
    await requestSession.commit();
  } catch (error) {
    if (held.hasBegun) throw thrown;
    report(ctx, thrown);
    return fail(requestSession.settings, ctx, error);
  }
  throw thrown;
}

/** Reports an exception to the application, as Koa does: listeners only get errors. */
function report(ctx: Context, thrown: unknown): void {
  if (thrown === undefined || thrown === null) return;
  ctx.app.emit(
    "error",
    thrown instanceof Error ? thrown : new Error(`non-error thrown: ${kindOf(thrown)}`, { cause: thrown }),
    ctx,
  );
}

/**
 * Koa's error response drops all headers, and direct writes do not pass through the middleware: so the token is added
 * before the first byte.
 */
class KoaResponse extends HeldResponse {
  /** True if a handler writes to `ctx.res` itself: then the error response is sent there too, once. */
  hasBegun = false;
  readonly #ctx: Context;

  constructor(requestSession: RequestSession, ctx: Context) {
    super(requestSession, ctx.res);
    this.#ctx = ctx;
  }

  override before(): Promise<void> | undefined {
    this.hasBegun = true;
    return super.before();
  }

  override get isOver(): boolean {
    return super.isOver || failing.has(this.#ctx.req);
  }

  failed(error: unknown): void {
    // This destroys a stream that is being sent, and with it the response.
    asDropped(() => void (this.#ctx.body = undefined));
    void failRaw(this.requestSession.settings, this.#ctx, error);
  }
}

/**
 * Handles a failure of the session itself: first the application's `errorHandler`, then the error path. The original
 * response is discarded.
 */
async function fail(settings: RequestSettings<KoaContext>, ctx: Context, error: unknown): Promise<void> {
  if (!(await hasResponded(settings, ctx, error))) throw error;
  if (ctx.respond === false) sendRaw(ctx);
}

/** Calls `errorHandler`; returns true if it responded by setting body or status. */
async function hasResponded(settings: RequestSettings<KoaContext>, ctx: Context, error: unknown): Promise<boolean> {
  clearResponse(ctx.res);
  ctx.body = undefined;
  ctx.status = NOT_FOUND;
  await settings.errorHandler?.(error, ctx);
  const hasSent = ctx.status !== NOT_FOUND || (ctx.body ?? undefined) !== undefined;
  if (ctx.status === NOT_FOUND) ctx.status = statusOf(error);
  return hasSent;
}

/** The same if a handler wrote to `ctx.res` itself, when Koa sends no other response. */
async function failRaw(settings: RequestSettings<KoaContext>, ctx: Context, error: unknown): Promise<void> {
  try {
    const hasSent = await hasResponded(settings, ctx, error);
    if (ctx.res.headersSent || ctx.res.writableEnded) return;
    if (hasSent) sendRaw(ctx);
    else ctx.onerror(error as Error);
  } catch (thrown) {
    ctx.onerror(thrown as Error);
  }
}

/** Sends a body as Koa does. */
function sendRaw({ body, res }: Context): void {
  const stream = body as { pipe?(to: object): unknown } | null | undefined;
  if (typeof stream?.pipe === "function") return void stream.pipe(res);
  const isAsItIs = body === undefined || body === null || typeof body === "string" || body instanceof Uint8Array;
  res.end(isAsItIs ? (body ?? undefined) : JSON.stringify(body));
}

/** The initial status of a context. */
const NOT_FOUND = 404;

function statusOf(error: unknown): number {
  return (error as { status?: number } | undefined)?.status ?? 500;
}

class KoaView extends NodeView {
  declare readonly context: Context;

  constructor(ctx: Context) {
    super(ctx.req, ctx);
  }

  override param(name: string): string | undefined {
    return (this.context["params"] as Record<string, string> | undefined)?.[name];
  }

  override async form(): Promise<Fields | undefined> {
    return parsedFields((this.context.request as { body?: unknown }).body) ?? super.form();
  }
}

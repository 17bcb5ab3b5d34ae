/**
 * Sessions for Koa 3.
 *
 * @module
 */
import type { Context, ExtendableContext, Next } from "koa";
import type { IncomingMessage } from "node:http";
import type { Session, StoredSession } from "../contracts/session-api.js";
import type { SessionAccess } from "../contracts/session-access.js";
import { asDropped } from "../http/error-path.js";
import { NodeHeaders, NodeView } from "../http/node-request.js";
import { clearAnswer } from "../http/response-arguments.js";
import { parsedFields, type Fields } from "../http/form.js";
import { kindOf } from "../util/assert.js";
import type { SessionData } from "../session-data.js";
import type { RequestSession } from "../session/request-session.js";
import { requestSessionOf, openSession, readSession } from "../session/lookup.js";
import { requestSettings, type RequestSettings, type SessionOptions } from "../session/request-options.js";
import { getSession, mount, refuseAssignment, withAccess } from "./adapter.js";
import { HeldAnswer, onClose } from "./node-adapter.js";

export * from "./common-exports.js";

declare module "koa" {
  interface DefaultContext {
    /** The session of this request; its keys are those of `SessionData`. */
    readonly session: Session<SessionData>;
  }
}

type KoaContext = readonly [ctx: Context];

/**
 * Options of {@link session}; context and error handler are given `ctx`. An error handler answers by setting body or
 * status.
 */
export type KoaOptions = SessionOptions<KoaContext>;

/** The middleware, and the ways to its sessions. */
export interface Sessions<D extends object = SessionData> extends SessionAccess<D, ExtendableContext> {
  (ctx: ExtendableContext, next: Next): Promise<void>;
  /** Store pattern: opens the session of a request where nothing is mounted; `save()` answers at once. */
  open(ctx: ExtendableContext): Promise<StoredSession<D>>;
  /** Opens the session of a request that gets no answer (an upgrade). */
  read(request: IncomingMessage | ExtendableContext): Promise<StoredSession<D>>;
}

/** Makes the middleware: `app.use(session({ … }))`. Throws TypeError or RangeError for a bad option. */
export function session<D extends object = SessionData>(options?: KoaOptions): Sessions<D>;
export function session<D extends object>(...called: readonly unknown[]): Sessions<D> {
  const settings = requestSettings<KoaContext, unknown>(called);
  const middleware = (ctx: ExtendableContext, next: Next): Promise<void> => serve(settings, ctx as Context, next);
  return withAccess<D, ExtendableContext, typeof middleware, Pick<Sessions<D>, "open" | "read">>(
    settings,
    middleware,
    {
      open: async (ctx) =>
        openSession<D>(
          settings,
          settings.storeFor([ctx as Context]),
          new KoaView(ctx as Context),
          ctx,
          new NodeHeaders(ctx.res),
          (report) => onClose(ctx.res, report),
        ),
      async read(request) {
        const view = "req" in request ? new KoaView(request as Context) : new NodeView(request);
        return readSession<D>(settings, settings.storeFor([request as Context]), view);
      },
    },
  );
}

async function serve(settings: RequestSettings<KoaContext>, ctx: Context, next: Next): Promise<void> {
  const requestSession = mount(settings, new KoaView(ctx), [ctx], ctx.req);
  if (requestSessionOf(ctx, settings)) place(ctx);
  if (!requestSession) return next();
  const answer = (requestSession.host = new KoaAnswer(requestSession, ctx));
  try {
    const loading = settings.isLazy ? undefined : requestSession.load();
    if (loading) await loading;
  } catch (error) {
    return fail(settings, ctx, error);
  }
  try {
    await next();
  } catch (thrown) {
    return abandon(requestSession, answer, ctx, thrown);
  }
  // Where a handler answers at `ctx.res` itself, maybe later, the session is stored before its first byte.
  if (answer.hasBegun || ctx.respond === false) return;
  try {
    const committing = requestSession.commit(true, answer);
    if (committing) await sourceGuarded(ctx, committing);
  } catch (error) {
    if (!answer.hasBegun) return fail(settings, ctx, error);
  }
}

/**
 * Koa listens for errors of a body once it sends it: a stream that fails before that would end the process. Koa finds
 * it broken then.
 */
function sourceGuarded(ctx: Context, work: Promise<void>): Promise<void> {
  const { body } = ctx as { body?: { pipe?: unknown; on?(event: "error", listener: () => void): unknown } | null };
  if (typeof body?.pipe === "function") body.on?.("error", () => {});
  return work;
}

/** Requests whose failure Koa answers itself. */
const failing = new WeakSet<object>();

/** Applications that were met, and whether their contexts have `session` from them. */
const met = new WeakMap<object, boolean>();

/**
 * Puts `session` onto what all contexts of an application inherit from: making a property of each one's own would
 * take as long as all else that is done for a request which only looks. Where that has another `session`, or the
 * context itself, this context's own comes before it.
 */
function place(ctx: Context): void {
  const application = Object.getPrototypeOf(ctx) as Context;
  const isPlaced = met.get(application) ?? meet(application);
  if (!isPlaced || Object.hasOwn(ctx, "session")) Object.defineProperty(ctx, "session", PLACE);
}

function meet(application: Context): boolean {
  const isPlaced = !("session" in application) && Reflect.defineProperty(application, "session", PLACE);
  met.set(application, isPlaced);
  noteFailures(application);
  return isPlaced;
}

/**
 * Koa tells its `error` listeners of a failure before it answers. One that throws would end the process, and the
 * session it reads may be what failed.
 */
function noteFailures(application: Context): void {
  const { onerror: answer } = application;
  const onerror = function (this: Context, error: Error | null, ...rest: unknown[]): void {
    if (error) failing.add(this.req);
    Reflect.apply(answer, this, [error, ...rest]);
  };
  Object.assign(application, { onerror });
}

/** A request without a session reads and assigns as if this were not there. */
const PLACE: PropertyDescriptor & ThisType<Context> = {
  configurable: true,
  enumerable: false,
  get() {
    return requestSessionOf(this) && getSession(this);
  },
  set(value) {
    if (requestSessionOf(this)) refuseAssignment(value);
    Object.defineProperty(this, "session", { value, configurable: true, enumerable: true, writable: true });
  },
};

/** What the handler threw goes on once its writes are kept. Where they cannot be kept, that is what is answered. */
async function abandon(
  requestSession: RequestSession,
  answer: KoaAnswer,
  ctx: Context,
  thrown: unknown,
): Promise<void> {
  if (answer.hasBegun) throw thrown;
  try {
    await requestSession.commit();
  } catch (error) {
    if (answer.hasBegun) throw thrown;
    report(ctx, thrown);
    return fail(requestSession.settings, ctx, error);
  }
  throw thrown;
}

/** Tells the application of what was thrown, as Koa does it: listeners are given errors alone. */
function report(ctx: Context, thrown: unknown): void {
  if (thrown === undefined || thrown === null) return;
  ctx.app.emit(
    "error",
    thrown instanceof Error ? thrown : new Error(`non-error thrown: ${kindOf(thrown)}`, { cause: thrown }),
    ctx,
  );
}

/**
 * Koa's error answer drops all headers, and raw writes never come back here: the token is answered with the first
 * byte.
 */
class KoaAnswer extends HeldAnswer {
  /** Whether somebody answers at `ctx.res` itself: the failure of the save is answered there as well, once. */
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
    // A stream that is being sent is destroyed by that, and with it the response.
    asDropped(() => void (this.#ctx.body = undefined));
    void failRaw(this.requestSession.settings, this.#ctx, error);
  }
}

/**
 * A failure of the session's own: the application's `errorHandler` first, then the error path. What was to be the
 * answer is gone.
 */
async function fail(settings: RequestSettings<KoaContext>, ctx: Context, error: unknown): Promise<void> {
  if (!(await hasAnswered(settings, ctx, error))) throw error;
  if (ctx.respond === false) sendRaw(ctx);
}

/** Whether `errorHandler` answered by setting body or status. */
async function hasAnswered(settings: RequestSettings<KoaContext>, ctx: Context, error: unknown): Promise<boolean> {
  clearAnswer(ctx.res);
  ctx.body = undefined;
  ctx.status = UNANSWERED;
  await settings.errorHandler?.(error, ctx);
  const isAnswered = ctx.status !== UNANSWERED || (ctx.body ?? undefined) !== undefined;
  if (ctx.status === UNANSWERED) ctx.status = statusOf(error);
  return isAnswered;
}

/** The same once a handler wrote to `ctx.res` itself, and Koa answers no more. */
async function failRaw(settings: RequestSettings<KoaContext>, ctx: Context, error: unknown): Promise<void> {
  try {
    const isAnswered = await hasAnswered(settings, ctx, error);
    if (ctx.res.headersSent || ctx.res.writableEnded) return;
    if (isAnswered) sendRaw(ctx);
    else ctx.onerror(error as Error);
  } catch (thrown) {
    ctx.onerror(thrown as Error);
  }
}

/** What Koa does with a body. */
function sendRaw({ body, res }: Context): void {
  const stream = body as { pipe?(to: object): unknown } | null | undefined;
  if (typeof stream?.pipe === "function") return void stream.pipe(res);
  const isAsItIs = body === undefined || body === null || typeof body === "string" || body instanceof Uint8Array;
  res.end(isAsItIs ? (body ?? undefined) : JSON.stringify(body));
}

/** The status that a context begins with. */
const UNANSWERED = 404;

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

/**
 * Sessions for Fastify 5: `app.register(sessions)`.
 *
 * @module
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { STATUS_CODES, type IncomingMessage } from "node:http";
import type { Session, StoredSession } from "../contracts/session.js";
import type { SessionAccess } from "../contracts/sessions.js";
import { parsedFields, type Fields } from "../http/form.js";
import { NodeView } from "../http/node.js";
import type { AnswerHeaders } from "../http/view.js";
import type { SessionData } from "../session-data.js";
import type { Exchange } from "../store/exchange.js";
import { exchangeOf, openSession, readSession } from "../store/places.js";
import { requestSettings, type RequestSettings, type SessionOptions } from "../store/request-options.js";
import { getSession, mount, refuseAssignment, withAccess } from "./kit.js";
import { HeldAnswer, lastAnswer } from "./node-kit.js";

export * from "./exports.js";

declare module "fastify" {
  interface FastifyRequest {
    /** The session of this request; its keys are those of `SessionData`. */
    readonly session: Session<SessionData>;
  }
}

type AnyRequest = FastifyRequest<any, any>;
type AnyReply = FastifyReply<any, any>;
type FastifyContext = readonly [request: FastifyRequest, reply: FastifyReply];
type Settings = RequestSettings<FastifyContext>;

/** Options of {@link session}; context and error handler are given `(request, reply)`. */
export type FastifyOptions = SessionOptions<FastifyContext>;

/** The plugin, and the ways to its sessions. */
export interface Sessions<D extends object = SessionData> extends SessionAccess<D, AnyRequest> {
  (app: FastifyInstance<any, any, any, any, any>, options: object, done: (error?: Error) => void): void;
  /** Store pattern: opens the session of a request where nothing is registered; `save()` answers at once. */
  open(request: AnyRequest, reply: AnyReply): Promise<StoredSession<D>>;
  /** Opens the session of a request that gets no answer (an upgrade). */
  read(request: AnyRequest | IncomingMessage): Promise<StoredSession<D>>;
}

/** Makes the plugin: `app.register(session({ … }))`. Throws TypeError or RangeError for a bad option. */
export function session<D extends object = SessionData>(options?: FastifyOptions): Sessions<D>;
export function session<D extends object>(...called: readonly unknown[]): Sessions<D> {
  const settings = requestSettings<FastifyContext, unknown>(called);
  const plugin = (app: FastifyInstance<any, any, any, any, any>, _options: object, done: () => void): void => {
    register(settings, app);
    done();
  };
  Object.assign(plugin, { [Symbol.for("skip-override")]: true, [Symbol.for("fastify.display-name")]: "holdfast" });
  return withAccess<D, AnyRequest, typeof plugin, Pick<Sessions<D>, "open" | "read">>(settings, plugin, {
    async open(...answered) {
      const [request, reply] = answered as unknown as FastifyContext;
      return openSession<D>(settings, settings.storeFor([request, reply]), new FastifyView(request), request, new ReplyHeaders(reply));
    },
    async read(request) {
      const view = "raw" in request ? new FastifyView(request as FastifyRequest) : new NodeView(request);
      return readSession<D>(settings, settings.storeFor([request] as unknown as FastifyContext), view);
    },
  });
}

function register(settings: Settings, app: FastifyInstance): void {
  if (!app.hasRequestDecorator("session")) {
    app.decorateRequest("session", {
      getter(this: FastifyRequest) {
        return getSession(this);
      },
      setter: refuseAssignment,
    });
  }
  const { isLazy, extractor } = settings;
  app.addHook("onRequest", (request, reply, done) => {
    begin(settings, request, reply);
    return isLazy || extractor.needsBody ? done() : (load(settings, request, reply) ?? done());
  });
  if (!isLazy && extractor.needsBody) app.addHook("preValidation", (request, reply, done) => load(settings, request, reply) ?? done());
  app.addHook("onSend", (request, reply, payload, done) => commit(settings, request, reply, payload) ?? done());
}

function begin(settings: Settings, request: FastifyRequest, reply: FastifyReply): void {
  const view = new FastifyView(request);
  const exchange = mount(settings, view, [request, reply], request.raw);
  if (exchange) exchange.holder = new FastifyAnswer(exchange, view, reply);
}

/** Nothing to wait for where the session is there at once. */
function load(settings: Settings, request: FastifyRequest, reply: FastifyReply): Promise<void> | undefined {
  try {
    return exchangeOf(request, settings)?.load()?.catch((error: unknown) => fail(settings, error, request, reply));
  } catch (error) {
    return fail(settings, error, request, reply);
  }
}

/** Nothing to wait for where nothing is persisted. */
function commit(settings: Settings, request: FastifyRequest, reply: FastifyReply, payload: unknown): Promise<void> | undefined {
  const exchange = exchangeOf(request, settings);
  if (!exchange) return undefined;
  (exchange.view as FastifyView).isSending = true;
  return exchange.commit(true, new PayloadHeaders(reply, payload))?.catch((error: unknown) => {
    discard(payload);
    return fail(settings, error, request, reply);
  });
}

class FastifyAnswer extends HeldAnswer {
  readonly #view: FastifyView;
  readonly #reply: FastifyReply;

  constructor(exchange: Exchange, view: FastifyView, reply: FastifyReply) {
    super(exchange, reply.raw);
    this.#view = view;
    this.#reply = reply;
  }

  /** What Fastify does not send the handler writes to `reply.raw`. */
  override before(): Promise<void> | undefined {
    if (!this.#view.isSending) this.#reply.hijack();
    return super.before();
  }

  failed(error: unknown): void {
    void failRaw(this.exchange.settings, error, this.#reply.request, this.#reply);
  }
}

/** A failure of the session's own: the application's `errorHandler` first, then the error path. Where it answers, nothing is left to go on with. */
async function fail(settings: Settings, error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<never> {
  for (const name of Object.keys(reply.getHeaders())) reply.removeHeader(name);
  reply.code((error as { statusCode?: number } | undefined)?.statusCode ?? 500);
  if (settings.errorHandler && (await hasAnswered(reply, () => settings.errorHandler!(error, request, reply)))) return new Promise<never>(() => {});
  throw error;
}

/** Whether a function answered: with what it returns, or by `reply.send`, which goes out later. */
async function hasAnswered(reply: FastifyReply, answer: () => unknown): Promise<boolean> {
  const { send } = reply;
  let isSent = false;
  reply.send = (payload) => {
    isSent = true;
    reply.send = send;
    return reply.send(payload);
  };
  const payload = await answer();
  reply.send = send;
  if (payload !== undefined && !isSent) reply.send(payload);
  return isSent || payload !== undefined || reply.sent;
}

/** The same where a handler writes to `reply.raw`, and Fastify answers no more. */
async function failRaw(settings: Settings, error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  try {
    await settings.errorHandler?.(error, request, reply);
  } catch (thrown) {
    request.log.error(thrown);
  }
  if (reply.raw.headersSent || reply.raw.writableEnded) return;
  request.log.error(error);
  lastAnswer(reply.raw, error, STATUS_CODES);
}

function discard(payload: unknown): void {
  const stream = payload as { destroy?(): void; cancel?(): Promise<void>; body?: ReadableStream } | null | undefined;
  stream?.destroy?.();
  void stream?.cancel?.().catch(() => {});
  void stream?.body?.cancel().catch(() => {});
}

class FastifyView extends NodeView {
  declare readonly context: FastifyRequest;
  /** Whether the answer is on its way through Fastify. */
  isSending = false;

  constructor(request: FastifyRequest) {
    super(request.raw, request);
  }

  override param(name: string): string | undefined {
    return (this.context.params as Record<string, string> | undefined)?.[name];
  }

  override async form(): Promise<Fields | undefined> {
    return parsedFields(this.context.body) ?? super.form();
  }
}

/** The headers of a reply, those set on `reply.raw` among them. */
class ReplyHeaders implements AnswerHeaders {
  readonly #reply: FastifyReply;

  constructor(reply: FastifyReply) {
    this.#reply = reply;
  }

  names(): readonly string[] {
    return Object.keys(this.#reply.getHeaders());
  }

  get(name: string): string | undefined {
    return this.#reply.getHeader(name)?.toString();
  }

  set(name: string, value: string): void {
    this.#reply.header(name, value);
  }

  cookies(): readonly string[] {
    const all = [this.#reply.raw.getHeader("set-cookie"), this.#reply.getHeader("set-cookie")];
    return [...new Set(all.flat().filter((line) => line !== undefined))] as string[];
  }

  setCookies(lines: readonly string[]): void {
    this.#reply.removeHeader("set-cookie");
    this.#reply.header("set-cookie", [...lines]);
  }
}

/** The same while a payload is on its way, which may be a `Response` with headers of its own. */
class PayloadHeaders extends ReplyHeaders {
  readonly #own: Headers | undefined;

  constructor(reply: FastifyReply, payload: unknown) {
    super(reply);
    this.#own = isResponse(payload) ? payload.headers : undefined;
  }

  override names(): readonly string[] {
    return [...super.names(), ...(this.#own?.keys() ?? [])];
  }

  override get(name: string): string | undefined {
    return this.#own?.get(name) ?? super.get(name);
  }
}

/** As Fastify looks for it: a package may bring a class of its own. */
function isResponse(payload: unknown): payload is Response {
  return Object.prototype.toString.call(payload) === "[object Response]";
}

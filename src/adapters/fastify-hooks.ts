/** The hooks of Fastify that serve sessions, for `holdfast/fastify` and for other frameworks on Fastify. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { parsedFields, type Fields } from "../http/form.js";
import { NodeView } from "../http/node-request.js";
import { isHttp2 } from "../http/response-arguments.js";
import { isResponseEnded } from "../http/response-patch.js";
import { socketOf } from "../http/delayed-destroy.js";
import type { ResponseHeaders } from "../http/request-view.js";
import { bindListeners, type AsyncContext } from "../util/async.js";
import type { RequestSession } from "../session/request-session.js";
import { requestSessionOf } from "../session/lookup.js";
import type { RequestSettings } from "../session/request-options.js";
import { getSession, mount, refuseAssignment } from "./adapter-core.js";
import { HeldResponse, sendLastResort } from "./node-adapter.js";

type FastifyContext = readonly [request: FastifyRequest, reply: FastifyReply];
type Settings = RequestSettings<FastifyContext>;

/**
 * Adds the session to an application: its property of requests, and the hooks that load and store it.
 *
 * @param settings - of the plugin
 * @param app - the application, or a part of it
 */
export function registerSessions(settings: Settings, app: FastifyInstance): void {
  if (!app.hasRequestDecorator("session")) {
    app.decorateRequest("session", {
      getter(this: FastifyRequest) {
        return getSession(this);
      },
      setter: refuseAssignment,
    });
  }
  const { isLazy, extractor, requests } = settings;
  const onRequest: Hook = (request, reply, done) => {
    begin(settings, request, reply);
    return isLazy || extractor.needsBody ? done() : (load(settings, request, reply) ?? done());
  };
  app.addHook("onRequest", requests ? hookIn(requests, onRequest) : onRequest);
  if (!isLazy && extractor.needsBody) {
    const onBody: Hook = (request, reply, done) => load(settings, request, reply) ?? done();
    app.addHook("preValidation", requests ? hookIn(requests, onBody) : onBody);
  }
  app.addHook("onSend", (request, reply, _payload, done) => {
    const view = requestSessionOf(request, settings)?.view as FastifyView | undefined;
    if (view) view.sending = reply;
    done();
  });
}

type Hook = (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => Promise<void> | void;

/**
 * Returns the same hook. What comes after it runs in the context of the request, also after a promise: Fastify would
 * wait for that outside of the context.
 */
function hookIn(requests: AsyncContext, hook: Hook): Hook {
  return (request, reply, done) => {
    bindListeners(requests, request, request.raw, reply.raw);
    requests.run(request, () => void hook(request, reply, done)?.then(() => done(), done));
  };
}

function begin(settings: Settings, request: FastifyRequest, reply: FastifyReply): void {
  const view = new FastifyView(request);
  const requestSession = mount(settings, view, [request, reply], request.raw);
  if (requestSession) requestSession.host = new FastifyResponse(requestSession, view, reply);
}

/** Returns undefined if loading was synchronous. */
function load(settings: Settings, request: FastifyRequest, reply: FastifyReply): Promise<void> | undefined {
  try {
    return requestSessionOf(request, settings)
      ?.load()
      ?.catch((error: unknown) => fail(settings, error, request, reply));
  } catch (error) {
    return fail(settings, error, request, reply);
  }
}

/**
 * Fastify cannot wait before it sends: an `onSend` hook that waits leaves the reply open, and if a guard forgot
 * `return reply`, the next handler overtakes it. So the underlying response is delayed, while Fastify considers it
 * sent.
 */
class FastifyResponse extends HeldResponse {
  readonly #view: FastifyView;
  readonly #reply: FastifyReply;

  constructor(requestSession: RequestSession, view: FastifyView, reply: FastifyReply) {
    super(requestSession, reply.raw);
    this.#view = view;
    this.#reply = reply;
  }

  override before(): Promise<void> | undefined {
    const saving = super.before();
    if (saving) showEnd(this.#view.sending ?? this.#reply);
    return saving;
  }

  /** If Fastify did not send, the handler wrote to `reply.raw`; then Fastify sends no other response. */
  failed(error: unknown): void {
    const { settings } = this.requestSession;
    const { sending } = this.#view;
    if (sending && !isHijacked(sending)) failSent(settings, error, sending);
    else void failRaw(settings, error, this.#reply.request, this.#reply);
  }
}

/**
 * Fastify reads from `reply.raw` whether it has responded. A simulated response (`inject`) reports this only at its
 * end, so the reply reports it earlier.
 */
function showEnd(reply: FastifyReply): void {
  if (isHttp2(reply.raw) || socketOf(reply.raw)) return;
  const prototype = Object.getPrototypeOf(reply) as FastifyReply;
  Object.defineProperty(reply, "sent", {
    configurable: true,
    get: () => isResponseEnded(reply.raw) || Reflect.get(prototype, "sent", reply),
  });
}

function isHijacked(reply: FastifyReply): boolean {
  return reply.sent && !reply.raw.writableEnded;
}

/**
 * Replaces the response that Fastify sent: first the application's `errorHandler`, then Fastify's error path,
 * immediately.
 */
function failSent(settings: Settings, error: unknown, reply: FastifyReply): void {
  const { request } = reply;
  clear(reply);
  prepareFor(reply, error);
  const { errorHandler } = settings;
  if (!errorHandler) return sendError(reply, error);
  void hasResponded(reply, () => errorHandler(error, request, reply)).then(
    (hasSent) => hasSent || sendError(reply, error),
    (thrown: unknown) => sendError(reply, thrown),
  );
}

/** A value that is not an Error would become the body of a response. */
function sendError(reply: FastifyReply, error: unknown): void {
  void reply.send(error instanceof Error ? error : new Error(String(error), { cause: error }));
}

/**
 * Handles a session that cannot be loaded: first the application's `errorHandler`, then the error path. If
 * `errorHandler` responds, the request does not continue. No handler has run: the headers are those of earlier
 * plugins, which the response keeps.
 */
async function fail(
  settings: Settings,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<never> {
  prepareFor(reply, error);
  if (settings.errorHandler && (await hasResponded(reply, () => settings.errorHandler!(error, request, reply))))
    return new Promise<never>(() => {});
  throw error;
}

function clear(reply: FastifyReply): void {
  for (const name of String(reply.getHeader("trailer") ?? "").split(" ")) reply.removeTrailer(name);
  for (const name of Object.keys(reply.getHeaders())) reply.removeHeader(name);
}

/** An error path that sets no status sends the one of the error. */
function prepareFor(reply: FastifyReply, error: unknown): void {
  const status = (error as { statusCode?: number } | undefined)?.statusCode ?? 500;
  reply.code(status);
  redirectsFrom(reply, status);
}

/** Fastify redirects with the status of the reply. The status of an error is not a redirect status. */
function redirectsFrom(reply: FastifyReply, status: number): void {
  const { redirect } = reply;
  reply.redirect = (url, code) =>
    redirect.call(reply, url, code ?? (reply.statusCode === status ? 302 : reply.statusCode));
}

/** Calls a function; returns true if it responded, by its return value or by `reply.send`, which sends later. */
async function hasResponded(reply: FastifyReply, respond: () => unknown): Promise<boolean> {
  const { send } = reply;
  let isSent = false;
  reply.send = (payload) => {
    isSent = true;
    reply.send = send;
    return reply.send(payload);
  };
  const payload = await respond();
  reply.send = send;
  if (payload !== undefined && !isSent) reply.send(payload);
  return isSent || payload !== undefined || reply.sent;
}

/** The same if a handler writes to `reply.raw`, when Fastify sends no other response. */
async function failRaw(
  settings: Settings,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  reply.hijack();
  try {
    await settings.errorHandler?.(error, request, reply);
  } catch (thrown) {
    request.log.error(thrown);
  }
  if (reply.raw.headersSent || reply.raw.writableEnded) return;
  request.log.error(error);
  sendLastResort(reply.raw, error);
}

/** View of a request of Fastify. */
export class FastifyView extends NodeView {
  declare readonly context: FastifyRequest;
  /** The reply that Fastify sent. */
  sending: FastifyReply | undefined = undefined;

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

/** The headers of a reply, including those set on `reply.raw`. */
export class ReplyHeaders implements ResponseHeaders {
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

import { STATUS_CODES, type IncomingMessage, type ServerResponse } from "node:http";
import type { StoredSession } from "../contracts/session-api.js";
import { NodeHeaders, NodeView } from "../http/node-request.js";
import { clearResponse, isResponse } from "../http/response-arguments.js";
import type { GateHooks } from "../http/gate-hooks.js";
import { isListening } from "../http/listening.js";
import { respondInstead, holdResponse, OVER, prepareResponse } from "../http/response-patch.js";
import { bindListeners } from "../util/async-context.js";
import { isPromise } from "../util/promise.js";
import type { RequestSession, ResponseHost } from "../session/request-session.js";
import { openSession, readSession } from "../session/lookup.js";
import type { RequestSettings } from "../session/request-options.js";
import { mount, placeSession } from "./adapter.js";

/** Arguments of a request listener. Some servers pass upgrade requests with no response, or with another object. */
export type NodeContext = readonly [req: IncomingMessage, res: ServerResponse];

/**
 * Returns the function that handles a request of a Node server: creates the request session, loads it, and calls
 * `next` with the error if that failed. The first byte of the response is delayed if necessary.
 */
export function serving(settings: RequestSettings): Serve {
  const serve: Serve = (context, next) => {
    const [req, res] = context;
    const canRespond = isResponse(res);
    const requestSession = mount(settings, new NodeView(req), context, req, canRespond);
    if (!requestSession) return next();
    placeSession(req);
    if (canRespond) requestSession.host = new NodeResponse(requestSession, context, next);
    if (settings.isLazy) return next();
    load(requestSession, context, next);
  };
  const { requests } = settings;
  if (!requests) return serve;
  return (context, next) => {
    const [req, res] = context;
    bindListeners(requests, req, req, res);
    requests.run(req, serve, context, next);
  };
}

type Serve = (context: NodeContext, next: (error?: unknown) => void) => void;

/** Calls `next` after the session is loaded: synchronously if the storage returns synchronously. */
function load(requestSession: RequestSession, context: NodeContext, next: (error?: unknown) => void): void {
  let loaded: unknown;
  try {
    loaded = requestSession.load();
  } catch (error) {
    return fail(requestSession.settings, context, error, next);
  }
  if (!isPromise(loaded)) return next();
  void loaded.then(
    () => next(),
    (error: unknown) => fail(requestSession.settings, context, error, next),
  );
}

/** What a check reads of a request: its method, and its headers. */
export function toRead(req: IncomingMessage): readonly [method: string, view: NodeView] {
  return [req.method ?? "", new NodeView(req)];
}

/** `open` and `read`, for adapters of Node servers. */
export function nodeOpeners<D extends object>(
  settings: RequestSettings,
): {
  open(req: IncomingMessage, res?: ServerResponse): Promise<StoredSession<D>>;
  read(req: IncomingMessage): Promise<StoredSession<D>>;
} {
  return {
    async open(req, res = (req as { res?: ServerResponse }).res) {
      if (!res) throw new TypeError("holdfast: sessions.open needs the response; write sessions.open(req, res)");
      return openSession<D>(settings, [req, res], new NodeView(req), req, new NodeHeaders(res), (report) =>
        onClose(res, report),
      );
    },
    async read(req) {
      return readSession<D>(settings, settings.storeFor([req]), new NodeView(req));
    },
  };
}

/**
 * Calls a function when a response has ended or its connection is closed. Objects that only resemble a response may
 * not report it.
 */
export function onClose(res: { once?: ServerResponse["once"] }, then: () => void): void {
  res.once?.(OVER, then);
}

/**
 * Sends an error response if nothing else did: status and reason phrase, without the message. A response that has
 * ended is not changed.
 */
export function sendLastResort(
  res: ServerResponse,
  error: unknown,
  words: Readonly<Record<number, string | undefined>>,
): void {
  if (res.writableEnded) return;
  if (res.headersSent) return void res.destroy();
  clearResponse(res);
  const { status } = (typeof error === "object" && error !== null ? error : {}) as { status?: unknown };
  res.statusCode = typeof status === "number" && status >= 400 && status < 600 ? status : 500;
  res.setHeader("Content-Type", "text/plain; charset=utf-8");
  res.end(words[res.statusCode] ?? "Error");
}

/** The steps around the response to a request of a Node server, and its headers. Adapters implement `failed`. */
export abstract class HeldResponse extends NodeHeaders implements GateHooks, ResponseHost {
  protected readonly requestSession: RequestSession;
  readonly #res: ServerResponse;
  #isHeld = false;

  constructor(requestSession: RequestSession, res: ServerResponse) {
    super(res);
    this.requestSession = requestSession;
    this.#res = res;
    prepareResponse(res);
  }

  get isOver(): boolean {
    const { writableEnded, destroyed, stream } = this.#res as ServerResponse & {
      stream?: { readonly destroyed: boolean };
    };
    return writableEnded || destroyed || stream?.destroyed === true;
  }

  get isGone(): boolean {
    const { writableFinished, destroyed, stream } = this.#res as ServerResponse & {
      stream?: { readonly destroyed: boolean };
    };
    return !writableFinished && (destroyed || stream?.destroyed === true);
  }

  get isListening(): boolean {
    return isListening(this.#res);
  }

  hold(): void {
    if (this.#isHeld) return;
    this.#isHeld = true;
    holdResponse(this.#res, this);
  }

  before(): Promise<void> | undefined {
    return this.requestSession.commit(true, this);
  }

  headers(): void {
    this.requestSession.writeHeaders(this);
  }

  after(): Promise<void> | undefined {
    return this.requestSession.finish();
  }

  gone(): void {
    this.requestSession.abandon();
  }

  abstract failed(error: unknown): void;
}

class NodeResponse extends HeldResponse {
  readonly #context: NodeContext;
  readonly #next: (error?: unknown) => void;

  constructor(requestSession: RequestSession, context: NodeContext, next: (error?: unknown) => void) {
    super(requestSession, context[1]);
    this.#context = context;
    this.#next = next;
  }

  failed(error: unknown): void {
    fail(this.requestSession.settings, this.#context, error, this.#next);
  }
}

/**
 * Handles a failure of the session itself: first the application's `errorHandler`; if it sends no response, the
 * framework's error path. An error path that throws, or that ignores a second call of `next`, must not end the process
 * or leave the request without a response.
 */
function fail(
  settings: RequestSettings,
  context: NodeContext,
  error: unknown,
  next: (error?: unknown) => void,
): void {
  if (!settings.errorHandler) return handOver(context[1], error, next);
  void handled(settings, context, error).then((unsent) => unsent && handOver(context[1], unsent.error, next));
}

/** Returns the error for the framework's error path, or undefined if `errorHandler` sent a response. */
async function handled(
  settings: RequestSettings,
  context: NodeContext,
  error: unknown,
): Promise<{ error: unknown } | undefined> {
  const [, res] = context;
  const hadBegun = isResponse(res) && res.headersSent;
  try {
    await settings.errorHandler?.(error, ...context);
  } catch (thrown) {
    return { error: thrown };
  }
  return isResponse(res) && res.headersSent && !hadBegun ? undefined : { error };
}

/**
 * How long an error path may take until it begins its response, in ms. Some frameworks accept `next` once per request
 * and ignore a second call.
 */
const ERROR_PATH_MS = 5000;
/** How often that time is extended while the request body is incomplete: many servers read it before they respond. */
const MOST_TIMES = 12;

function handOver(res: ServerResponse, error: unknown, next: (error?: unknown) => void): void {
  if (!isResponse(res)) return next(error);
  try {
    next(error);
  } catch {
    return sendLastResort(res, error, STATUS_CODES);
  }
  if (!res.headersSent && !res.destroyed) awaitErrorPath(res, error);
}

/** If the error path does not begin its response in time, the response is sent here, and later output is ignored. */
function awaitErrorPath(res: ServerResponse, error: unknown): void {
  let times = 0;
  const look = (): void => {
    if (res.headersSent) return;
    if (res.req?.complete === false && ++times < MOST_TIMES) timer = later(look);
    else respondInstead(res, () => sendLastResort(res, error, STATUS_CODES));
  };
  let timer = later(look);
  res.once(OVER, () => clearTimeout(timer));
}

function later(work: () => void): ReturnType<typeof setTimeout> {
  const timer = setTimeout(work, ERROR_PATH_MS);
  timer.unref?.();
  return timer;
}

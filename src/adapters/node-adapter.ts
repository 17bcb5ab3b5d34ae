import type { IncomingMessage, ServerResponse } from "node:http";
import type { StoredSession } from "../contracts/session-api.js";
import { NodeHeaders, NodeView } from "../http/node-request.js";
import { clearResponse, isResponse } from "../http/response-arguments.js";
import type { GateHooks } from "../http/gate-hooks.js";
import { isListening } from "../http/listening.js";
import { respondInstead, holdResponse, OVER, prepareResponse } from "../http/response-patch.js";
import { bindListeners, isPromise } from "../util/async.js";
import { builtinModule } from "../util/builtin.js";
import type { RequestSession, ResponseHost } from "../session/request-session.js";
import { openSession, readSession } from "../session/lookup.js";
import type { RequestSettings } from "../session/request-options.js";
import { mount, placeSession } from "./adapter-core.js";
import { mistake } from "../errors.js";
import { isElsewhere, wrongFramework } from "./wrong-framework.js";

/** Arguments of a request listener. Some servers pass upgrade requests with no response, or with another object. */
export type NodeContext = readonly [req: IncomingMessage, res: ServerResponse];

/** What an adapter does its own way. */
export interface Serving {
  /** Puts the session onto the request, before it is loaded. */
  place(req: IncomingMessage): void;
  /** Makes the steps around the response. */
  hold(requestSession: RequestSession, context: NodeContext, next: (error?: unknown) => void): ResponseHost;
}

const USUAL: Serving = {
  place: placeSession,
  hold: (requestSession, context, next) => new NodeResponse(requestSession, context, next),
};

/**
 * Returns the function that handles a request of a Node server: creates the request session, loads it, and calls
 * `next` with the error if that failed. The first byte of the response is delayed if necessary.
 *
 * @param settings - of the middleware
 * @param own - what the adapter does its own way
 * @returns a function of `[req, res]` and of `next`, which continues the request or starts the error path
 * @throws {TypeError} from the returned function, if two middlewares use the same cookie
 * @example
 * ```ts
 * const serve = serving(requestSettings([options]));
 * const middleware = (req, res, next) => serve([req, res], next);
 * ```
 */
export function serving(settings: RequestSettings, own: Serving = USUAL): Serve {
  const serve: Serve = (context, next) => {
    const [req, res] = context;
    const canRespond = isResponse(res);
    if (!canRespond && isElsewhere([...context, next])) return refuse(context, next);
    const requestSession = mount(settings, new NodeView(req), context, req, canRespond);
    if (!requestSession) return next();
    own.place(req);
    if (canRespond) requestSession.host = own.hold(requestSession, context, next);
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

/** Fails the call of a framework that does not pass `(req, res, next)`. */
function refuse(context: NodeContext, next: (error?: unknown) => void): void {
  const error = wrongFramework("holdfast/express, holdfast/connect or holdfast/node", context);
  if (typeof next !== "function") throw error;
  next(error);
}

/** Handles one request of a Node server. */
export type Serve = (context: NodeContext, next: (error?: unknown) => void) => void;

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

/**
 * What a check reads of a request: its method, and its headers.
 *
 * @param req - the request
 * @returns the method and a view of the request
 * @example
 * ```ts
 * const crossOriginProtection = (...called) => protection(called, toRead, (refusalOf) => …);
 * ```
 */
export function toRead(req: IncomingMessage): readonly [method: string, view: NodeView] {
  return [req.method ?? "", new NodeView(req)];
}

/** Opens sessions without the middleware, on Node servers. */
export interface NodeOpeners<D extends object> {
  /**
   * Opens the session of a request; `save()` sets the cookie in the response headers.
   *
   * @param req - the request
   * @param res - its response; default: `req.res`
   * @returns the session
   */
  open(req: IncomingMessage, res?: ServerResponse): Promise<StoredSession<D>>;
  /**
   * Opens the session of a request without a response (an upgrade).
   *
   * @param req - the request
   * @returns the session
   */
  read(req: IncomingMessage): Promise<StoredSession<D>>;
}

/**
 * Makes `open` and `read` of an adapter for a Node server.
 *
 * @param settings - of the middleware
 * @returns the two functions
 * @throws {TypeError} from `open`, if there is no response
 * @example
 * ```ts
 * const sessions = withAccess(settings, middleware, nodeOpeners(settings));
 * ```
 */
export function nodeOpeners<D extends object>(settings: RequestSettings): NodeOpeners<D> {
  return {
    async open(req, res = (req as { res?: ServerResponse }).res) {
      if (!res) throw mistake("wrong-call", "sessions.open needs the response; write sessions.open(req, res)");
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
 *
 * @param res - the response
 * @param then - the function to call
 * @example
 * ```ts
 * onClose(res, () => requestSession.reportUnsaved());
 * ```
 */
export function onClose(res: { once?: ServerResponse["once"] }, then: () => void): void {
  res.once?.(OVER, then);
}

/**
 * Sends an error response if nothing else did: status and reason phrase, without the message. A response that has
 * ended is not changed.
 *
 * @param res - the response
 * @param error - what failed; its `status`, if it has one, is the status of the response
 * @example
 * ```ts
 * handler(req, res).catch((error) => sendLastResort(res, error));
 * ```
 */
export function sendLastResort(res: ServerResponse, error: unknown): void {
  if (res.writableEnded) return;
  if (res.headersSent) return void res.destroy();
  clearResponse(res);
  const { status } = (typeof error === "object" && error !== null ? error : {}) as { status?: unknown };
  res.statusCode = typeof status === "number" && status >= 400 && status < 600 ? status : 500;
  res.setHeader("Content-Type", "text/plain; charset=utf-8");
  const { STATUS_CODES = {} } = builtinModule<{ STATUS_CODES?: Record<number, string> }>("node:http") ?? {};
  res.end(STATUS_CODES[res.statusCode] ?? "Error");
}

/**
 * The steps around the response to a request of a Node server, and its headers: give it to `requestSession.host`.
 * Adapters implement `failed`.
 */
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

  /** From now on no byte is sent before the session is stored. */
  hold(): void {
    if (this.#isHeld) return;
    this.#isHeld = true;
    holdResponse(this.#res, this);
  }

  /**
   * Called before the first byte: stores the session.
   *
   * @returns undefined if there is nothing to wait for
   */
  before(): Promise<void> | undefined {
    return this.requestSession.commit(true, this);
  }

  /** Adds the session cookie. */
  headers(): void {
    this.requestSession.writeHeaders(this);
  }

  /**
   * Called before the last byte: stores later changes.
   *
   * @returns undefined if there is nothing to wait for
   */
  after(): Promise<void> | undefined {
    return this.requestSession.finish();
  }

  /** Called if the client has disconnected before the handler sent any byte. */
  gone(): void {
    this.requestSession.abandon();
  }

  /**
   * Called if the session could not be stored: sends the error response of the framework.
   *
   * @param error - the failure
   */
  abstract failed(error: unknown): void;
}

/** A failure of the session goes to `errorHandler`, and to `next`. */
export class NodeResponse extends HeldResponse {
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
export function fail(
  settings: Pick<RequestSettings, "errorHandler">,
  context: NodeContext,
  error: unknown,
  next: (error?: unknown) => void,
): void {
  if (!settings.errorHandler) return handOver(context[1], error, next);
  void handled(settings, context, error).then((unsent) => unsent && handOver(context[1], unsent.error, next));
}

/** Returns the error for the framework's error path, or undefined if `errorHandler` sent a response. */
async function handled(
  settings: Pick<RequestSettings, "errorHandler">,
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
    return sendLastResort(res, error);
  }
  if (!res.headersSent && !res.destroyed) awaitErrorPath(res, error);
}

/** If the error path does not begin its response in time, the response is sent here, and later output is ignored. */
function awaitErrorPath(res: ServerResponse, error: unknown): void {
  let times = 0;
  const look = (): void => {
    if (res.headersSent) return;
    if (res.req?.complete === false && ++times < MOST_TIMES) timer = later(look);
    else respondInstead(res, () => sendLastResort(res, error));
  };
  let timer = later(look);
  res.once(OVER, () => clearTimeout(timer));
}

function later(work: () => void): ReturnType<typeof setTimeout> {
  const timer = setTimeout(work, ERROR_PATH_MS);
  timer.unref?.();
  return timer;
}

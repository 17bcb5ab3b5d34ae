import { STATUS_CODES, type IncomingMessage, type ServerResponse } from "node:http";
import type { StoredSession } from "../contracts/session-api.js";
import { NodeHeaders, NodeView } from "../http/node-request.js";
import { clearAnswer, isResponse } from "../http/response-arguments.js";
import type { AnswerHooks } from "../http/answer-hooks.js";
import { isListening } from "../http/listening.js";
import { answerInstead, holdAnswer, OVER, prepareAnswer } from "../http/response-patch.js";
import { isPromise } from "../util/promise.js";
import type { RequestSession, ResponseHost } from "../session/request-session.js";
import { openSession, readSession } from "../session/lookup.js";
import type { RequestSettings } from "../session/request-options.js";
import { mount, placeSession } from "./adapter.js";

/** What a request listener is given. Some that serve upgrades have no response, or one that only looks like it. */
export type NodeContext = readonly [req: IncomingMessage, res: ServerResponse];

/**
 * Makes what serves a request of a Node server: mounts, loads, hands on; the first byte is held where it must be.
 * `next` is given a failure, or goes on.
 */
export function serving(settings: RequestSettings): (context: NodeContext, next: (error?: unknown) => void) => void {
  return (context, next) => {
    const [req, res] = context;
    const canAnswer = isResponse(res);
    const requestSession = mount(settings, new NodeView(req), context, req, canAnswer);
    if (!requestSession) return next();
    placeSession(req);
    if (canAnswer) requestSession.host = new NodeAnswer(requestSession, context, next);
    if (settings.isLazy) return next();
    load(requestSession, context, next);
  };
}

/** Hands on once the session is loaded: at once where the storage answers so. */
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

/** Store pattern and upgrade requests, for adapters of Node servers. */
export function nodeOpeners<D extends object>(
  settings: RequestSettings,
): {
  open(req: IncomingMessage, res?: ServerResponse): Promise<StoredSession<D>>;
  read(req: IncomingMessage): Promise<StoredSession<D>>;
} {
  return {
    async open(req, res = (req as { res?: ServerResponse }).res) {
      if (!res)
        throw new TypeError("holdfast: sessions.open needs the response to answer in; write sessions.open(req, res)");
      return openSession<D>(
        settings,
        settings.storeFor([req, res]),
        new NodeView(req),
        req,
        new NodeHeaders(res),
        (report) => onClose(res, report),
      );
    },
    async read(req) {
      return readSession<D>(settings, settings.storeFor([req]), new NodeView(req));
    },
  };
}

/**
 * Runs something when a response has ended or its client has gone. What only stands in for a response may not tell.
 */
export function onClose(res: { once?: ServerResponse["once"] }, then: () => void): void {
  res.once?.(OVER, then);
}

/**
 * Answers an error that nobody else did: status and its words, nothing of the message. An answer that was ended
 * stands.
 */
export function lastAnswer(
  res: ServerResponse,
  error: unknown,
  words: Readonly<Record<number, string | undefined>>,
): void {
  if (res.writableEnded) return;
  if (res.headersSent) return void res.destroy();
  clearAnswer(res);
  const { status } = (typeof error === "object" && error !== null ? error : {}) as { status?: unknown };
  res.statusCode = typeof status === "number" && status >= 400 && status < 600 ? status : 500;
  res.setHeader("Content-Type", "text/plain; charset=utf-8");
  res.end(words[res.statusCode] ?? "Error");
}

/**
 * What happens around the answer to a request of a Node server, and its headers. What an adapter does with a failure
 * is its own.
 */
export abstract class HeldAnswer extends NodeHeaders implements AnswerHooks, ResponseHost {
  protected readonly requestSession: RequestSession;
  readonly #res: ServerResponse;
  #isHeld = false;

  constructor(requestSession: RequestSession, res: ServerResponse) {
    super(res);
    this.requestSession = requestSession;
    this.#res = res;
    prepareAnswer(res);
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
    holdAnswer(this.#res, this);
  }

  before(): Promise<void> | undefined {
    return this.requestSession.commit(true, this);
  }

  headers(): void {
    this.requestSession.answer(this);
  }

  after(): Promise<void> | undefined {
    return this.requestSession.finish();
  }

  gone(): void {
    this.requestSession.abandon();
  }

  abstract failed(error: unknown): void;
}

class NodeAnswer extends HeldAnswer {
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
 * A failure of the session's own: the application's `errorHandler` first; if it does not answer, the framework's
 * error path. An error path that throws, or takes no second `next`, must cost neither the process nor the answer.
 */
function fail(
  settings: RequestSettings,
  context: NodeContext,
  error: unknown,
  next: (error?: unknown) => void,
): void {
  if (!settings.errorHandler) return handOver(context[1], error, next);
  void handled(settings, context, error).then(
    (unanswered) => unanswered && handOver(context[1], unanswered.error, next),
  );
}

/** What the application's `errorHandler` left to the framework, or nothing if it answered. */
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
 * How long an error path may take until it begins its answer, in ms. Some frameworks take `next` once for each
 * request, and ignore a second call.
 */
const ERROR_PATH_MS = 5000;
/**
 * How often it is given that long while the request's body is still coming: many wait for its end before they answer.
 */
const MOST_TIMES = 12;

function handOver(res: ServerResponse, error: unknown, next: (error?: unknown) => void): void {
  if (!isResponse(res)) return next(error);
  try {
    next(error);
  } catch {
    return lastAnswer(res, error, STATUS_CODES);
  }
  if (!res.headersSent && !res.destroyed) awaitErrorPath(res, error);
}

/**
 * If the error path does not begin its answer in time, it is given here, and what comes from there later changes
 * nothing.
 */
function awaitErrorPath(res: ServerResponse, error: unknown): void {
  let times = 0;
  const look = (): void => {
    if (res.headersSent) return;
    if (res.req?.complete === false && ++times < MOST_TIMES) timer = later(look);
    else answerInstead(res, () => lastAnswer(res, error, STATUS_CODES));
  };
  let timer = later(look);
  res.once(OVER, () => clearTimeout(timer));
}

function later(work: () => void): ReturnType<typeof setTimeout> {
  const timer = setTimeout(work, ERROR_PATH_MS);
  timer.unref?.();
  return timer;
}

import type { IncomingMessage, ServerResponse } from "node:http";
import type { StoredSession } from "../contracts/session.js";
import { clearAnswer, holdFirstByte, NodeHeaders, NodeView } from "../http/node.js";
import type { Exchange } from "../store/exchange.js";
import { openSession, readSession } from "../store/places.js";
import type { RequestSettings } from "../store/request-options.js";
import { mount, sessionPlace } from "./kit.js";

/** What a request listener is given. */
export type NodeContext = readonly [req: IncomingMessage, res: ServerResponse];

/** Makes what serves a request of a Node server: mounts, loads, hands on, holds the first byte. `next` is given a failure, or goes on. */
export function serving(settings: RequestSettings): (context: NodeContext, next: (error?: unknown) => void) => void {
  const place = sessionPlace(settings);
  return (context, next) => {
    const [req] = context;
    const exchange = mount(settings, new NodeView(req), context);
    if (!exchange) return next();
    place(req);
    hold(exchange, context, next);
    if (settings.isLazy) return next();
    exchange.open().then(
      () => next(),
      (error: unknown) => fail(settings, context, error, next),
    );
  };
}

/** Store pattern and upgrade requests, for adapters of Node servers. */
export function nodeOpeners<D extends object>(settings: RequestSettings): { open(req: IncomingMessage, res?: ServerResponse): Promise<StoredSession<D>>; read(req: IncomingMessage): Promise<StoredSession<D>> } {
  return {
    async open(req, res = (req as { res?: ServerResponse }).res) {
      if (!res) throw new TypeError("holdfast: sessions.open needs the response to answer in; write sessions.open(req, res)");
      return openSession<D>(settings, settings.storeFor([req, res]), new NodeView(req), req, new NodeHeaders(res));
    },
    async read(req) {
      return readSession<D>(settings, settings.storeFor([req]), new NodeView(req));
    },
  };
}

/** Answers an error that nobody else did: status and its words, nothing of the message. */
export function lastAnswer(res: ServerResponse, error: unknown, words: Readonly<Record<number, string | undefined>>): void {
  if (res.headersSent) return void res.destroy();
  clearAnswer(res);
  const { status } = (typeof error === "object" && error !== null ? error : {}) as { status?: unknown };
  res.statusCode = typeof status === "number" && status >= 400 && status < 600 ? status : 500;
  res.setHeader("Content-Type", "text/plain; charset=utf-8");
  res.end(words[res.statusCode] ?? "Error");
}

function hold(exchange: Exchange, context: NodeContext, next: (error?: unknown) => void): void {
  const headers = new NodeHeaders(context[1]);
  holdFirstByte(context[1], {
    before: () => exchange.commit(),
    headers: () => exchange.answer(headers),
    after: () => exchange.finish(),
    failed: (error) => fail(exchange.settings, context, error, next),
  });
}

/** A failure of the session's own: the application's `errorHandler` first, then the framework's error path. */
function fail(settings: RequestSettings, context: NodeContext, error: unknown, next: (error?: unknown) => void): void {
  const [, res] = context;
  void (async () => {
    try {
      await settings.errorHandler?.(error, ...context);
    } catch (thrown) {
      return next(thrown);
    }
    if (!res.headersSent && !res.writableEnded) next(error);
  })();
}

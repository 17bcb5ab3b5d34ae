/**
 * Sessions for `node:http`, `node:https` and `node:http2` servers: `createServer(sessions(handler))`.
 *
 * @module
 */
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from "node:http";
import type { Session, StoredSession } from "../contracts/session-api.js";
import type { SessionAccess } from "../contracts/session-access.js";
import { isPromise } from "../util/promise.js";
import type { SessionData } from "../session-data.js";
import { requestSettings, type SessionOptions } from "../session/request-options.js";
import { assertNoParams, withAccess } from "./adapter.js";
import { lastAnswer, nodeOpeners, serving, type NodeContext } from "./node-adapter.js";

export * from "./common-exports.js";

/** Options of {@link session}; context and error handler are given `(req, res)`. */
export type NodeOptions = SessionOptions<NodeContext>;

/** A request as the handler sees it. */
export type SessionRequest<D extends object = SessionData> = IncomingMessage & { readonly session: Session<D> };

/**
 * A listener that has a session. A promise it answers is waited for; what it throws is answered with its `status`, or
 * 500.
 */
export type SessionHandler<D extends object> = (req: SessionRequest<D>, res: ServerResponse) => unknown;

/** Wraps a handler into a listener, and the ways to its sessions. */
export interface Sessions<D extends object = SessionData> extends SessionAccess<D, IncomingMessage> {
  (handler: SessionHandler<D>): (req: IncomingMessage, res: ServerResponse) => void;
  /** Store pattern: opens the session of a request where nothing is mounted; `save()` answers at once. */
  open(req: IncomingMessage, res: ServerResponse): Promise<StoredSession<D>>;
  /** Opens the session of a request that gets no answer (an upgrade). */
  read(req: IncomingMessage): Promise<StoredSession<D>>;
}

/** Makes the wrapper: `createServer(session({ … })(handler))`. Throws TypeError or RangeError for a bad option. */
export function session<D extends object = SessionData>(options?: NodeOptions): Sessions<D>;
export function session<D extends object>(...called: readonly unknown[]): Sessions<D> {
  const settings = requestSettings<NodeContext, unknown>(called);
  assertNoParams(settings);
  const serve = serving(settings);
  const wrap = (handler: SessionHandler<D>) => (req: IncomingMessage, res: ServerResponse) => {
    const next = (error?: unknown): void =>
      error === undefined ? handle(handler, req as SessionRequest<D>, res) : failed(res, error);
    try {
      serve([req, res], next);
    } catch (error) {
      failed(res, error);
    }
  };
  return withAccess<D, IncomingMessage, typeof wrap, Pick<Sessions<D>, "open" | "read">>(
    settings,
    wrap,
    nodeOpeners<D>(settings),
  );
}

function handle<D extends object>(handler: SessionHandler<D>, req: SessionRequest<D>, res: ServerResponse): void {
  try {
    const handled: unknown = handler(req, res);
    if (isPromise(handled)) void handled.then(undefined, (error: unknown) => failed(res, error));
  } catch (error) {
    failed(res, error);
  }
}

/** There is no error path of a framework here. */
function failed(res: ServerResponse, error: unknown): void {
  console.error(error);
  lastAnswer(res, error, STATUS_CODES);
}

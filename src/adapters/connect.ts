/**
 * Sessions for connect, polka and every server of `(req, res, next)` middlewares; for Express without its types being
 * augmented.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { StoredSession } from "../contracts/session-api.js";
import type { SessionAccess } from "../contracts/session-access.js";
import type { SessionData } from "../session-data.js";
import { requestSettings, type SessionOptions } from "../session/request-options.js";
import { withAccess } from "./adapter.js";
import { nodeOpeners, serving, type NodeContext } from "./node-adapter.js";

export * from "./common-exports.js";
export { wrapAsync } from "./wrap-async.js";

/** Options of {@link session}; context and error handler are given `(req, res)`. */
export type ConnectOptions = SessionOptions<NodeContext>;

/** The middleware, and the ways to its sessions. */
export interface Sessions<D extends object = SessionData> extends SessionAccess<D, IncomingMessage> {
  (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void): void;
  /** Store pattern: opens the session of a request where nothing is mounted; `save()` answers at once. */
  open(req: IncomingMessage, res: ServerResponse): Promise<StoredSession<D>>;
  /** Opens the session of a request that gets no answer (an upgrade). */
  read(req: IncomingMessage): Promise<StoredSession<D>>;
}

/** Makes the middleware: `app.use(session({ … }))`. Throws TypeError or RangeError for a bad option. */
export function session<D extends object = SessionData>(options?: ConnectOptions): Sessions<D>;
export function session<D extends object>(...called: readonly unknown[]): Sessions<D> {
  const settings = requestSettings<NodeContext, unknown>(called);
  const serve = serving(settings);
  const middleware = (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void): void =>
    serve([req, res], next);
  return withAccess<D, IncomingMessage, typeof middleware, Pick<Sessions<D>, "open" | "read">>(
    settings,
    middleware,
    nodeOpeners<D>(settings),
  );
}

/**
 * Sessions for Express 5 and 4.
 *
 * @module
 */
import type { Request, Response } from "express";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Session, StoredSession } from "../contracts/session-api.js";
import type { SessionAccess } from "../contracts/session-access.js";
import type { SessionData } from "../session-data.js";
import type { SessionOptions } from "../session/request-options.js";
import { session as connectSession, type ConnectOptions } from "./connect.js";

export * from "./common-exports.js";
export { wrapAsync } from "./wrap-async.js";

declare global {
  // eslint-disable-next-line typescript/no-namespace
  namespace Express {
    interface Request {
      /** The session of this request; its keys are those of `SessionData`. */
      readonly session: Session;
    }
  }
}

/** Options of {@link session}; context and error handler are given `(req, res)`. */
export type ExpressOptions = SessionOptions<readonly [req: Request, res: Response]>;

/** The middleware, and the ways to its sessions. */
export interface Sessions<D extends object = SessionData> extends SessionAccess<D, IncomingMessage> {
  (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void): void;
  /** Store pattern: opens the session of a request where nothing is mounted; `save()` answers at once. */
  open(req: IncomingMessage, res?: ServerResponse): Promise<StoredSession<D>>;
  /** Opens the session of a request that gets no answer (an upgrade). */
  read(req: IncomingMessage): Promise<StoredSession<D>>;
}

/** Makes the middleware: `app.use(session({ … }))`. Throws TypeError or RangeError for a bad option. */
export function session<D extends object = SessionData>(options?: ExpressOptions): Sessions<D>;
export function session<D extends object>(...called: readonly unknown[]): Sessions<D> {
  return connectSession<D>(...(called as [ConnectOptions?]));
}

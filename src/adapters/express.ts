/**
 * Sessions for Express 5 and 4.
 *
 * @module
 */
import type { Request, Response } from "express";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Session, StoredSession } from "../contracts/session-api.js";
import type { DataBy, Schemas, TypedBy } from "../contracts/schema.js";
import type { SessionAccess } from "../contracts/session-access.js";
import type { SessionData } from "../session-data.js";
import type { SessionOptions } from "../session/request-options.js";
import { session as connectSession, type ConnectOptions } from "./connect.js";

export * from "./common-exports.js";
export { crossOriginProtection, wrapAsync, type CrossOriginProtection } from "./connect.js";

declare global {
  // eslint-disable-next-line typescript/no-namespace
  namespace Express {
    interface Request {
      /** The session of this request; its keys are declared in `SessionData`. */
      readonly session: Session;
    }
  }
}

/** Options of {@link session}; `skip`, `storage` and `errorHandler` are called with `(req, res)`. */
export type ExpressOptions = SessionOptions<readonly [req: Request, res: Response]>;

/** The middleware, with methods to access its sessions. */
export interface Sessions<D extends object = SessionData> extends SessionAccess<D, IncomingMessage> {
  (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void): void;
  /**
   * Opens the session of a request without the middleware; `save()` sets the cookie in the response headers.
   *
   * @param req - the request
   * @param res - its response; default: `req.res`
   * @returns the session
   * @throws {SessionError} `storage` or `timeout`
   */
  open(req: IncomingMessage, res?: ServerResponse): Promise<StoredSession<D>>;
  /**
   * Opens the session of a request without a response (an upgrade).
   *
   * @param req - the request
   * @returns the session
   * @throws {SessionError} `storage` or `timeout`
   */
  read(req: IncomingMessage): Promise<StoredSession<D>>;
}

/**
 * Creates the middleware.
 *
 * @param options - see https://holdfast-sessions.github.io/holdfast/reference/options
 * @returns the middleware, with methods to access its sessions
 * @throws {TypeError | RangeError} if an option is invalid; the message says what to write
 * @example
 * ```ts
 * app.use(session({ storage, idleTimeout: "30m" }));
 * ```
 */
export function session<D extends object = SessionData, S extends Schemas = Schemas>(
  options?: TypedBy<ExpressOptions, D, S>,
): Sessions<DataBy<D, S>>;
export function session<D extends object>(...called: readonly unknown[]): Sessions<D> {
  return connectSession<D>(...(called as [ConnectOptions?]));
}

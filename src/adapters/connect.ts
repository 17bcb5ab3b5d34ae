/**
 * Sessions for connect, polka and every server with `(req, res, next)` middlewares; for Express without its type
 * augmentation.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { StoredSession } from "../contracts/session-api.js";
import type { DataBy, Schemas, TypedBy } from "../contracts/schema.js";
import type { SessionAccess } from "../contracts/session-access.js";
import type { SessionData } from "../session-data.js";
import { requestSettings, type SessionOptions } from "../session/request-options.js";
import type { CrossOriginOptions } from "../http/cross-origin.js";
import { protection, withAccess, type CrossOriginChecks } from "./adapter-core.js";
import { nodeOpeners, serving, toRead, type NodeContext } from "./node-adapter.js";
import { callable } from "../util/assert.js";
import { isPromise } from "../util/async.js";

export * from "./common-exports.js";

/** Options of {@link session}; `skip`, `storage` and `errorHandler` are called with `(req, res)`. */
export type ConnectOptions = SessionOptions<NodeContext>;

/** The middleware, with methods to access its sessions. */
export interface Sessions<D extends object = SessionData> extends SessionAccess<D, IncomingMessage> {
  (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void): void;
  /**
   * Opens the session of a request without the middleware; `save()` sets the cookie in the response headers.
   *
   * @param req - the request
   * @param res - its response
   * @returns the session
   * @throws {SessionError} `storage` or `timeout`
   */
  open(req: IncomingMessage, res: ServerResponse): Promise<StoredSession<D>>;
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
  options?: TypedBy<ConnectOptions, D, S>,
): Sessions<DataBy<D, S>>;
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

/** What {@link crossOriginProtection} makes. */
export interface CrossOriginProtection extends CrossOriginChecks<IncomingMessage> {
  (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void): void;
}

/**
 * Refuses requests that a page of another origin sent and that may change something: with 403, `cross-origin`,
 * given to `next`. docs/tasks/cross-origin.md says what it covers beside SameSite.
 *
 * @param options - other origins that may send such requests
 * @returns the middleware, to be mounted before the session
 * @throws {TypeError} if an origin is not as browsers send it
 * @example
 * ```ts
 * app.use(crossOriginProtection({ trustedOrigins: ["https://login.example.com"] }));
 * app.use(session());
 * ```
 */
export function crossOriginProtection(options?: CrossOriginOptions): CrossOriginProtection;
export function crossOriginProtection(...called: readonly unknown[]): CrossOriginProtection {
  return protection(called, toRead, (refusalOf) => (req, _res, next) => {
    const error = refusalOf(req);
    if (error) next(error);
    else next();
  });
}

/**
 * Passes the error of an async handler to `next`, for Express 4 and connect. They do not wait for promises, so a
 * session method that rejects would end the process. Express 5 does this itself. Middlewares, error handlers (four
 * parameters) and parameter handlers can be wrapped.
 *
 * @param handler - `(req, res, next) => …`; an error handler has `error` first, a parameter handler has value and name
 *   last
 * @returns a handler with the same number of parameters; synchronous exceptions are not changed
 * @throws {TypeError} if `handler` is not a function
 * @example
 * ```ts
 * app.post("/logout", wrapAsync(async (req, res) => {
 *   await req.session.destroy();
 *   res.redirect("/");
 * }));
 * ```
 */
export function wrapAsync<A extends any[]>(handler: (...args: A) => unknown): (...args: A) => void {
  callable("wrapAsync", handler, "(req, res, next) => …");
  const wrapped = function (this: unknown, ...args: A): unknown {
    const handled: unknown = Reflect.apply(handler, this, args);
    if (!isPromise(handled)) return handled;
    const next = args.findLast((one) => typeof one === "function") as ((error: unknown) => void) | undefined;
    return handled.then(undefined, (error: unknown) =>
      next?.(error ?? new Error("an async handler rejected with nothing")),
    );
  };
  // Frameworks recognise error handlers by their four parameters.
  return Object.defineProperty(wrapped, "length", { value: handler.length });
}

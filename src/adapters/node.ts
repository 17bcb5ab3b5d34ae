/**
 * Sessions for `node:http`, `node:https` and `node:http2` servers: `createServer(sessions(handler))`.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Session, StoredSession } from "../contracts/session-api.js";
import type { DataBy, Schemas, TypedBy } from "../contracts/schema.js";
import type { SessionAccess } from "../contracts/session-access.js";
import { isPromise } from "../util/async.js";
import type { SessionData } from "../session-data.js";
import { requestSettings, type SessionOptions } from "../session/request-options.js";
import type { CrossOriginOptions } from "../http/cross-origin.js";
import { assertNoParams, protection, withAccess, type CrossOriginChecks } from "./adapter-core.js";
import { sendLastResort, nodeOpeners, serving, toRead, type NodeContext } from "./node-adapter.js";
import { wrongFramework } from "./wrong-framework.js";

export * from "./common-exports.js";

/** Options of {@link session}; `skip`, `storage` and `errorHandler` are called with `(req, res)`. */
export type NodeOptions = SessionOptions<NodeContext>;

/** The type of a request in a handler. */
export type SessionRequest<D extends object = SessionData> = IncomingMessage & { readonly session: Session<D> };

/**
 * A listener with a session. If it throws or its promise rejects, the response has the `status` of the error, or 500.
 */
export type SessionHandler<D extends object> = (req: SessionRequest<D>, res: ServerResponse) => unknown;

/** Wraps a handler into a listener; with methods to access its sessions. */
export interface Sessions<D extends object = SessionData> extends SessionAccess<D, IncomingMessage> {
  /**
   * Wraps a handler.
   *
   * @param handler - called with a request that has a session
   * @returns a listener for `createServer`
   * @example
   * ```ts
   * createServer(sessions((req, res) => res.end(req.session.id)));
   * ```
   */
  (handler: SessionHandler<D>): (req: IncomingMessage, res: ServerResponse) => void;
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
 * Creates the wrapper.
 *
 * @param options - see https://holdfast-sessions.github.io/holdfast/reference/options
 * @returns the wrapper, with methods to access its sessions
 * @throws {TypeError | RangeError} if an option is invalid; the message says what to write
 * @example
 * ```ts
 * createServer(session({ storage })((req, res) => res.end(`${req.session.keys()}`)));
 * ```
 */
export function session<D extends object = SessionData, S extends Schemas = Schemas>(
  options?: TypedBy<NodeOptions, D, S>,
): Sessions<DataBy<D, S>>;
export function session<D extends object>(...called: readonly unknown[]): Sessions<D> {
  const settings = requestSettings<NodeContext, unknown>(called);
  assertNoParams(settings);
  const serve = serving(settings);
  const wrap = (handler: SessionHandler<D>, ...rest: unknown[]) => {
    if (typeof handler !== "function") throw wrongFramework("holdfast/node", [handler, ...rest]);
    return (req: IncomingMessage, res: ServerResponse) => {
      const next = (error?: unknown): void =>
        error === undefined ? handle(handler, req as SessionRequest<D>, res) : failed(res, error);
      try {
        serve([req, res], next);
      } catch (error) {
        failed(res, error);
      }
    };
  };
  return withAccess<D, IncomingMessage, typeof wrap, Pick<Sessions<D>, "open" | "read">>(
    settings,
    wrap,
    nodeOpeners<D>(settings),
  );
}

/** What {@link crossOriginProtection} makes. */
export interface CrossOriginProtection extends CrossOriginChecks<IncomingMessage> {
  /**
   * Wraps a listener, also one with a session.
   *
   * @param handler - the listener for requests that are not refused
   * @returns a listener for `createServer`
   */
  <Q extends IncomingMessage, S extends ServerResponse>(
    handler: (req: Q, res: S) => unknown,
  ): (req: Q, res: S) => unknown;
}

/**
 * Refuses requests that a page of another origin sent and that may change something. The 403 is
 * sent here, since there is no framework's error path. docs/tasks/cross-origin.md says what it covers beside SameSite.
 *
 * @param options - other origins that may send such requests
 * @returns a function that wraps a listener
 * @throws {TypeError} if an origin is not as browsers send it
 * @example
 * ```ts
 * createServer(crossOriginProtection()(session()(handler)));
 * ```
 */
export function crossOriginProtection(options?: CrossOriginOptions): CrossOriginProtection;
export function crossOriginProtection(...called: readonly unknown[]): CrossOriginProtection {
  return protection(
    called,
    toRead,
    (refusalOf) =>
      <Q extends IncomingMessage, S extends ServerResponse>(handler: (req: Q, res: S) => unknown) =>
      (req: Q, res: S) => {
        const error = refusalOf(req);
        return error ? failed(res, error) : handler(req, res);
      },
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

/** There is no error path of a framework. */
function failed(res: ServerResponse, error: unknown): void {
  console.error(error);
  sendLastResort(res, error);
}

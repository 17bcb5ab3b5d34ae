/**
 * Sessions for Fastify 5 without a type for `request.session`: for projects that have the types of another session
 * library. `sessions.get(request)` is typed. `holdfast/fastify` has the same functions.
 *
 * @module
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { IncomingMessage } from "node:http";
import type { StoredSession } from "../contracts/session-api.js";
import type { DataBy, Schemas, TypedBy } from "../contracts/schema.js";
import type { SessionAccess } from "../contracts/session-access.js";
import type { CrossOriginOptions } from "../http/cross-origin.js";
import { NodeView } from "../http/node-request.js";
import type { SessionData } from "../session-data.js";
import { openSession, readSession } from "../session/lookup.js";
import { requestSettings, type SessionOptions } from "../session/request-options.js";
import { protection, withAccess, type CrossOriginChecks } from "./adapter-core.js";
import { FastifyView, registerSessions, ReplyHeaders } from "./fastify-hooks.js";
import { onClose, toRead } from "./node-adapter.js";
import { wrongFramework } from "./wrong-framework.js";

export * from "./common-exports.js";

type AnyRequest = FastifyRequest<any, any>;
type AnyReply = FastifyReply<any, any>;
type FastifyContext = readonly [request: FastifyRequest, reply: FastifyReply];

/** Options of {@link session}; `skip`, `storage` and `errorHandler` are called with `(request, reply)`. */
export type FastifyOptions = SessionOptions<FastifyContext>;

/** The plugin, with methods to access its sessions. */
export interface Sessions<D extends object = SessionData> extends SessionAccess<D, AnyRequest> {
  (app: FastifyInstance<any, any, any, any, any>, options: object, done: (error?: Error) => void): void;
  /**
   * Opens the session of a request without the plugin; `save()` sets the cookie in the reply's headers.
   *
   * @param request - the request
   * @param reply - its reply
   * @returns the session
   * @throws {SessionError} `storage` or `timeout`
   */
  open(request: AnyRequest, reply: AnyReply): Promise<StoredSession<D>>;
  /**
   * Opens the session of a request without a response (an upgrade).
   *
   * @param request - the request, of Fastify or of Node
   * @returns the session
   * @throws {SessionError} `storage` or `timeout`
   */
  read(request: AnyRequest | IncomingMessage): Promise<StoredSession<D>>;
}

/**
 * Creates the plugin.
 *
 * @param options - see https://holdfast-sessions.github.io/holdfast/reference/options
 * @returns the plugin, with methods to access its sessions
 * @throws {TypeError | RangeError} if an option is invalid; the message says what to write
 * @example
 * ```ts
 * await app.register(session({ storage, idleTimeout: "30m" }));
 * ```
 */
export function session<D extends object = SessionData, S extends Schemas = Schemas>(
  options?: TypedBy<FastifyOptions, D, S>,
): Sessions<DataBy<D, S>>;
export function session<D extends object>(...called: readonly unknown[]): Sessions<D> {
  const settings = requestSettings<FastifyContext, unknown>(called);
  const plugin = (app: FastifyInstance<any, any, any, any, any>, _options: object, done: () => void): void => {
    if (typeof (app as Partial<FastifyInstance>).addHook !== "function")
      throw wrongFramework("holdfast/fastify", [app, _options]);
    registerSessions(settings, app);
    done();
  };
  Object.assign(plugin, ofParent("holdfast"));
  return withAccess<D, AnyRequest, typeof plugin, Pick<Sessions<D>, "open" | "read">>(settings, plugin, {
    async open(...called) {
      const [request, reply] = called as unknown as FastifyContext;
      return openSession<D>(
        settings,
        [request, reply],
        new FastifyView(request),
        request,
        new ReplyHeaders(reply),
        (report) => onClose(reply.raw, report),
      );
    },
    async read(request) {
      const view = "raw" in request ? new FastifyView(request as FastifyRequest) : new NodeView(request);
      return readSession<D>(settings, settings.storeFor([request] as unknown as FastifyContext), view);
    },
  });
}

/** What {@link crossOriginProtection} makes. */
export interface CrossOriginProtection extends CrossOriginChecks<AnyRequest | IncomingMessage> {
  (app: FastifyInstance<any, any, any, any, any>, options: object, done: (error?: Error) => void): void;
}

/**
 * Refuses requests that a page of another origin sent and that may change something: with 403, `cross-origin`,
 * given to Fastify's error path. docs/tasks/cross-origin.md says what it covers beside SameSite.
 *
 * @param options - other origins that may send such requests
 * @returns the plugin, to be registered before the session
 * @throws {TypeError} if an origin is not as browsers send it
 * @example
 * ```ts
 * app.register(crossOriginProtection({ trustedOrigins: ["https://login.example.com"] }));
 * app.register(session());
 * ```
 */
export function crossOriginProtection(options?: CrossOriginOptions): CrossOriginProtection;
export function crossOriginProtection(...called: readonly unknown[]): CrossOriginProtection {
  const read = (request: AnyRequest | IncomingMessage): ReturnType<typeof toRead> =>
    toRead("raw" in request ? (request as FastifyRequest).raw : request);
  return protection(called, read, (refusalOf) => {
    const plugin = (app: FastifyInstance<any, any, any, any, any>, _options: object, done: () => void): void => {
      app.addHook("onRequest", (request, _reply, next) => next(refusalOf(request)));
      done();
    };
    return Object.assign(plugin, ofParent("holdfast-cross-origin"));
  });
}

/** What makes a plugin work on the whole application it is registered in. */
function ofParent(name: string): object {
  return { [Symbol.for("skip-override")]: true, [Symbol.for("fastify.display-name")]: name };
}

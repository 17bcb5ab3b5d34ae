/**
 * Sessions for Elysia, on Bun and on Node: `new Elysia().use(session())`, then `({ session })` in handlers.
 *
 * @module
 */
import type { Session, StoredSession } from "../contracts/session-api.js";
import type { DataBy, Schemas, TypedBy } from "../contracts/schema.js";
import type { SessionAccess } from "../contracts/session-access.js";
import { mistake } from "../errors.js";
import type { CrossOriginOptions } from "../http/cross-origin.js";
import { isResponse, WebView } from "../http/web-request.js";
import type { SessionData } from "../session-data.js";
import { readSession, requestSessionOf } from "../session/lookup.js";
import { requestSettings, type SessionOptions } from "../session/request-options.js";
import type { RequestSession } from "../session/request-session.js";
import { assertNoParams, withAccess, type CrossOriginChecks } from "./adapter-core.js";
import { answeringProtection } from "./event-adapter.js";
import { serveFetch } from "./fetch-adapter.js";
import { lazySession } from "./session-proxy.js";
import { wrongFramework } from "./wrong-framework.js";

export * from "./common-exports.js";

type ElysiaContext = readonly [request: Request];
type Answer = Response | undefined | void;

/** Options of {@link session}; `skip`, `storage`, `cookie` and `errorHandler` are called with the request. */
export type ElysiaOptions = SessionOptions<ElysiaContext, Answer | Promise<Answer>>;

/** What a plugin adds to the types of an application: `session` in the context of its handlers. */
export interface WithSession<D extends object> {
  readonly "~Singleton": { decorator: { readonly session: Session<D> } };
}

/** The plugin, with methods to access its sessions. */
export interface Sessions<D extends object = SessionData> extends SessionAccess<D, Request> {
  /**
   * Adds the session to an application: `app.use(sessions)`.
   *
   * @param app - the application
   * @returns the same
   */
  <A>(app: A): A & WithSession<D>;
  /**
   * Opens the session of a request without a response.
   *
   * @param request - the request
   * @returns the session
   * @throws {SessionError} `storage` or `timeout`
   */
  read(request: Request): Promise<StoredSession<D>>;
}

/** What is used of Elysia's context. */
interface Context {
  readonly request: Request;
  session?: unknown;
}

/**
 * Creates the plugin.
 *
 * @param options - see docs/reference/options.md
 * @returns the plugin, with methods to access its sessions
 * @throws {TypeError | RangeError} if an option is invalid; the message says what to write
 * @example
 * ```ts
 * new Elysia()
 *   .use(session<Data>({ storage }))
 *   .get("/", ({ session }) => session.owner ?? "a visitor");
 * ```
 */
export function session<D extends object = SessionData, S extends Schemas = Schemas>(
  options?: TypedBy<ElysiaOptions, D, S>,
): Sessions<DataBy<D, S>>;
export function session<D extends object>(...called: readonly unknown[]): Sessions<D> {
  const settings = requestSettings<ElysiaContext, Answer>(called);
  assertNoParams(settings);
  const serve =
    (fetch: Fetch): Fetch =>
    (request, ...rest) =>
      serveFetch({
        settings,
        context: [request],
        handle: async () => handedOver(request, await fetch(request, ...rest)),
      });
  const placed = (request: Request): object | undefined => {
    const own = requestSessionOf(request, settings);
    if (own) return sessionOf(own);
    if (settings.skip?.(request)) return undefined;
    throw mistake("wrong-place", NOT_WRAPPED);
  };
  const plugin = (app: App): App => {
    if (typeof app?.wrap !== "function") throw wrongFramework("holdfast/elysia", [app]);
    wrapFetch(app, serve);
    // Elysia reads the source of its hooks: one that passes the context on makes it parse all of each request.
    return app.onRequest((context: Context) => {
      context.session = placed(context.request);
    });
  };
  const read = async (request: Request): Promise<StoredSession<D>> =>
    readSession<D>(settings, settings.storeFor([request]), new WebView(request));
  return withAccess<D, Request, typeof plugin, { read: typeof read }>(settings, plugin, { read }) as never;
}

const NOT_WRAPPED =
  "an application with aot: false uses a plugin that has the session, and such an application runs no plugin around " +
  "its requests; write app.use(sessions) on the application that listens";

const sessionOf = (own: RequestSession): object => own.found ?? lazySession(own);

/** On Node, the response of a route that has become a socket is an empty string, which is not sent. */
async function handedOver(request: Request, response: Response | undefined): Promise<Response | undefined> {
  if (!isResponse(response) || response.status !== 200 || !new WebView(request).isUpgrade) return response;
  return (await response.clone().text()) === "" ? new Response(null) : response;
}

/** What {@link crossOriginProtection} makes. */
export interface CrossOriginProtection extends CrossOriginChecks<Request> {
  <A>(app: A): A;
}

/**
 * Refuses requests that a page of another origin sent and that may change something, with 403.
 * docs/tasks/cross-origin.md says what it covers beside SameSite.
 *
 * @param options - other origins that may send such requests
 * @returns the plugin
 * @throws {TypeError} if an origin is not as browsers send it
 * @example
 * ```ts
 * new Elysia().use(crossOriginProtection()).use(session());
 * ```
 */
export function crossOriginProtection(options?: CrossOriginOptions): CrossOriginProtection;
export function crossOriginProtection(...called: readonly unknown[]): CrossOriginProtection {
  const made = answeringProtection(
    called,
    (request: Request) => request,
    (guard) =>
      (app: App): App => {
        wrapFetch(
          app,
          (fetch) =>
            async (request, ...rest) =>
              guard(request, () => fetch(request, ...rest)),
        );
        return app;
      },
  );
  return made as unknown as CrossOriginProtection;
}

// How a plugin runs around the requests of an application.

/** A function from a request to a response. On Bun the second argument is the server. */
type Fetch = (request: Request, ...rest: unknown[]) => Promise<Response | undefined>;

/** What is used of an application of Elysia. */
interface App {
  readonly config?: { readonly aot?: boolean };
  wrap(around: (fetch: Fetch) => Fetch): unknown;
  onRequest(hook: (context: any) => void): this;
  compile?(): unknown;
}

let made = 0;

/**
 * Runs `around` around each request of an application, and of those that use it as a plugin.
 *
 * @param app - the application
 * @param around - makes a function of another one
 */
function wrapFetch(app: App, around: (fetch: Fetch) => Fetch): void {
  if (app.config?.aot === false) return wrapUncompiled(app, around);
  // Elysia leaves out a function that has the same source as another one.
  const source = `${String(around)}/* ${(made += 1)} */`;
  app.wrap(Object.defineProperty((fetch: Fetch) => around(fetch), "toString", { value: () => source }));
}

/** What runs around an application without compilation, the outermost last. */
const wrapped = new WeakMap<App, ((fetch: Fetch) => Fetch)[]>();

/** Without compilation Elysia has no such functions: what handles requests is replaced when Elysia makes it. */
function wrapUncompiled(app: App, around: (fetch: Fetch) => Fetch): void {
  const before = wrapped.get(app);
  if (before) return void before.push(around);
  const all = [around];
  wrapped.set(app, all);
  let handle: Fetch | undefined;
  Object.defineProperty(app, "_handle", {
    configurable: true,
    get: () => handle,
    set(own: Fetch) {
      handle = all.reduce((fetch, one) => one(fetch), own);
    },
  });
  Object.defineProperty(app, "fetch", {
    configurable: true,
    get() {
      app.compile?.();
      return handle;
    },
  });
}

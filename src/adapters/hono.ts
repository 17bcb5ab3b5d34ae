/**
 * Sessions for Hono 4: `new Hono<SessionEnv<Data>>().use(sessions)`.
 *
 * @module
 */
import type { Context, Next } from "hono";
import type { Session, StoredSession } from "../contracts/session-api.js";
import type { DataBy, Schemas, TypedBy } from "../contracts/schema.js";
import type { SessionAccess } from "../contracts/session-access.js";
import { responseWith, isHandedOver, isResponse, WebView } from "../http/web-request.js";
import type { CrossOriginOptions } from "../http/cross-origin.js";
import { parsedFields, type Fields } from "../http/form.js";
import type { ResponseHeaders } from "../http/request-view.js";
import { andThen } from "../util/async.js";
import type { SessionData } from "../session-data.js";
import type { RequestSession, ResponseHost } from "../session/request-session.js";
import { openSession, readSession, requestSessionOf } from "../session/lookup.js";
import { requestSettings, type RequestSettings, type SessionOptions } from "../session/request-options.js";
import { mount, protection, withAccess, type CrossOriginChecks } from "./adapter-core.js";
import { wrongFramework } from "./wrong-framework.js";

export * from "./common-exports.js";

type HonoContext = readonly [c: Context<any>];
type Result = Response | undefined | void;

/** Options of {@link session}; `skip`, `storage` and `errorHandler` are called with `c`. */
export type HonoOptions = SessionOptions<HonoContext, Result | Promise<Result>>;

/** The environment of an application or router whose handlers have a session: `c.get("session")`. */
export type SessionEnv<D extends object = SessionData> = { Variables: { session: Session<D> } };

/** The middleware, with methods to access its sessions. */
export interface Sessions<D extends object = SessionData> extends SessionAccess<D, Context<any>> {
  (c: Context<SessionEnv<D>>, next: Next): Promise<Response | void>;
  /**
   * Opens the session of a request without the middleware; `save()` sets the cookie, as `c.header` does.
   *
   * @param c - the context
   * @returns the session
   * @throws {SessionError} `storage` or `timeout`
   */
  open(c: Context<any>): Promise<StoredSession<D>>;
  /**
   * Opens the session of a request without a response (an upgrade).
   *
   * @param request - the context, or a Request
   * @returns the session
   * @throws {SessionError} `storage` or `timeout`
   */
  read(request: Context<any> | Request): Promise<StoredSession<D>>;
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
  options?: TypedBy<HonoOptions, D, S>,
): Sessions<DataBy<D, S>>;
export function session<D extends object>(...called: readonly unknown[]): Sessions<D> {
  const settings = requestSettings<HonoContext, Result>(called);
  const { requests } = settings;
  const middleware = (c: Context<SessionEnv<D>>, next: Next): Promise<Response | void> => {
    if (!(c.req as Partial<Context["req"]> | undefined)?.raw) throw wrongFramework("holdfast/hono", [c, next]);
    return requests ? requests.run(c, serve, settings, c as Context, next) : serve(settings, c, next);
  };
  return withAccess<D, Context<any>, typeof middleware, Pick<Sessions<D>, "open" | "read">>(settings, middleware, {
    open: async (c) => openSession<D>(settings, [c], new HonoView(c), c, new HonoHeaders(c)),
    async read(request) {
      const view = request instanceof Request ? new WebView(request) : new HonoView(request);
      return readSession<D>(settings, settings.storeFor([request as Context]), view);
    },
  });
}

/** What {@link crossOriginProtection} makes. */
export interface CrossOriginProtection extends CrossOriginChecks<Context<any> | Request> {
  (c: Context<any>, next: Next): Promise<void>;
}

/**
 * Refuses requests that a page of another origin sent and that may change something: with 403, `cross-origin`,
 * thrown for `onError`. docs/tasks/cross-origin.md says what it covers beside SameSite.
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
  const read = (given: Context<any> | Request): readonly [string, WebView] => {
    const request = "req" in given ? given.req.raw : given;
    return [request.method, new WebView(request)];
  };
  return protection(called, read, (refusalOf) => async (c: Context<any>, next: Next): Promise<void> => {
    const error = refusalOf(c);
    if (error) throw error;
    await next();
  });
}

async function serve(
  settings: RequestSettings<HonoContext, Result>,
  c: Context,
  next: Next,
): Promise<Response | void> {
  const requestSession = mount(settings, new HonoView(c), [c], c.req.raw);
  if (!requestSession) return handOn(settings, c, next);
  requestSession.host = HOST;
  try {
    const loading = settings.isLazy ? undefined : requestSession.load();
    if (loading) await loading;
  } catch (error) {
    // An error page may read the variable. It must not throw: Hono sends a plain 500 if `onError` throws.
    c.set("session", requestSession.nothing);
    return fail(settings, c, error);
  }
  try {
    await next();
  } catch (thrown) {
    return thrownOn(settings, requestSession, c, thrown);
  }
  try {
    const sending = send(requestSession, c);
    if (sending) await sending;
  } catch (error) {
    return fail(settings, c, error);
  }
}

/**
 * A response of `onError` does not pass here, and already has its session. A Response that was thrown is caught and
 * sent by the framework: it is thrown again with the session cookie. For any other exception, no response can carry a
 * token.
 */
async function thrownOn(
  settings: RequestSettings<HonoContext, Result>,
  requestSession: RequestSession,
  c: Context,
  thrown: unknown,
): Promise<Response> {
  if (!isResponse(thrown)) {
    await requestSession.commit(false);
    throw thrown;
  }
  let response: Response;
  try {
    response = await responseWith(c.req.raw, thrown, requestSession);
  } catch (error) {
    return fail(settings, c, error);
  }
  // oxlint-disable-next-line typescript/only-throw-error -- a Response was thrown
  throw response;
}

/** The middleware has already run for this request, maybe in another application whose context has the session. */
function handOn(settings: RequestSettings<HonoContext, Result>, c: Context, next: Next): Promise<void> {
  const session = requestSessionOf(c, settings)?.found as Session<any> | undefined;
  if (session) c.set("session", session);
  return next();
}

/** Stores the session in Hono's variables: `c.get("session")`. One object for all requests. */
const HOST: ResponseHost = { opened: (session, view) => (view.context as Context).set("session", session) };

function send(requestSession: RequestSession, c: Context): Promise<void> | void {
  const response = c.finalized ? c.res : undefined;
  if (requestSession.view.isUpgrade && isHandedOver(response)) return requestSession.handOver();
  return andThen(responseWith(c.req.raw, response, requestSession), (own) => {
    if (own !== response) replace(c, own!);
  });
}

/**
 * Handles a failure of the session itself: first the application's `errorHandler`, then `onError`. The original
 * response is discarded.
 */
async function fail(settings: RequestSettings<HonoContext, Result>, c: Context, error: unknown): Promise<Response> {
  clear(c);
  const response = await settings.errorHandler?.(error, c);
  if (response) return response;
  throw error;
}

/** Hono merges the headers of an earlier response into an assigned one. */
function replace(c: Context, response: Response): void {
  c.res = undefined;
  c.res = response;
}

/** Removes the response, the status and the headers set with `c.header`. */
function clear(c: Context): void {
  void bodyOf(c.res)
    ?.cancel()
    .catch(() => {});
  c.res = undefined;
  const prepared = [...c.res.headers.keys()];
  c.res = undefined;
  c.finalized = false;
  for (const name of prepared) c.header(name, undefined);
  c.status(200);
}

/** The getter throws for a response that cannot be created, or is frozen. */
function bodyOf(response: Response): Response["body"] | undefined {
  try {
    return response.body;
  } catch {
    return undefined;
  }
}

/** Of Node's request. */
type Incoming = { readonly httpVersion?: string; readonly upgrade?: boolean } | undefined;

/** On Node, Hono has Node's request. */
function incomingOf({ env }: Context): Incoming {
  return (env as { readonly incoming?: Incoming } | undefined)?.incoming;
}

class HonoView extends WebView {
  declare readonly context: Context;

  constructor(c: Context) {
    super(c.req.raw, c, incomingOf(c)?.upgrade);
  }

  get version(): string | undefined {
    return incomingOf(this.context)?.httpVersion;
  }

  override param(name: string): string | undefined {
    return this.context.req.param(name);
  }

  override async form(): Promise<Fields | undefined> {
    const { req } = this.context;
    if (!req.raw.bodyUsed) return super.form();
    return parsedFields(await req.parseBody().catch(() => undefined));
  }
}

/** The headers set with `c.header`. */
class HonoHeaders implements ResponseHeaders {
  readonly #c: Context;

  constructor(c: Context) {
    this.#c = c;
  }

  names(): readonly string[] {
    return [...this.#c.res.headers.keys()];
  }

  get(name: string): string | undefined {
    return this.#c.res.headers.get(name) ?? undefined;
  }

  set(name: string, value: string): void {
    this.#c.header(name, value);
  }

  cookies(): readonly string[] {
    return this.#c.res.headers.getSetCookie();
  }

  setCookies(lines: readonly string[]): void {
    this.#c.header("Set-Cookie", undefined);
    for (const line of lines) this.#c.header("Set-Cookie", line, { append: true });
  }
}

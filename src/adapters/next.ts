/**
 * Sessions for Next 16 and 15 (App Router): `export const { getSession, withSession, route, proxy } = session()`.
 *
 * @module
 */
import type { Session, StoredSession } from "../contracts/session-api.js";
import type { DataBy, Schemas, TypedBy } from "../contracts/schema.js";
import type { SessionAccess } from "../contracts/session-access.js";
import { mistake, SessionError } from "../errors.js";
import type { SessionData } from "../session-data.js";
import { readSession, requestSessionOf } from "../session/lookup.js";
import { requestSettings, type RequestSettings, type SessionOptions } from "../session/request-options.js";
import type { RequestSession } from "../session/request-session.js";
import { WebView } from "../http/web-request.js";
import { withAccess, sharedMemory } from "./adapter-core.js";
import { serveFetch } from "./fetch-adapter.js";
import { serveHeaders } from "./headers-adapter.js";
import {
  actionEnded,
  actionHeaders,
  endedActions,
  NextView,
  requestOfRoute,
  runningRequest,
  type NextRequest,
  type Place,
} from "./next-request.js";
import { readOnly } from "./session-proxy.js";

export * from "./common-exports.js";
export type { NextRequest } from "./next-request.js";

type NextContext = readonly [request: NextRequest];
type Answer = Response | undefined | void;
type Settings = RequestSettings<NextContext, Answer>;

/**
 * Options of {@link session}; `skip`, `storage`, `cookie` and `errorHandler` are called with the request: in routes
 * and in `proxy` Next's own, in pages and actions its headers only.
 */
export type NextOptions = SessionOptions<NextContext, Answer | Promise<Answer>>;

/** What `session()` returns: export its functions from a module of your application. */
export interface Sessions<D extends object = SessionData> extends SessionAccess<D, Request> {
  /**
   * Returns the session of the running request. In a page, a layout or a function that these call it can only be read.
   * In an action of `withSession` and in a handler of `route` it is the session that these have. All calls in one
   * request load it once.
   *
   * @returns the session
   * @throws {SessionError} `unsupported` outside of a request and in prerendered pages; `no-session` if the request is
   *   skipped; `storage` or `timeout`
   */
  getSession(): Promise<Session<D>>;
  /**
   * Makes a Server Action with a session. Its changes are stored before its result, or its `redirect()` or
   * `notFound()`, leaves.
   *
   * @param action - called with the session and the arguments of the action
   * @returns the action, to be exported from a file with "use server"
   */
  withSession<A extends unknown[], R>(
    action: (session: Session<D>, ...args: A) => R | Promise<R>,
  ): (...args: A) => Promise<R>;
  /**
   * Makes a route handler with a session.
   *
   * @param handler - called with the session and the arguments of a route handler
   * @returns the route handler: `export const GET = route(…)`
   */
  route<Q extends Request = Request, C = unknown>(
    handler: (session: Session<D>, request: Q, context: C) => Response | Promise<Response>,
  ): (request: Q, context: C) => Promise<Response>;
  /** Moves the deadline and the cookie of sessions that pages only read: `export { proxy }` in `proxy.ts`. */
  readonly proxy: Proxy<D>;
}

/** A `proxy`, or a function that makes one of a handler. */
export interface Proxy<D extends object = SessionData> {
  /**
   * Makes a `proxy` with a handler, as a guard for many pages.
   *
   * @param handler - called with a session that can only be read, and the request; it returns a response, as
   *   `NextResponse.redirect(…)`, or undefined to continue
   * @returns the proxy: `export const proxy = sessions.proxy(…)`
   */
  <Q extends Request>(
    handler: (session: Session<D>, request: Q) => Answer | Promise<Answer>,
  ): (request: Q) => Promise<Response>;
  /**
   * Loads the session of a request, refreshes it if that is due, and continues.
   *
   * @param request - the request
   * @returns the response that continues
   */
  (request: Request): Promise<Response>;
}

/**
 * Creates the functions. Without `storage` all bundles of a process have one memory, which also survives reloads of
 * the development server.
 *
 * @param options - see docs/reference/options.md
 * @returns the functions, with methods to access the sessions
 * @throws {TypeError | RangeError} if an option is invalid; the message says what to write
 * @example
 * ```ts
 * // lib/session.ts
 * export const { getSession, withSession, route, proxy } = session<Data>({ storage });
 * // app/actions.ts, with "use server"
 * export const login = withSession(async (session, form: FormData) => {
 *   await session.authenticate(await userOf(form));
 *   redirect("/");
 * });
 * ```
 */
export function session<D extends object = SessionData, S extends Schemas = Schemas>(
  options?: TypedBy<NextOptions, D, S>,
): Sessions<DataBy<D, S>>;
export function session<D extends object>(...called: readonly unknown[]): Sessions<D> {
  const settings = requestSettings<NextContext, Answer>(called, sharedMemory("next"));
  assertReadable(settings);
  const functions = {
    getSession: reader<D>(settings),
    withSession: actions<D>(settings),
    route: routes<D>(settings),
    proxy: proxies<D>(settings),
  };
  return withAccess<D, Request, typeof functions, object>(settings, functions, {});
}

/** Pages and actions have no URL and no body to read, and no header to write. */
function assertReadable({ extractor, writable }: Settings): void {
  const wrong = extractor.members.find(({ source }) => source === "query" || source === "param" || source === "form");
  if (wrong)
    throw mistake(
      "wrong-option",
      `extractor reads ${wrong.source} ${JSON.stringify(wrong.key)}, which pages and actions of Next do not ` +
        "have; write fromCookie, or fromCustom for a request header",
    );
  const header = writable.find(({ source }) => source !== "cookie");
  if (header)
    throw mistake(
      "wrong-option",
      `extractor writes the header ${header.key}, which actions of Next cannot send; write fromCookie, or ` +
        "use holdfast/fetch in routes",
    );
}

const IN_PAGES =
  "a page is only rendered, and its response cannot carry a cookie: change the session in a Server Action made by " +
  "withSession(), or in a route handler made by route()";

const skipped = (): SessionError =>
  new SessionError("no-session", "there is no session here: the option skip excludes this request");

/** `getSession`. The session of a page is read once for each request, again after an action has ended in it. */
function reader<D extends object>(settings: Settings): Sessions<D>["getSession"] {
  const known = new WeakMap<object, { readonly actions: number; readonly session: Promise<Session<D>> }>();
  return async () => {
    const place = await runningRequest("getSession()");
    const running = requestSessionOf(place.key, settings);
    if (running && !running.isDone) return running.open();
    const actions = endedActions(place.key);
    const last = known.get(place.key);
    if (last?.actions === actions) return last.session;
    const session = readInPage<D>(settings, place);
    known.set(place.key, { actions, session });
    return session;
  };
}

async function readInPage<D extends object>(settings: Settings, place: Place): Promise<Session<D>> {
  const context: NextContext = [place.request];
  if (settings.skip?.(...context)) throw skipped();
  return readOnly(await readSession<D>(settings, settings.storeFor(context), new NextView(place)), IN_PAGES);
}

/** `withSession`. An action that another one calls has the session of that one. */
function actions<D extends object>(settings: Settings): Sessions<D>["withSession"] {
  return <A extends unknown[], R>(action: (session: Session<D>, ...args: A) => R | Promise<R>) =>
    async (...args: A): Promise<R> => {
      const place = await runningRequest("withSession()");
      const headers = await actionHeaders("withSession()", place);
      try {
        return await serveHeaders<R>({
          settings,
          view: new NextView(place),
          context: [place.request],
          shared: place.key,
          headers,
          handle: async (own) => action(await sessionOf<D>(own ?? requestSessionOf(place.key, settings)), ...args),
          carrierOf: () => headers,
        });
      } finally {
        actionEnded(place.key);
      }
    };
}

async function sessionOf<D extends object>(requestSession: RequestSession | undefined): Promise<Session<D>> {
  if (!requestSession) throw skipped();
  return requestSession.open() as Session<D> | Promise<Session<D>>;
}

/** `route`. `redirect()` and `notFound()` throw: their responses are made here, so that they carry the cookie. */
function routes<D extends object>(settings: Settings): Sessions<D>["route"] {
  return (handler) =>
    async (request, context): Promise<Response> => {
      const { key } = await requestOfRoute(request);
      const handle = async (own?: RequestSession): Promise<Response> => {
        const session = await sessionOf<D>(own ?? requestSessionOf(key, settings));
        try {
          return await handler(session, request, context);
        } catch (thrown) {
          const response = responseOf(thrown);
          if (response) return response;
          throw thrown;
        }
      };
      return (await serveFetch({ settings, context: [request], shared: key, handle })) as Response;
    };
}

/** The response that Next makes of what `redirect()`, `notFound()` and their like have thrown in a route. */
function responseOf(thrown: unknown): Response | undefined {
  const { digest } = (typeof thrown === "object" && thrown !== null ? thrown : {}) as { digest?: unknown };
  if (typeof digest !== "string") return undefined;
  const parts = digest.split(";");
  if (parts[0] === "NEXT_HTTP_ERROR_FALLBACK") return new Response(null, { status: Number(parts[1]) });
  if (parts[0] !== "NEXT_REDIRECT") return undefined;
  return new Response(null, { status: Number(parts.at(-2)), headers: { Location: parts.slice(2, -2).join(";") } });
}

/** What `NextResponse.next()` makes. */
const goOn = (): Response => new Response(null, { headers: { "x-middleware-next": "1" } });

/**
 * `proxy`. Only GET and HEAD refresh: an action or a route of the same request may send another token, and
 * refreshes the session itself.
 */
function proxies<D extends object>(settings: Settings): Proxy<D> {
  type Handler = (session: Session<D>, request: any) => Answer | Promise<Answer>;
  const serve = async (request: Request, handler: Handler | undefined): Promise<Response> => {
    const handled = async (session: StoredSession<D>): Promise<Response> =>
      (await handler?.(readOnly(session, IN_PROXY), request)) ?? goOn();
    if (request.method !== "GET" && request.method !== "HEAD") {
      if (!handler || settings.skip?.(request)) return goOn();
      return handled(await readSession<D>(settings, settings.storeFor([request]), new WebView(request)));
    }
    const handle = async (own?: RequestSession): Promise<Response> =>
      own && handler ? handled(await own.open()) : goOn();
    return (await serveFetch({ settings, context: [request], handle })) as Response;
  };
  const proxy = (given: Request | Handler): unknown =>
    typeof given === "function" ? (request: Request) => serve(request, given) : serve(given, undefined);
  return proxy as Proxy<D>;
}

const IN_PROXY =
  "the page or the route behind the proxy has not run yet: change the session in a Server Action made by " +
  "withSession(), or in a route handler made by route()";

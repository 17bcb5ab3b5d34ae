/**
 * Sessions for TanStack Start: `requestMiddleware: [sessions.middleware]` in `src/start.ts`, then `context.session`.
 *
 * @module
 */
import type { Session, StoredSession } from "../contracts/session-api.js";
import type { DataBy, Schemas, TypedBy } from "../contracts/schema.js";
import type { SessionAccess } from "../contracts/session-access.js";
import { mistake, SessionError } from "../errors.js";
import type { CrossOriginOptions } from "../http/cross-origin.js";
import { isResponse, WebView } from "../http/web-request.js";
import type { SessionData } from "../session-data.js";
import { readSession, requestSessionOf } from "../session/lookup.js";
import { requestSettings, type RequestSettings, type SessionOptions } from "../session/request-options.js";
import type { RequestSession } from "../session/request-session.js";
import { assertNoParams, withAccess, type CrossOriginChecks, sharedMemory } from "./adapter-core.js";
import { answeringProtection } from "./event-adapter.js";
import { serveFetch } from "./fetch-adapter.js";
import { lazySession } from "./session-proxy.js";
import { wrongFramework } from "./wrong-framework.js";

export * from "./common-exports.js";

type StartContext = readonly [request: Request];
type Answer = Response | undefined | void;

/** Options of {@link session}; `skip`, `storage`, `cookie` and `errorHandler` are called with the request. */
export type StartOptions = SessionOptions<StartContext, Answer | Promise<Answer>>;

/** A request middleware, as TanStack Start's types read it: `C` is what it adds to the context. */
export interface StartMiddleware<C> {
  readonly options: { readonly server: (input: any) => Promise<any> };
  readonly "~types": {
    type: "request";
    allInput: undefined;
    allOutput: undefined;
    middlewares: undefined;
    serverContext: C;
    allServerContext: C;
  };
}

/** What `session()` returns. */
export interface Sessions<D extends object = SessionData> extends SessionAccess<D, Request> {
  /**
   * Handles a request, in a middleware that is removed from the browser's bundle.
   *
   * @param request - the request
   * @param next - is called with the session, and calls TanStack Start's `next`; the session is undefined if the
   *   request is skipped
   * @returns what `next` returns, or another response
   */
  run<R>(request: Request, next: (session: Session<D>) => R): Promise<Awaited<R>>;
  /** The same as a middleware, in one word: `context.session` is the session in what is behind it. */
  readonly middleware: StartMiddleware<{ session: Session<D> }>;
  /**
   * Opens the session of a request without a response (an upgrade).
   *
   * @param request - the request
   * @returns the session
   * @throws {SessionError} `storage` or `timeout`
   */
  read(request: Request): Promise<StoredSession<D>>;
}

/**
 * Creates the middleware. Without `storage` all bundles of a process have one memory, which also survives reloads of
 * the development server.
 *
 * @param options - see docs/reference/options.md
 * @returns the middleware, with methods to access its sessions
 * @throws {TypeError | RangeError} if an option is invalid; the message says what to write
 * @example
 * ```ts
 * // src/sessions.server.ts
 * export const sessions = session<Data>({ storage });
 * // src/start.ts
 * const withSession = createMiddleware().server(({ request, next }) =>
 *   sessions.run(request, (session) => next({ context: { session } })),
 * );
 * export const startInstance = createStart(() => ({ requestMiddleware: [withSession] }));
 * ```
 */
export function session<D extends object = SessionData, S extends Schemas = Schemas>(
  options?: TypedBy<StartOptions, D, S>,
): Sessions<DataBy<D, S>>;
export function session<D extends object>(...called: readonly unknown[]): Sessions<D> {
  const settings = requestSettings<StartContext, Answer>(called, sharedMemory("tanstack-start"));
  assertNoParams(settings);
  const run = (request: Request, next: Next): Promise<unknown> => serve(settings, request, next);
  const middleware = asMiddleware<{ session: Session<D> }>(({ request, next }) =>
    run(request, (own) => next(own && { context: { session: own } })),
  );
  const read = async (request: Request): Promise<StoredSession<D>> =>
    readSession<D>(settings, settings.storeFor([request]), new WebView(request));
  const made = { run, middleware, read };
  return withAccess<D, Request, typeof made, object>(settings, made, {}) as Sessions<D>;
}

/** What a middleware of TanStack Start gets. */
interface Input {
  readonly request: Request;
  readonly next: (options?: { context?: object }) => Promise<Result>;
}

/** What its `next` returns. There is no response behind a server function. */
interface Result {
  readonly response?: Response;
}

type Next = (session: object | undefined) => Result | Response | Promise<Result | Response>;

function asMiddleware<C>(server: (input: Input) => Promise<unknown>): StartMiddleware<C> {
  return { options: { server } } as unknown as StartMiddleware<C>;
}

type Settings = RequestSettings<StartContext, Answer>;

/** A middleware of a server function runs again for the calls that the server makes while it renders a page. */
async function serve(settings: Settings, request: Request, next: Next): Promise<Result | Response | undefined> {
  if (!(request instanceof Request) || typeof next !== "function")
    throw wrongFramework("holdfast/tanstack-start", [request, next]);
  if (isPrerendering()) return next(refusing(PRERENDERED));
  const running = requestSessionOf(request, settings);
  if (running && !running.isDone) return next(sessionOf(running));
  let result: Result | Response | undefined;
  const handle = async (own?: RequestSession): Promise<Response> => {
    result = await next(own && sessionOf(own));
    const response = isResponse(result) ? result : result?.response;
    if (!response) throw mistake("wrong-place", IN_FUNCTION);
    return response;
  };
  const response = await serveFetch({ settings, context: [request], handle, passesBody: true, copied });
  const isHandlers = response !== undefined && response === (result as Result | undefined)?.response;
  return isHandlers ? result : response;
}

const sessionOf = (own: RequestSession): object => own.found ?? lazySession(own);

const IN_FUNCTION =
  "what ran behind the session has no response that could send its cookie: a server function has none; " +
  "write the session into requestMiddleware of createStart(), in src/start.ts";

const PRERENDERED =
  "this page is rendered when the application is built: it has no visitor, and no session; read the session in a " +
  "server function that the browser calls, or do not prerender the page";

/** Set by TanStack Start's build while it renders pages. */
function isPrerendering(): boolean {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } };
  return process?.env?.["TSS_PRERENDERING"] === "true";
}

/** A session whose members all throw. */
function refusing(why: string): object {
  return new Proxy(
    {},
    {
      get() {
        throw new SessionError("unsupported", why);
      },
    },
  );
}

/** What {@link crossOriginProtection} makes. */
export interface CrossOriginProtection extends CrossOriginChecks<Request>, StartMiddleware<undefined> {}

/** TanStack Start warns if no middleware of server functions has it. */
const CSRF = Symbol.for("tanstack-start:csrf-middleware");

/**
 * Refuses requests that a page of another origin sent and that may change something, with 403: server functions,
 * server routes and forms. docs/tasks/cross-origin.md says what it covers beside SameSite.
 *
 * @param options - other origins that may send such requests
 * @returns the request middleware, to be placed before the session
 * @throws {TypeError} if an origin is not as browsers send it
 * @example
 * ```ts
 * export const startInstance = createStart(() => ({ requestMiddleware: [crossOriginProtection(), withSession] }));
 * ```
 */
export function crossOriginProtection(options?: CrossOriginOptions): CrossOriginProtection;
export function crossOriginProtection(...called: readonly unknown[]): CrossOriginProtection {
  const made = answeringProtection(
    called,
    (request: Request) => request,
    (guard) => asMiddleware<undefined>(async ({ request, next }) => guard(request, next)),
  );
  return Object.defineProperty(made, CSRF, { value: true });
}

// What TanStack Start knows of a response beside its status, its headers and its body.

/** Headers that an application has set with the helpers of TanStack Start, which it adds to each response. */
interface HelperState {
  readonly headers?: unknown;
  readonly headerAppends?: Map<string, unknown>;
  setCookieBehavior?: "merge" | "replace";
}

const EVENTS = Symbol.for("tanstack-start:event-storage");

function helperState(): HelperState | undefined {
  const events = (globalThis as { [EVENTS]?: { getStore?(): { responseState?: HelperState } | undefined } })[EVENTS];
  return events?.getStore?.()?.responseState;
}

/**
 * Called when a copy of a response has the session's headers.
 *
 * @param response - of the handler
 * @param copy - with the session
 */
function copied(response: Response, copy: Response): void {
  takeNotes(response, copy);
  const state = helperState();
  if (state?.headers instanceof Headers) addToHelpers(state, state.headers, response, copy);
}

/** What was noted on the response: the target of a redirect, the format of what a server function returns. */
function takeNotes(response: Response, copy: Response): void {
  for (const key of Reflect.ownKeys(response)) {
    const isNote = typeof key === "symbol" ? Symbol.keyFor(key)?.startsWith("tanstack-start:") : key === "options";
    if (!isNote || Object.hasOwn(copy, key)) continue;
    Object.defineProperty(copy, key, { ...Object.getOwnPropertyDescriptor(response, key), configurable: true });
  }
}

/**
 * TanStack Start applies the headers of the helpers again behind each middleware: a `Cache-Control` or `Set-Cookie` of
 * the handler would replace that of the session.
 */
function addToHelpers(state: HelperState, headers: Headers, response: Response, copy: Response): void {
  for (const [name, value] of copy.headers) {
    if (name === "set-cookie" || response.headers.get(name) === value) continue;
    headers.set(name, value);
    state.headerAppends?.delete(name);
  }
  const before = new Set(response.headers.getSetCookie());
  const lines = copy.headers.getSetCookie().filter((line) => !before.has(line));
  if (lines.length > 0) state.setCookieBehavior ??= "merge";
  for (const line of lines) headers.append("set-cookie", line);
}

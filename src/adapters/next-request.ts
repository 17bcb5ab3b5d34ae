import { SessionError } from "../errors.js";
import type { RequestView } from "../http/request-view.js";
import { jarHeaders, type CookieJar } from "./cookie-jar.js";
import type { ResponseHeaders } from "../http/request-view.js";

/** A request of Next: in routes and in `proxy` Next's own request, in pages and actions its headers only. */
export interface NextRequest {
  readonly headers: Headers;
  /** Only in routes and in `proxy`. */
  readonly url?: string;
  /** Only in routes and in `proxy`. */
  readonly method?: string;
}

/** What `next/headers` exports. */
interface NextHeaders {
  headers(): Promise<Headers>;
  cookies(): Promise<CookieJar & { readonly delete: unknown }>;
}

/** The cookies that were sent in a request so far, and how many actions have ended in it. */
interface Progress {
  readonly sent: Map<string, string>;
  actions: number;
}

/**
 * By the object that `headers()` returns, which is the same in all of a request. A page that is rendered after an
 * action sees the action's cookies; Next may have put the two into different bundles, so the module is not the same.
 */
const PROGRESS = Symbol.for("holdfast.next.progress");

function progressOf(key: object): Progress {
  const shared = globalThis as { [PROGRESS]?: WeakMap<object, Progress> };
  const all = (shared[PROGRESS] ??= new WeakMap());
  const progress = all.get(key) ?? { sent: new Map(), actions: 0 };
  all.set(key, progress);
  return progress;
}

/** How many actions have ended in the request: what was read before is out of date then. */
export function endedActions(key: object): number {
  return progressOf(key).actions;
}

/** Notes the end of an action. */
export function actionEnded(key: object): void {
  progressOf(key).actions++;
}

/** Where a function of the adapter is called. */
export interface Place {
  /** The object that identifies the request. */
  readonly key: object;
  readonly request: NextRequest;
}

/**
 * The request that is running.
 *
 * @throws {SessionError} `unsupported` outside of a request, and in a page that is prerendered; what Next throws to
 *   find out that a page cannot be prerendered
 */
export async function runningRequest(caller: string): Promise<Place> {
  const { headers } = await nextHeaders(caller);
  const key = await outsideIsAnError(caller, headers);
  if (key.keys().next().done === true)
    throw new SessionError(
      "unsupported",
      `${caller}: this page is rendered without a request (dynamic = "force-static"), so it has no session; remove ` +
        "that option, or read the session in a page or a route that is rendered for each request",
    );
  return { key, request: { headers: key } };
}

/** The same for a route, which has its request; a test may call it outside of Next. */
export async function requestOfRoute(request: Request): Promise<Place> {
  try {
    return { ...(await runningRequest("route()")), request };
  } catch (error) {
    if (error instanceof SessionError) return { key: request, request };
    throw error;
  }
}

/** Cookies of the response to an action, as response headers. */
export async function actionHeaders(caller: string, { key }: Place): Promise<ResponseHeaders> {
  const { cookies } = await nextHeaders(caller);
  const jar = await cookies();
  // While a page is rendered, Next replaces every method that changes the cookies by the same function, which throws.
  if (jar.set === jar.delete)
    throw new SessionError(
      "unsupported",
      `${caller}: a page is being rendered, and its response cannot carry a cookie; call it as a Server Action, or ` +
        "write a route handler with route()",
    );
  const { sent } = progressOf(key);
  return jarHeaders({
    set(name, value, attributes) {
      jar.set(name, value, attributes);
      sent.set(name, value);
    },
  });
}

async function nextHeaders(caller: string): Promise<NextHeaders> {
  try {
    // @ts-ignore -- Next is not among the dependencies; the import is by its file, which works without a bundler, too.
    const loaded = (await import("next/headers.js")) as NextHeaders & { default?: NextHeaders };
    return typeof loaded.headers === "function" ? loaded : loaded.default!;
  } catch (cause) {
    throw new SessionError("unsupported", `${caller} works in a Next application only: next is not installed`, {
      cause,
    });
  }
}

async function outsideIsAnError(caller: string, headers: NextHeaders["headers"]): Promise<Headers> {
  try {
    return await headers();
  } catch (cause) {
    if (!(cause instanceof Error) || !cause.message.includes("outside a request scope")) throw cause;
    throw new SessionError(
      "unsupported",
      `${caller}: no request is running here; call it in a page, a Server Action, a route handler or proxy.ts, and ` +
        "in none of them at the top of the module",
      { cause },
    );
  }
}

/** What the session reads of a request in pages and actions: headers, and cookies that were sent meanwhile. */
export class NextView implements RequestView {
  readonly context: unknown;
  readonly #key: object;
  readonly #headers: Headers;

  constructor({ key, request }: Place) {
    this.context = request;
    this.#key = key;
    this.#headers = request.headers;
  }

  get cookies(): string | undefined {
    const { sent } = progressOf(this.#key);
    const header = this.#headers.get("cookie") ?? undefined;
    if (sent.size === 0) return header;
    const kept = (header ?? "").split(";").filter((pair) => !sent.has(pair.split("=", 1)[0]!.trim()));
    const own = [...sent].filter(([, value]) => value !== "").map(([name, value]) => `${name}=${value}`);
    return [...own, ...kept].join("; ");
  }

  readonly url = "/";
  readonly encrypted = false;

  headers(name: string): readonly string[] {
    const value = this.#headers.get(name);
    return value === null ? [] : [value];
  }

  param(): undefined {
    return undefined;
  }

  form(): undefined {
    return undefined;
  }
}

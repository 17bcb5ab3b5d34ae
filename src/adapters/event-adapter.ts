import { SessionError } from "../errors.js";
import { WebView } from "../http/web-request.js";

/** Route parameters, as frameworks give them: an array for a parameter that matches several segments. */
export type RouteParams = Readonly<Record<string, unknown>>;

/** A request whose framework has found its route already. */
export class EventView extends WebView {
  readonly #params: RouteParams | undefined;

  constructor(request: Request, context: unknown, params: RouteParams | undefined) {
    super(request, context);
    this.#params = params;
  }

  /** Implements `RequestView`. */
  override param(name: string): string | undefined {
    const { [name]: value } = this.#params ?? {};
    return typeof value === "string" ? value : undefined;
  }
}

/**
 * Makes the property `session` throw and say why: a page that is rendered when the application is built has no
 * visitor.
 *
 * @param target - the object that would have the session
 * @param write - what to write instead
 * @throws {SessionError} `unsupported`, when the property is read
 * @example
 * ```ts
 * if (context.isPrerendered) refuseSession(context.locals, "write `export const prerender = false`");
 * ```
 */
export function refuseSession(target: object, write: string): void {
  if (Object.hasOwn(target, "session")) return;
  const why = "this page is rendered when the application is built: it has no visitor, and no session";
  Object.defineProperty(target, "session", {
    configurable: true,
    get(): never {
      throw new SessionError("unsupported", `${why}; ${write}`);
    },
  });
}

/**
 * The response of a `crossOriginProtection` in a framework that has no error path for middlewares.
 *
 * @param error - why the request is refused
 * @returns a plain 403
 * @example
 * ```ts
 * const error = refusalOf(event);
 * return error ? refused(error) : next();
 * ```
 */
export function refused(error: SessionError): Response {
  console.error(error);
  return error.getResponse();
}

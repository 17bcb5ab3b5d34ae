import { SessionError } from "../errors.js";
import { WebView } from "../http/web-request.js";
import { protection, type CrossOriginChecks } from "./adapter-core.js";

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

/** Calls what comes next if the request of a context may pass; otherwise returns a plain 403. */
type Guard<C extends object> = <R>(context: C, next: () => R) => R | Response;

/**
 * Makes the `crossOriginProtection` of a framework that has no error path for middlewares: they return a response.
 *
 * @param called - all that it was given
 * @param requestOf - returns the request of a context
 * @param mounting - makes what is mounted
 * @returns what is mounted, with `check`
 * @throws {TypeError} if an option is wrong
 * @example
 * ```ts
 * return answeringProtection(called, ({ request }: Context) => request, (guard) => guard);
 * ```
 */
export function answeringProtection<C extends object, F extends object>(
  called: readonly unknown[],
  requestOf: (context: C) => Request,
  mounting: (guard: Guard<C>) => F,
): F & CrossOriginChecks<C> {
  const read = (context: C): readonly [string, WebView] => {
    const request = requestOf(context);
    return [request.method, new WebView(request)];
  };
  return protection(called, read, (refusalOf) =>
    mounting((context, next) => {
      const error = refusalOf(context);
      if (!error) return next();
      console.error(error);
      return error.getResponse();
    }),
  );
}

/** How a plugin of Elysia runs around the requests of an application. */

/** A function from a request to a response. On Bun the second argument is the server. */
export type Fetch = (request: Request, ...rest: unknown[]) => Promise<Response | undefined>;

/** What is used of an application of Elysia. */
export interface App {
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
export function wrapFetch(app: App, around: (fetch: Fetch) => Fetch): void {
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

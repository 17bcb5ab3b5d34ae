import { callable } from "../util/assert.js";
import { isPromise } from "../util/promise.js";

/**
 * Passes the error of an async handler to `next`, for Express 4 and connect. They do not wait for promises, so a
 * session method that rejects would end the process. Express 5 does this itself. Middlewares, error handlers (four
 * parameters) and parameter handlers can be wrapped.
 *
 * @param handler - `(req, res, next) => …`; an error handler has `error` first, a parameter handler has value and name
 *   last
 * @returns a handler with the same number of parameters; synchronous exceptions are not changed
 * @throws {TypeError} if `handler` is not a function
 * @example
 * ```ts
 * app.post("/logout", wrapAsync(async (req, res) => {
 *   await req.session.destroy();
 *   res.redirect("/");
 * }));
 * ```
 */
export function wrapAsync<A extends any[]>(handler: (...args: A) => unknown): (...args: A) => void {
  callable("wrapAsync", handler, "(req, res, next) => …");
  const wrapped = function (this: unknown, ...args: A): unknown {
    const handled: unknown = Reflect.apply(handler, this, args);
    if (!isPromise(handled)) return handled;
    const next = args.findLast((one) => typeof one === "function") as ((error: unknown) => void) | undefined;
    return handled.then(undefined, (error: unknown) =>
      next?.(error ?? new Error("an async handler rejected with nothing")),
    );
  };
  // Frameworks recognise error handlers by their four parameters.
  return Object.defineProperty(wrapped, "length", { value: handler.length });
}

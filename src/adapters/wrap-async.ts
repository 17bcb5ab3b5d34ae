import { callable } from "../util/assert.js";
import { isPromise } from "../util/promise.js";

/**
 * Hands what an async handler rejects with to `next`, for Express 4 and connect: they do not wait for promises, and a
 * verb that fails would end the process. Express 5 does the same by itself. Middlewares, handlers of errors (four
 * parameters) and of route parameters can be wrapped.
 *
 * @param handler - `(req, res, next) => …`, or with `error` before that, or with the parameter's value and name after
 *   it.
 * @returns The same handler, of as many parameters; what it throws at once goes where it would without this.
 * @throws TypeError where `handler` is no function.
 * @example
 * app.post("/logout", wrapAsync(async (req, res) => {
 *   await req.session.destroy();
 *   res.redirect("/");
 * }));
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
  // Frameworks tell handlers of errors by their four parameters.
  return Object.defineProperty(wrapped, "length", { value: handler.length });
}

import { isFast, readSlow } from "../util/request-objects.js";

type AnyFunction = (...args: any[]) => unknown;

/** A response, or an object that replaces one. */
interface ResponseLike {
  readonly req?: object;
}

/**
 * The response whose listener or callback is running. They run synchronously and may be nested: the innermost counts.
 */
let current: ResponseLike | undefined;

/** A proxy of a response, or an object that inherits from it, has the same request. A replacement may have none. */
export function keyOf(res: ResponseLike): object {
  return (isFast(res) ? res.req : readSlow(res, "req")) ?? res;
}

/**
 * Calls a function that runs listeners of a response, or a callback of its methods: their exceptions have no caller to
 * catch them.
 */
export function listen(res: ResponseLike, call: AnyFunction, self: unknown, args: readonly unknown[]): unknown {
  const outer = current;
  current = res;
  try {
    return Reflect.apply(call, self, args);
  } finally {
    current = outer;
  }
}

/** True if a listener of a response, or a callback of its methods, is running. */
export function isListening(res: ResponseLike): boolean {
  return current !== undefined && keyOf(current) === keyOf(res);
}

/** Wraps callbacks among the arguments: they count as listeners, too. */
export function heard(res: ResponseLike, args: readonly unknown[]): readonly unknown[] {
  for (const one of args)
    if (typeof one === "function")
      return args.map((each) => (typeof each === "function" ? hearing(res, each as AnyFunction) : each));
  return args;
}

function hearing(res: ResponseLike, callback: AnyFunction): AnyFunction {
  return function (this: unknown, ...args) {
    return listen(res, callback, this, args);
  };
}

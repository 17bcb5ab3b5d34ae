import { read } from "../util/prototypes.js";

type AnyFunction = (...args: any[]) => unknown;

/** A response, or what stands in for one. */
interface Answering {
  readonly req?: object;
}

/**
 * The response whose listener, or callback, is running. They run at once, one inside the other: the innermost counts.
 */
let current: Answering | undefined;

/** A proxy of a response, or an object that inherits from it, shows the same request. A stand-in may have none. */
export function keyOf(res: Answering): object {
  return read(res, "req") ?? res;
}

/** Calls what runs listeners of a response, or a callback of its functions: they have nobody to throw at. */
export function listen(res: Answering, call: AnyFunction, self: unknown, args: readonly unknown[]): unknown {
  const outer = current;
  current = res;
  try {
    return Reflect.apply(call, self, args);
  } finally {
    current = outer;
  }
}

/** Whether a listener of a response, or a callback of its functions, is running. */
export function isListening(res: Answering): boolean {
  return current !== undefined && keyOf(current) === keyOf(res);
}

/** Arguments of a function whose callbacks are listeners, too. */
export function heard(res: Answering, args: readonly unknown[]): readonly unknown[] {
  if (!args.some((one) => typeof one === "function")) return args;
  return args.map((one) => (typeof one === "function" ? hearing(res, one as AnyFunction) : one));
}

function hearing(res: Answering, callback: AnyFunction): AnyFunction {
  return function (this: unknown, ...args) {
    return listen(res, callback, this, args);
  };
}

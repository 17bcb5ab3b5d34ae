/** Values that may be promises, and the context that asynchronous code runs in. */
import { mistake } from "../errors.js";
import { builtinModule } from "./builtin.js";

/** True if the value is a promise. */
export function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as PromiseLike<T> | null | undefined)?.then === "function";
}

/** Calls `go` with the value: synchronously if it is not a promise, because each promise costs time and memory. */
export function andThen<T, R>(value: T | Promise<T>, go: (value: T) => R | Promise<R>): R | Promise<R> {
  return isPromise(value) ? value.then(go) : go(value);
}

// The context of the request that runs, if a middleware asks for it.

/** The methods of an AsyncLocalStorage that are used. */
export interface AsyncContext {
  run<A extends readonly unknown[], T>(store: object | undefined, call: (...args: A) => T, ...args: A): T;
  getStore(): object | undefined;
}

type Emit = (...args: any[]) => unknown;

let context: AsyncContext | undefined;
const bound = new WeakSet<object>();

/**
 * The one AsyncLocalStorage of all middlewares that ask for it; created by the first of them.
 *
 * @throws {TypeError} if the runtime has no `node:async_hooks`
 */
export function asyncContext(): AsyncContext {
  return (context ??= created());
}

function created(): AsyncContext {
  const hooks = builtinModule<{ AsyncLocalStorage: new () => AsyncContext }>("node:async_hooks");
  if (hooks) return new hooks.AsyncLocalStorage();
  throw mistake(
    "wrong-option",
    "asyncLocalStorage needs node:async_hooks, which this runtime does not have; on Cloudflare set the " +
      "compatibility flag nodejs_compat",
  );
}

/** What the running code was started with: a framework's own context of a request. */
export function currentContext(): object | undefined {
  return context?.getStore();
}

/**
 * Lets the listeners of requests and responses run in the context of their request. Node emits what arrives from a
 * client in the context of the connection, so what parses a body with listeners would lose it.
 */
export function bindListeners(to: AsyncContext, request: object, ...emitters: readonly unknown[]): void {
  for (const emitter of emitters) {
    if (!isEmitter(emitter) || bound.has(emitter)) continue;
    bound.add(emitter);
    const { emit } = emitter;
    const run = function (this: unknown, ...args: unknown[]): unknown {
      return to.run(request, () => Reflect.apply(emit, this, args));
    };
    Object.defineProperty(emitter, "emit", { value: run, configurable: true, writable: true });
  }
}

function isEmitter(value: unknown): value is { emit: Emit } {
  return (
    typeof value === "object" &&
    value !== null &&
    Object.isExtensible(value) &&
    typeof (value as { emit?: unknown }).emit === "function"
  );
}

/** True if the value is a promise. */
export function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as PromiseLike<T> | null | undefined)?.then === "function";
}

/** Calls `go` with the value: synchronously if it is not a promise, because each promise costs time and memory. */
export function andThen<T, R>(value: T | Promise<T>, go: (value: T) => R | Promise<R>): R | Promise<R> {
  return isPromise(value) ? value.then(go) : go(value);
}

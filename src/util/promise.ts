/** Whether something is to be waited for. */
export function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as PromiseLike<T> | null | undefined)?.then === "function";
}

/** Goes on with a value: at once where it is there already, since each promise costs time and memory. */
export function andThen<T, R>(value: T | Promise<T>, go: (value: T) => R | Promise<R>): R | Promise<R> {
  return isPromise(value) ? value.then(go) : go(value);
}

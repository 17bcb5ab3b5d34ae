import { read, slowPrototype } from "./prototypes.js";

/**
 * Stores an object for each request, so that a proxy of the request, or an object that inherits from it, finds it too.
 * It is a property of the request itself. If the request accepts no property, or only a slow one, it is a property of
 * its list of raw headers, which other code does not change. It is garbage-collected together with the request; an
 * entry of a `WeakMap` would survive V8's young-generation collections and keep the request alive.
 */
export class Notes<T extends object> {
  readonly #key: symbol = Symbol("holdfast");
  /** For requests without such a list. */
  readonly #fallback: WeakMap<object, T> = new WeakMap();

  get(request: object): T | undefined {
    return this.#on(request) ?? this.#onList(rawHeadersOf(request) ?? request);
  }

  set(request: object, value: T): void {
    const isCheap = this.#on(request) !== undefined || slowPrototype(request) === undefined;
    if (isCheap && Object.isExtensible(request)) (request as Record<symbol, T>)[this.#key] = value;
    else this.#put(rawHeadersOf(request) ?? request, value);
  }

  #on(request: object): T | undefined {
    return read(request as Record<symbol, T | undefined>, this.#key);
  }

  #onList(place: object): T | undefined {
    return (place as Record<symbol, T | undefined>)[this.#key] ?? this.#fallback.get(place);
  }

  /** The property is not enumerable. */
  #put(place: object, value: T): void {
    if (!Object.isExtensible(place)) this.#fallback.set(place, value);
    else Object.defineProperty(place, this.#key, { value, configurable: true, writable: true });
  }
}

/**
 * Returns the list of raw headers. A getter that returns a new list each time does not count, nor does an empty list,
 * which several requests may share.
 */
function rawHeadersOf(request: { readonly rawHeaders?: unknown }): object | undefined {
  const list = read(request, "rawHeaders");
  return Array.isArray(list) && list.length > 0 && list === read(request, "rawHeaders") ? list : undefined;
}

import { addedPrototype, read } from "./prototypes.js";

/**
 * Something that is kept for each request, where a proxy of the request, or an object that inherits from it, finds it
 * as well: on the request itself. If that takes no property, or none that is cheap, on its list of raw headers, whose
 * shape nobody changes. All of it is garbage together with the request; what a `WeakMap` holds would survive V8's
 * small collections, and keep the request that it refers to.
 */
export class Notes<T extends object> {
  readonly #key: symbol = Symbol("holdfast");
  /** Where there is no such list either. */
  readonly #elsewhere: WeakMap<object, T> = new WeakMap();

  get(request: object): T | undefined {
    return this.#on(request) ?? this.#beside(rawHeadersOf(request) ?? request);
  }

  set(request: object, value: T): void {
    const isCheap = this.#on(request) !== undefined || addedPrototype(request) === undefined;
    if (isCheap && Object.isExtensible(request)) (request as Record<symbol, T>)[this.#key] = value;
    else this.#put(rawHeadersOf(request) ?? request, value);
  }

  #on(request: object): T | undefined {
    return read(request as Record<symbol, T | undefined>, this.#key);
  }

  #beside(place: object): T | undefined {
    return (place as Record<symbol, T | undefined>)[this.#key] ?? this.#elsewhere.get(place);
  }

  /** Nobody who looks at the list sees it there. */
  #put(place: object, value: T): void {
    if (!Object.isExtensible(place)) this.#elsewhere.set(place, value);
    else Object.defineProperty(place, this.#key, { value, configurable: true, writable: true });
  }
}

/** Not of a stand-in for a request that makes it anew each time, nor an empty one, which may be that of many. */
function rawHeadersOf(request: { readonly rawHeaders?: unknown }): object | undefined {
  const list = read(request, "rawHeaders");
  return Array.isArray(list) && list.length > 0 && list === read(request, "rawHeaders") ? list : undefined;
}

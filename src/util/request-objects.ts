/**
 * Requests and responses whose prototype was changed after their creation, as Express does. V8 before 13 (Node 20 and
 * 22) creates a separate hidden class for each such object with every property added to it: adding takes 4 µs, and
 * inline caches never match again, so reading any property by name takes up to 0.7 µs. There, properties are better
 * added to the new prototype, or elsewhere, and read by {@link read}.
 */

/** Result by prototype; null for the prototype of a class. */
const lowest = new WeakMap<object, object | null>();

/**
 * Returns the lowest prototype that was inserted between an object and its class: all objects that inherit from any of
 * them share it. Returns undefined if the prototype was not changed.
 */
export function addedPrototype(object: object): object | undefined {
  const prototype = Object.getPrototypeOf(object) as object | null;
  if (prototype === null) return undefined;
  const known = lowest.get(prototype);
  if (known !== undefined) return known ?? undefined;
  const found = isOfClass(prototype) ? null : lowestOf(prototype);
  lowest.set(prototype, found);
  return found ?? undefined;
}

function lowestOf(prototype: object): object {
  const next = Object.getPrototypeOf(prototype) as object | null;
  return next === null || isOfClass(next) ? prototype : lowestOf(next);
}

function isOfClass(prototype: object): boolean {
  return (
    Object.hasOwn(prototype, "constructor") &&
    (prototype.constructor as { prototype?: unknown }).prototype === prototype
  );
}

const runtime = globalThis as { process?: { versions?: { v8?: string } } };
/** True on such a V8. */
const IS_OLD = Number.parseInt(runtime.process?.versions?.v8 ?? "", 10) < 13;

/** The same as {@link addedPrototype}, where properties of such objects are slow; elsewhere always undefined. */
export function slowPrototype(object: object): object | undefined {
  return IS_OLD ? addedPrototype(object) : undefined;
}

/**
 * Reads a property; of a slow object without an inline cache: there it costs more than it saves. Code that runs
 * several times in each request asks {@link isFast} and reads the property by its name, or by {@link readSlow}.
 */
export function read<T extends object, K extends keyof T>(object: T, name: K): T[K] {
  return isFast(object) ? object[name] : readSlow(object, name);
}

/** Reads a property without an inline cache. */
export function readSlow<T extends object, K extends keyof T>(object: T, name: K): T[K] {
  return Reflect.get(object, name) as T[K];
}

/** True if inline caches help with an object. */
export function isFast(object: object): boolean {
  return !IS_OLD || hasOwnClass(object);
}

/** The prototypes of classes that were seen last: of requests and of responses. */
let seenLast: object | undefined;
let seenBefore: object | undefined;

function hasOwnClass(object: object): boolean {
  const prototype = Object.getPrototypeOf(object) as object | null;
  if (prototype === seenLast) return prototype !== null;
  if (prototype !== seenBefore && (prototype === null || addedPrototype(object) !== undefined)) return false;
  seenBefore = seenLast;
  seenLast = prototype;
  return true;
}

// An object of ours for each request.

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

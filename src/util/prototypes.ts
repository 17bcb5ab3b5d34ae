/**
 * Objects whose prototype was changed after their creation, as Express does with requests and responses. V8 before 13
 * (Node 20 and 22) creates a separate hidden class for each such object with every property added to it: adding takes
 * 4 µs, and inline caches never match again, so reading any property by name takes up to 0.7 µs. There, properties are
 * better added to the new prototype, or elsewhere, and read by {@link read}.
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
 * several times in each request asks {@link isFast} and reads the property by its name.
 */
export function read<T extends object, K extends keyof T>(object: T, name: K): T[K] {
  return isFast(object) ? object[name] : (Reflect.get(object, name) as T[K]);
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

/**
 * Objects whose prototype was changed after they were made, as Express does it with requests and responses. V8 (11)
 * makes a shape of its own for each of them with every property that it gets: 4 µs for the property, and no inline
 * cache ever knows the shape again, so that reading any property by name takes up to 0.7 µs. What they carry is
 * better put on that prototype, or elsewhere, and read by {@link read}.
 */

/** By the prototype of an object; null for that of a class. */
const lowest = new WeakMap<object, object | null>();

/**
 * The lowest prototype that was put between an object and its class: all objects that inherit from any of them share
 * it. Undefined if the object is as its class made it.
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

/** Reads a property without an inline cache, which costs such an object more than it brings. */
export function read<T extends object, K extends keyof T>(object: T, name: K): T[K] {
  return Reflect.get(object, name) as T[K];
}

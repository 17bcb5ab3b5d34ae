/**
 * Objects whose prototype was changed after their creation, as Express does with requests and responses. V8 (11)
 * creates a separate hidden class for each such object with every property added to it: adding takes 4 µs, and inline
 * caches never match again, so reading any property by name takes up to 0.7 µs. Properties are better added to the new
 * prototype, or elsewhere, and read by {@link read}.
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

/** Reads a property without an inline cache, which for such an object costs more than it saves. */
export function read<T extends object, K extends keyof T>(object: T, name: K): T[K] {
  return Reflect.get(object, name) as T[K];
}

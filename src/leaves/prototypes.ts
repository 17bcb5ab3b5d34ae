/**
 * Objects whose prototype was changed after they were made, as Express does it with requests and responses: V8 copies the whole shape of such an
 * object for each property that it gets (4 µs each on V8 11). What they carry is better put on that prototype, or elsewhere.
 */

const lowest = new WeakMap<object, object>();

/**
 * The lowest prototype that was put between an object and its class: all objects that inherit from any of them share it. Undefined if the
 * object is as its class made it.
 */
export function addedPrototype(object: object): object | undefined {
  const prototype = Object.getPrototypeOf(object) as object | null;
  if (prototype === null || isOfClass(prototype)) return undefined;
  const found = lowest.get(prototype) ?? lowestOf(prototype);
  lowest.set(prototype, found);
  return found;
}

function lowestOf(prototype: object): object {
  const next = Object.getPrototypeOf(prototype) as object | null;
  return next === null || isOfClass(next) ? prototype : lowestOf(next);
}

function isOfClass(prototype: object): boolean {
  return Object.hasOwn(prototype, "constructor") && (prototype.constructor as { prototype?: unknown }).prototype === prototype;
}

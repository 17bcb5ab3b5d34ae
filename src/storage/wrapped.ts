import type { Storage } from "../contracts/storage.js";

/**
 * Returns a storage that forwards to another one, except for the given methods. Optional methods that the other lacks
 * are not added.
 */
export function wrapped(storage: Storage, calls: Partial<Storage>): Storage {
  return {
    get: (key, call) => storage.get(key, call),
    create: (key, entry, call) => storage.create(key, entry, call),
    update: (key, entry, version, call) => storage.update(key, entry, version, call),
    touch: (key, expiresAt, version, call) => storage.touch(key, expiresAt, version, call),
    delete: (key, version, call) => storage.delete(key, version, call),
    ...(storage.clear && { clear: (prefix, call) => storage.clear!(prefix, call) }),
    ...(storage.sweep && { sweep: (call) => storage.sweep!(call) }),
    ...(storage.startSweep && { startSweep: (options) => storage.startSweep!(options) }),
    ...(storage.check && { check: (call, prefix) => storage.check!(call, prefix) }),
    ...(storage.close && { close: () => storage.close!() }),
    ...(storage.maxValueBytes === undefined ? {} : { maxValueBytes: storage.maxValueBytes }),
    ...calls,
  };
}

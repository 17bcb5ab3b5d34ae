import type { Awaitable, Storage } from "holdfast";
import { unplugged, type Cable } from "./cable.js";
import type { Recorder } from "./recorder.js";

/** The part of express-session's stores that is used here. */
export interface PeerStore {
  get(sid: string, done: (error?: unknown, found?: unknown) => void): void;
  set(sid: string, data: unknown, done?: (error?: unknown) => void): void;
  touch?(sid: string, data: unknown, done?: (error?: unknown) => void): void;
  destroy(sid: string, done?: (error?: unknown) => void): void;
}

/** A Holdfast storage whose calls are recorded, and fail while a switch is off. */
export function observedStorage(storage: Storage, recorder: Recorder, cable: Cable): Storage {
  const watch = async <T>(kind: "read" | "write" | "delete", key: string, call: () => Awaitable<T>): Promise<T> => {
    const name = withoutNamespace(key);
    try {
      if (cable.isCut) throw unplugged();
      const result = await call();
      recorder.called(kind, name, result === false ? "refused" : "done");
      return result;
    } catch (error) {
      recorder.called(kind, name, "failed");
      throw error;
    }
  };
  const told = async <T>(key: string, there: boolean, result: Promise<T>): Promise<T> => {
    if ((await result) !== false) recorder.stored(withoutNamespace(key), there);
    return result;
  };
  return {
    get: (key, call) => watch("read", key, () => storage.get(key, call)),
    create: (key, entry, call) =>
      told(
        key,
        true,
        watch("write", key, () => storage.create(key, entry, call)),
      ),
    update: (key, entry, version, call) => {
      const result = watch("write", key, () => storage.update(key, entry, version, call));
      return told(key, !isMarker(entry.value), result);
    },
    touch: (key, expiresAt, version, call) => watch("write", key, () => storage.touch(key, expiresAt, version, call)),
    delete: (key, version, call) =>
      told(
        key,
        false,
        watch("delete", key, () => storage.delete(key, version, call)),
      ),
  };
}

/** A store of express-session whose calls are recorded, and fail while a switch is off. */
export function observedStore<S extends PeerStore>(store: S, recorder: Recorder, cable: Cable): S {
  const watch = (
    name: "get" | "set" | "touch" | "destroy",
    kind: "read" | "write" | "delete",
    there?: boolean,
  ): void => {
    const call = store[name]?.bind(store) as ((...args: unknown[]) => void) | undefined;
    if (!call) return;
    store[name] = (sid: string, ...rest: unknown[]) => {
      const done = rest.pop() as ((error?: unknown, found?: unknown) => void) | undefined;
      const ended = (error?: unknown, found?: unknown): void => {
        recorder.called(kind, sid, error ? "failed" : "done");
        if (!error && there !== undefined) recorder.stored(sid, there);
        done?.(error, found);
      };
      if (cable.isCut) setImmediate(ended, unplugged());
      else call(sid, ...rest, ended);
    };
  };
  watch("get", "read");
  watch("set", "write", true);
  watch("touch", "write");
  watch("destroy", "delete", false);
  return store;
}

/** True if an entry is no session any more, but names the one that replaced it: see docs/protocol.md. */
function isMarker(value: string): boolean {
  const [, metadata = "{}"] = value.split("\n", 2);
  return (JSON.parse(metadata) as { readonly s?: string }).s !== undefined;
}

function withoutNamespace(key: string): string {
  return key.slice(key.indexOf(":") + 1);
}

import { inherit, Store, type SessionRecordData } from "./connect-store.js";
import type { Callback } from "./plain-session.js";

type Sessions = Record<string, string>;

interface MemoryStoreInstance extends InstanceType<typeof Store> {
  sessions: Sessions;
  all(callback: Callback<Record<string, SessionRecordData>>): void;
  length(callback: Callback<number>): void;
  clear(callback?: Callback): void;
  touch(id: string, session: unknown, callback?: Callback): void;
}

/** Records as JSON, like a database would have them. For development and tests. */
export const MemoryStore = function MemoryStore(this: MemoryStoreInstance): void {
  Reflect.apply(Store as unknown as () => void, this, []);
  this.sessions = Object.create(null) as Sessions;
} as unknown as { new (): MemoryStoreInstance; readonly prototype: MemoryStoreInstance };
inherit(MemoryStore, Store);

const methods: Partial<MemoryStoreInstance> & ThisType<MemoryStoreInstance> = {
  all(callback) {
    const live = Object.keys(this.sessions).map((id) => [id, read(this.sessions, id)] as const);
    const found = live.filter((one): one is [string, SessionRecordData] => one[1] !== undefined);
    later(callback, Object.assign(Object.create(null) as object, Object.fromEntries(found)));
  },
  clear(callback) {
    this.sessions = Object.create(null) as Sessions;
    later(callback);
  },
  destroy(id, callback) {
    delete this.sessions[id];
    later(callback);
  },
  get(id, callback) {
    later(callback, read(this.sessions, id));
  },
  set(id, session, callback) {
    this.sessions[id] = JSON.stringify(session);
    later(callback);
  },
  length(callback) {
    this.all((_error, all) => callback(null, Object.keys(all!).length));
  },
  touch(id, session, callback) {
    const current = read(this.sessions, id);
    if (current) {
      current.cookie = (session as SessionRecordData).cookie;
      this.sessions[id] = JSON.stringify(current);
    }
    later(callback);
  },
};
for (const [name, value] of Object.entries(methods))
  Object.defineProperty(MemoryStore.prototype, name, { value, configurable: true, writable: true, enumerable: true });

/** An expired record is removed when it is read. */
function read(sessions: Sessions, id: string): SessionRecordData | undefined {
  const text = sessions[id];
  if (text === undefined) return undefined;
  const record = JSON.parse(text) as SessionRecordData;
  const { expires } = record.cookie ?? {};
  const date = typeof expires === "string" ? new Date(expires) : undefined;
  if (!date) return record;
  if (date.valueOf() <= Date.now()) {
    delete sessions[id];
    return undefined;
  }
  record.cookie = { ...record.cookie, expires: date };
  return record;
}

function later<T>(callback: Callback<T> | undefined, result?: T): void {
  if (callback) setImmediate(() => (result === undefined ? callback(null) : callback(null, result)));
}

import type { EventEmitter } from "node:events";
import { builtinModule } from "../util/builtin.js";
import { Cookie, type Attributes } from "./session-cookie.js";
import { Session, type Callback, type SessionCarrier } from "./plain-session.js";

/** A record in the format of express-session: the data, and the cookie beside it. */
export interface SessionRecordData {
  cookie: Attributes;
  [key: string]: unknown;
}

/** The part of a store for express-session that is used: connect-redis, connect-pg-simple, connect-mongo … */
export interface ConnectStore {
  get(id: string, callback: Callback<SessionRecordData | null>): unknown;
  set(id: string, session: unknown, callback?: Callback): unknown;
  destroy(id: string, callback?: Callback): unknown;
  touch?(id: string, session: unknown, callback?: Callback): unknown;
  on?(event: string, listener: (...args: any[]) => void): unknown;
  generate?: (request: SessionCarrier) => void;
  createSession?: (request: SessionCarrier, data: SessionRecordData) => unknown;
}

interface StoreInstance extends Omit<ConnectStore, "on" | "createSession">, EventEmitter {
  regenerate(request: SessionCarrier, callback: Callback): void;
  load(id: string, callback: Callback<Session>): void;
  createSession(request: SessionCarrier, data: SessionRecordData): Session;
}

/** A runtime without `node:events` has stores without events. */
const events = builtinModule<typeof import("node:events")>("node:events")?.EventEmitter ?? (function () {} as never);

/** Makes instances of one constructor instances of another, too. */
export function inherit(constructor: Function, from: Function): void {
  Object.setPrototypeOf(constructor.prototype, from.prototype as object);
  Object.setPrototypeOf(constructor, from);
}

/** Stores of older packages call the constructor as a function, so it is no class. */
export const Store = function Store(this: StoreInstance): void {
  Reflect.apply(events, this, []);
} as unknown as { new (): StoreInstance; readonly prototype: StoreInstance };
inherit(Store, events);

const methods: Pick<StoreInstance, "regenerate" | "load" | "createSession"> & ThisType<StoreInstance> = {
  regenerate(request, callback) {
    this.destroy(request.sessionID as string, (error) => {
      this.generate?.(request);
      callback(error);
    });
  },
  load(id, callback) {
    this.get(id, (error, data) => {
      if (error || !data) return callback(error);
      callback(null, this.createSession({ sessionID: id, sessionStore: this }, data));
    });
  },
  createSession(request, data) {
    return sessionFrom(request, data);
  },
};
for (const [name, value] of Object.entries(methods))
  Object.defineProperty(Store.prototype, name, { value, configurable: true, writable: true, enumerable: true });

/** The error for a record without a cookie. */
export function hasNoCookie(): TypeError {
  return new TypeError("Cannot read properties of a record without cookie: it was not written by express-session");
}

/**
 * Makes the session of a record, and puts it onto a request.
 *
 * @param request - the request, or an object in its place
 * @param data - the record
 * @param now - returns the time
 * @returns the session
 */
export function sessionFrom(request: SessionCarrier, data: SessionRecordData, now?: () => number): Session {
  if (typeof data.cookie !== "object" || data.cookie === null) throw hasNoCookie();
  const { expires, originalMaxAge } = data.cookie;
  const cookie = new Cookie(data.cookie, now);
  cookie.expires = typeof expires === "string" ? new Date(expires) : (expires ?? null);
  cookie.originalMaxAge = originalMaxAge ?? null;
  const session = new Session(request, { ...data, cookie });
  request.session = session;
  return session;
}

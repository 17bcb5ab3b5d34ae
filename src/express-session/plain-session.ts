import type { Cookie } from "./session-cookie.js";

/** A callback of the session's methods and of stores. */
export type Callback<T = void> = (error?: unknown, result?: T) => void;

/** The part of a request that sessions use. */
export interface SessionCarrier {
  session?: Session | null | undefined;
  sessionID?: unknown;
  sessionStore?: unknown;
}

/** What the methods of a session do in its request. */
export interface Binding {
  save(): Promise<void>;
  reload(): Promise<void>;
  destroy(): Promise<void>;
  regenerate(): Promise<void>;
  /** The handler calls `touch`. */
  touched(): void;
  /** Computes the new value of a key from what is stored; returns it. */
  update(key: string, change: (value: unknown) => unknown): unknown;
  /** The exception of a callback, for the error path of the framework. */
  failed(error: unknown): void;
}

const bindings = new WeakMap<Session, Binding>();

/** Connects a session with its request. */
export function bind(session: Session, binding: Binding): void {
  bindings.set(session, binding);
}

/** The request that a session is connected with. */
export function bindingOf(session: unknown): Binding | undefined {
  return session instanceof Session ? bindings.get(session) : undefined;
}

/** The methods of a store that a session without a request uses. */
interface StoreMethods {
  set(id: string, session: Session, callback: Callback): unknown;
  get(id: string, callback: Callback<{ cookie: unknown } | null>): unknown;
  destroy(id: string, callback: Callback): unknown;
  createSession(carrier: SessionCarrier, data: { cookie: unknown }): unknown;
  regenerate(carrier: SessionCarrier, callback: Callback): unknown;
}

/**
 * A session. Its enumerable properties are the data and `cookie`. Its methods take a callback, and return a promise if
 * there is none.
 */
export class Session {
  declare readonly id: string;
  declare readonly req: SessionCarrier;
  declare cookie: Cookie;

  /**
   * @param req - its request
   * @param data - the data, if it is stored already
   */
  constructor(req: SessionCarrier, data?: unknown) {
    Object.defineProperty(this, "req", { value: req, configurable: true });
    Object.defineProperty(this, "id", { value: req.sessionID, configurable: true });
    if (typeof data !== "object" || data === null) return;
    for (const [key, value] of Object.entries(data)) if (!(key in this)) assign(this, key, value);
  }

  /**
   * Moves the expiration of the cookie, from now on.
   *
   * @returns the session
   */
  touch(): this {
    bindings.get(this)?.touched();
    return this.resetMaxAge();
  }

  /**
   * Sets `cookie.maxAge` to its original value.
   *
   * @returns the session
   */
  resetMaxAge(): this {
    this.cookie.maxAge = this.cookie.originalMaxAge;
    return this;
  }

  /** Stores the session now. */
  save(callback?: Callback): any {
    return settle(this, callback, bindings.get(this)?.save, () =>
      call((done) => store(this).set(this.id, this, done)),
    );
  }

  /** Reads the session again: `req.session` is another object then. */
  reload(callback?: Callback): any {
    return settle(this, callback, bindings.get(this)?.reload, () => reloadFrom(this));
  }

  /** Ends the session; the request has none from then on. */
  destroy(callback?: Callback): any {
    return settle(this, callback, bindings.get(this)?.destroy, () => {
      delete this.req.session;
      return call((done) => store(this).destroy(this.id, done));
    });
  }

  /** Ends the session, and starts an empty one with another id. */
  regenerate(callback?: Callback): any {
    return settle(this, callback, bindings.get(this)?.regenerate, () =>
      call((done) => store(this).regenerate(this.req, done)),
    );
  }
}

/** Sets a property as if it was assigned in an object literal: `__proto__` is a name like others. */
export function assign(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, configurable: true, enumerable: true, writable: true });
}

/** Sets a property of a session; undefined removes it. */
export function put(session: Session, key: string, value: unknown): void {
  if (value === undefined) delete (session as unknown as Record<string, unknown>)[key];
  else assign(session, key, value);
}

/** A function with a callback, as a promise. */
function call<T>(work: (done: Callback<T>) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    work((error, result) => (error ? reject(error) : resolve(result as T)));
  });
}

async function reloadFrom(session: Session): Promise<void> {
  const found = await call<{ cookie: unknown } | null | undefined>((done) => store(session).get(session.id, done));
  if (!found) throw failedToLoad();
  store(session).createSession(session.req, found);
}

function store(session: Session): StoreMethods {
  return session.req.sessionStore as StoreMethods;
}

/** The error of `reload` if nothing is stored. */
export function failedToLoad(cause?: unknown): Error {
  return new Error("failed to load session", { cause });
}

/**
 * Calls the callback, or returns a promise. A promise that is not awaited does not end the process: what it fails with
 * is the failure of the request. `inRequest`: what is done in a request; `alone`: without one.
 */
function settle(
  session: Session,
  callback: Callback | undefined,
  inRequest: ((this: Binding) => Promise<void>) | undefined,
  alone: () => Promise<void>,
): unknown {
  const binding = bindings.get(session);
  const work = binding && inRequest ? (): Promise<void> => inRequest.call(binding) : alone;
  if (typeof callback !== "function") {
    const promise = attempt(work);
    // Not as a caller that waits.
    void Promise.prototype.then.call(promise, undefined, () => {});
    return promise;
  }
  const told = (...result: [unknown?]): void => {
    try {
      callback(...result);
    } catch (error) {
      if (!binding) throw error;
      binding.failed(error);
    }
  };
  attempt(work).then(
    () => told(),
    (error: unknown) => told(error),
  );
  return session;
}

function attempt(work: () => Promise<void>): Promise<void> {
  try {
    return work();
  } catch (error) {
    const failed = Promise.reject(error);
    failed.catch(() => {});
    return failed;
  }
}

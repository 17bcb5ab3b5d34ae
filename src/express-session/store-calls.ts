import type { Clock } from "../util/time.js";
import { SessionError } from "../errors.js";
import { isPromise } from "../util/async.js";
import type { ConnectStore, SessionRecordData } from "./connect-store.js";

/** How long the ids of ended sessions are remembered, in ms, and how many. */
const ENDED_FOR_MS = 15 * 60_000;
const MOST_ENDED = 10_000;

/** What is known of a store in this process, whatever middlewares use it. */
interface Desk {
  /** The last call for each session: calls that read and then write do not overlap. */
  readonly queues: Map<string, Promise<unknown>>;
  /** When sessions were ended here. */
  readonly ended: Map<string, number>;
}

const desks = new WeakMap<object, Desk>();

/**
 * Calls a store for express-session: the callback as a promise, with a time limit. A store that throws, rejects, calls
 * back twice or never is an error of that call, and nothing else.
 */
export class StoreCalls {
  readonly #store: ConnectStore;
  readonly #clock: Clock;
  readonly #timeout: number;
  readonly #desk: Desk;

  /**
   * @param store - the store
   * @param clock - for the time limit
   * @param timeout - time limit of one call, in ms
   */
  constructor(store: ConnectStore, clock: Clock, timeout: number) {
    this.#store = store;
    this.#clock = clock;
    this.#timeout = timeout;
    let desk = desks.get(store);
    if (!desk) desks.set(store, (desk = { queues: new Map(), ended: new Map() }));
    this.#desk = desk;
  }

  /** True if the store can move a deadline without writing the session. */
  get touches(): boolean {
    return typeof this.#store.touch === "function";
  }

  /** Reads a session; undefined if there is none. Stores on files report that by an error ENOENT. */
  async get(id: string): Promise<SessionRecordData | undefined> {
    const found = await this.#call<SessionRecordData | null | undefined>("get", (done) => this.#store.get(id, done));
    return found ?? undefined;
  }

  set(id: string, session: unknown): Promise<void> {
    return this.#call("set", (done) => this.#store.set(id, session, done));
  }

  touch(id: string, session: unknown): Promise<void> {
    return this.#call("touch", (done) => this.#store.touch!(id, session, done));
  }

  /** Ends a session. Requests of this process that store it later are refused by `wasEnded`. */
  async destroy(id: string): Promise<void> {
    const { ended } = this.#desk;
    ended.delete(id);
    ended.set(id, this.#clock.now());
    this.#forgetOld();
    try {
      await this.#call("destroy", (done) => this.#store.destroy(id, done));
    } catch (error) {
      ended.delete(id);
      throw error;
    }
  }

  /** True if this process has ended the session a while ago. */
  wasEnded(id: string): boolean {
    return this.#desk.ended.has(id);
  }

  /** Runs work that reads and then writes a session after all earlier work on it. */
  async alone<T>(id: string, work: () => Promise<T>): Promise<T> {
    const { queues } = this.#desk;
    const earlier = queues.get(id) ?? Promise.resolve();
    const result = earlier.then(work, work);
    const tail = result.catch(() => {});
    queues.set(id, tail);
    try {
      return await result;
    } finally {
      if (queues.get(id) === tail) queues.delete(id);
    }
  }

  #forgetOld(): void {
    const { ended } = this.#desk;
    const now = this.#clock.now();
    for (const [id, at] of ended) {
      if (now - at < ENDED_FOR_MS && ended.size <= MOST_ENDED) return;
      ended.delete(id);
    }
  }

  #call<T>(name: string, work: (done: (error?: unknown, result?: T) => void) => unknown): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const cancel = this.#clock.setTimer(this.#timeout, () =>
        reject(
          new SessionError("timeout", `the session store did not call back from ${name} in ${this.#timeout} ms`),
        ),
      );
      const failed = (cause: unknown): void => {
        cancel();
        reject(failureOf(name, cause));
      };
      const done = (error?: unknown, result?: T): void => {
        cancel();
        if (!error) resolve(result as T);
        else if (name === "get" && (error as { code?: unknown }).code === "ENOENT") resolve(undefined as T);
        else failed(error);
      };
      try {
        const returned = work(done);
        if (isPromise(returned)) returned.then(undefined, failed);
      } catch (error) {
        failed(error);
      }
    });
  }
}

function failureOf(name: string, cause: unknown): SessionError {
  if (cause instanceof SessionError) return cause;
  return new SessionError("storage", `the session store failed at ${name}`, { cause });
}

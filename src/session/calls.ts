import type { Clock } from "../util/time.js";
import type {
  Awaitable,
  Storage,
  StorageCall,
  StorageEntry,
  StoredEntry,
  Version,
  Written,
} from "../contracts/storage.js";
import { SessionError } from "../errors.js";
import { isPromise } from "../util/async.js";

/**
 * Each pause is up to this many times as long as the previous one: the more attempts failed, the more writers there
 * are.
 */
const GROWTH = 4;
/** Upper limit of a pause, in ms: enough for hundreds of writers of one key. */
const LONGEST_PAUSE_MS = 1024;

/** Time limit of all storage calls of one commit together. */
export class Deadline {
  readonly #clock: Clock;
  readonly #until: number;
  /** Refused versions, by key, and whether they were read again after that. */
  #refused: Map<string, Refused> | undefined;

  constructor(clock: Clock, ms: number) {
    this.#clock = clock;
    this.#until = clock.now() + ms;
  }

  /** Remaining milliseconds. */
  get left(): number {
    return this.#until - this.#clock.now();
  }

  /**
   * Waits before another attempt, for a random time that grows with each attempt, so that many writers of one key do
   * not block each other. Throws `conflict` if the time limit is reached.
   */
  async pause(tries: number): Promise<void> {
    if (this.left <= 0)
      throw new SessionError("conflict", "the session kept being changed by others until commitTimeout");
    if (tries === 0) return;
    const ms = Math.min(Math.random() * Math.min(GROWTH ** tries, LONGEST_PAUSE_MS), this.left);
    await new Promise<void>((resolve) => this.#clock.setTimer(ms, resolve));
  }

  /** Notes the version of an entry that was read. */
  noteRead(key: string, version: Version | undefined): void {
    const refused = this.#refused?.get(key);
    if (refused) refused.isStillThere = refused.version === version;
  }

  /**
   * Notes that a change of this version was refused. Usually another writer was faster. But if the same version was
   * read again, and is refused again, there was no other writer, because a version is never stored twice: the storage
   * refuses the write without an error. Then this throws `storage`.
   */
  noteRefusal(key: string, version: Version): void {
    const refused = this.#refused?.get(key);
    if (refused?.isStillThere && refused.version === version) throw new SessionError("storage", REFUSES_ITS_OWN);
    (this.#refused ??= new Map()).set(key, { version, isStillThere: false });
  }
}

const REFUSES_ITS_OWN =
  "the storage refuses to change the version that it returned: check what its user may write (a hidden row, " +
  "a command without permission)";

/** The version of an entry for which a change was refused. */
interface Refused {
  readonly version: Version;
  isStillThere: boolean;
}

/** The result of a call: not a promise if the storage is synchronous. */
type MaybePromise<T> = T | Promise<T>;

/**
 * Wraps a driver: enforces the timeout and turns failures into `SessionError`. If the driver is synchronous, calls
 * return or throw synchronously.
 */
export class StorageCalls {
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #timeout: number;
  /** Number of calls. */
  made = 0;

  constructor(storage: Storage, clock: Clock, timeout: number) {
    this.#storage = storage;
    this.#clock = clock;
    this.#timeout = timeout;
  }

  get(key: string, deadline?: Deadline): MaybePromise<StoredEntry | null | undefined> {
    return this.#run(
      "get",
      deadline,
      (call) => this.#storage.get(key, call),
      (entry) => deadline?.noteRead(key, entry?.version),
    );
  }

  create(key: string, entry: StorageEntry, deadline: Deadline): MaybePromise<Written | false> {
    return this.#run("create", deadline, (call) => this.#storage.create(key, entry, call));
  }

  update(key: string, entry: StorageEntry, version: Version, deadline: Deadline): MaybePromise<Written | false> {
    return this.#run(
      "update",
      deadline,
      (call) => this.#storage.update(key, entry, version, call),
      (written) => written || deadline.noteRefusal(key, version),
    );
  }

  touch(key: string, expiresAt: number, version: Version, deadline: Deadline): MaybePromise<Written | false> {
    return this.#run(
      "touch",
      deadline,
      (call) => this.#storage.touch(key, expiresAt, version, call),
      (written) => written || deadline.noteRefusal(key, version),
    );
  }

  delete(key: string, version: Version, deadline: Deadline): MaybePromise<boolean> {
    return this.#run(
      "delete",
      deadline,
      (call) => this.#storage.delete(key, version, call),
      (isDone) => isDone || deadline.noteRefusal(key, version),
    );
  }

  /** Removes all keys with a prefix; without a time limit, because there may be many. */
  async clear(prefix: string): Promise<void> {
    if (!this.#storage.clear)
      throw new SessionError("unsupported", "this storage cannot clear(); its database cannot list its keys");
    const call = new Call(this.#clock.now());
    try {
      await this.#storage.clear(prefix, call);
    } catch (cause) {
      throw failure("clear", cause);
    }
  }

  /** `note` is called with the result before it is returned. */
  #run<T>(
    name: string,
    deadline: Deadline | undefined,
    command: (call: StorageCall) => Awaitable<T>,
    note?: (result: T) => unknown,
  ): MaybePromise<T> {
    const call = new Call(this.#clock.now(), this.#timeout);
    this.made++;
    try {
      const result = command(call);
      if (isPromise(result)) return this.#inTime(name, result, call, deadline, note);
      note?.(result);
      return result;
    } catch (cause) {
      throw failure(name, cause);
    }
  }

  #inTime<T>(
    name: string,
    result: PromiseLike<T>,
    call: Call,
    deadline: Deadline | undefined,
    note?: (value: T) => unknown,
  ): Promise<T> {
    const ms = Math.max(Math.min(this.#timeout, deadline?.left ?? Infinity), 0);
    return new Promise<T>((resolve, reject) => {
      const cancel = this.#clock.setTimer(ms, () => {
        call.abort();
        reject(new SessionError("timeout", `the storage did not respond to ${name} within ${ms} ms`));
      });
      const resolved = (value: T): void => {
        cancel();
        try {
          note?.(value);
          resolve(value);
        } catch (refused) {
          reject(refused);
        }
      };
      result.then(resolved, (cause: unknown) => {
        cancel();
        reject(failure(name, cause));
      });
    });
  }
}

/** The last argument of a driver's methods. The signal is created at its first use, because few drivers use it. */
class Call implements StorageCall {
  readonly now: number;
  readonly timeout?: number;
  #controller: AbortController | undefined;
  #aborted = false;

  constructor(now: number, timeout?: number) {
    this.now = now;
    if (timeout !== undefined) this.timeout = timeout;
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  abort(): void {
    this.#aborted = true;
    this.#controller?.abort();
  }
}

function failure(name: string, cause: unknown): SessionError {
  if (cause instanceof SessionError) return cause;
  return new SessionError("storage", `the storage failed at ${name}`, { cause });
}

import type { Clock } from "../contracts/clock.js";
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
import { isPromise } from "../util/promise.js";

/**
 * Each pause is up to this many times as long as the one before it, since so many tries have shown how many writers
 * there are.
 */
const GROWTH = 4;
/** A pause is never longer, in ms: with hundreds of writers of one key that is a turn for each. */
const LONGEST_PAUSE_MS = 1024;

/** Bounds all storage calls of one commit together. */
export class Deadline {
  readonly #clock: Clock;
  readonly #until: number;
  /** Versions that were refused, by key, and whether they were read again since. */
  #refused: Map<string, Refused> | undefined;

  constructor(clock: Clock, ms: number) {
    this.#clock = clock;
    this.#until = clock.now() + ms;
  }

  /** Milliseconds that are left. */
  get left(): number {
    return this.#until - this.#clock.now();
  }

  /**
   * Before another try: waits a little longer from try to try, at random, so that many writers of one key take turns.
   * `conflict` when time is up.
   */
  async pause(tries: number): Promise<void> {
    if (this.left <= 0)
      throw new SessionError("conflict", "the session kept being changed by others until commitTimeout");
    if (tries === 0) return;
    const ms = Math.min(Math.random() * Math.min(GROWTH ** tries, LONGEST_PAUSE_MS), this.left);
    await new Promise<void>((resolve) => this.#clock.setTimer(ms, resolve));
  }

  /** An entry was read, in this version. */
  noteRead(key: string, version: Version | undefined): void {
    const refused = this.#refused?.get(key);
    if (refused) refused.isStillThere = refused.version === version;
  }

  /**
   * A change of this version was refused. Usually another was faster. Where the same version was read again after
   * that, and is refused again, nobody was: no version is ever stored twice, so the storage does not let this be
   * written, and says so to nobody. `storage`, then.
   */
  noteRefusal(key: string, version: Version): void {
    const refused = this.#refused?.get(key);
    if (refused?.isStillThere && refused.version === version) throw new SessionError("storage", REFUSES_ITS_OWN);
    (this.#refused ??= new Map()).set(key, { version, isStillThere: false });
  }
}

const REFUSES_ITS_OWN =
  "the storage refuses to change the very version that it answers: see what its user may write (a hidden row, " +
  "a command that is not allowed)";

/** A version of an entry that a change was refused for. */
interface Refused {
  readonly version: Version;
  isStillThere: boolean;
}

/** What a call answers: at once where the storage does. */
type Answer<T> = T | Promise<T>;

/**
 * A storage whose calls end in time, and whose failures are `SessionError`s: thrown, where the storage answers at
 * once.
 */
export class StorageCalls {
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #timeout: number;
  /** How many calls were made. */
  made = 0;

  constructor(storage: Storage, clock: Clock, timeout: number) {
    this.#storage = storage;
    this.#clock = clock;
    this.#timeout = timeout;
  }

  get(key: string, deadline?: Deadline): Answer<StoredEntry | null | undefined> {
    return this.#run(
      "get",
      deadline,
      (call) => this.#storage.get(key, call),
      (entry) => deadline?.noteRead(key, entry?.version),
    );
  }

  create(key: string, entry: StorageEntry, deadline: Deadline): Answer<Written | false> {
    return this.#run("create", deadline, (call) => this.#storage.create(key, entry, call));
  }

  update(key: string, entry: StorageEntry, version: Version, deadline: Deadline): Answer<Written | false> {
    return this.#run(
      "update",
      deadline,
      (call) => this.#storage.update(key, entry, version, call),
      (written) => written || deadline.noteRefusal(key, version),
    );
  }

  touch(key: string, expiresAt: number, version: Version, deadline: Deadline): Answer<Written | false> {
    return this.#run(
      "touch",
      deadline,
      (call) => this.#storage.touch(key, expiresAt, version, call),
      (written) => written || deadline.noteRefusal(key, version),
    );
  }

  delete(key: string, version: Version, deadline: Deadline): Answer<boolean> {
    return this.#run(
      "delete",
      deadline,
      (call) => this.#storage.delete(key, version, call),
      (isDone) => isDone || deadline.noteRefusal(key, version),
    );
  }

  /** Removes all keys of a prefix; not bounded in time, since it may be a long walk. */
  async clear(prefix: string): Promise<void> {
    if (!this.#storage.clear)
      throw new SessionError("unsupported", "this storage cannot clear(); its database has no way to walk its keys");
    const call = new Call(this.#clock.now());
    try {
      await this.#storage.clear(prefix, call);
    } catch (cause) {
      throw failure("clear", cause);
    }
  }

  /** `note` is given what was answered, before anybody else. */
  #run<T>(
    name: string,
    deadline: Deadline | undefined,
    command: (call: StorageCall) => Awaitable<T>,
    note?: (answer: T) => unknown,
  ): Answer<T> {
    const call = new Call(this.#clock.now(), this.#timeout);
    this.made++;
    try {
      const answer = command(call);
      if (isPromise(answer)) return this.#inTime(name, answer, call, deadline, note);
      note?.(answer);
      return answer;
    } catch (cause) {
      throw failure(name, cause);
    }
  }

  #inTime<T>(
    name: string,
    answer: PromiseLike<T>,
    call: Call,
    deadline: Deadline | undefined,
    note?: (answer: T) => unknown,
  ): Promise<T> {
    const ms = Math.max(Math.min(this.#timeout, deadline?.left ?? Infinity), 0);
    return new Promise<T>((resolve, reject) => {
      const cancel = this.#clock.setTimer(ms, () => {
        call.abort();
        reject(new SessionError("timeout", `the storage did not answer ${name} within ${ms} ms`));
      });
      const answered = (value: T): void => {
        cancel();
        try {
          note?.(value);
          resolve(value);
        } catch (refused) {
          reject(refused);
        }
      };
      answer.then(answered, (cause: unknown) => {
        cancel();
        reject(failure(name, cause));
      });
    });
  }
}

/** What a driver is given with a call. The signal is made when it is asked for: few drivers do. */
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

import { SessionError, type Clock, type Session, type Storage, type StorageEntry, type StoredEntry, type Version, type Written } from "holdfast";
import type { AnswerHeaders, RequestView } from "#dist/http/view.js";
import { Exchange } from "#dist/store/exchange.js";
import { requestSettings, type RequestSettings } from "#dist/store/request-options.js";
import { partsOf } from "#dist/store/store.js";
import { hashOf } from "#dist/store/token.js";
import type { Store } from "holdfast";

/** What befalls one storage call. */
export type Fault = "failed before" | "failed after" | "resent" | "run later";
export const FAULTS: readonly Fault[] = ["failed before", "failed after", "resent", "run later"];

export const MUTANTS = ["update creates", "update ignores the version", "delete ignores the version"] as const;
export type Mutant = (typeof MUTANTS)[number];

/** The outcome of one simulated request. */
export interface Result {
  kind: string;
  error?: SessionError | TypeError;
  /** The token answered, "removal", or nothing. */
  answer?: string;
  /** When its answer was committed: the number of storage calls executed before. */
  at?: number;
  /** Whether the token answered named a stored session at that moment. */
  named?: boolean;
  /** Whether it found the session when it was opened. */
  opened?: boolean;
}

export type Handler = (session: Session<any>) => unknown;

export const START = Date.UTC(2026, 0, 1);

/** An in-memory storage whose calls wait until the schedule lets one run. */
export class SteppedStorage implements Storage {
  readonly entries = new Map<string, StoredEntry>();
  waiting: (() => void)[] = [];
  ghosts: (() => void)[] = [];
  executed = 0;
  calls = 0;
  #version = 0;
  fault: { call: number; kind: Fault } | undefined;
  /** Which of the contract's rules this storage breaks, to see that somebody notices. */
  mutant: Mutant | undefined;

  get = (key: string) => this.#step(() => this.entries.get(key));
  create = (key: string, entry: StorageEntry) => this.#step(() => (this.entries.has(key) ? false : this.#put(key, entry)));
  update = (key: string, entry: StorageEntry, version: Version) => this.#step(() => this.#has(key, version, "update") && this.#put(key, entry));
  delete = (key: string, version: Version) => this.#step(() => this.#has(key, version, "delete") && this.entries.delete(key));
  touch = (key: string, expiresAt: number, version: Version) =>
    this.#step((): Written | false => {
      if (!this.#has(key, version, "touch")) return false;
      this.entries.set(key, { ...this.entries.get(key)!, expiresAt });
      return { version };
    });

  #has(key: string, version: Version, command: string): boolean {
    const entry = this.entries.get(key);
    if (this.mutant === "update creates" && command === "update") return entry === undefined || entry.version === version;
    if (this.mutant === `${command} ignores the version`) return entry !== undefined;
    return entry?.version === version;
  }

  #put(key: string, entry: StorageEntry): Written {
    const version = ++this.#version;
    this.entries.set(key, { ...entry, version });
    return { version };
  }

  #step<T>(effect: () => T): Promise<T> {
    const fault = this.fault?.call === this.calls++ ? this.fault.kind : undefined;
    return new Promise<T>((resolve, reject) => {
      this.waiting.push(() => {
        this.executed++;
        if (fault === "failed before") return reject(new Error("refused"));
        if (fault === "run later") {
          this.ghosts.push(effect);
          return reject(new SessionError("timeout", "timed out"));
        }
        const answer = effect();
        if (fault === "failed after") return reject(new Error("connection lost"));
        resolve(fault === "resent" ? effect() : answer);
      });
    });
  }
}

/** A clock that never times out and never makes anybody wait. */
export const instantClock = (now: () => number): Clock => ({
  now,
  setTimer(ms, callback) {
    if (ms < 100) queueMicrotask(callback);
    return () => {};
  },
});

export class World {
  readonly storage = new SteppedStorage();
  readonly events: string[] = [];
  readonly settings: RequestSettings;
  readonly store: Store<any>;
  now = START;

  constructor(options: Record<string, unknown> = {}) {
    this.settings = requestSettings([{ storage: this.storage, clock: instantClock(() => this.now), onEvent: ({ type }: { type: string }) => this.events.push(type), ...options }]);
    this.store = this.settings.store!;
  }

  /** Runs to the end without interleaving. */
  async alone<T>(work: Promise<T>): Promise<T> {
    let done = false;
    void work.then(
      () => (done = true),
      () => (done = true),
    );
    while (!done) {
      this.storage.waiting.shift()?.();
      await tick();
    }
    return work;
  }

  /** A request with a token, as a middleware serves it. */
  async request(kind: string, token: string | undefined, handler: Handler): Promise<Result> {
    const result: Result = { kind };
    const exchange = new Exchange(this.settings, this.store, viewOf(token));
    try {
      const session = await exchange.open();
      result.opened = !session.fresh;
      await handler(session);
      await exchange.commit();
      const headers = new Headers_();
      exchange.answer(headers);
      result.at = this.storage.executed;
      result.answer = headers.token();
      result.named = result.answer === undefined || result.answer === "removal" || this.isLive(result.answer);
    } catch (error) {
      if (!(error instanceof SessionError)) throw error;
      result.error = error;
    }
    return result;
  }

  /** Whether a token opens a session, judged by what is stored. */
  isLive(token: string): boolean {
    return this.dataOf(token) !== undefined;
  }

  /** What a token opens. */
  dataOf(token: string): Record<string, unknown> | undefined {
    return this.#read(`holdfast:${hashOf(token)}`);
  }

  /** Data of every live record. */
  live(): Record<string, unknown>[] {
    return [...this.storage.entries.keys()].map((key) => this.#read(key)).filter((data) => data !== undefined);
  }

  #read(key: string): Record<string, unknown> | undefined {
    const entry = this.storage.entries.get(key);
    if (!entry) return undefined;
    const lines = entry.value.split("\n");
    const head = JSON.parse(lines[1]!) as { s?: string };
    if (head.s !== undefined) return undefined;
    const data: Record<string, unknown> = {};
    for (let i = 2; i + 1 < lines.length; i += 2) data[JSON.parse(lines[i]!) as string] = JSON.parse(lines[i + 1]!);
    return data;
  }
}

/** Lets everything run that waits for nothing of the storage. */
export function tick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Every order of the storage calls of some requests: calls `run` with a chooser until all choices were made. */
export async function everySchedule(run: (choose: (options: number) => number) => Promise<void>): Promise<number> {
  const path: { chosen: number; options: number }[] = [];
  for (let count = 1; ; count++) {
    let depth = 0;
    await run((options) => {
      path[depth] ??= { chosen: 0, options };
      return path[depth++]!.chosen;
    });
    path.length = depth;
    while (path.length > 0 && path.at(-1)!.chosen + 1 >= path.at(-1)!.options) path.pop();
    if (path.length === 0) return count;
    path.at(-1)!.chosen++;
  }
}

/** Runs requests side by side, one storage call at a time; what was to run later runs at any time, at the latest at the end. */
export async function interleave<T>(world: Pick<World, "storage">, requests: readonly (() => Promise<T>)[], choose: (options: number) => number): Promise<T[]> {
  const { storage } = world;
  let running = requests.length;
  const results = Promise.all(requests.map((start) => start().finally(() => running--)));
  await tick();
  while (running > 0) {
    const options = storage.waiting.length + storage.ghosts.length;
    if (options === 0) throw new Error("nothing to run: a request hangs");
    const chosen = options === 1 ? 0 : choose(options);
    const [queue, index] = chosen < storage.waiting.length ? [storage.waiting, chosen] : [storage.ghosts, chosen - storage.waiting.length];
    queue.splice(index, 1)[0]!();
    await tick();
  }
  for (const ghost of storage.ghosts.splice(0)) ghost();
  return results;
}

function viewOf(token: string | undefined): RequestView {
  return {
    headers: (name) => (name === "host" ? ["shop.example"] : []),
    cookies: token === undefined ? undefined : `session_id=${token}`,
    url: "/",
    encrypted: true,
    param: () => undefined,
    form: () => undefined,
    context: {},
  };
}

class Headers_ implements AnswerHeaders {
  readonly #values = new Map<string, string>();
  #cookies: readonly string[] = [];

  get(name: string): string | undefined {
    return this.#values.get(name);
  }
  set(name: string, value: string): void {
    this.#values.set(name, value);
  }
  cookies(): readonly string[] {
    return this.#cookies;
  }
  setCookies(lines: readonly string[]): void {
    this.#cookies = lines;
  }
  token(): string | undefined {
    const value = /^session_id=([^;]*)/.exec(this.#cookies[0] ?? "")?.[1];
    return value === "" ? "removal" : value;
  }
}

export { partsOf };

import type {
  Clock,
  Session,
  SessionError,
  SessionEvent,
  Storage,
  StorageEntry,
  Store,
  StoredEntry,
  Version,
  Written,
} from "holdfast";
import type { AdoptionSource } from "holdfast/adopt";
import type { ResponseHeaders, RequestView } from "#dist/http/request-view.js";
import type { RequestSession } from "#dist/session/request-session.js";
import { library } from "./library.js";

/** What befalls one storage call. `gone`: the process that made it ends there, and answers nobody. */
export type Fault = "failed before" | "failed after" | "resent" | "run later" | "gone before" | "gone after";
export const FAULTS: readonly Fault[] = [
  "failed before",
  "failed after",
  "resent",
  "run later",
  "gone before",
  "gone after",
];

/** Which of the contract's rules a storage breaks, to see that somebody notices. */
export const MUTANTS = [
  "update creates",
  "update ignores the version",
  "touch ignores the version",
  "delete ignores the version",
] as const;
export type Mutant = (typeof MUTANTS)[number];

export type Handler = (session: Session<any>, requestSession: RequestSession) => unknown;

/** One request or background job, as the world outside sees it. */
export class Actor {
  readonly kind: string;
  /** Of all actors of its world. */
  readonly number: number;
  /** Storage calls it has made. */
  calls = 0;
  /**
   * When it first read the list of each owner, and when it first wrote it: the number of storage calls run before, by
   * the key of the list.
   */
  readonly listsRead: Map<string, number> = new Map();
  readonly listsWritten: Map<string, number> = new Map();
  error: SessionError | undefined;
  /** The token answered, "removal", or nothing. */
  answer: string | undefined;
  /** When its answer was committed: the number of storage calls run before. */
  at = 0;
  /** Whether the token answered named a stored session at that moment. */
  isNamed = true;
  /** Whether it found the session when it was opened. */
  opened = false;
  /** Whether it has done what it does next. */
  hasFollowed = false;
  /** Whether its process ended in between. */
  isGone = false;
  die!: () => void;
  readonly death: Promise<void>;

  constructor(kind: string, number: number) {
    this.kind = kind;
    this.number = number;
    this.death = new Promise((resolve) => (this.die = resolve));
  }

  /** Notes an honest failure; throws any other on. */
  fail(error: unknown): void {
    if (!(error instanceof library.SessionError)) throw error;
    this.error ??= error;
  }

  /** Whether it was answered, and not by an error. */
  get isFine(): boolean {
    return !this.isGone && this.error === undefined;
  }

  toString(): string {
    const end = this.isGone ? "gone" : (this.error?.code ?? this.answer?.slice(0, 7) ?? "fine");
    return `${this.kind}: ${end}, answered at ${this.at}${this.opened ? "" : ", opened nothing"}`;
  }
}

export const START = Date.UTC(2026, 0, 1);

/** A storage call that waits for its turn. The label says what it is, the same in every schedule. */
export interface Waiting {
  (): void;
  readonly label: Label;
}

/** What is known of a call before it runs: enough to tell whether it matters which of two calls comes first. */
export interface Label {
  /** The same in every schedule: by whom, which key, which call on it. */
  readonly id: string;
  readonly by: string;
  /** The name of the key; nothing, where the storage is not touched. */
  readonly key: string | undefined;
  readonly reads: boolean;
  /** Whether it ends its process, and with it whatever that was waiting for. */
  readonly isLast: boolean;
}

/**
 * Whether two calls lead to the same, whichever comes first. What touches no key is a handler that goes on: nobody
 * knows to what.
 */
function areIndependent(one: Label, other: Label): boolean {
  if (one.key === undefined || other.key === undefined) return false;
  if (one.by === other.by && (one.isLast || other.isLast)) return false;
  if (changesWhatIsTold(one, other) || changesWhatIsTold(other, one)) return false;
  return one.key !== other.key || (one.reads && other.reads);
}

/** Whether a call changes a record whose token the other's actor has drawn, and may answer after any of its calls. */
function changesWhatIsTold(one: Label, other: Label): boolean {
  return !one.reads && one.by !== other.by && one.key!.startsWith(`${other.by}'s key `);
}

/**
 * Where a fault befalls: at the call of this number, in the order in which calls are made; or at the call of this
 * label.
 */
export type FaultAt =
  | { readonly call: number; readonly kind: Fault }
  | { readonly label: string; readonly kind: Fault };

/** An in-memory storage whose calls wait until the schedule lets one run. */
export class SteppedStorage implements Storage {
  readonly entries = new Map<string, StoredEntry>();
  waiting: Waiting[] = [];
  ghosts: Waiting[] = [];
  /** How many calls there were, by actor and key. */
  readonly labels = new Map<string, number>();
  /** Everything that was ever written. */
  readonly written: string[] = [];
  executed = 0;
  calls = 0;
  fault: FaultAt | undefined;
  mutant: Mutant | undefined;
  readonly #actors = new WeakMap<() => void, Actor>();
  readonly #names = new Map<string, string>();
  #version = 0;

  get = (key: string, _call?: unknown, by?: Actor) => this.#step(() => this.entries.get(key), key, by, true);
  create = (key: string, entry: StorageEntry, _call?: unknown, by?: Actor) =>
    this.#step(() => (this.entries.has(key) ? false : this.#put(key, entry, by)), key, by);
  update = (key: string, entry: StorageEntry, version: Version, _call?: unknown, by?: Actor) =>
    this.#step(() => this.#has(key, version, "update") && this.#put(key, entry, by), key, by);
  delete = (key: string, version: Version, _call?: unknown, by?: Actor) =>
    this.#step(() => this.#has(key, version, "delete") && this.entries.delete(key), key, by);
  touch = (key: string, expiresAt: number, version: Version, _call?: unknown, by?: Actor) =>
    this.#step(
      (): Written | false => {
        const entry = this.entries.get(key);
        if (!entry || !this.#has(key, version, "touch")) return false;
        this.entries.set(key, { ...entry, expiresAt });
        return { version: entry.version };
      },
      key,
      by,
    );

  /** The store of another library, which has no versions: it writes and removes whatever is there. */
  old(by: Actor | undefined): OldRecords {
    return {
      get: (key) => this.#step(() => this.entries.get(key)?.value, key, by, true),
      set: (key, value) => this.#step(() => void this.#put(key, { value, expiresAt: Infinity }, undefined), key, by),
      remove: (key) => this.#step(() => void this.entries.delete(key), key, by),
    };
  }

  /** Waits until the schedule lets the handler go on, as a handler waits for something else than the storage. */
  moment(): Promise<void> {
    return new Promise((resolve) =>
      this.waiting.push(
        Object.assign(() => resolve(), {
          label: { id: "moment", by: "moment", key: undefined, reads: true, isLast: false },
        }),
      ),
    );
  }

  /** The same storage in the hands of one actor. */
  as(by: Actor): Storage {
    return {
      get: (key, call) => this.get(key, call, by),
      create: (key, entry, call) => this.create(key, entry, call, by),
      update: (key, entry, version, call) => this.update(key, entry, version, call, by),
      touch: (key, expiresAt, version, call) => this.touch(key, expiresAt, version, call, by),
      delete: (key, version, call) => this.delete(key, version, call, by),
    };
  }

  #has(key: string, version: Version, command: string): boolean {
    const entry = this.entries.get(key);
    if (this.mutant === "update creates" && command === "update")
      return entry === undefined || entry.version === version;
    if (this.mutant === `${command} ignores the version`) return entry !== undefined;
    return entry?.version === version;
  }

  #put(key: string, entry: StorageEntry, by: Actor | undefined): Written {
    if (by && isList(key)) noteFirst(by.listsWritten, key, this.executed);
    const version = ++this.#version;
    this.entries.set(key, { ...entry, version });
    this.written.push(key, entry.value);
    return { version };
  }

  #labelled(key: string, by: Actor | undefined, reads: boolean, suffix = ""): Label {
    const who = by ? `${by.number} ${by.kind}` : "the store";
    const name = this.#nameOf(key, who);
    const call = `${who}: ${name}`;
    const n = (this.labels.get(call) ?? 0) + 1;
    this.labels.set(call, n);
    const id = `${call} ${n}${suffix}`;
    const { fault } = this;
    const isLast = fault !== undefined && "label" in fault && fault.label === id && fault.kind.startsWith("gone");
    return { id, by: who, key: name, reads, isLast };
  }

  /** A name for a key that is the same in every schedule: a new one is first met by whoever draws it. */
  #nameOf(key: string, who: string): string {
    if (!this.#names.has(key))
      this.#names.set(key, `${who}'s key ${[...this.#names.values()].filter((name) => name.startsWith(who)).length}`);
    return this.#names.get(key)!;
  }

  #faultOf(label: Label): Fault | undefined {
    const number = this.calls++;
    const { fault } = this;
    return fault && ("label" in fault ? fault.label === label.id : fault.call === number) ? fault.kind : undefined;
  }

  #step<T>(effect: () => T, key: string, by: Actor | undefined, reads = false): Promise<T> {
    const label = this.#labelled(key, by, reads);
    const fault = this.#faultOf(label);
    if (by) by.calls++;
    return new Promise<T>((resolve, reject) => {
      const command = (): void => {
        this.executed++;
        if (by && isList(key)) noteFirst(by.listsRead, key, this.executed);
        if (fault === "failed before") return reject(new Error("refused"));
        if (fault === "gone before") return this.#end(by);
        if (fault === "run later") {
          this.ghosts.push(Object.assign(() => void effect(), { label: this.#labelled(key, by, reads, " later") }));
          return reject(new library.SessionError("timeout", "timed out"));
        }
        const answer = effect();
        if (fault === "failed after") return reject(new Error("connection lost"));
        if (fault === "gone after") return this.#end(by);
        resolve(fault === "resent" ? effect() : answer);
      };
      const run = Object.assign(command, { label });
      if (by) this.#actors.set(run, by);
      this.waiting.push(run);
    });
  }

  /** The process of an actor ends, and with it what it was waiting for. */
  #end(by: Actor | undefined): void {
    if (!by) return;
    by.isGone = true;
    this.waiting = this.waiting.filter((run) => this.#actors.get(run) !== by);
    by.die();
  }
}

function noteFirst(times: Map<string, number>, key: string, time: number): void {
  if (!times.has(key)) times.set(key, time);
}

function isList(key: string): boolean {
  return key.includes(":owner.");
}

/** The store of another library. */
export interface OldRecords {
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string): Promise<void>;
  remove(key: string): Promise<void>;
}

/** Where the store of another library keeps the session of the cookie `old=sid`. */
export const OLD_KEY = "old:sid";

/** Adopts the session of another library, whose cookie is not signed here: forged ones are tested elsewhere. */
function oldLibrary(records: OldRecords): AdoptionSource {
  return {
    library: "the old one",
    cookies: () => [],
    find: ({ cookies }) =>
      cookies?.includes("old=sid")
        ? {
            id: "sid",
            secret: "sid.signature",
            async read() {
              const text = await records.get(OLD_KEY);
              return text === undefined ? undefined : { data: JSON.parse(text) as Record<string, unknown> };
            },
            remove: () => records.remove(OLD_KEY),
          }
        : undefined,
  };
}

/** A clock that never times out and never makes anybody wait. */
export const instantClock = (now: () => number): Clock => ({
  now,
  setTimer(ms, callback) {
    if (ms < 100) queueMicrotask(callback);
    return () => {};
  },
});

/** How a request is served. */
export interface Served {
  readonly token?: string | undefined;
  /** Of its server; its clock may be ahead of the others by `ahead` ms. */
  readonly options?: Readonly<Record<string, unknown>>;
  readonly ahead?: number;
  /** Whether the handler loads the session itself. */
  readonly isLazy?: boolean;
  /** What its server seals with, and opens; nothing is sealed without. */
  readonly keys?: readonly Uint8Array[];
  /** Whether it brings the cookie of another library, whose sessions are adopted. */
  readonly isOld?: boolean;
  /** What the same client does next, with the token that it was answered. */
  readonly next?: Handler;
}

/** Servers over one storage. */
export class World {
  readonly storage = new SteppedStorage();
  readonly events: SessionEvent[] = [];
  readonly store: Store<any>;
  /** The same store, with all keys. */
  readonly whole: Store<any>;
  now = START;
  readonly #keys: readonly Uint8Array[] | undefined;
  #actors = 0;

  /** `keys`: what everything is sealed with in the beginning, and in the end opened. */
  constructor(keys?: { readonly first: readonly Uint8Array[]; readonly all: readonly Uint8Array[] }) {
    this.#keys = keys?.all;
    this.store = library.createStore({
      storage: sealedWith(this.storage, keys?.first),
      clock: instantClock(() => this.now),
    });
    this.whole = library.createStore({
      storage: sealedWith(this.storage, keys?.all),
      clock: instantClock(() => this.now),
    });
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

  /** A request, as a middleware serves it. */
  request(
    kind: string,
    handler: Handler,
    { token, options, ahead = 0, isLazy = false, keys, isOld = false, next }: Served,
  ): Promise<Actor> {
    return this.#acting(kind, async (actor) => {
      const adopt = isOld ? { adopt: [oldLibrary(this.storage.old(actor))] } : {};
      const settings = library.requestSettings([this.#server(actor, ahead, keys, { ...options, ...adopt })]);
      await this.#serve(actor, handler, settings, viewOf(token, isOld), isLazy);
      const { answer } = actor;
      if (!next || !actor.isFine || answer === undefined || answer === "removal") return;
      await this.#serve(actor, next, settings, viewOf(answer, true), isLazy);
      actor.hasFollowed = actor.isFine;
    });
  }

  async #serve(
    actor: Actor,
    handler: Handler,
    settings: ReturnType<typeof library.requestSettings>,
    view: RequestView,
    isLazy: boolean,
  ): Promise<void> {
    const requestSession = new library.RequestSession(settings, settings.store!, view);
    try {
      if (!isLazy) actor.opened = !(await requestSession.open()).fresh;
      await handler(requestSession.found!, requestSession);
    } catch (error) {
      actor.fail(error);
    }
    // An error page is an answer, too.
    await requestSession.commit()?.catch((error: unknown) => actor.fail(error));
    const headers = new Headers_();
    requestSession.writeHeaders(headers);
    actor.at = this.storage.executed;
    actor.answer = headers.token();
    actor.isNamed =
      actor.answer === undefined || actor.answer === "removal" || this.dataOf(actor.answer) !== undefined;
    await requestSession.finish()?.catch((error: unknown) => actor.fail(error));
  }

  /** Something done by the store, without a request. Answers whether it found what it was to work on. */
  job(
    kind: string,
    work: (store: Store<any>, actor: Actor) => Promise<boolean>,
    ahead = 0,
    keys?: readonly Uint8Array[],
  ): Promise<Actor> {
    return this.#acting(kind, async (actor) => {
      actor.opened = await work(library.createStore(this.#server(actor, ahead, keys)), actor);
      actor.at = this.storage.executed;
    });
  }

  async #acting(kind: string, work: (actor: Actor) => Promise<void>): Promise<Actor> {
    const actor = new Actor(kind, ++this.#actors);
    const done = work(actor).catch((error: unknown) => actor.fail(error));
    await Promise.race([done, actor.death]);
    return actor;
  }

  #server(
    actor: Actor,
    ahead: number,
    keys: readonly Uint8Array[] | undefined,
    options: Readonly<Record<string, unknown>> = {},
  ): Record<string, unknown> {
    const clock = instantClock(() => this.now + ahead);
    return {
      storage: sealedWith(this.storage.as(actor), keys),
      clock,
      onEvent: (event: SessionEvent) => this.events.push(event),
      ...options,
    };
  }

  /** What a token opens. */
  dataOf(token: string): Record<string, unknown> | undefined {
    return this.#read(keyOf(token))?.data;
  }

  /** Whose session a token opens. */
  ownerOf(token: string): string | undefined {
    return this.#read(keyOf(token))?.owner;
  }

  /** Who acts in the session that a token opens. */
  actorOf(token: string): string | undefined {
    return this.#read(keyOf(token))?.actor;
  }

  /** When the session of a token ends by its idle timeout, in ms from now. */
  expiryOf(token: string): number | undefined {
    const entry = this.storage.entries.get(keyOf(token));
    return entry && entry.expiresAt - this.now;
  }

  /** Data of every live record. */
  live(): Record<string, unknown>[] {
    return [...this.storage.entries.keys()].map((key) => this.#read(key)?.data).filter((data) => data !== undefined);
  }

  #opened(key: string, entry: StoredEntry): string {
    const alone = { ...this.storage, get: () => entry } as unknown as Storage;
    return (sealedWith(alone, this.#keys).get(key, undefined as never) as StoredEntry).value;
  }

  #read(key: string): Read | undefined {
    const entry = this.storage.entries.get(key);
    if (!entry || key === OLD_KEY) return undefined;
    const lines = this.#opened(key, entry).split("\n");
    const head = JSON.parse(lines[1]!) as { s?: string; o?: string; l?: unknown; v?: { o: string } };
    if (head.s !== undefined || head.l !== undefined) return undefined;
    const data: Record<string, unknown> = {};
    for (let i = 2; i + 1 < lines.length; i += 2) data[JSON.parse(lines[i]!) as string] = JSON.parse(lines[i + 1]!);
    return { data, owner: head.o, actor: head.v?.o };
  }
}

/** What is stored of a session. */
interface Read {
  readonly data: Record<string, unknown>;
  readonly owner: string | undefined;
  readonly actor: string | undefined;
}

function sealedWith(storage: Storage, keys: readonly Uint8Array[] | undefined): Storage {
  return keys ? library.encrypted(storage, keys) : storage;
}

const keys = new Map<string, string>();

function keyOf(token: string): string {
  const known = keys.get(token) ?? `holdfast:${library.hashOf(token)}`;
  if (keys.size > 1000) keys.clear();
  keys.set(token, known);
  return known;
}

/** Lets everything run that waits for nothing of the storage. */
export function tick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Chooses one of the calls that wait. */
export type Choose = (labels: readonly Label[]) => number;

interface Node {
  readonly labels: readonly Label[];
  chosen: number;
  /** What need not be chosen here: every schedule that begins with it is met elsewhere. */
  readonly asleep: Map<string, Label>;
}

/** What was chosen leads to schedules that were all met before. */
class Redundant extends Error {}

/**
 * Every order of the storage calls of some requests: calls `run` with a chooser until all choices were made.
 * `isReduced`: of orders that differ only in which of two independent calls comes first, one is enough (sleep sets,
 * after Godefroid).
 */
export async function everySchedule(run: (choose: Choose) => Promise<void>, isReduced = false): Promise<number> {
  const path: Node[] = [];
  for (let count = 0; ; ) {
    let depth = 0;
    const choose: Choose = (labels) => {
      path[depth] ??= begun(labels, isReduced ? path[depth - 1] : undefined);
      return path[depth++]!.chosen;
    };
    try {
      await run(choose);
      count++;
    } catch (error) {
      if (!(error instanceof Redundant)) throw error;
    }
    path.length = depth;
    while (path.length > 0 && !goesOn(path.at(-1)!, isReduced)) path.pop();
    if (path.length === 0) return count;
  }
}

function begun(labels: readonly Label[], before: Node | undefined): Node {
  const last = before?.labels[before.chosen];
  const asleep = new Map([...(before?.asleep ?? [])].filter(([, label]) => areIndependent(label, last!)));
  const chosen = labels.findIndex(({ id }) => !asleep.has(id));
  if (chosen < 0) throw new Redundant();
  return { labels, chosen, asleep };
}

function goesOn(node: Node, isReduced: boolean): boolean {
  const done = node.labels[node.chosen]!;
  if (isReduced) node.asleep.set(done.id, done);
  do node.chosen++;
  while (node.chosen < node.labels.length && node.asleep.has(node.labels[node.chosen]!.id));
  return node.chosen < node.labels.length;
}

/**
 * Runs requests side by side, one storage call at a time; what was to run later runs at any time, at the latest at
 * the end.
 */
export async function interleave<T>(
  { storage }: { readonly storage: SteppedStorage },
  requests: readonly (() => Promise<T>)[],
  choose: Choose,
): Promise<T[]> {
  let running = requests.length;
  const results = Promise.all(requests.map((start) => start().finally(() => running--)));
  await tick();
  while (running > 0) {
    const options = [...storage.waiting, ...storage.ghosts];
    if (options.length === 0) throw new Error("nothing to run: a request hangs");
    const chosen = choose(options.map(({ label }) => label));
    const [queue, index] =
      chosen < storage.waiting.length ? [storage.waiting, chosen] : [storage.ghosts, chosen - storage.waiting.length];
    queue.splice(index, 1)[0]!();
    await tick();
  }
  for (const ghost of storage.ghosts.splice(0)) ghost();
  return results;
}

function viewOf(token: string | undefined, isOld: boolean): RequestView {
  const cookies = [...(token === undefined ? [] : [`session_id=${token}`]), ...(isOld ? ["old=sid"] : [])];
  return {
    headers: (name) => (name === "host" ? ["shop.example"] : []),
    cookies: cookies.length > 0 ? cookies.join("; ") : undefined,
    url: "/",
    encrypted: true,
    param: () => undefined,
    form: () => undefined,
    context: {},
  };
}

class Headers_ implements ResponseHeaders {
  readonly #values = new Map<string, string>();
  #cookies: readonly string[] = [];

  names(): readonly string[] {
    return [...this.#values.keys()];
  }
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

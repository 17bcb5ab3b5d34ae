import { createStore, type Clock, type Storage } from "holdfast";
import { memoryStorage } from "holdfast/storage/memory";

/** What a program's `touch` does to the session. */
export type Use = "nothing" | "reads" | "writes";

/** A kind of request, as far as the session is concerned. */
export interface Column {
  readonly name: ColumnName;
  readonly use: Use;
  /** Whether the client has a session. */
  readonly isKnown: boolean;
  /** Its deadline is to be moved. */
  readonly isDue?: boolean;
  readonly save?: "fails" | "slow";
}

/**
 * `bare`: the program without a session · `refused`: what stands in the session's place fails at once, which shows
 * the error path.
 */
export type ColumnName =
  | "bare"
  | "refused"
  | "read"
  | "visitor"
  | "first visit"
  | "written"
  | "due"
  | "save fails"
  | "save slow";

export const BARE: Column = { name: "bare", use: "nothing", isKnown: false };
export const REFUSED: Column = { name: "refused", use: "nothing", isKnown: false };

export const COLUMNS: readonly Column[] = [
  { name: "read", use: "reads", isKnown: true },
  { name: "visitor", use: "nothing", isKnown: false },
  { name: "first visit", use: "writes", isKnown: false },
  { name: "written", use: "writes", isKnown: true },
  { name: "due", use: "nothing", isKnown: true, isDue: true },
  { name: "save fails", use: "writes", isKnown: true, save: "fails" },
  { name: "save slow", use: "writes", isKnown: true, save: "slow" },
];

/** `memory` answers at once, `later` after a while. */
export const STORAGES = ["memory", "later"] as const;
export type StorageName = (typeof STORAGES)[number];

const LATER_MS = 2;
const SLOW_MS = 40;
const LONG_AGO_MS = 10 * 60_000;

/** A storage as a column wants it. */
export class ColumnStorage implements Storage {
  readonly #inner: Storage = memoryStorage();
  readonly #isLater: boolean;
  readonly #save: Column["save"];
  #underWay = 0;
  /** How many calls stored something. */
  saves = 0;

  constructor({ save }: Column, name: StorageName) {
    this.#isLater = name === "later";
    this.#save = save;
  }

  /** Whether no call is under way. */
  get isQuiet(): boolean {
    return this.#underWay === 0;
  }

  get(...args: Parameters<Storage["get"]>): ReturnType<Storage["get"]> {
    return this.#call(this.#isLater ? LATER_MS : 0, () => this.#inner.get(...args) as never);
  }

  create(...args: Parameters<Storage["create"]>): ReturnType<Storage["create"]> {
    return this.#write(() => this.#inner.create(...args) as never);
  }

  update(...args: Parameters<Storage["update"]>): ReturnType<Storage["update"]> {
    return this.#write(() => this.#inner.update(...args) as never);
  }

  touch(...args: Parameters<Storage["touch"]>): ReturnType<Storage["touch"]> {
    return this.#write(() => this.#inner.touch(...args) as never);
  }

  delete(...args: Parameters<Storage["delete"]>): ReturnType<Storage["delete"]> {
    return this.#write(() => this.#inner.delete(...args) as never);
  }

  #write<T>(act: () => T): T {
    const slow = this.#save === "slow" ? SLOW_MS : 0;
    return this.#call(slow + (this.#isLater ? LATER_MS : 0), () => {
      if (this.#save === "fails") throw new Error("the database is down");
      this.saves++;
      return act();
    });
  }

  #call<T>(ms: number, act: () => T): T {
    if (ms === 0) return act();
    this.#underWay++;
    return new Promise((resolve) => setTimeout(resolve, ms)).then(act).finally(() => this.#underWay--) as T;
  }

  /** Stores a session, before anything of the column is so; answers its token. */
  async seed({ isDue }: Column): Promise<string> {
    const clock: Clock = { now: () => Date.now() - (isDue ? LONG_AGO_MS : 0), setTimer: () => () => {} };
    const { token } = await createStore<{ n: number }>({ storage: this.#inner, clock }).create({ n: 1 });
    return token;
  }
}

import type { SessionEvent } from "holdfast";
import { BARE, REFUSED, type Column, type ColumnStorage } from "./columns.js";
import { ENTRIES, NOTHING, REFUSAL } from "./frameworks.js";
import type { Framework, Stage } from "./row.js";
import { turn } from "./wire.js";
import { incidents } from "../support/incidents.js";

/** How long to wait for what goes on after the answer, in ms. */
const LIMIT = 8000;
const TURNS = 4;

/** What a row's program is given in one cell, and what it did there. */
export class ColumnStage implements Stage {
  readonly framework: Framework;
  readonly session: any;
  readonly notes: Record<string, number> = {};
  readonly events: string[] = [];
  writes = 0;
  readonly #column: Column;
  readonly #storage: ColumnStorage;
  readonly #ends: (() => unknown)[] = [];
  #timers = 0;

  constructor(framework: Framework, column: Column, storage: ColumnStorage) {
    this.framework = framework;
    this.#column = column;
    this.#storage = storage;
    this.session = this.#makeSession();
  }

  #makeSession(): any {
    if (this.#column.name === BARE.name) return NOTHING[this.framework];
    if (this.#column.name === REFUSED.name) return REFUSAL[this.framework];
    return ENTRIES[this.framework]({
      storage: this.#storage,
      onEvent: incidents(({ type }: SessionEvent) => void this.events.push(type)),
    });
  }

  readonly touch = (context: object): "seen" => {
    const { use } = this.#column;
    if (use === "nothing") return "seen";
    const session = this.session.get(context);
    if (use === "reads") session.get("n");
    else {
      session.update("n", (n: number = 0) => n + 1);
      this.writes++;
    }
    return "seen";
  };

  readonly look = (context: object): void => {
    if (this.#column.name !== BARE.name && this.#column.name !== REFUSED.name) this.session.get(context).get("n");
  };

  readonly note = (what: string, value?: unknown): void => {
    const key = value === undefined ? what : `${what}: ${String(value)}`;
    this.notes[key] = (this.notes[key] ?? 0) + 1;
  };

  readonly callback =
    (name: string) =>
    (error?: unknown): void =>
      this.note(`callback of ${name}`, error == null ? "no error" : "an error");

  readonly later = (ms: number, act: () => unknown): void => {
    this.#timers++;
    setTimeout(() => {
      this.#timers--;
      act();
    }, ms);
  };

  readonly onEnd = (act: () => unknown): void => void this.#ends.push(act);

  /** Whether nothing is under way. */
  get isQuiet(): boolean {
    return this.#timers === 0 && this.#storage.isQuiet;
  }

  /** Waits until nothing is under way, and a little longer, in turns of the event loop. */
  async settled(isSo: () => boolean = () => true): Promise<void> {
    const end = performance.now() + LIMIT;
    for (let turns = 0; turns < TURNS && performance.now() < end; turns = this.isQuiet && isSo() ? turns + 1 : 0)
      await turn();
  }

  /** Ends what the program started. */
  async end(): Promise<void> {
    for (const end of this.#ends) await end();
  }
}

import { AsyncLocalStorage } from "node:async_hooks";
import { NOT_STORED, OWNER_LIST, type Happening, type StorageCalled } from "./happenings.js";

/** A happening without its time, of each kind. */
type Told = Happening extends infer H ? (H extends Happening ? Omit<H, "at"> : never) : never;

/** Gives every happening of one experiment its time, and every session a letter: keys and tokens are never told. */
export class Recorder {
  readonly #start = performance.now();
  readonly #letters = new Map<string, string>();
  readonly #requests = new AsyncLocalStorage<number>();
  readonly #tell: (happening: Happening) => void;

  constructor(tell: (happening: Happening) => void) {
    this.#tell = tell;
  }

  tell(told: Told): void {
    this.#tell({ ...told, at: Math.round((performance.now() - this.#start) * 10) / 10 });
  }

  /** Serves a request: the storage calls inside are made for it. */
  serve(id: number, work: () => void): void {
    this.#requests.run(id, work);
  }

  /** A storage call has ended. */
  called(kind: StorageCalled["kind"], key: string, outcome: StorageCalled["outcome"]): void {
    const id = this.#requests.getStore();
    const about = kind === "delete" && !this.#letters.has(key) ? NOT_STORED : this.nameOf(key);
    this.tell({ is: "call", kind, outcome, about, ...(id !== undefined && { id }) });
  }

  stored(key: string, there: boolean): void {
    if (!there && !this.#letters.has(key)) return;
    const about = this.nameOf(key);
    if (about !== OWNER_LIST) this.tell({ is: "stored", about, there });
  }

  /** The letter of a session; the first one seen is A. */
  nameOf(key: string): string {
    if (key.startsWith("owner.")) return OWNER_LIST;
    const known = this.#letters.get(key);
    if (known !== undefined) return known;
    const letter = String.fromCharCode("A".charCodeAt(0) + this.#letters.size);
    this.#letters.set(key, letter);
    return letter;
  }
}

import { mistake } from "../errors.js";
import { EncodedData } from "../codecs/encoded-data.js";
import type { ValueCodec } from "../codecs/value.js";
import { isPromise } from "../util/async.js";
import type { SchemaChecks } from "./schemas.js";

/** Change of one key since the last save. */
type Change =
  | { readonly kind: "set"; text: string }
  | { readonly kind: "delete"; readonly text?: undefined }
  | { readonly kind: "update"; readonly functions: Update[]; text: string }
  | { readonly kind: "take"; readonly taken: Taken; readonly text?: undefined };

type Update = (value: any) => unknown;

/** The result of `take`: of two requests that take the same value, only the one whose save succeeds returns it. */
export interface Taken {
  readonly key: string;
  value: unknown;
  /** Its encoded value. */
  text: string | undefined;
}

/**
 * Changes between two saves. The changes of a save in progress are closed with its write id; later changes are in a
 * new layer.
 */
interface Layer {
  /** Only these keys are kept at the start of this layer (`regenerate(["cart"])`). */
  readonly keep: ReadonlySet<string> | undefined;
  readonly changes: Map<string, Change>;
  writeId: string | undefined;
}

/** A `keep`, and the objects of the dropped keys. */
export interface Kept {
  readonly layer: Layer;
  readonly dropped: readonly (readonly [key: string, held: Held])[];
}

/** An object that the handler has. */
interface Held {
  readonly value: object;
  /** Its encoded value at that time. */
  text: string;
  /** Its stored value: differs if the schema has converted it. */
  stored: string;
}

/**
 * Another object through which a handler changes the data, like the plain properties of a session in express-session.
 * Its changes are noted before every save.
 */
export interface DataView {
  /** The keys that differ from what the view last had in common with the data; undefined: the key was removed. */
  changes(): Iterable<readonly [key: string, value: unknown]>;
  /** The data was changed by other means: one key, or any. */
  changed(data: Draft, key?: string): void;
  /** The data is another session's from now on (`reset`, a login, the end). */
  replaced(data: Draft): void;
}

/**
 * The data of one session in one request: the stored data, and every change since then, by key, so that a save can be
 * repeated on the data of a newer version. Values are decoded at their first use; after that, the object stays the
 * same.
 */
export class Draft {
  readonly #codec: ValueCodec;
  readonly #checks: SchemaChecks | undefined;
  #base: EncodedData;
  /** Most requests change nothing: the lists are created when they are needed. */
  #layers: Layer[] | undefined;
  #held: Map<string, Held> | undefined;
  /** What else the handler changes the data through. */
  view: DataView | undefined;

  constructor(codec: ValueCodec, base: EncodedData = EncodedData.none, checks?: SchemaChecks) {
    this.#codec = codec;
    this.#checks = checks;
    this.#base = base;
    this.#layers = undefined;
    this.#held = undefined;
    this.view = undefined;
  }

  /** Takes over the view of the data of the session before it. */
  shownInsteadOf({ view }: Draft): this {
    this.view = view;
    view?.replaced(this);
    return this;
  }

  /** The value of a key, decoded again: changes made to this object are not noticed. */
  copyOf(key: string): unknown {
    const text = this.#text(key);
    return text === undefined ? undefined : this.#read(text, key);
  }

  get(key: string): unknown {
    this.#noteView();
    const held = this.#held?.get(key);
    if (held) return held.value;
    const text = this.#text(key);
    if (text === undefined) return undefined;
    const value = this.#read(text, key);
    this.#hold(key, value, text, this.#checks?.has(key));
    return value;
  }

  has(key: string): boolean {
    this.#noteView();
    const text = this.#text(key);
    return text !== undefined && (this.#checks === undefined || this.#fits(key, text, this.#checks));
  }

  keys(): string[] {
    this.#noteView();
    const keys = this.#merged(this.#layers).keys();
    return this.#checks ? keys.filter((key) => this.has(key)) : keys;
  }

  set(key: string, value: unknown): void {
    this.#open.changes.set(key, { kind: "set", text: this.#put(key, value) });
    this.view?.changed(this, key);
  }

  delete(key: string): void {
    this.#held?.delete(key);
    this.#open.changes.set(key, { kind: "delete" });
    this.view?.changed(this, key);
  }

  /**
   * Removes a key. Its value is only final after the change is saved: if another request took it, it is undefined.
   *
   * @returns undefined if the key does not exist
   */
  take(key: string): Taken | undefined {
    this.#noteInPlace(key);
    const value = this.get(key);
    if (!this.has(key)) return undefined;
    const taken: Taken = { key, value, text: this.#text(key) };
    this.#held?.delete(key);
    const layer = newLayer();
    layer.changes.set(key, { kind: "take", taken });
    // A separate layer for later changes, so that a `set` of the same key is applied after it.
    (this.#layers ??= []).push(layer, newLayer());
    this.view?.changed(this, key);
    return taken;
  }

  /** True if a `take` is not saved yet. */
  hasTaken(taken: Taken): boolean {
    return this.#layers?.some((layer) => isTake(layer, taken)) === true;
  }

  /** Undoes a `take` that could not be saved. */
  untake(taken: Taken): void {
    for (const layer of this.#layers ?? []) if (isTake(layer, taken)) layer.changes.delete(taken.key);
    this.view?.changed(this, taken.key);
  }

  update(key: string, update: Update): void {
    this.#noteInPlace(key);
    if (this.#held?.get(key)?.stored !== this.#text(key)) this.#held?.delete(key);
    const text = this.#put(key, result(update, this.get(key)));
    const { changes } = this.#open;
    const earlier = changes.get(key);
    if (earlier?.kind === "update") {
      earlier.functions.push(update);
      earlier.text = text;
    } else {
      changes.set(key, earlier ? { kind: "set", text } : { kind: "update", functions: [update], text });
    }
    this.view?.changed(this, key);
  }

  /**
   * Removes every key except these.
   *
   * @returns the argument of `restore`
   */
  keep(keys: readonly string[]): Kept {
    this.#noteAll();
    const layer = newLayer(new Set(keys));
    (this.#layers ??= []).push(layer);
    const dropped = [...(this.#held ?? [])].filter(([key]) => !layer.keep!.has(key));
    for (const [key] of dropped) this.#held?.delete(key);
    this.view?.changed(this);
    return { layer, dropped };
  }

  /** Undoes a `keep`: restores the dropped keys and the handler's objects. */
  restore({ layer, dropped }: Kept): void {
    const at = this.#layers?.indexOf(layer) ?? -1;
    if (at < 0) return;
    this.#layers![at] = { ...layer, keep: undefined };
    for (const [key, held] of dropped) {
      if (!this.#held?.has(key) && this.#text(key) === held.stored) (this.#held ??= new Map()).set(key, held);
    }
    this.view?.changed(this);
  }

  /**
   * Discards the changes; never throws.
   *
   * @returns true if there were any
   */
  discard(): boolean {
    const hasChanged = this.#noteWhatCanBe() || this.#hasChanges;
    this.#layers = this.#held = undefined;
    return hasChanged;
  }

  /** True if there are changes that are not part of a save; never throws. */
  get hasUnsealed(): boolean {
    const isUnstorable = this.#noteWhatCanBe();
    return isUnstorable || this.#layers?.some((layer) => layer.writeId === undefined && isChange(layer)) === true;
  }

  /** Records changes made to objects; returns true if anything differs from the stored data. */
  noteChanges(): boolean {
    this.#noteAll();
    return this.#hasChanges;
  }

  /** True if there is no data. */
  get empty(): boolean {
    return (this.#hasChanges ? this.#merged(this.#layers) : this.#base).isEmpty;
  }

  /** Closes the changes so far with the id of their save; later ones start another layer. */
  seal(writeId: string): void {
    this.#open.writeId = writeId;
  }

  /** The data that the save with this id stores. */
  sealed(writeId: string): EncodedData {
    return this.#merged(this.#upTo(writeId));
  }

  /**
   * Uses the stored data as the base of the changes and applies them to it. Changes of saves that it already contains
   * (their response was lost) are removed. Returns the keys with changes of another request that the save with this id
   * will overwrite.
   */
  rebase(stored: EncodedData, writeId: string, knows: (writeId: string) => boolean): string[] {
    const layers = (this.#layers ??= []);
    const known = layers.findLastIndex((layer) => layer.writeId !== undefined && knows(layer.writeId));
    const before = known < 0 ? this.#base : stored;
    layers.splice(0, known + 1);
    this.#base = stored;
    try {
      this.#replay(layers);
    } finally {
      this.#dropStale();
    }
    const overwriting = this.#upTo(writeId).flatMap(({ changes }) =>
      [...changes].filter(([, { kind }]) => kind === "set" || kind === "delete"),
    );
    return overwriting.map(([key]) => key).filter((key) => before.get(key) !== stored.get(key));
  }

  /**
   * Uses the stored data as the base, and applies the changes to it: after that, reads return the stored data, except
   * for keys that the handler has changed.
   */
  renew(stored: EncodedData, knows: (writeId: string) => boolean): void {
    this.#noteAll();
    try {
      this.rebase(stored, "", knows);
    } finally {
      for (const [key, { stored: text }] of this.#held ?? []) if (this.#text(key) !== text) this.#held?.delete(key);
    }
  }

  /** The save with this id succeeded: its data is the base of later changes. */
  settle(stored: EncodedData, writeId: string): void {
    this.#layers?.splice(0, this.#upTo(writeId).length);
    this.#base = stored;
    this.#dropStale();
  }

  get #hasChanges(): boolean {
    return this.#layers?.some(isChange) === true;
  }

  /** The layer for new changes of the handler. */
  get #open(): Layer {
    const layers = (this.#layers ??= []);
    const last = layers.at(-1);
    if (last && last.writeId === undefined) return last;
    const next = newLayer();
    layers.push(next);
    return next;
  }

  #upTo(writeId: string): Layer[] {
    const layers = this.#layers ?? [];
    return layers.slice(0, layers.findIndex((layer) => layer.writeId === writeId) + 1);
  }

  /** The encoded value of a key, without changes made to objects. */
  #text(key: string): string | undefined {
    const layers = this.#layers;
    for (let i = (layers?.length ?? 0) - 1; i >= 0; i--) {
      const { changes, keep } = layers![i]!;
      const change = changes.get(key);
      if (change) return change.text;
      if (keep && !keep.has(key)) return undefined;
    }
    return this.#base.get(key);
  }

  #merged(layers: readonly Layer[] = []): EncodedData {
    return layers.reduce((data, { keep, changes }) => kept(data, keep).with(changes), this.#base);
  }

  /**
   * Runs every `update` again on the new base. If one throws, its change is removed, so that it is reported once: the
   * first error is thrown.
   */
  #replay(layers: readonly Layer[]): void {
    const errors: unknown[] = [];
    let data = this.#base;
    for (const { keep, changes } of layers) {
      data = kept(data, keep);
      for (const [key, change] of changes) {
        try {
          if (change.kind === "take") this.#retake(change.taken, data.get(key), changes);
          if (change.kind === "update") this.#rerun(key, change, data.get(key));
        } catch (error) {
          errors.push(error);
          changes.delete(key);
          this.#held?.delete(key);
        }
      }
      data = data.with(changes);
    }
    if (errors.length > 0) throw errors[0];
  }

  #rerun(key: string, change: Change & { kind: "update" }, stored: string | undefined): void {
    let value = stored === undefined ? undefined : this.#read(stored, key);
    for (const update of change.functions) value = this.#checked(key, result(update, value));
    const text = this.#codec.encode(value, key);
    if (text !== change.text) this.#held?.delete(key);
    change.text = text;
  }

  /** `take` does not return a value that does not match its schema: it stays stored. */
  #retake(taken: Taken, stored: string | undefined, changes: Layer["changes"]): void {
    if (taken.text === stored) return;
    taken.text = stored;
    taken.value = stored === undefined ? undefined : this.#read(stored, taken.key);
    if (stored !== undefined && this.#checks?.isLeftOut(taken.key, stored)) changes.delete(taken.key);
  }

  /** Decodes a value; undefined if it does not match its schema and is ignored. */
  #read(text: string, key: string): unknown {
    const value = this.#codec.decode(text, key);
    return this.#checks ? this.#checks.read(key, text, value) : value;
  }

  #checked(key: string, value: unknown): unknown {
    return this.#checks ? this.#checks.take(key, value) : value;
  }

  /** Holds what a handler puts into a key, as the schema has it. Returns its text. */
  #put(key: string, value: unknown): string {
    const checked = this.#checked(key, value);
    const text = this.#codec.encode(checked, key);
    this.#hold(key, checked, text);
    return text;
  }

  /** Whether a value is not left out. One that cannot be read is there: `get` says what is wrong with it. */
  #fits(key: string, text: string, checks: SchemaChecks): boolean {
    if (!checks.has(key) || this.#held?.has(key)) return true;
    try {
      this.get(key);
    } catch {
      return true;
    }
    return !checks.isLeftOut(key, text);
  }

  /** Only objects are kept: they stay the same for the whole request, and the handler may change them. */
  #hold(key: string, value: unknown, stored: string, isConverted: boolean = false): void {
    if (typeof value !== "object" || value === null) return void this.#held?.delete(key);
    const text = isConverted ? this.#codec.encode(value, key) : stored;
    (this.#held ??= new Map()).set(key, { value, text, stored });
  }

  /** Removes objects whose key another request removed; if it replaced the value, the handler keeps its object. */
  #dropStale(): void {
    for (const key of this.#held?.keys() ?? []) if (this.#text(key) === undefined) this.#held?.delete(key);
  }

  #noteView(): void {
    if (!this.view) return;
    for (const [key, value] of this.view.changes())
      if (value === undefined) this.delete(key);
      else this.set(key, value);
  }

  #noteAll(): void {
    this.#noteView();
    if (this.#held) for (const key of this.#held.keys()) this.#noteInPlace(key);
  }

  /** Records changes made to objects if they can be stored. Returns true if one cannot. */
  #noteWhatCanBe(): boolean {
    try {
      this.#noteAll();
      return false;
    } catch {
      return true;
    }
  }

  /** A change made to an object counts as a `set`. */
  #noteInPlace(key: string): void {
    const held = this.#held?.get(key);
    if (!held) return;
    const text = this.#codec.encode(held.value, key);
    if (text === held.text) return;
    const checked = this.#checked(key, held.value);
    const stored = checked === held.value ? text : this.#codec.encode(checked, key);
    Object.assign(held, { text, stored });
    this.#open.changes.set(key, { kind: "set", text: stored });
  }
}

function isTake({ changes }: Layer, taken: Taken): boolean {
  const change = changes.get(taken.key);
  return change?.kind === "take" && change.taken === taken;
}

function isChange({ keep, changes }: Layer): boolean {
  return keep !== undefined || changes.size > 0;
}

function kept(data: EncodedData, keep: ReadonlySet<string> | undefined): EncodedData {
  return keep ? data.only(keep) : data;
}

function result(update: Update, value: unknown): unknown {
  const next = update(value);
  if (next === undefined)
    throw mistake("wrong-call", "the function passed to update() returned undefined; it must return the new value");
  if (isPromise(next)) next.then(undefined, () => {});
  if (isPromise(next))
    throw mistake("wrong-call", "the function passed to update() must be synchronous; await first, then update");
  return next;
}

function newLayer(keep?: ReadonlySet<string>): Layer {
  return { keep, changes: new Map(), writeId: undefined };
}

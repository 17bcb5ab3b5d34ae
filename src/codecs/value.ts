import type { TypeCodec } from "../session-data.js";
import { mistake, SessionError } from "../errors.js";
import { callable, misuse, onlyKeys, show } from "../util/assert.js";
import { isPromise } from "../util/async.js";
import { fromBase64url, base64url, utf8Length } from "../util/bytes.js";

/** Deeper nesting is refused: it is most likely a mistake, and each level uses stack. */
const MOST_LEVELS = 200;

/**
 * Encodes one value of a session as one line of JSON, and decodes it. Values that JSON does not support are written as
 * `{"$": tag, "v": …}`; a plain object with an own key `$` is escaped in the same way. Everything else is plain JSON.
 */
export class ValueCodec {
  readonly #byTag = new Map<string, TypeCodec>();
  readonly #tagOf = new Map<object, string>();
  readonly #mostBytes: number;

  constructor(mostBytes: number, types: Readonly<Record<string, TypeCodec>> = {}) {
    this.#mostBytes = mostBytes;
    for (const [tag, type] of Object.entries(types)) this.register(tag, type);
  }

  /** Registers a class. Throws a TypeError if the tag or the class is registered already. */
  register(tag: string, type: TypeCodec): void {
    if (typeof tag !== "string" || !/^[A-Za-z][\w.:/-]{0,63}$/.test(tag))
      throw misuse("the type's tag", tag, "a name of letters, digits and _ . : / -");
    onlyKeys(`type ${tag}`, type, ["class", "encode", "decode"]);
    callable(`type ${tag}: class`, type.class, "the class");
    callable(`type ${tag}: encode`, type.encode, "(instance) => data");
    callable(`type ${tag}: decode`, type.decode, "(data) => instance");
    if (tag in BUILT_IN || this.#byTag.has(tag))
      throw mistake(
        "wrong-option",
        `the type tag ${show(tag)} is taken; write another tag, or register the type once`,
      );
    if (this.#tagOf.has(type.class.prototype))
      throw mistake("wrong-option", `the class ${type.class.name} is registered already; register it once`);
    this.#byTag.set(tag, type);
    this.#tagOf.set(type.class.prototype as object, tag);
  }

  /** Encodes a value. Throws `unserializable` or `too-large`, with the path to the value. */
  encode(value: unknown, key: string): string {
    if (typeof value === "number" && isPlainNumber(value)) return String(value);
    if (typeof value === "string" && value.length > this.#mostBytes) throw tooLarge(key, this.#mostBytes);
    const text = JSON.stringify(
      typeof value === "string" ? value : new Walk(this.#tagOf, this.#byTag, this.#mostBytes, key).start(value),
    );
    if (text.length > this.#mostBytes || (text.length * 3 > this.#mostBytes && utf8Length(text) > this.#mostBytes))
      throw tooLarge(key, this.#mostBytes);
    return text;
  }

  /** Decodes a value. Throws `unknown-type` for a class that is not registered. */
  decode(text: string, key: string): unknown {
    try {
      const value: unknown = JSON.parse(text);
      return text.includes('"$"') ? this.#revive(value, key) : value;
    } catch (cause) {
      if (cause instanceof SessionError) throw cause;
      throw new SessionError("unserializable", `the stored value of ${show(key)} cannot be decoded`, { cause });
    }
  }

  #revive(value: unknown, key: string): unknown {
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map((member) => this.#revive(member, key));
    const { $: tag, v: data } = value as { $?: unknown; v?: unknown };
    if (Object.hasOwn(value, "$") && typeof tag === "string") return this.#tagged(tag, data, key);
    return fromPairs(Object.entries(value).map(([name, member]) => [name, this.#revive(member, key)]));
  }

  #tagged(tag: string, data: unknown, key: string): unknown {
    const builtIn = Object.hasOwn(BUILT_IN, tag) ? BUILT_IN[tag] : undefined;
    if (builtIn) return builtIn(data, (member) => this.#revive(member, key));
    const type = this.#byTag.get(tag);
    if (!type)
      throw new SessionError(
        "unknown-type",
        `the value of ${show(key)} is a ${show(tag)}, which is not registered: ` +
          `store.registerType(${show(tag)}, { class, encode, decode })`,
      );
    return type.decode(this.#revive(data, key));
  }
}

type Reviver = (value: unknown) => unknown;

/** The tags of values that JSON does not support. */
const BUILT_IN: Readonly<Record<string, (data: any, revive: Reviver) => unknown>> = {
  undefined: () => undefined,
  number: (data: string) => Number(data),
  bigint: (data: string) => BigInt(data),
  date: (data: number | null) => new Date(data ?? Number.NaN),
  url: (data: string) => new URL(data),
  bytes: (data: string) => fromBase64url(data),
  map: (data: [unknown, unknown][], revive) => new Map(data.map(([key, value]) => [revive(key), revive(value)])),
  set: (data: unknown[], revive) => new Set(data.map(revive)),
  object: (data: [string, unknown][], revive) => fromPairs(data.map(([key, value]) => [key, revive(value)])),
};

/** Creates a plain object; keys like `__proto__` become ordinary properties. */
export function fromPairs(pairs: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  return Object.fromEntries(pairs);
}

/** One step from a value to a part of it: a key, an index, or a description of a part of a Map or Set. */
type Step = string | number | { readonly text: string };

/**
 * Converts one value to data that JSON supports, or throws. It counts parts and characters, so its work is bounded.
 */
class Walk {
  readonly #tagOf: ReadonlyMap<object, string>;
  readonly #byTag: ReadonlyMap<string, TypeCodec>;
  readonly #mostBytes: number;
  readonly #key: string;
  /** The objects that contain the current one, and the steps that lead to it. */
  readonly #above: object[] = [];
  readonly #steps: Step[] = [];
  #least = 0;

  constructor(
    tagOf: ReadonlyMap<object, string>,
    byTag: ReadonlyMap<string, TypeCodec>,
    mostBytes: number,
    key: string,
  ) {
    this.#tagOf = tagOf;
    this.#byTag = byTag;
    this.#mostBytes = mostBytes;
    this.#key = key;
  }

  /** An exception from reading the value (for example from a proxy trap) becomes a refusal with the path. */
  start(value: unknown): unknown {
    try {
      return this.plain(value);
    } catch (cause) {
      if (cause instanceof SessionError) throw cause;
      throw this.#refuse("a value that throws when it is read", cause);
    }
  }

  plain(value: unknown): unknown {
    this.#count(1);
    switch (typeof value) {
      case "string":
        this.#count(value.length);
        return value;
      case "boolean":
        return value;
      case "number":
        return isPlainNumber(value) ? value : tagged("number", Object.is(value, -0) ? "-0" : String(value));
      case "undefined":
        return tagged("undefined");
      case "bigint":
        return tagged("bigint", String(value));
      case "object":
        return value === null ? null : this.#object(value);
      default:
        throw this.#refuse(`a ${typeof value}`);
    }
  }

  #object(value: object): unknown {
    if (this.#above.length >= MOST_LEVELS) throw this.#refuse(`nested deeper than ${MOST_LEVELS} levels`);
    if (this.#above.includes(value)) throw this.#refuse("a reference to what contains it");
    this.#above.push(value);
    const plain = this.#shape(value);
    this.#above.pop();
    return plain;
  }

  #part(value: unknown, step: Step): unknown {
    this.#steps.push(step);
    const plain = this.plain(value);
    this.#steps.pop();
    return plain;
  }

  /** Converts a property or an element, under its own path. */
  #member(value: any, step: string | number): unknown {
    this.#steps.push(step);
    const plain = this.plain(this.#read(value, step));
    this.#steps.pop();
    return plain;
  }

  #read(value: any, step: string | number): unknown {
    try {
      return value[step];
    } catch (cause) {
      throw this.#refuse("a getter that throws", cause);
    }
  }

  #shape(value: object): unknown {
    const tag = this.#tagOf.size > 0 ? this.#tagOf.get(Object.getPrototypeOf(value) as object) : undefined;
    if (tag !== undefined) return tagged(tag, this.plain(this.#encoded(tag, value)));
    if (isRecord(value)) return this.#record(value as Record<string, unknown>);
    if (value instanceof Uint8Array) return tagged("bytes", this.#bytes(value));
    return isSubclassed(value) ? this.#refuseClass(value) : this.#builtIn(value);
  }

  #builtIn(value: object): unknown {
    if (Array.isArray(value)) return this.#array(value);
    if (value instanceof Date || value instanceof Map || value instanceof Set || value instanceof URL)
      this.#refuseExtra(value);
    if (value instanceof Date) return tagged("date", Number.isNaN(value.getTime()) ? null : value.getTime());
    if (value instanceof Map) return tagged("map", this.#pairs(value));
    if (value instanceof Set)
      return tagged(
        "set",
        [...value].map((member, i) => this.#part(member, { text: `.values()[${i}]` })),
      );
    if (value instanceof URL) return tagged("url", value.href);
    return this.#refuseClass(value);
  }

  /**
   * Properties added to a built-in object would be lost, so they are refused. Some runtimes add a symbol to every URL.
   */
  #refuseExtra(value: Date | Map<unknown, unknown> | Set<unknown> | URL): void {
    const [extra] = value instanceof URL ? Object.getOwnPropertyNames(value) : Reflect.ownKeys(value);
    if (extra !== undefined)
      throw this.#refuse(`a ${value.constructor.name} with an additional property (${show(String(extra))})`);
  }

  #refuseClass(value: object): never {
    if (isPromise(value)) throw this.#refuse("a promise, which needs await,");
    throw this.#refuse(
      `an instance of ${value.constructor?.name ?? "an unnamed class"}, which is not registered (store.registerType)`,
    );
  }

  #array(value: readonly unknown[]): unknown[] {
    const out: unknown[] = [];
    for (let i = 0; i < value.length; i++) {
      if (!Object.hasOwn(value, i)) throw this.#refuse("an array with holes");
      out.push(this.#member(value, i));
    }
    if (Reflect.ownKeys(value).length !== value.length + 1) throw this.#refuse("an array with named properties");
    return out;
  }

  #record(value: Record<string, unknown>): unknown {
    const keys = Object.keys(value);
    this.#assertRoomFor(keys.length);
    if (Reflect.ownKeys(value).length !== keys.length)
      throw this.#refuse("an object with symbols for keys or hidden properties");
    const out: Record<string, unknown> = {};
    for (const key of keys) {
      this.#count(key.length);
      const plain = this.#member(value, key);
      if (key === "__proto__") Object.defineProperty(out, key, { value: plain, enumerable: true });
      else out[key] = plain;
    }
    return Object.hasOwn(value, "$") ? tagged("object", Object.entries(out)) : out;
  }

  #pairs(value: ReadonlyMap<unknown, unknown>): unknown[] {
    return [...value].map(([key, member], i) => [
      this.#part(key, { text: `.keys()[${i}]` }),
      this.#part(member, { text: `.values()[${i}]` }),
    ]);
  }

  #bytes(value: Uint8Array): string {
    this.#count(value.length);
    if (Reflect.ownKeys(value).length !== value.length) throw this.#refuse("bytes with an additional property");
    return base64url(value);
  }

  /** Every part, character and byte takes at least one byte. */
  #count(bytes: number): void {
    this.#least += bytes;
    this.#assertRoomFor(0);
  }

  #assertRoomFor(bytes: number): void {
    if (this.#least + bytes > this.#mostBytes) throw tooLarge(this.#key, this.#mostBytes);
  }

  #encoded(tag: string, value: object): unknown {
    try {
      return this.#byTag.get(tag)!.encode(value);
    } catch (cause) {
      throw this.#refuse(`a ${tag} whose encode() throws`, cause);
    }
  }

  #refuse(what: string, cause?: unknown): SessionError {
    const path = this.#steps.slice(0, MOST_STEPS_SHOWN).map(written).join("");
    const at = path.length > 120 ? `${path.slice(0, 120)}…` : path;
    return new SessionError(
      "unserializable",
      `${show(this.#key)}${at} is ${what} and cannot be stored`,
      cause === undefined ? undefined : { cause },
    );
  }
}

/** A message never shows more steps than this. */
const MOST_STEPS_SHOWN = 121;

function written(step: Step): string {
  if (typeof step === "object") return step.text;
  return typeof step === "number" ? `[${step}]` : `.${step}`;
}

/** True if JSON can represent the number. */
function isPlainNumber(value: number): boolean {
  return Number.isFinite(value) && !Object.is(value, -0);
}

function tooLarge(key: string, mostBytes: number): SessionError {
  return new SessionError("too-large", `the value of ${show(key)} takes more than maxRecordBytes (${mostBytes})`);
}

/** True for an object literal, of this or another realm, whose prototype has no added properties. */
function isRecord(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype === Object.prototype || prototype === null) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "isPrototypeOf");
}

/** True if the object's class extends a class other than Object: its additional state would be lost. */
function isSubclassed(value: object): boolean {
  const base: unknown = Object.getPrototypeOf(Object.getPrototypeOf(value));
  return base !== null && Object.getPrototypeOf(base) !== null;
}

function tagged(tag: string, data?: unknown): unknown {
  return data === undefined ? { $: tag } : { $: tag, v: data };
}

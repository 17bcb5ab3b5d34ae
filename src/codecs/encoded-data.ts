/**
 * What is stored: a line with format and checksum, then the content. In a record that is a line of metadata, and the
 * data of the session, two lines for each key.
 */
import { SEALED_ELSEWHERE } from "../contracts/storage.js";

// The first line.

/** A stored value that cannot be used: damaged, foreign, or written by a newer version of Holdfast. */
export interface NoRecord {
  readonly kind: "unreadable" | "newer";
  readonly why: string;
}

/** The content of a valid envelope. */
export interface Body {
  readonly kind: "body";
  readonly body: string;
}

/** The format that this code writes, and the newest that it reads. */
const FORMAT = "1";
const START = `${FORMAT}:`;

/** Every format has this envelope: `FORMAT:CHECKSUM\n` and the rest. The checksum covers format and rest. */
const ENVELOPE = /^([1-9]\d{0,3}):([0-9a-z]{1,7})\n/;

/** Returns the value to store, with format and checksum. */
export function seal(body: string): string {
  return `${FORMAT}:${checksum(FORMAT, body)}\n${body}`;
}

/** Returns the content of a stored value, if it is intact. */
export function unseal(value: string): Body | NoRecord {
  const end = value.indexOf("\n");
  const body = value.slice(end + 1);
  const isCurrent = end > 0 && value.startsWith(START) && value.slice(START.length, end) === checksum(FORMAT, body);
  return isCurrent ? { kind: "body", body } : unsealOther(value);
}

/** Reports why a value is damaged, foreign or of another format. */
function unsealOther(value: string): NoRecord {
  if (value === SEALED_ELSEWHERE)
    return { kind: "newer", why: "it is encrypted with a key that this server does not have" };
  const [head, format, sum] = (ENVELOPE.exec(value) ?? []) as string[];
  if (head === undefined || format === undefined) return unreadable("it is not a record of Holdfast");
  const isNewer = Number(format) > Number(FORMAT) && sum === checksum(format, value.slice(head.length));
  return isNewer
    ? { kind: "newer", why: `format ${format} is newer than ${FORMAT}` }
    : unreadable("its checksum is wrong");
}

/** Reports why a stored value cannot be read. */
export function unreadable(why: string): NoRecord {
  return { kind: "unreadable", why };
}

/**
 * Returns a 32-bit checksum of two strings of well-formed Unicode, one after the other, in base 36. The first, a short
 * one, is hashed by characters as in FNV-1a, the second by its UTF-8, four bytes a step. A shift after each step makes
 * high bits count as much as low ones, so every change within one step changes the checksum. It detects damage; it
 * does not protect against forgery.
 */
export function checksum(first: string, second: string): string {
  const length = encodeUtf8(second);
  let hash = 0x811c9dc5 ^ length;
  for (let i = 0; i < first.length; i++) hash = mixed(hash ^ first.charCodeAt(i));
  let at = 0;
  for (; at + 4 <= length; at += 4) hash = mixed(hash ^ words.getInt32(at, true));
  for (; at < length; at++) hash = mixed(hash ^ scratch[at]!);
  return (hash >>> 0).toString(36);
}

function mixed(hash: number): number {
  const product = Math.imul(hash, 0x01000193);
  return product ^ (product >>> 15);
}

const encoder = new TextEncoder();

/**
 * Limit of the buffer that is kept between calls: after a longer string, in bytes, the next call replaces the buffer.
 */
const MOST_KEPT = 256 * 1024;
const LEAST = 4096;

let scratch = new Uint8Array(0);
let words = new DataView(scratch.buffer);

/** Writes the UTF-8 of a string into the shared buffer; returns the number of bytes. */
function encodeUtf8(text: string): number {
  const most = text.length * 3;
  if (scratch.length < most || scratch.length > MOST_KEPT) {
    scratch = new Uint8Array(Math.max(LEAST, most));
    words = new DataView(scratch.buffer);
  }
  return encoder.encodeInto(text, scratch).written;
}

// The data.

/**
 * After this many lookups, a table of all keys is built: each lookup scans the lines, which is too slow for many keys.
 */
const MOST_WALKS = 8;

/** Strings that JSON writes between quotes without escapes. */
const PLAIN = /^[\w .:/-]*$/;

/** Change of a key: its new encoded value, or none if the key is removed. */
export interface Changed {
  readonly text?: string | undefined;
}

const GONE: Changed = {};

/**
 * The data of a record as it is stored: for each key one line with the key and one with its value, both JSON. Lookups
 * scan the string, and unchanged parts are copied in one piece, so values that are not read are never parsed.
 */
export class EncodedData {
  static readonly none: EncodedData = new EncodedData("");

  readonly lines: string;
  #walks = 0;
  #table: ReadonlyMap<string, string> | undefined;

  private constructor(lines: string) {
    this.lines = lines;
    this.#table = undefined;
  }

  /** Returns the data of a record, or undefined if it is damaged. */
  static read(lines: string): EncodedData | undefined {
    const isEscaped = lines.includes("\\");
    for (let at = 0; at <= lines.length; ) {
      const middle = lines.indexOf("\n", at);
      if (middle === -1 || !isKey(lines, at, middle, isEscaped)) return undefined;
      at = lineEnd(lines, middle + 1) + 1;
    }
    return new EncodedData(lines);
  }

  static of(texts: Iterable<readonly [string, string]>): EncodedData {
    return EncodedData.none.with(new Map([...texts].map(([key, text]) => [key, { text }])));
  }

  get isEmpty(): boolean {
    return this.lines === "";
  }

  get(key: string): string | undefined {
    return this.#table || this.#walks++ >= MOST_WALKS ? this.#all.get(key) : this.#find(quoted(key));
  }

  keys(): string[] {
    return [...this.#all.keys()];
  }

  [Symbol.iterator](): Iterator<[string, string]> {
    return this.#all.entries();
  }

  /** Returns a copy with only these keys. */
  only(keys: ReadonlySet<string>): EncodedData {
    return this.with(
      new Map(
        this.keys()
          .filter((key) => !keys.has(key))
          .map((key) => [key, GONE]),
      ),
    );
  }

  /** Returns a copy with these changes; new keys are last. */
  with(changes: ReadonlyMap<string, Changed>): EncodedData {
    if (changes.size === 0) return this;
    const stored = this.lines;
    let lines = "";
    let copied = 0;
    let met = 0;
    for (let at = 0; at < stored.length && met < changes.size; ) {
      const middle = stored.indexOf("\n", at);
      const end = lineEnd(stored, middle + 1);
      const change = changes.get(keyOf(stored.slice(at, middle)));
      if (change) {
        if (at > copied) lines = joined(lines, stored.slice(copied, at - 1));
        if (change.text !== undefined) lines = joined(lines, stored.slice(at, middle + 1) + change.text);
        copied = end + 1;
        met++;
      }
      at = end + 1;
    }
    if (copied < stored.length) lines = joined(lines, stored.slice(copied));
    return new EncodedData(met < changes.size ? this.#withNew(lines, changes) : lines);
  }

  #withNew(lines: string, changes: ReadonlyMap<string, Changed>): string {
    let all = lines;
    for (const [key, { text }] of changes)
      if (text !== undefined && this.get(key) === undefined) all = joined(all, `${quoted(key)}\n${text}`);
    return all;
  }

  #find(line: string): string | undefined {
    const { lines } = this;
    for (let at = 0; at < lines.length; ) {
      const middle = lines.indexOf("\n", at);
      const end = lineEnd(lines, middle + 1);
      if (middle - at === line.length && lines.startsWith(line, at)) return lines.slice(middle + 1, end);
      at = end + 1;
    }
    return undefined;
  }

  get #all(): ReadonlyMap<string, string> {
    return (this.#table ??= this.#tabulated());
  }

  #tabulated(): ReadonlyMap<string, string> {
    const { lines } = this;
    const table = new Map<string, string>();
    for (let at = 0; at < lines.length; ) {
      const middle = lines.indexOf("\n", at);
      const end = lineEnd(lines, middle + 1);
      table.set(keyOf(lines.slice(at, middle)), lines.slice(middle + 1, end));
      at = end + 1;
    }
    return table;
  }
}

function lineEnd(lines: string, from: number): number {
  const at = lines.indexOf("\n", from);
  return at === -1 ? lines.length : at;
}

function joined(lines: string, more: string): string {
  return lines === "" ? more : `${lines}\n${more}`;
}

function quoted(key: string): string {
  return PLAIN.test(key) ? `"${key}"` : JSON.stringify(key);
}

function keyOf(line: string): string {
  return line.includes("\\") ? (JSON.parse(line) as string) : line.slice(1, -1);
}

/** True if a line is a key as this code writes it. */
function isKey(lines: string, at: number, end: number, mayBeEscaped: boolean): boolean {
  if (lines[at] !== '"') return false;
  if (!mayBeEscaped) return lines.indexOf('"', at + 1) === end - 1;
  const line = lines.slice(at, end);
  return line.includes("\\") ? isWrittenHere(line) : line.indexOf('"', 1) === line.length - 1;
}

function isWrittenHere(line: string): boolean {
  try {
    const key: unknown = JSON.parse(line);
    return typeof key === "string" && quoted(key) === line;
  } catch {
    return false;
  }
}

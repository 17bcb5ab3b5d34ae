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

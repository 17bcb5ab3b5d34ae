import { randomBytes } from "node:crypto";

const SYMBOL = /\$(?:\d+|unknown)\b/g;
const TOKEN = /(?<![\w-])[\w-]{43}(?![\w-])/g;

/** A well-formed token that nobody issued. */
const unissued = (): string => randomBytes(32).toString("base64url");

/** Every text in a value that has the shape of a token. */
export function tokensIn(text: string): readonly string[] {
  return text.match(TOKEN) ?? [];
}

/**
 * Which token each symbol of a scenario stands for. A symbol is bound by the first answer that is wanted to bring it;
 * from then on it is this token and no other symbol's. Where the numbers are `exact` (the recording is what the model
 * answered) they also follow the order of first appearance.
 */
export class Symbols {
  #tokens = new Map([["$unknown", unissued()]]);
  readonly #passedOver = new Set<string>();
  readonly #seen: string[] = [];

  /** Notes the tokens of an answer, in the order in which it is read. */
  see(text: string): void {
    for (const token of tokensIn(text)) if (!this.#seen.includes(token)) this.#seen.push(token);
  }

  /** Notes the symbols of what the model answered: where one stays free, the next number may come before it. */
  passOver(recorded: unknown): void {
    for (const symbol of JSON.stringify(recorded ?? null).match(SYMBOL) ?? [])
      if (!this.#tokens.has(symbol)) this.#passedOver.add(symbol);
  }

  /** A value to be sent: real tokens in the place of symbols. */
  fill<T>(value: T): T {
    return mapTexts(value, (text) => text.replace(SYMBOL, (symbol) => this.#tokenOf(symbol))) as T;
  }

  /**
   * A value to be shown: symbols in the place of tokens; one that has none is shown by its place in the order of
   * appearance.
   */
  show(value: unknown): unknown {
    return mapTexts(value, (text) => text.replace(TOKEN, (token) => this.#nameOf(token)));
  }

  /** Whether an answer is what is wanted, symbols aside; symbols that were free so far are bound. */
  matches(wanted: unknown, got: unknown): boolean {
    if (wanted === "any") return true;
    if (typeof wanted === "string" && typeof got === "string") return this.#matchesText(wanted, got);
    if (Array.isArray(wanted) && Array.isArray(got))
      return wanted.length === got.length && every(wanted, (one, index) => this.matches(one, got[index]));
    if (isObject(wanted) && isObject(got))
      return sameKeys(wanted, got) && every(Object.keys(wanted), (key) => this.matches(wanted[key], got[key]));
    return wanted === got;
  }

  /** Runs `match`; where it fails nothing stays bound. */
  attempt(match: () => boolean): boolean {
    const before = new Map(this.#tokens);
    if (match()) return true;
    this.#tokens = before;
    return false;
  }

  #matchesText(wanted: string, got: string): boolean {
    const symbols = wanted.match(SYMBOL) ?? [];
    const free = [...new Set(symbols)].filter((symbol) => !this.#tokens.has(symbol));
    const groups = new Set<string>();
    const pattern = escaped(wanted).replace(/\\\$(\d+|unknown)\b/g, (_all, number: string) =>
      this.#pattern(`$${number}`, groups),
    );
    const found = new RegExp(`^${pattern}$`, "s").exec(got);
    return found !== null && every(free, (symbol) => this.#bind(symbol, found.groups![groupOf(symbol)]!));
  }

  #pattern(symbol: string, groups: Set<string>): string {
    const token = this.#tokens.get(symbol);
    if (token !== undefined) return escaped(token);
    if (groups.has(symbol)) return `\\k<${groupOf(symbol)}>`;
    groups.add(symbol);
    return `(?<${groupOf(symbol)}>[\\w-]{43})`;
  }

  #bind(symbol: string, token: string): boolean {
    if ([...this.#tokens.values()].includes(token)) return false;
    if (!this.#passedOver.has(symbol) && symbol !== this.#next()) return false;
    this.#tokens.set(symbol, token);
    return true;
  }

  #next(): string {
    let number = 1;
    while (this.#tokens.has(`$${number}`) || this.#passedOver.has(`$${number}`)) number++;
    return `$${number}`;
  }

  /**
   * A symbol no answer was compared with is read in order of appearance; one that no answer brought is a token nobody
   * issued.
   */
  #tokenOf(symbol: string): string {
    const known = this.#tokens.get(symbol);
    if (known !== undefined) return known;
    const seen = this.#seen[Number(symbol.slice(1)) - 1];
    const token = seen === undefined || [...this.#tokens.values()].includes(seen) ? unissued() : seen;
    this.#tokens.set(symbol, token);
    return token;
  }

  #nameOf(token: string): string {
    for (const [symbol, known] of this.#tokens) if (known === token) return symbol;
    return `$?${this.#seen.indexOf(token) + 1}`;
  }
}

const groupOf = (symbol: string): string => `s${symbol.slice(1)}`;

const escaped = (text: string): string => text.replace(/[$()*+.?[\\\]^{|}/-]/g, "\\$&");

/** Like `Array.every`, but looks at all: what is bound on the way shows better where the difference is. */
function every<T>(values: readonly T[], isSo: (value: T, index: number) => boolean): boolean {
  return values.map(isSo).every(Boolean);
}

function sameKeys(one: object, other: object): boolean {
  return (
    Object.keys(one).length === Object.keys(other).length &&
    Object.keys(one).every((key) => Object.hasOwn(other, key))
  );
}

function mapTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === "string") return change(value);
  if (Array.isArray(value)) return value.map((one) => mapTexts(one, change));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, mapTexts(one, change)]));
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

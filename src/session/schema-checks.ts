import type { ValueCodec } from "../codecs/value.js";
import type { SessionError } from "../errors.js";
import { show } from "../util/assert.js";
import type { SchemaTable } from "./schemas.js";

/** Checks the values of one session in one request against the schemas of their keys. */
export class SchemaChecks {
  readonly #table: SchemaTable;
  readonly #codec: ValueCodec;
  readonly #report: (error: SessionError) => void;
  /** Texts that did not fit, by key. */
  readonly #leftOut = new Map<string, string>();

  /**
   * @param table - the schemas
   * @param codec - how values are stored
   * @param report - called once for each stored value that is left out
   */
  constructor(table: SchemaTable, codec: ValueCodec, report: (error: SessionError) => void) {
    this.#table = table;
    this.#codec = codec;
    this.#report = report;
  }

  /** Whether a key has a schema. */
  has(key: string): boolean {
    return this.#table.has(key);
  }

  /** Whether a stored text of a key did not fit, and was left out. */
  isLeftOut(key: string, text: string): boolean {
    return this.#leftOut.get(key) === text;
  }

  /**
   * What the schema makes of a stored value.
   *
   * @returns undefined if it does not fit and is left out; it stays stored
   * @throws {SessionError} `invalid` if it does not fit and the option says `throw`
   */
  read(key: string, text: string, value: unknown): unknown {
    if (this.isLeftOut(key, text)) return undefined;
    try {
      return this.#table.check(key, value);
    } catch (error) {
      if (this.#table.invalid === "throw" || error instanceof TypeError) throw error;
      this.#leftOut.set(key, text);
      this.#report(error as SessionError);
      return undefined;
    }
  }

  /**
   * What the schema makes of a value that a handler puts into a key. It is stored, and checked again whenever it is
   * read, so the schema must take what it returns, and return the same again. If nothing was converted, the handler's
   * own object stays the one that the session holds.
   *
   * @throws {SessionError} `invalid` if it does not fit
   * @throws {TypeError} if the schema does not take what it returns
   */
  take(key: string, value: unknown): unknown {
    const output = this.#table.check(key, value);
    if (Object.is(output, value)) return value;
    const text = this.#codec.encode(output, key);
    if (this.#textOf(key, value) === text) return value;
    this.#assertStable(key, output, text);
    return output;
  }

  /** What cannot be stored as it is may be once it is converted. */
  #textOf(key: string, value: unknown): string | undefined {
    try {
      return this.#codec.encode(value, key);
    } catch {
      return undefined;
    }
  }

  #assertStable(key: string, output: unknown, text: string): void {
    let again: string | undefined;
    try {
      again = this.#codec.encode(this.#table.check(key, output), key);
    } catch {
      // It does not take what it returned.
    }
    if (again !== text)
      throw new TypeError(
        `holdfast: the schema of ${show(key)} must take what it returns and return the same again, since what it ` +
          "returned is stored and checked when it is read; convert the value before set()",
      );
  }
}

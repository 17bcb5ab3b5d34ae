import { mistake } from "../errors.js";
import type { ValueCodec } from "../codecs/value.js";
import type { SessionError } from "../errors.js";
import { show } from "../util/assert.js";
import type { SchemaTable } from "./schemas.js";

/** Checks the values of one session in one request against the schemas of their keys. */
export class SchemaChecks {
  readonly #table: SchemaTable;
  readonly #codec: ValueCodec;
  readonly #report: (error: SessionError) => void;
  /** Stored values that did not match, by key. */
  readonly #leftOut = new Map<string, string>();

  /**
   * @param table - the schemas
   * @param codec - how values are stored
   * @param report - called once for each stored value that is ignored
   */
  constructor(table: SchemaTable, codec: ValueCodec, report: (error: SessionError) => void) {
    this.#table = table;
    this.#codec = codec;
    this.#report = report;
  }

  /** True if a key has a schema. */
  has(key: string): boolean {
    return this.#table.has(key);
  }

  /** True if a stored value of a key did not match, and was ignored. */
  isLeftOut(key: string, text: string): boolean {
    return this.#leftOut.get(key) === text;
  }

  /**
   * Returns the schema's output for a stored value.
   *
   * @returns undefined if it does not match and is ignored; it stays stored
   * @throws {SessionError} `invalid` if it does not match and the option is `throw`
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
   * Returns the schema's output for a new value. The output is stored, and checked again at every read, so the schema
   * must accept its own output and return it unchanged. If nothing was converted, the session keeps the handler's
   * object.
   *
   * @throws {SessionError} `invalid` if it does not match
   * @throws {TypeError} if the schema does not accept its own output
   */
  take(key: string, value: unknown): unknown {
    const output = this.#table.check(key, value);
    if (Object.is(output, value)) return value;
    const text = this.#codec.encode(output, key);
    if (this.#textOf(key, value) === text) return value;
    this.#assertStable(key, output, text);
    return output;
  }

  /** A value that cannot be stored may become one that can, by conversion. */
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
      // It does not accept its own output.
    }
    if (again !== text)
      throw mistake(
        "wrong-option",
        `the schema of ${show(key)} must take what it returns and return the same again, since what it ` +
          "returned is stored and checked when it is read; convert the value before set()",
      );
  }
}

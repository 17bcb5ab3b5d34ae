import type { SchemaIssue, SchemaResult, Schemas, StandardSchema } from "../contracts/schema.js";
import { mistake, SessionError } from "../errors.js";
import { isPlainObject, misplaced, misuse, oneOf, show } from "../util/assert.js";
import { isPromise } from "../util/async.js";
import type { ValueCodec } from "../codecs/value.js";

/** What to do with a stored value that does not match its schema. */
export type Invalid = "drop" | "throw";

type Validate = StandardSchema["~standard"]["validate"];

/** The validated schemas of a store. */
export class SchemaTable {
  readonly invalid: Invalid;
  readonly #validators: ReadonlyMap<string, Validate>;

  constructor(schemas: Schemas, invalid: Invalid) {
    this.invalid = invalid;
    this.#validators = new Map(Object.entries(schemas).map(([key, schema]) => [key, validatorOf(key, schema)]));
  }

  /** True if a key has a schema. */
  has(key: string): boolean {
    return this.#validators.has(key);
  }

  /**
   * Returns the schema's output for a value; the value itself if the key has no schema.
   *
   * @throws {SessionError} `invalid` if it does not match
   * @throws {TypeError} if the schema is asynchronous
   */
  check(key: string, value: unknown): unknown {
    const validate = this.#validators.get(key);
    if (!validate) return value;
    const result = resultOf(key, validate, value);
    if (result.issues) throw doesNotFit(key, result.issues);
    return result.value;
  }
}

/**
 * Validates `schema` and `invalid` of the options.
 *
 * @returns undefined if there is no schema
 * @throws {TypeError} with the key whose schema is not valid
 */
export function schemaTable(schemas: unknown, invalid: unknown): SchemaTable | undefined {
  if (schemas === undefined) {
    if (invalid !== undefined)
      throw misuse("invalid", invalid, "it beside a schema: session({ schema: { … }, invalid })");
    return undefined;
  }
  if (isSchema(schemas) || !isPlainObject(schemas))
    throw misplaced("schema", schemas, "a schema for each key: { cart: …, user: … }");
  return new SchemaTable(schemas as Schemas, oneOf("invalid", invalid ?? "drop", ["drop", "throw"]));
}

function validatorOf(key: string, schema: unknown): Validate {
  if (!isSchema(schema))
    throw misplaced(`schema.${key}`, schema, "a Standard Schema (zod 3.24 or later, valibot 1, arktype 2 …)");
  const { version, validate } = schema["~standard"];
  if (version !== 1 || typeof validate !== "function")
    throw mistake(
      "wrong-option",
      `schema.${key} has version ${show(version)} of Standard Schema; write one of version 1`,
    );
  return (value) => schema["~standard"].validate(value);
}

/** Schemas may be functions, too (arktype). */
function isSchema(value: unknown): value is StandardSchema {
  const isThing = (typeof value === "object" && value !== null) || typeof value === "function";
  const standard = isThing ? (value as { "~standard"?: unknown })["~standard"] : undefined;
  return typeof standard === "object" && standard !== null;
}

/** A schema that throws has not accepted the value. */
function resultOf(key: string, validate: Validate, value: unknown): SchemaResult<unknown> {
  let result: unknown;
  try {
    result = validate(value);
  } catch (error) {
    throw doesNotFit(key, [], error);
  }
  if (!isPromise(result)) return result as SchemaResult<unknown>;
  result.then(undefined, () => {});
  throw mistake(
    "wrong-option",
    `the schema of ${show(key)} is asynchronous; a session checks its values at once: validate before set()`,
  );
}

/** The messages and exceptions of a schema are not repeated: they may contain the value. */
function doesNotFit(key: string, issues: readonly SchemaIssue[], thrown?: unknown): SessionError {
  const paths = [...new Set(issues.map(pathOf))];
  const where = paths.some((path) => path !== "") ? ` at ${listed(paths)}` : "";
  const why = thrown === undefined ? "does not fit its schema" : `made its schema throw ${nameOf(thrown)}`;
  return new SessionError("invalid", `the value of ${show(key)} ${why}${where}`, { key, paths });
}

function nameOf(thrown: unknown): string {
  return thrown instanceof Error ? `a ${thrown.constructor.name}` : `a value that is no Error`;
}

const MOST_PATHS = 5;
const MOST_CHARACTERS = 120;

function listed(paths: readonly string[]): string {
  const shown = paths.slice(0, MOST_PATHS).map((path) => (path === "" ? "the value itself" : path));
  return `${shown.join(", ")}${paths.length > MOST_PATHS ? ", …" : ""}`;
}

/** Arktype's path is an instance of a special class, whose `map` adds steps: it is copied. */
function pathOf({ path = [] }: SchemaIssue): string {
  const steps = [...path].map((step) => (typeof step === "object" ? step.key : step));
  const text = steps.map((step) => (typeof step === "number" ? `[${step}]` : `.${String(step)}`)).join("");
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text;
}

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

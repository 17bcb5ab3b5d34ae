import { mistake } from "../errors.js";
import {
  CLOCK_SKEW_MS,
  type Storage,
  type StorageCall,
  type StorageEntry,
  type StorageFinding,
  type StoredEntry,
  type SweepOptions,
  type Version,
  type Written,
} from "../contracts/storage.js";
import { onlyKeys, show } from "../util/assert.js";
import { jitter, pause } from "../util/time.js";
import { OTHER_STORAGE_OPTIONS } from "../util/other-names.js";
import { DEFAULT_PREFIX } from "./findings.js";
import { newVersion } from "./driver.js";
import { Sweeping } from "./sweeping.js";
import { advised, collides, isClosed, sqlFindings, text, type SqlFact, type SqlRefusal } from "./sql-check.js";

/** Options of an SQL storage. */
export interface SqlOptions {
  /** Name of the table: letters, digits and `_`, at most 48. Default `holdfast_sessions`. */
  table?: string;
  /** The schema of the table (MySQL: the database), with the same rule. Default: the search path of the connection. */
  schema?: string;
}

/** One interface for all clients: a statement and its result. */
export interface SqlClient {
  /** Returns the first row, its columns in the requested order, or undefined if there is none. */
  row(sql: string, parameters: readonly unknown[], call: StatementCall): Promise<SqlRow | undefined>;
  /** Runs a statement that changes rows; returns their number. */
  change(sql: string, parameters: readonly unknown[], call: StatementCall): Promise<number>;
  /**
   * Runs statements while no other process does so under this name, for databases with such locks. If the lock is not
   * available, it runs none or only the first statement.
   */
  alone?(name: string, work: (client: Pick<SqlClient, "change">) => Promise<number>): Promise<number>;
}

/** The caller of a statement. */
export type StatementCall = Pick<StorageCall, "signal" | "timeout">;

/** A row with value, version and deadline. */
export type SqlRow = readonly unknown[];

/**
 * The SQL dialect of a database. Statements are templates: names are in double quotes, `?` is a parameter, `{table}`,
 * `{value}`, `{deadline}`, `{columns}`, `{index}` (its name) and `{path of index}` (with the schema) are replaced; so
 * are, by string literals, `{name of table}`, `{name of index}` and `{schema}`, which is NULL if none was given.
 */
export interface Dialect {
  /** The quote character of names. */
  readonly quote: '"' | "`";
  /** The nth parameter of a statement, from 1. */
  readonly parameter: (nth: number) => string;
  /** SQL for a value and a deadline in a statement, and the list of columns to select. Default: unchanged. */
  readonly value?: string;
  readonly deadline?: string;
  readonly columns?: string;
  /** Converts a value to a parameter; default: its bytes. */
  readonly encode?: (value: string) => unknown;
  /** Converts a value's column to bytes or a string; default: unchanged. */
  readonly decode?: (column: unknown) => unknown;
  /** Creates the table and its index if they are missing. */
  readonly schema: readonly string[];
  /** Checks if table and index exist, because creating them needs a lock or a permission. */
  readonly hasSchema: string;
  /** Selects the collation of a column that makes different keys equal; for databases with collations. */
  readonly miscompared?: string;
  /** Questions of `check` about the configuration. */
  readonly facts: readonly SqlFact[];
  /** Inserts a row. If the key exists, it changes no row, or fails with an error that `isDuplicate` recognises. */
  readonly create: string;
  /** Changes a deadline; also counts a row with the same deadline. */
  readonly touch: string;
  /** Removes at most `SLICE` expired rows. */
  readonly sweep: string;
  /** The same, if no other process does so at the same time; otherwise removes nothing. */
  readonly sweepAlone?: string;
  /** Removes at most `SLICE` rows between two keys. */
  readonly clear: string;
  /** True if an insert failed because the key exists. */
  readonly isDuplicate?: (error: unknown) => boolean;
  /** True if a statement changed nothing because of concurrent statements on the same rows: it is repeated. */
  readonly isBusy: (error: unknown) => boolean;
  /** Returns why the database refused a statement. */
  readonly refusal: (error: unknown) => SqlRefusal | undefined;
  /** True if another process has created the same table or index at the same time. */
  readonly isMadeByOthers?: (error: unknown) => boolean;
}

/** Maximum number of rows that one statement removes: limits its locks and its duration. */
export const SLICE = 500;

/** Timeout of `ensureSchema`, in ms. */
const SCHEMA_TIMEOUT_MS = 30_000;

/** Timeout of a statement of `startSweep`, in ms: a connection without response would block all later sweeps. */
const SWEEP_STATEMENT_MS = 60_000;

const DEFAULT_TABLE = "holdfast_sessions";
const NAME = /^[a-z_]\w{0,47}$/i;

/**
 * A storage in one table of an SQL database: each call is one statement; there are no transactions and no state in the
 * connection.
 */
export class SqlStorage implements Storage {
  readonly #client: SqlClient;
  readonly #dialect: Dialect;
  readonly #sql: Statements;
  readonly #sweeping = new Sweeping((now, signal) => this.#sweepAlone({ now, signal, timeout: SWEEP_STATEMENT_MS }));

  constructor(client: SqlClient, dialect: Dialect, names: TableNames) {
    this.#client = client;
    this.#dialect = dialect;
    this.#sql = statements(dialect, names);
  }

  /**
   * Creates the table and its index if they are missing. Any number of processes may call it at the same time, at each
   * start.
   *
   * @throws {SessionError} `unsupported` if the collation of an existing table makes different keys equal; `storage`
   *   or the error of the client if the database fails
   * @example
   * ```ts
   * await storage.ensureSchema();
   * ```
   */
  async ensureSchema(): Promise<void> {
    const call = { signal: AbortSignal.timeout(SCHEMA_TIMEOUT_MS) };
    if (!(await this.#row(this.#sql.hasSchema, [], call))) await this.#make(call);
    const miscompared = this.#sql.miscompared && (await this.#row(this.#sql.miscompared, [], call));
    if (miscompared) throw collides(text(miscompared[0]));
  }

  async #make(call: StatementCall): Promise<void> {
    for (const sql of this.#sql.schema) {
      await this.#change(sql, [], call).catch((error: unknown) => {
        if (!this.#dialect.isMadeByOthers?.(error)) throw error;
      });
    }
  }

  /**
   * Returns the statements of `ensureSchema`, for migrations.
   *
   * @returns SQL statements, each with `;` and a line break at its end
   * @example
   * ```ts
   * console.log(storage.schemaSql());
   * ```
   */
  schemaSql(): string {
    return this.#sql.schema.map((sql) => `${sql};\n`).join("");
  }

  /** Implements the storage contract. */
  async get(key: string, call: StorageCall): Promise<StoredEntry | undefined> {
    const row = await this.#row(this.#sql.get, [key], call);
    if (!row) return undefined;
    const { decode = identity } = this.#dialect;
    return {
      value: textOf(decode(row[0])),
      version: textOf(row[1]),
      expiresAt: Number(isNumeric(row[2]) ? row[2] : textOf(row[2])),
    };
  }

  /** Implements the storage contract. */
  async create(key: string, { value, expiresAt }: StorageEntry, call: StorageCall): Promise<Written | false> {
    const version = newVersion();
    try {
      const created = await this.#change(this.#sql.create, [key, this.#encode(value), version, expiresAt], call);
      return created > 0 && { version };
    } catch (error) {
      if (this.#dialect.isDuplicate?.(error)) return false;
      throw error;
    }
  }

  /** Implements the storage contract. */
  async update(
    key: string,
    { value, expiresAt }: StorageEntry,
    version: Version,
    call: StorageCall,
  ): Promise<Written | false> {
    const next = newVersion();
    const updated = await this.#change(this.#sql.update, [this.#encode(value), next, expiresAt, key, version], call);
    return updated > 0 && { version: next };
  }

  /** Implements the storage contract. */
  async touch(key: string, expiresAt: number, version: Version, call: StorageCall): Promise<Written | false> {
    const touched = await this.#change(this.#sql.touch, [expiresAt, key, version], call);
    return touched > 0 && { version };
  }

  /** Implements the storage contract. */
  async delete(key: string, version: Version, call: StorageCall): Promise<boolean> {
    return (await this.#change(this.#sql.delete, [key, version], call)) > 0;
  }

  /**
   * Checks the table, its index and collation, the permissions, expired rows that were not removed, and the database:
   * clock, durability, replication.
   *
   * @param call - `now` is compared with the clock of the database
   * @param prefix - start of the test keys. Default `holdfast:`
   * @returns the findings, each with a level and advice
   * @throws the error of the client, if the database cannot be reached
   * @example
   * ```ts
   * const findings = await storage.check({ now: Date.now(), signal: AbortSignal.timeout(5000) });
   * ```
   */
  async check(call: StorageCall, prefix: string = DEFAULT_PREFIX): Promise<StorageFinding[]> {
    const { hasSchema, miscompared, oldest, facts, table } = this.#sql;
    const { refusal } = this.#dialect;
    const row = (sql: string): Promise<SqlRow | undefined> => this.#row(sql, [], call);
    return sqlFindings({ storage: this, table, row, refusal, hasSchema, miscompared, oldest, facts }, call, prefix);
  }

  /**
   * Removes every key that starts with `prefix`, a slice at a time.
   *
   * @param prefix - start of the keys
   * @param call - as in every call
   */
  async clear(prefix: string, call: StorageCall): Promise<void> {
    // Keys are visible ASCII, compared byte by byte: U+007F is greater than every character that can follow the
    // prefix, in any encoding.
    await this.#removeAll(this.#sql.clear, [prefix, `${prefix}\u007f`], call);
  }

  /**
   * Removes rows that expired more than five minutes ago, a slice at a time. Any number of processes may call it at
   * the same time.
   *
   * @param call - as in every call
   * @returns how many were removed
   */
  async sweep(call: StorageCall): Promise<number> {
    return this.#removeAll(this.#sql.sweep, [call.now - CLOCK_SKEW_MS], call);
  }

  /**
   * Calls `sweep` periodically until `close`; if the database allows it, only one of several processes at a time. Its
   * timer does not keep the process running. A second call restarts it.
   *
   * @param options - `every` (default `"10m"`), and `onError`, called with the error of a failed sweep (default: a
   *   warning)
   * @throws {TypeError | RangeError} if an option is invalid
   * @example
   * ```ts
   * storage.startSweep({ every: "10m" });
   * ```
   */
  startSweep(options?: SweepOptions): void {
    this.#sweeping.start(options);
  }

  /** Stops what `startSweep` started. It does not close the client. */
  close(): void {
    this.#sweeping.stop();
  }

  #sweepAlone(call: StorageCall): Promise<number> {
    const { sweep, sweepAlone, table } = this.#sql;
    const parameters = [call.now - CLOCK_SKEW_MS];
    if (sweepAlone !== undefined) return this.#removeAll(sweepAlone, parameters, call);
    const { alone } = this.#client;
    if (!alone) return this.#removeAll(sweep, parameters, call);
    return alone.call(this.#client, `holdfast sweep ${table}`, (client) =>
      this.#removeAll(sweep, parameters, call, client),
    );
  }

  async #removeAll(
    sql: string,
    parameters: readonly unknown[],
    call: StorageCall,
    client: Pick<SqlClient, "change"> = this.#client,
  ): Promise<number> {
    for (let removed = 0; ; await pause(0, call.signal)) {
      const count = await this.#withRetries(() => client.change(sql, parameters, call), call);
      removed += count;
      if (count < SLICE) return removed;
    }
  }

  #encode(value: string): unknown {
    return this.#dialect.encode ? this.#dialect.encode(value) : Buffer.from(value);
  }

  #row(sql: string, parameters: readonly unknown[], call: StatementCall): Promise<SqlRow | undefined> {
    return this.#withRetries(() => this.#client.row(sql, parameters, call), call);
  }

  #change(sql: string, parameters: readonly unknown[], call: StatementCall): Promise<number> {
    return this.#withRetries(() => this.#client.change(sql, parameters, call), call);
  }

  /**
   * Repeats a statement that failed only because of concurrent statements on the same rows, until the caller stops
   * waiting.
   */
  async #withRetries<T>(statement: () => Promise<T>, call: StatementCall): Promise<T> {
    for (let tries = 0; ; tries++) {
      try {
        return await statement();
      } catch (error) {
        if (!this.#dialect.isBusy(error)) throw this.#advised(error);
      }
      await pause(jitter(tries), call.signal);
    }
  }

  #advised(error: unknown): unknown {
    return advised(error, isClosed(error) ? "closed" : this.#dialect.refusal(error), this.#sql.table);
  }
}

/** Returns a function whose calls wait for each other: for a connection that runs one statement at a time. */
export function inTurn<A extends unknown[], B>(send: (...args: A) => PromiseLike<B>): (...args: A) => Promise<B> {
  let last: Promise<unknown> = Promise.resolve();
  return (...args) => {
    const mine = last.then(() => send(...args));
    last = mine.catch(() => {});
    return mine;
  };
}

/** Validated names, without quotes. */
export interface TableNames {
  readonly schema?: string | undefined;
  readonly table: string;
}

/** Validates the names in options. They cannot be parameters of a statement, so only plain names are accepted. */
export function tableNames(
  where: string,
  options: SqlOptions,
  allowed: readonly (keyof SqlOptions)[] = ["table", "schema"],
): TableNames {
  const { table = DEFAULT_TABLE, schema } = onlyKeys(where, options, allowed, OTHER_STORAGE_OPTIONS);
  return { table: plainName("table", table), schema: schema === undefined ? undefined : plainName("schema", schema) };
}

function plainName(option: string, name: unknown): string {
  if (typeof name === "string" && NAME.test(name)) return name;
  throw mistake(
    "wrong-option",
    `${option} is ${show(name)}; write a name of letters, digits and _, at most 48, that begins with no digit`,
  );
}

interface Statements {
  /** The name of the table for messages, with its schema. */
  readonly table: string;
  readonly schema: readonly string[];
  readonly hasSchema: string;
  readonly miscompared: string | undefined;
  readonly oldest: string;
  readonly facts: readonly SqlFact[];
  readonly get: string;
  readonly create: string;
  readonly update: string;
  readonly touch: string;
  readonly delete: string;
  readonly sweep: string;
  readonly sweepAlone: string | undefined;
  readonly clear: string;
}

const SAME_VERSION = '"key" = ? AND "version" = ?';

/** Creates all statements, once. */
function statements(dialect: Dialect, { schema, table }: TableNames): Statements {
  const qualified = (name: string): string => (schema === undefined ? `"${name}"` : `"${schema}"."${name}"`);
  const index = `${table}_expires_at`;
  const fillings: Readonly<Record<string, string>> = {
    table: qualified(table),
    index: `"${index}"`,
    "path of index": qualified(index),
    "name of table": `'${table}'`,
    "name of index": `'${index}'`,
    schema: schema === undefined ? "NULL" : `'${schema}'`,
    value: dialect.value ?? "?",
    deadline: dialect.deadline ?? "?",
    columns: dialect.columns ?? '"value", "version", "expires_at"',
  };
  const write = (template: string): string => {
    const filled = template.replace(/\{([a-z ]+)\}/g, (_hole, name: string) => fillings[name]!);
    let nth = 0;
    return filled.replaceAll('"', dialect.quote).replace(/\?/g, () => dialect.parameter(++nth));
  };
  return {
    table: schema === undefined ? table : `${schema}.${table}`,
    schema: dialect.schema.map(write),
    hasSchema: write(dialect.hasSchema),
    miscompared: dialect.miscompared && write(dialect.miscompared),
    oldest: write('SELECT MIN("expires_at") AS "value" FROM {table}'),
    facts: dialect.facts.map(({ sql, judge }) => ({ sql: write(sql), judge })),
    get: write('SELECT {columns} FROM {table} WHERE "key" = ?'),
    create: write(dialect.create),
    update: write(
      `UPDATE {table} SET "value" = {value}, "version" = ?, "expires_at" = {deadline} WHERE ${SAME_VERSION}`,
    ),
    touch: write(`${dialect.touch} WHERE ${SAME_VERSION}`),
    delete: write(`DELETE FROM {table} WHERE ${SAME_VERSION}`),
    sweep: write(dialect.sweep),
    sweepAlone: dialect.sweepAlone && write(dialect.sweepAlone),
    clear: write(dialect.clear),
  };
}

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Converts a column to a string: bytes that a driver wrote are returned as bytes. Any other type was not written by a
 * driver.
 */
export function textOf(column: unknown): string {
  if (typeof column === "string") return column;
  return column instanceof Uint8Array || column instanceof ArrayBuffer ? utf8.decode(column) : "";
}

function isNumeric(column: unknown): boolean {
  return typeof column === "number" || typeof column === "bigint";
}

function identity(column: unknown): unknown {
  return column;
}

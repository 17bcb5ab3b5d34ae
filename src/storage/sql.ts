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
import { DEFAULT_PREFIX } from "./findings.js";
import { drawVersion } from "./driver.js";
import { Sweeping } from "./sweeping.js";
import { advised, collides, isClosed, sqlFindings, text, type SqlFact, type SqlRefusal } from "./sql-check.js";

/** Where the records are kept. */
export interface SqlOptions {
  /** Name of the table: letters, digits and `_`, at most 48. Default `holdfast_sessions`. */
  table?: string;
  /**
   * The schema (MySQL: the database) the table is in, by the same rule. Default: where the connection looks for
   * names.
   */
  schema?: string;
}

/** How one kind of client is spoken to: one statement, one answer. */
export interface SqlClient {
  /** The first row, its columns in the order they were asked for; nothing where there is none. */
  row(sql: string, parameters: readonly unknown[], call: StatementCall): Promise<SqlRow | undefined>;
  /** Runs a statement that changes rows; answers how many. */
  change(sql: string, parameters: readonly unknown[], call: StatementCall): Promise<number>;
  /**
   * Runs statements while no other process does the same under this name, for databases that have such locks; the
   * first of them only, if it could not be had.
   */
  alone?(name: string, work: (client: Pick<SqlClient, "change">) => Promise<number>): Promise<number>;
}

/** For whom a statement is run. */
export type StatementCall = Pick<StorageCall, "signal" | "timeout">;

/** A row as value, version and deadline. */
export type SqlRow = readonly unknown[];

/**
 * What a database writes in its own way. Statements are templates: names stand between double quotes, `?` is a
 * parameter, `{table}`, `{value}`, `{deadline}`, `{columns}`, `{index}` (its name) and `{path of index}` (with the
 * schema) are filled in; so are, as strings, `{name of table}`, `{name of index}` and `{schema}`, which is NULL where
 * none was given.
 */
export interface Dialect {
  /** What stands around a name. */
  readonly quote: '"' | "`";
  /** The nth parameter of a statement, from 1. */
  readonly parameter: (nth: number) => string;
  /** How a value is written into a statement, and a deadline; columns as they are asked for. Default: as they are. */
  readonly value?: string;
  readonly deadline?: string;
  readonly columns?: string;
  /** A value as a parameter; default: its bytes. */
  readonly encode?: (value: string) => unknown;
  /** What was a value's column, as bytes or text; default: as it is. */
  readonly decode?: (column: unknown) => unknown;
  /** What makes the table and its index where they are missing. */
  readonly schema: readonly string[];
  /** Asks whether table and index are there, since making them again costs a lock or a right. */
  readonly hasSchema: string;
  /** Asks for the collation of a column that takes different keys for one; for databases that have such. */
  readonly miscompared?: string;
  /** What `check` asks the database about itself. */
  readonly facts: readonly SqlFact[];
  /** Inserts a row; of a key that exists it changes no row, or fails with what `isDuplicate` knows. */
  readonly create: string;
  /** Moves a deadline; counts the row also where the deadline was that one already. */
  readonly touch: string;
  /** Removes at most `SLICE` of the rows that expired. */
  readonly sweep: string;
  /** The same, if no other process does so at this moment, and none otherwise. */
  readonly sweepAlone?: string;
  /** Removes at most `SLICE` of the rows between two keys. */
  readonly clear: string;
  /** Whether an insert failed because the key exists. */
  readonly isDuplicate?: (error: unknown) => boolean;
  /** Whether a statement changed nothing because others were at the same rows: it is repeated. */
  readonly isBusy: (error: unknown) => boolean;
  /** Why the database refused a statement. */
  readonly refusal: (error: unknown) => SqlRefusal | undefined;
  /** Whether another process has made the same table or index at this moment. */
  readonly isMadeByOthers?: (error: unknown) => boolean;
}

/** The most rows that one statement removes: it locks no more, and takes no longer. */
export const SLICE = 500;

/** The longest pause before a statement is repeated, in ms. */
const MAX_PAUSE_MS = 25;

/** How long `ensureSchema` waits for others, in ms. */
const SCHEMA_TIMEOUT_MS = 30_000;

/**
 * How long a statement of `startSweep` is waited for, in ms: a connection that fell silent would stop all later ones.
 */
const SWEEP_STATEMENT_MS = 60_000;

const DEFAULT_TABLE = "holdfast_sessions";
const NAME = /^[a-z_]\w{0,47}$/i;

/**
 * A storage in one table of an SQL database: each call is one statement, no transaction, nothing kept in the
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
   * Makes the table and its index where they are missing. Any number of processes may do so at once, at each start.
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

  /** What `ensureSchema` runs, for migrations: statements that each end with `;` and a line end. */
  schemaSql(): string {
    return this.#sql.schema.map((sql) => `${sql};\n`).join("");
  }

  /** See the storage contract. */
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

  /** See the storage contract. */
  async create(key: string, { value, expiresAt }: StorageEntry, call: StorageCall): Promise<Written | false> {
    const version = drawVersion();
    try {
      const created = await this.#change(this.#sql.create, [key, this.#encode(value), version, expiresAt], call);
      return created > 0 && { version };
    } catch (error) {
      if (this.#dialect.isDuplicate?.(error)) return false;
      throw error;
    }
  }

  /** See the storage contract. */
  async update(
    key: string,
    { value, expiresAt }: StorageEntry,
    version: Version,
    call: StorageCall,
  ): Promise<Written | false> {
    const next = drawVersion();
    const updated = await this.#change(this.#sql.update, [this.#encode(value), next, expiresAt, key, version], call);
    return updated > 0 && { version: next };
  }

  /** See the storage contract. */
  async touch(key: string, expiresAt: number, version: Version, call: StorageCall): Promise<Written | false> {
    const touched = await this.#change(this.#sql.touch, [expiresAt, key, version], call);
    return touched > 0 && { version };
  }

  /** See the storage contract. */
  async delete(key: string, version: Version, call: StorageCall): Promise<boolean> {
    return (await this.#change(this.#sql.delete, [key, version], call)) > 0;
  }

  /**
   * Looks at the table, its index and collation, the rights there are, what was not swept, and what the database says
   * of itself: clock, durability, replication.
   *
   * @param call - `now` is compared with the database's clock.
   * @param prefix - What the keys begin with that the rights are tried with. Default `holdfast:`.
   * @returns What was found, each with its level and what to do about it.
   * @throws What the client throws where the database cannot be reached.
   *
   * @example
   * const findings = await storage.check({ now: Date.now(), signal: AbortSignal.timeout(5000) });
   */
  async check(call: StorageCall, prefix: string = DEFAULT_PREFIX): Promise<StorageFinding[]> {
    const { hasSchema, miscompared, oldest, facts, table } = this.#sql;
    const { refusal } = this.#dialect;
    const row = (sql: string): Promise<SqlRow | undefined> => this.#row(sql, [], call);
    return sqlFindings({ storage: this, table, row, refusal, hasSchema, miscompared, oldest, facts }, call, prefix);
  }

  /** Removes every key that starts with `prefix`, a slice at a time. */
  async clear(prefix: string, call: StorageCall): Promise<void> {
    // Keys are visible ASCII, compared byte by byte: U+007F is above whatever may follow the prefix, in any encoding.
    await this.#removeAll(this.#sql.clear, [prefix, `${prefix}\u007f`], call);
  }

  /**
   * Removes what expired five minutes ago, a slice at a time; answers how many. Any number of processes may do so at
   * once.
   */
  async sweep(call: StorageCall): Promise<number> {
    return this.#removeAll(this.#sql.sweep, [call.now - CLOCK_SKEW_MS], call);
  }

  /**
   * Sweeps every so often, from a timer that keeps no process running, until `close`; of several processes one at a
   * time, if the database can see to that. Called again it starts anew.
   *
   * @param options - `every` (default `"10m"`), and `onError`, which is told why a sweep failed (default: a warning).
   * @throws TypeError or RangeError for options that are none.
   *
   * @example
   * storage.startSweep({ every: "10m" });
   */
  startSweep(options?: SweepOptions): void {
    this.#sweeping.start(options);
  }

  /** Stops what `startSweep` started. The client stays the application's. */
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
      const count = await this.#patiently(() => client.change(sql, parameters, call), call);
      removed += count;
      if (count < SLICE) return removed;
    }
  }

  #encode(value: string): unknown {
    return this.#dialect.encode ? this.#dialect.encode(value) : Buffer.from(value);
  }

  #row(sql: string, parameters: readonly unknown[], call: StatementCall): Promise<SqlRow | undefined> {
    return this.#patiently(() => this.#client.row(sql, parameters, call), call);
  }

  #change(sql: string, parameters: readonly unknown[], call: StatementCall): Promise<number> {
    return this.#patiently(() => this.#client.change(sql, parameters, call), call);
  }

  /** Repeats what failed only because others were at the same rows, until nobody waits for it any more. */
  async #patiently<T>(statement: () => Promise<T>, call: StatementCall): Promise<T> {
    for (let tries = 0; ; tries++) {
      try {
        return await statement();
      } catch (error) {
        if (!this.#dialect.isBusy(error)) throw this.#advised(error);
      }
      await pause(1 + Math.random() * Math.min(2 ** tries, MAX_PAUSE_MS), call.signal);
    }
  }

  #advised(error: unknown): unknown {
    return advised(error, isClosed(error) ? "closed" : this.#dialect.refusal(error), this.#sql.table);
  }
}

/** A function whose calls wait for each other: for a connection that runs one statement at a time. */
export function inTurn<A extends unknown[], B>(send: (...args: A) => PromiseLike<B>): (...args: A) => Promise<B> {
  let last: Promise<unknown> = Promise.resolve();
  return (...args) => {
    const mine = last.then(() => send(...args));
    last = mine.catch(() => {});
    return mine;
  };
}

/** Names that were checked, without quotes. */
export interface TableNames {
  readonly schema?: string | undefined;
  readonly table: string;
}

/**
 * Checks the names that options give. They cannot be parameters of a statement, so nothing but plain names is let
 * through.
 */
export function tableNames(
  where: string,
  options: SqlOptions,
  allowed: readonly (keyof SqlOptions)[] = ["table", "schema"],
): TableNames {
  const { table = DEFAULT_TABLE, schema } = onlyKeys(where, options, allowed);
  return { table: plainName("table", table), schema: schema === undefined ? undefined : plainName("schema", schema) };
}

function plainName(option: string, name: unknown): string {
  if (typeof name === "string" && NAME.test(name)) return name;
  throw new TypeError(
    `holdfast: ${option} is ${show(name)}; write a name of letters, digits and _, at most 48, that begins with ` +
      "no digit",
  );
}

interface Statements {
  /** The table's name, with its schema, for people. */
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

/** Every statement there is, written once. */
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
 * A column that is read as text: what was written as bytes comes back as bytes. What is neither is nothing that a
 * driver wrote.
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

/** Waits; rejects where the signal is or gets aborted. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}

/**
 * Sessions in SQLite.
 *
 * @module
 */
import type { Awaitable } from "../contracts/storage.js";
import { inTurn, SqlStorage, tableNames, type Dialect, type SqlClient, type SqlOptions, type SqlRow } from "./sql.js";
import { misplaced } from "../util/assert.js";
import { insideTransaction } from "./driver.js";
import { D1, isD1 } from "./cloudflare-bindings.js";
import { SQLITE_STATEMENTS, sqliteSchema, SQLITE_FACTS } from "./sqlite-dialect.js";
import { has, refuseLookAlikes, type LookAlike } from "./look-alikes.js";
import { otherBunSql } from "./bun-sql.js";

export type { SqlOptions, SqlStorage } from "./sql.js";

/**
 * The part of a `Database` of `better-sqlite3` or `bun:sqlite`, or a `DatabaseSync` of `node:sqlite`, that is used.
 */
export interface SqliteDatabase {
  prepare(sql: string): SqliteStatement;
  /** True if a transaction is open: in `better-sqlite3` and `bun:sqlite`, and in `node:sqlite`. */
  readonly inTransaction?: boolean;
  readonly isTransaction?: boolean;
}

/** The part of a prepared statement that is used. */
export interface SqliteStatement {
  get(...parameters: any[]): unknown;
  run(...parameters: any[]): Awaitable<{ changes: number | bigint }>;
}

/** The part of a client of `@libsql/client` that is used. */
export interface LibsqlClient {
  execute(statement: { sql: string; args: any[] }): PromiseLike<{ rows: readonly unknown[]; rowsAffected: number }>;
  reconnect(): unknown;
  /** `file`, or `http` or `ws` if the database is on a server. */
  readonly protocol?: string;
}

/** Options of {@link sqliteStorage}. */
export interface SqliteOptions extends Pick<SqlOptions, "table"> {}

/**
 * Stores records in one table of an SQLite database, through `better-sqlite3`, `node:sqlite`, `bun:sqlite` or
 * `@libsql/client`.
 *
 * Several processes on one machine can share the file; with `PRAGMA journal_mode = WAL` readers and writers block each
 * other less. No call blocks the process while it waits for a lock: pass a separate connection, because the first call
 * sets its `busy_timeout` to 0 (for libsql leave `timeout` at its default, 0). If the file is locked, the call is
 * repeated after a pause, until its timeout. Create the table with {@link SqlStorage.ensureSchema | ensureSchema()} or
 * a migration (`schemaSql()` returns it), and call {@link SqlStorage.startSweep | startSweep()}.
 *
 * @param database - a database or client
 * @param options - `table`
 * @returns the storage
 * @throws {TypeError} if the database is not supported or an option is invalid; the message says what to pass
 * @example
 * ```ts
 * const storage = sqliteStorage(new DatabaseSync("sessions.db"));
 * await storage.ensureSchema();
 * storage.startSweep();
 * ```
 */
export function sqliteStorage(database: SqliteDatabase | LibsqlClient, options: SqliteOptions = {}): SqlStorage {
  return new SqlStorage(clientOf(database), DIALECT, tableNames("sqliteStorage", options, ["table"]));
}

const DIALECT: Dialect = {
  ...SQLITE_STATEMENTS,
  // Not every client reads TEXT values after U+0000; a BLOB stores every value.
  schema: sqliteSchema("BLOB"),
  facts: SQLITE_FACTS,
  isBusy,
};

/** SQLITE_BUSY and SQLITE_LOCKED: the low byte of all extended codes. */
const LOCKED = [5, 6];

/** Each client reports the code in a different property. */
function isBusy(error: unknown): boolean {
  const { code, errcode, errno, rawCode } = (error ?? {}) as {
    code?: unknown;
    errcode?: number;
    errno?: number;
    rawCode?: number;
  };
  return /^SQLITE_(BUSY|LOCKED)/.test(String(code)) || LOCKED.includes((errcode ?? errno ?? rawCode ?? 0) & 0xff);
}

const LOOK_ALIKES: readonly LookAlike[] = [
  ...otherBunSql(undefined),
  { name: D1.name, matches: isD1, write: () => D1.write },
  {
    name: "a database of sql.js, which is in memory and does not write the file itself",
    matches: (database) => has(database, "prepare", "each", "export"),
    write: () => "sqliteStorage(new DatabaseSync(file)), of node:sqlite, or another that has the file",
  },
  {
    name: "a database of sqlite3 or sqlite",
    matches: (database) => has(database, "prepare", "each"),
    write: () => "sqliteStorage(new Database(file)), of better-sqlite3, or one of node:sqlite",
  },
  {
    name: "a client of an older @libsql/client, which cannot reopen a connection after a lock",
    matches: (database) =>
      has(database, "execute", "batch", "close") && !has(database, "reconnect") && database.protocol === "file",
    write: () => "sqliteStorage(createClient(…)), of @libsql/client 0.15.15 or newer",
  },
  {
    name: "a transaction of libsql",
    matches: (database) => has(database, "execute", "rollback", "commit"),
    write: () => "sqliteStorage(client), the client itself",
  },
];

function clientOf(database: SqliteDatabase | LibsqlClient): SqlClient {
  refuseLookAlikes("sqliteStorage", database, LOOK_ALIKES);
  if (typeof (database as Partial<SqliteDatabase> | null)?.prepare === "function")
    return new Prepared(database as SqliteDatabase);
  if (isLibsql(database)) return throughLibsql(database);
  throw misplaced(
    "sqliteStorage: database",
    database,
    "a database of better-sqlite3, node:sqlite or bun:sqlite (this has no prepare()), or a client of " +
      "@libsql/client (this has no execute() and reconnect())",
    "wrong-client",
  );
}

function isLibsql(database: unknown): database is LibsqlClient {
  const client = database as Partial<LibsqlClient> | null | undefined;
  return typeof client?.execute === "function" && (typeof client.reconnect === "function" || isRemote(client));
}

/** True for a server, which handles locks itself. */
function isRemote({ protocol }: Partial<LibsqlClient>): boolean {
  return protocol === "http" || protocol === "ws";
}

/** A synchronous connection: statements are prepared at their first use and kept. */
class Prepared implements SqlClient {
  readonly #database: SqliteDatabase;
  readonly #isInside: () => boolean;
  readonly #statements = new Map<string, SqliteStatement>();

  constructor(database: SqliteDatabase) {
    this.#database = database;
    this.#isInside = transactionWatch(database);
  }

  async row(sql: string, parameters: readonly unknown[]): Promise<SqlRow | undefined> {
    return columns(await this.#statement(sql).get(...parameters));
  }

  async change(sql: string, parameters: readonly unknown[]): Promise<number> {
    return Number((await this.#statement(sql).run(...parameters)).changes);
  }

  #statement(sql: string): SqliteStatement {
    if (this.#isInside()) throw insideTransaction("BEGIN");
    if (this.#statements.size === 0) this.#database.prepare("PRAGMA busy_timeout = 0").get();
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

/**
 * Returns a function that tells if a connection is inside a transaction. `node:sqlite` before Node 22.16 does not
 * report it; but BEGIN fails inside a transaction.
 */
function transactionWatch(database: SqliteDatabase): () => boolean {
  if ("inTransaction" in database) return () => database.inTransaction === true;
  if ("isTransaction" in database) return () => database.isTransaction === true;
  if ((database as object).constructor?.name !== "DatabaseSync") return () => false;
  return () => {
    try {
      database.prepare("BEGIN").run();
    } catch {
      return true;
    }
    database.prepare("ROLLBACK").run();
    return false;
  };
}

type Libsql = LibsqlClient["execute"];

function throughLibsql(client: LibsqlClient): SqlClient {
  const execute: Libsql = isRemote(client) ? (statement) => client.execute(statement) : onFile(client);
  return {
    row: async (sql, args) => columns((await execute({ sql, args: [...args] })).rows[0]),
    change: async (sql, args) => (await execute({ sql, args: [...args] })).rowsAffected,
  };
}

/**
 * If the file is locked, a libsql statement stays open in its connection: later writes on that connection are never
 * committed, and reads return old data. So the connection is reopened, and no other statement runs in the meantime.
 */
function onFile(client: LibsqlClient): Libsql {
  return inTurn(async (statement) => {
    try {
      return await client.execute(statement);
    } catch (error) {
      if (isBusy(error)) await client.reconnect();
      throw error;
    }
  });
}

function columns(row: unknown): SqlRow | undefined {
  if (row == null) return undefined;
  if (Array.isArray(row)) return row as SqlRow;
  const named = row as Record<string, unknown>;
  if (!("version" in named)) return Object.values(named);
  const { value, version, expires_at } = named;
  return [value, version, expires_at];
}

/**
 * Sessions in SQLite.
 *
 * @module
 */
import type { Awaitable } from "../contracts/storage.js";
import {
  inTurn,
  SLICE,
  SqlStorage,
  tableNames,
  type Dialect,
  type SqlClient,
  type SqlOptions,
  type SqlRow,
} from "./sql.js";
import { misplaced } from "../util/assert.js";
import { insideTransaction } from "./driver.js";
import type { SqlRefusal } from "./sql-check.js";
import { SQLITE_FACTS } from "./sqlite-facts.js";
import { has, refuseLookAlikes, type LookAlike } from "./look-alikes.js";

export type { SqlOptions, SqlStorage } from "./sql.js";

/** What is used of a `Database` of `better-sqlite3` or `bun:sqlite`, or a `DatabaseSync` of `node:sqlite`. */
export interface SqliteDatabase {
  prepare(sql: string): SqliteStatement;
  /** Whether a transaction is open: of `better-sqlite3` and `bun:sqlite`, and of `node:sqlite`. */
  readonly inTransaction?: boolean;
  readonly isTransaction?: boolean;
}

/** What is used of a prepared statement. */
export interface SqliteStatement {
  get(...parameters: any[]): unknown;
  run(...parameters: any[]): Awaitable<{ changes: number | bigint }>;
}

/** What is used of a client of `@libsql/client`. */
export interface LibsqlClient {
  execute(statement: { sql: string; args: any[] }): PromiseLike<{ rows: readonly unknown[]; rowsAffected: number }>;
  reconnect(): unknown;
  /** `file`, or `http` or `ws` where the database is a server. */
  readonly protocol?: string;
}

/** Options of {@link sqliteStorage}. */
export interface SqliteOptions extends Pick<SqlOptions, "table"> {}

/**
 * Keeps records in one table of an SQLite database, through `better-sqlite3`, `node:sqlite`, `bun:sqlite` or
 * `@libsql/client`.
 *
 * Several processes of one machine may share the file; `PRAGMA journal_mode = WAL` makes readers and a writer wait
 * for each other less. Nothing waits for a lock in a call that blocks the process: hand in a connection of its own,
 * since the first call of a synchronous one sets its `busy_timeout` to 0 (for libsql leave `timeout` at its default,
 * 0), and a locked file is tried again a little later, as long as the call is waited for. Make the table with {@link
 * SqlStorage.ensureSchema | ensureSchema()} or a migration (`schemaSql()` prints it), and call {@link
 * SqlStorage.startSweep | startSweep()}.
 */
export function sqliteStorage(database: SqliteDatabase | LibsqlClient, options: SqliteOptions = {}): SqlStorage {
  return new SqlStorage(speakerOf(database), DIALECT, tableNames("sqliteStorage", options, ["table"]));
}

const DIALECT: Dialect = {
  quote: '"',
  parameter: () => "?",
  // Not every client reads a text beyond U+0000; a BLOB holds every value.
  schema: [
    'CREATE TABLE IF NOT EXISTS {table} ("key" TEXT PRIMARY KEY NOT NULL, "value" BLOB NOT NULL, "version" ' +
      'TEXT NOT NULL, "expires_at" INTEGER NOT NULL) STRICT',
    'CREATE INDEX IF NOT EXISTS {index} ON {table} ("expires_at")',
  ],
  // A file that must not be written is opened all the same.
  hasSchema:
    "SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = {name of index} AND tbl_name = {name of table}",
  facts: SQLITE_FACTS,
  refusal,
  create:
    'INSERT INTO {table} ("key", "value", "version", "expires_at") VALUES (?, ?, ?, ?) ON CONFLICT ("key") DO NOTHING',
  touch: 'UPDATE {table} SET "expires_at" = ?',
  sweep:
    `DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE "expires_at" <= ? ORDER BY "expires_at" ` +
    `LIMIT ${SLICE})`,
  clear:
    `DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE "key" >= ? AND "key" < ? ORDER BY "key" ` +
    `LIMIT ${SLICE})`,
  isBusy,
};

/** Of the database: by its text, since half of the clients tell no code. */
function refusal(error: unknown): SqlRefusal | undefined {
  const { message = "" } = (error ?? {}) as { message?: string };
  if (/no such table/i.test(message)) return "table";
  if (/no such column|has no column named/i.test(message)) return "column";
  return /readonly database/i.test(message) ? "read-only" : undefined;
}

/** SQLITE_BUSY and SQLITE_LOCKED, the low byte of every code that tells more. */
const LOCKED = [5, 6];

/** Each client tells the code in a place of its own. */
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
  {
    name: "a D1 database of Cloudflare",
    // No synchronous client has batch(). What withSession() returns has neither exec() nor dump().
    matches: (database) => has(database, "prepare", "batch") && !has(database, "execute"),
    write: () => "another storage: D1 is no connection of this process, and has no driver here",
  },
  {
    name: "a database of sql.js, which is in memory and asks its application to write the file",
    matches: (database) => has(database, "prepare", "each", "export"),
    write: () => "sqliteStorage(new DatabaseSync(file)), of node:sqlite, or another that has the file",
  },
  {
    name: "a database of sqlite3 or sqlite",
    matches: (database) => has(database, "prepare", "each"),
    write: () => "sqliteStorage(new Database(file)), of better-sqlite3, or one of node:sqlite",
  },
  {
    name: "a client of an older @libsql/client, which cannot leave a connection that met a lock",
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

function speakerOf(database: SqliteDatabase | LibsqlClient): SqlClient {
  refuseLookAlikes("sqliteStorage", database, LOOK_ALIKES);
  if (typeof (database as Partial<SqliteDatabase> | null)?.prepare === "function")
    return new Prepared(database as SqliteDatabase);
  if (isLibsql(database)) return throughLibsql(database);
  throw misplaced(
    "sqliteStorage: database",
    database,
    "a database of better-sqlite3, node:sqlite or bun:sqlite (this has no prepare()), or a client of " +
      "@libsql/client (this has no execute() and reconnect())",
  );
}

function isLibsql(database: unknown): database is LibsqlClient {
  const client = database as Partial<LibsqlClient> | null | undefined;
  return typeof client?.execute === "function" && (typeof client.reconnect === "function" || isRemote(client));
}

/** A server, where a locked file is none of the client's matters. */
function isRemote({ protocol }: Partial<LibsqlClient>): boolean {
  return protocol === "http" || protocol === "ws";
}

/** A synchronous connection: statements are prepared when they are needed, and kept. */
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
 * Whether a connection is inside a transaction. `node:sqlite` before Node 22.16 does not tell: there no other
 * transaction can be begun then.
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
 * A statement that libsql could not run, the file being locked, stays open in its connection: what is written there
 * from then on is never committed, and what is read stays old. So the connection is made anew, and no other statement
 * runs meanwhile.
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

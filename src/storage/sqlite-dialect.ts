/** The statements of SQLite and D1, and questions to SQLite about its configuration. */
import { SLICE, type Dialect } from "./sql.js";
import { type SqlRefusal, text, type SqlFact } from "./sql-check.js";
import type { StorageFinding } from "../contracts/storage.js";
import { bad, ok, warning } from "./findings.js";

/** The statements of SQLite, for every client. */
export const SQLITE_STATEMENTS: Pick<
  Dialect,
  "quote" | "parameter" | "hasSchema" | "refusal" | "create" | "touch" | "sweep" | "clear"
> = {
  quote: '"',
  parameter: () => "?",
  // A read-only file can still be opened.
  hasSchema:
    "SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = {name of index} AND tbl_name = {name of table}",
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
};

/** The table and its index, with the type of the column of values. */
export function sqliteSchema(value: "BLOB" | "TEXT"): string[] {
  return [
    `CREATE TABLE IF NOT EXISTS {table} ("key" TEXT PRIMARY KEY NOT NULL, "value" ${value} NOT NULL, "version" ` +
      'TEXT NOT NULL, "expires_at" INTEGER NOT NULL) STRICT',
    'CREATE INDEX IF NOT EXISTS {index} ON {table} ("expires_at")',
  ];
}

/** Recognised by the message, because half of the clients report no code. */
function refusal(error: unknown): SqlRefusal | undefined {
  const { message = "" } = (error ?? {}) as { message?: string };
  if (/no such table/i.test(message)) return "table";
  if (/no such column|has no column named/i.test(message)) return "column";
  return /readonly database/i.test(message) ? "read-only" : undefined;
}

/** Questions to SQLite about its configuration. */
export const SQLITE_FACTS: readonly SqlFact[] = [
  { sql: "PRAGMA journal_mode", judge: ([mode]) => journal(text(mode).toLowerCase()) },
  { sql: "PRAGMA synchronous", judge: ([level]) => (text(level) === "0" ? [unsafe()] : []) },
];

function unsafe(): StorageFinding {
  return warning("synchronous is OFF: a crash of the machine may damage the database", "PRAGMA synchronous = NORMAL");
}

function journal(mode: string): StorageFinding[] {
  if (mode === "off") return [bad("journal_mode is off: a crash damages the database", "PRAGMA journal_mode = WAL")];
  if (mode === "memory")
    return [
      warning(
        "journal_mode is memory: a crash of this process may damage the database",
        "use a file with PRAGMA journal_mode = WAL",
      ),
    ];
  return [
    ok(
      `journal_mode is ${mode}`,
      mode === "wal" ? "" : "PRAGMA journal_mode = WAL makes readers and a writer wait for each other less",
    ),
  ];
}

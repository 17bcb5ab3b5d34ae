import { SLICE, type Dialect } from "./sql.js";
import type { SqlRefusal } from "./sql-check.js";

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

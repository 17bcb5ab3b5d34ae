/**
 * `CLIENT`: runs the suites over an SQLite file in the runtime that has this client; prints a line of JSON for each
 * case.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sqliteStorage, type LibsqlClient, type SqliteDatabase } from "holdfast/storage/sqlite";
import { openSqlite, type SqliteClient } from "./sqlite-clients.js";
import { runSuites } from "./storage-suites.js";

const directory = mkdtempSync(join(tmpdir(), "holdfast-sqlite-"));
process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
const { database, run } = await openSqlite(process.argv[2] as SqliteClient, join(directory, "suite.db"));
await run("PRAGMA journal_mode = WAL");
await run("PRAGMA synchronous = OFF");
const storage = sqliteStorage(database);
await storage.ensureSchema();
tell({ server: `SQLite ${await sqliteVersion(database)}${runtime()}` });
await runSuites(storage, tell);
process.exit();

function tell(what: unknown): void {
  console.log(JSON.stringify(what));
}

async function sqliteVersion(database: SqliteDatabase | LibsqlClient): Promise<unknown> {
  const sql = "SELECT sqlite_version() AS version";
  const row =
    "execute" in database ? (await database.execute({ sql, args: [] })).rows[0] : database.prepare(sql).get();
  return (row as { version: unknown }).version;
}

function runtime(): string {
  const { bun, node } = process.versions;
  return bun ? `, Bun ${bun}` : `, Node ${node}`;
}

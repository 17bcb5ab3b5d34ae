/** SQLite: each client in the runtime that has it, and how files and connections are configured. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createStore, type Storage } from "holdfast";
import { sqliteStorage } from "holdfast/storage/sqlite";
import { openSqlite, ROW_SETTINGS, type SqliteClient } from "../../support/sqlite-clients.js";
import { nameOf, type MatrixRow, type Opened } from "./row.js";

interface Setting {
  readonly pragmas?: readonly string[];
  readonly options?: object;
  configure?(database: any): void;
  /** The database is in memory. */
  readonly isTransient?: true;
  /** Other processes change the same file. */
  readonly isShared?: true;
}

const SETTINGS: Readonly<Record<string, Setting>> = {
  "a rollback journal, as it comes": { pragmas: ["PRAGMA synchronous = OFF"] },
  WAL: { pragmas: ["PRAGMA journal_mode = WAL", "PRAGMA synchronous = OFF"] },
  "WAL, every commit on the disk": { pragmas: ["PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL"] },
  "a truncated journal, exclusive": {
    pragmas: ["PRAGMA journal_mode = TRUNCATE", "PRAGMA locking_mode = EXCLUSIVE", "PRAGMA synchronous = OFF"],
  },
  "another encoding, foreign keys, secure delete": {
    pragmas: [
      "PRAGMA encoding = 'UTF-16'",
      "PRAGMA foreign_keys = ON",
      "PRAGMA secure_delete = ON",
      "PRAGMA synchronous = OFF",
    ],
  },
  "in memory": { isTransient: true },
  "WAL, several processes": { pragmas: ["PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL"], isShared: true },
  "a rollback journal, several processes": { pragmas: ["PRAGMA synchronous = OFF"], isShared: true },
};

/** What the page calls each, without asking for packages: this file is read in other runtimes too. */
const CLIENTS: Readonly<Record<string, { readonly client: string; readonly runtime: SqliteClient }>> = {
  "better-sqlite3": { client: "better-sqlite3 13.2.0", runtime: "better-sqlite3" },
  "node:sqlite": { client: "node:sqlite of Node 24", runtime: "node:sqlite" },
  "bun:sqlite": { client: "bun:sqlite of Bun 1.4", runtime: "bun:sqlite" },
  libsql: { client: "@libsql/client 0.18.0", runtime: "libsql" },
};

interface SqliteRow {
  readonly row: MatrixRow;
  readonly name: string;
  readonly setting: Setting;
}

const ALL: readonly SqliteRow[] = Object.entries(CLIENTS).flatMap(([name, { client, runtime }]) => {
  const settings: Readonly<Record<string, Setting>> = { ...SETTINGS, ...ROW_SETTINGS[runtime] };
  return Object.entries(settings).map(([configuration, setting]) => ({
    name,
    setting,
    row: {
      driver: "sqlite",
      client,
      configuration,
      server: "none",
      runtime,
      isPart: configuration === "WAL" && name !== "bun:sqlite",
    },
  }));
});

export const SQLITE_ROWS: readonly MatrixRow[] = ALL.map(({ row }) => row);

/** Opens a row, in the runtime that has its client. */
export async function openSqliteRow(wanted: string): Promise<Opened> {
  const { name, setting, row } = ALL.find(({ row }) => nameOf(row) === wanted)!;
  const directory = mkdtempSync(join(tmpdir(), "holdfast-matrix-"));
  const file = setting.isTransient && row.client !== "@libsql/client" ? ":memory:" : join(directory, "matrix.db");
  const { database, run, close } = await openSqlite(name as SqliteClient, file, setting.options);
  setting.configure?.(database);
  for (const pragma of setting.pragmas ?? []) await run(pragma);
  const storage = sqliteStorage(database);
  await storage.ensureSchema();
  if (setting.isShared) await countTogether(storage, name, file);
  return {
    storage,
    close() {
      close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Processes that count, and how far each of them does. */
const PROCESSES = 3;
const TIMES = 40;

/** This process and others count in one session: none of it is lost. */
async function countTogether(storage: Storage, client: string, file: string): Promise<void> {
  const store = createStore<{ n: number }>({ storage, storageTimeout: "20s", commitTimeout: "40s" });
  const { id } = await store.create({ n: 0 });
  const program = fileURLToPath(new URL("../../support/sqlite-child.js", import.meta.url));
  const args = [program, "count", client, file, id, `${TIMES}`];
  const others = Array.from({ length: PROCESSES }, () => promisify(execFile)(process.execPath, args));
  for (let i = 0; i < TIMES; i++) await store.edit(id, (session) => session.update("n", (n = 0) => n + 1));
  await Promise.all(others);
  assert.equal((await store.getById(id))?.get("n"), (PROCESSES + 1) * TIMES);
  await store.delete(id);
}

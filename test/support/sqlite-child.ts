/**
 * Runs in the runtime that has the client: `cases CLIENT` prints a line of JSON for each case, `count CLIENT FILE
 * TIMES` increments a session.
 */
import { createStore } from "holdfast";
import { sqliteStorage } from "holdfast/storage/sqlite";
import { sqliteCases } from "./sqlite-cases.js";
import { openSqlite, type SqliteClient } from "./sqlite-clients.js";

const [mode, client, ...rest] = process.argv.slice(2) as [string, SqliteClient, ...string[]];
if (mode === "cases") await cases();
else await count(rest[0]!, rest[1]!, Number(rest[2]));
process.exit();

async function cases(): Promise<void> {
  for (const { name, run } of sqliteCases(client)) {
    const error = await run().then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error.stack : String(error)),
    );
    console.log(JSON.stringify({ name, error }));
  }
}

async function count(file: string, id: string, times: number): Promise<void> {
  const { database } = await openSqlite(client, file);
  const storage = sqliteStorage(database);
  await storage.ensureSchema();
  const store = createStore<{ n: number }>({ storage });
  for (let i = 0; i < times; i++) await store.edit(id, (session) => session.update("n", (n = 0) => n + 1));
}

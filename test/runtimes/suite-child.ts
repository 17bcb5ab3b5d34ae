/** `PART …`: plays adapters of these names, or `memory`, or `sqlite:CLIENT`, in this runtime; prints lines of JSON. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Storage } from "holdfast";
import { memoryStorage } from "holdfast/storage/memory";
import { sqliteStorage } from "holdfast/storage/sqlite";
import { storageSuite } from "holdfast/testing";
import { NOT_EXPRESSIBLE } from "../adapters/not-expressible.js";
import { CASES, play } from "../adapters/suite.js";
import { ADAPTERS } from "../support/apps.js";
import { openSqlite, type SqliteClient } from "../support/sqlite-clients.js";
import { isLeftOut } from "./meant.js";

const isDeno = "Deno" in globalThis;

for (const part of process.argv.slice(2)) {
  if (part === "memory") await storageKit(part, memoryStorage());
  else if (part.startsWith("sqlite:")) await onSqlite(part, part.slice("sqlite:".length) as SqliteClient);
  else await adapterSuite(part);
}
tell({ end: true });
process.exit();

async function adapterSuite(part: string): Promise<void> {
  const adapter = ADAPTERS.find(({ name }) => name === part)!;
  for (const one of CASES) {
    if (NOT_EXPRESSIBLE[one.name]?.[adapter.name]) continue;
    if (isDeno && isLeftOut("Deno", one.name)) tell({ part, name: one.name, isLeftOut: true });
    else await settle(part, one.name, () => play(one, adapter));
  }
}

async function storageKit(part: string, storage: Storage): Promise<void> {
  for (const { name, run } of storageSuite(() => ({ storage }))) await settle(part, name, run);
}

async function onSqlite(part: string, client: SqliteClient): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-sqlite-"));
  process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
  const { database, run } = await openSqlite(client, join(directory, "kit.db"));
  await run("PRAGMA journal_mode = WAL");
  await run("PRAGMA synchronous = OFF");
  const storage = sqliteStorage(database);
  await storage.ensureSchema();
  await storageKit(part, storage);
}

async function settle(part: string, name: string, run: () => Promise<void>): Promise<void> {
  const error = await run().then(() => undefined, told);
  tell({ part, name, ...(error !== undefined && { error }) });
}

function told(error: unknown): string {
  return error instanceof Error ? `${error.message}\n${error.stack ?? ""}` : String(error);
}

function tell(what: unknown): void {
  console.log(JSON.stringify(what));
}

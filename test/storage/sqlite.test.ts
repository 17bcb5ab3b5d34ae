import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createStore } from "holdfast";
import { sqliteStorage } from "holdfast/storage/sqlite";
import { HOSTILE_NAMES } from "../support/sql-cases.js";
import { aWhile } from "../support/within.js";
import { sqliteCases } from "../support/sqlite-cases.js";
import { openSqlite, type SqliteClient } from "../support/sqlite-clients.js";
import { SQLITE_ENVIRONMENT, SQLITE_RUNTIMES } from "../support/sqlite-runtimes.js";

const run = promisify(execFile);
const CHILD = fileURLToPath(new URL("../support/sqlite-child.js", import.meta.url));
const CLIENTS = Object.keys(SQLITE_RUNTIMES) as SqliteClient[];

/** The cases are those of `storageSuite()` and more; they run in the client's own runtime, which reports them. */
for (const client of CLIENTS) {
  describe(client, () => {
    const results = casesOf(client);
    for (const { name } of sqliteCases(client)) {
      test(name, async () => {
        const { errors, output } = await results;
        assert.ok(errors.has(name), `the case did not end:\n${output}`);
        const error = errors.get(name);
        if (error !== undefined) throw new Error(error);
      });
    }
  });
}

async function casesOf(client: SqliteClient): Promise<{ errors: Map<string, string | undefined>; output: string }> {
  const child = spawn(SQLITE_RUNTIMES[client], [CHILD, "cases", client], {
    env: SQLITE_ENVIRONMENT,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const errors = new Map<string, string | undefined>();
  let output = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output += text));
  for await (const line of createInterface(child.stdout)) {
    const { name, error } = JSON.parse(line) as { name: string; error?: string };
    errors.set(name, error);
  }
  return { errors, output };
}

for (const mode of ["DELETE", "WAL"]) {
  test(`processes with four different clients share one file, journal mode ${mode}: no increment is lost`, async (t) => {
    const directory = mkdtempSync(join(tmpdir(), "holdfast-sqlite-"));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    const file = join(directory, "shared.db");
    const { database, run: execute, close } = await openSqlite("libsql", file);
    await execute(`PRAGMA journal_mode = ${mode}`);
    const storage = sqliteStorage(database);
    await storage.ensureSchema();
    const store = createStore<{ n: number }>({ storage });
    const { id } = await store.create({ n: 0 });
    await Promise.all(
      CLIENTS.map((client) =>
        run(SQLITE_RUNTIMES[client], [CHILD, "count", client, file, id, "25"], { env: SQLITE_ENVIRONMENT }),
      ),
    );
    assert.equal((await store.getById(id))?.get("n"), 100);
    close();
  });
}

test("statements to a remote libsql do not wait for each other; those to a file do", async () => {
  const call = { now: 1e12, signal: new AbortController().signal };
  for (const [protocol, together] of [
    ["http", 3],
    ["ws", 3],
    ["file", 1],
  ] as const) {
    let [running, most] = [0, 0];
    const execute = async () => {
      most = Math.max(most, ++running);
      await aWhile(2);
      running--;
      return { rows: [], rowsAffected: 0 };
    };
    const storage = sqliteStorage({ protocol, execute, reconnect: () => assert.fail("nothing was locked") });
    await Promise.all(["a", "b", "c"].map((key) => storage.get(key, call)));
    assert.equal(most, together, protocol);
  }
});

test("attack 25: names that are not plain are refused when the storage is created", () => {
  const client = { prepare: () => assert.fail("no statement may be prepared") } as never;
  for (const name of HOSTILE_NAMES)
    assert.throws(
      () => sqliteStorage(client, { table: name as string }),
      /^TypeError: holdfast: table is .*; write a name of letters/,
    );
  assert.throws(() => sqliteStorage(client, { schema: "main" } as never), /has no option "schema"; it has table/);
});

test("an unsupported client is refused when the storage is created, by its missing methods", () => {
  for (const client of [undefined, null, "file.db", {}, { query: () => {} }]) {
    assert.throws(
      () => sqliteStorage(client as never),
      (error: Error) => error instanceof TypeError && /prepare\(\).*execute\(\)/.test(error.message),
    );
  }
});

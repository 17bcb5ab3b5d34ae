import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { storageSuite, type StorageCase, type StorageConditions } from "holdfast/testing";
import { sqliteStorage, type LibsqlClient, type SqliteDatabase, type SqlStorage } from "holdfast/storage/sqlite";
import { sqlCases, type SqlUnderTest } from "./sql-cases.js";
import { openSqlite, ROW_SETTINGS, type OpenedSqlite, type SqliteClient } from "./sqlite-clients.js";
import { aWhile, until, within } from "./within.js";

const call = { now: 1e12, signal: new AbortController().signal };
const entry = { value: "one", expiresAt: 2e12 };

/**
 * Everything that one client must hold: the storage contract, what all SQL drivers share, and what is SQLite's own.
 */
export function sqliteCases(client: SqliteClient): readonly StorageCase[] {
  const own = Object.entries(OWN).map(([name, work]) => ({
    name,
    run: () => inDirectory((directory) => work(opener(client, join(directory, "own.db")))),
  }));
  return [
    ...storageSuite(() => suiteStorage(client), conditionsOf(client)),
    ...sqlCases((table) => tableIn(client, table)),
    ...own,
  ];
}

const shared = { directory: "" };

/** One directory for all cases of a process; removed with it. */
function file(name: string): string {
  if (!shared.directory) {
    shared.directory = mkdtempSync(join(tmpdir(), "holdfast-sqlite-"));
    process.once("exit", () => rmSync(shared.directory, { recursive: true, force: true }));
  }
  return join(shared.directory, name);
}

async function inDirectory(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-sqlite-"));
  try {
    await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A storage, and its database behind its back. */
interface SqliteUnderTest {
  readonly storage: SqlStorage;
  run(sql: string): Promise<unknown>;
}

let suite: Promise<SqliteUnderTest> | undefined;

async function suiteStorage(client: SqliteClient): Promise<SqliteUnderTest> {
  suite ??= (async () => {
    const { database, run } = await openSqlite(client, file("suite.db"));
    await quick(run);
    const storage = sqliteStorage(database);
    await storage.ensureSchema();
    return { storage, run };
  })();
  return suite;
}

/** What may go wrong around a file, by its own means. */
function conditionsOf(client: SqliteClient): StorageConditions<SqliteUnderTest> {
  return {
    async readOnly({ run }) {
      await run("PRAGMA query_only = 1");
      return () => run("PRAGMA query_only = 0");
    },
    async foreignTransaction({ run }) {
      await run("BEGIN IMMEDIATE");
      // libsql takes back what is left open, each time.
      return () => run("ROLLBACK").catch((error) => assert.equal(client, "libsql", String(error)));
    },
    rowSettings: Object.fromEntries(
      Object.entries(ROW_SETTINGS[client]).map(([name, { options, configure }]) => [
        name,
        async () => {
          const { database, run, close } = await openSqlite(client, file("rows.db"), options);
          configure?.(database);
          await quick(run);
          const storage = sqliteStorage(database);
          await storage.ensureSchema();
          return { storage, close };
        },
      ]),
    ),
  };
}

/** Tests wait for no disk. */
async function quick(run: (sql: string) => Promise<unknown>): Promise<void> {
  await run("PRAGMA journal_mode = WAL");
  await run("PRAGMA synchronous = OFF");
}

async function tableIn(client: SqliteClient, table: string): Promise<SqlUnderTest> {
  const { database, run, close } = await openSqlite(client, file("tables.db"));
  await patiently(() => quick(run));
  const sent: string[] = [];
  return {
    storage: sqliteStorage(counted(database, sent), { table }),
    sent,
    run: (sql) => patiently(() => run(sql)),
    close,
  };
}

/** What a test does by itself meets locks, too. */
async function patiently<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (tries === 200 || !/locked|busy/i.test(String(error))) throw error;
      await aWhile(5);
    }
  }
}

/** The same client; the text of each statement that it runs is kept, but for those of the connection itself. */
function counted(database: SqliteDatabase | LibsqlClient, sent: string[]): SqliteDatabase | LibsqlClient {
  const note = (sql: string): unknown => sql.startsWith("PRAGMA ") || sent.push(sql);
  if ("execute" in database)
    return {
      execute: (statement) => (note(statement.sql), database.execute(statement)),
      reconnect: () => database.reconnect(),
    };
  return {
    prepare(sql) {
      const statement = database.prepare(sql);
      return {
        get: (...values) => (note(sql), statement.get(...values)),
        run: (...values) => (note(sql), statement.run(...values)),
      };
    },
  };
}

type Open = () => Promise<OpenedSqlite>;

function opener(client: SqliteClient, path: string): Open {
  return () => openSqlite(client, path);
}

const OWN: Readonly<Record<string, (open: Open) => Promise<void>>> = {
  async "while another connection holds the lock a write waits, and the event loop turns"(open) {
    await locked(open, async (storage, unlock) => {
      let turns = 0;
      const turning = setInterval(() => turns++, 1);
      const begun = Date.now();
      const creating = storage.create("k", entry, call);
      assert.ok(Date.now() - begun < 1000, "the call itself must not wait");
      await until("the event loop turns", () => turns >= 30);
      clearInterval(turning);
      await unlock();
      assert.ok(await within(3000, "create after the lock is gone", creating));
      assert.equal((await storage.get("k", call))?.value, "one");
    });
  },

  async "who stops waiting for a lock is told so, and nothing is written afterwards"(open) {
    await locked(open, async (storage, unlock) => {
      const controller = new AbortController();
      const creating = storage.create("k", entry, { now: 1e12, signal: controller.signal });
      const failed = assert.rejects(creating, (error) => error === controller.signal.reason);
      await aWhile(30);
      controller.abort(new Error("enough"));
      await within(1000, "the call ends", failed);
      await unlock();
      await aWhile(80);
      assert.equal(await storage.get("k", call), undefined);
    });
  },

  async "readers and writers of several connections, in the journal mode that locks most: every call is answered"(
    open,
  ) {
    const all = await Promise.all(Array.from({ length: 4 }, open));
    const storages = all.map(({ database }) => sqliteStorage(database));
    await Promise.all(storages.map((storage) => storage.ensureSchema()));
    const written = await storages[0]!.create("k", { ...entry, value: "0" }, call);
    assert.ok(written);
    const add = async (storage: SqlStorage): Promise<void> => {
      for (let done = 0; done < 10; ) {
        const { value, version } = (await storage.get("k", call))!;
        if (await storage.update("k", { ...entry, value: `${Number(value) + 1}` }, version, call)) done++;
        else await aWhile(1);
      }
    };
    await within(20_000, "40 increments", Promise.all(storages.map(add)));
    assert.equal((await storages[0]!.get("k", call))?.value, "40");
    for (const { close } of all) close();
  },

  async "after each call the file is free: no transaction stays open"(open) {
    const [one, other] = [await open(), await open()];
    const storage = sqliteStorage(one.database);
    const isFree = async (): Promise<void> => void (await (await other.lock())());
    await storage.ensureSchema();
    await isFree();
    assert.ok(await storage.create("k", entry, call));
    await isFree();
    assert.equal(await storage.create("k", entry, call), false);
    assert.equal(await storage.update("k", entry, "none", call), false);
    await storage.get("k", call);
    await isFree();
    one.close();
    other.close();
  },

  async "a table that something else wrote to is refused by the database or read as no record"(open) {
    const { database, run, close } = await open();
    const storage = sqliteStorage(database);
    await storage.ensureSchema();
    await assert.rejects(async () => run("INSERT INTO holdfast_sessions VALUES ('k', 'text', 'v', 1)"));
    await assert.rejects(async () => run("INSERT INTO holdfast_sessions VALUES ('k', x'00', 'v', 'soon')"));
    await run("INSERT INTO holdfast_sessions VALUES ('k', x'ff00fe', 'v', 2000000000000)");
    assert.deepEqual(await storage.get("k", call), { value: "\ufffd\u0000\ufffd", version: "v", expiresAt: 2e12 });
    close();
  },
};

/** A storage whose file another connection has locked for writing. */
async function locked(
  open: Open,
  work: (storage: SqlStorage, unlock: () => Promise<unknown>) => Promise<void>,
): Promise<void> {
  const [one, other] = [await open(), await open()];
  const storage = sqliteStorage(one.database);
  await storage.ensureSchema();
  const unlock = await other.lock();
  try {
    await work(storage, unlock);
  } finally {
    one.close();
    other.close();
  }
}

/** `startSweep`: what expired is removed by itself, by one process at a time, until `close`. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test, type TestContext } from "node:test";
import { promisify } from "node:util";
import { createClient } from "@libsql/client";
import mysql from "mysql2/promise";
import pg from "pg";
import { encrypted } from "holdfast/storage/encrypted";
import { mysqlStorage } from "holdfast/storage/mysql";
import { postgresStorage, type PgClient, type PgQuery, type SqlStorage } from "holdfast/storage/postgres";
import { sqliteStorage } from "holdfast/storage/sqlite";
import { testClock } from "holdfast/testing";
import { foreign } from "../support/foreign-packages.js";
import { withService } from "../support/services.js";
import { aWhile, until } from "../support/within.js";

const MINUTE = 60_000;
const NOW = Date.UTC(2030, 0, 1);
const call = { now: NOW, signal: new AbortController().signal };
const OLD = { value: "x", expiresAt: NOW - 20 * MINUTE };
const LIVE = { value: "x", expiresAt: NOW + 600 * MINUTE };

async function sqlite(t: TestContext): Promise<SqlStorage> {
  const client = createClient({ url: "file::memory:" });
  const storage = sqliteStorage(client);
  t.after(() => {
    storage.close();
    client.close();
  });
  await storage.ensureSchema();
  return storage;
}

const gone = (storage: SqlStorage, key: string) => async (): Promise<boolean> => !(await storage.get(key, call));

test("what expired is removed within the interval and after each one; what is live is not; close ends it", async (t) => {
  const storage = await sqlite(t);
  const clock = testClock(NOW);
  storage.startSweep({ every: "10m", clock });
  for (let round = 0; round < 3; round++) {
    await storage.create("old", OLD, call);
    await storage.create("live", LIVE, call);
    clock.advance("10m");
    await until("the sweep", gone(storage, "old"));
    assert.ok(await storage.get("live", call));
    await until("the next timer", () => clock.timers === 1);
  }
  storage.close();
  assert.equal(clock.timers, 0);
  await storage.create("old", OLD, call);
  clock.advance("60m");
  await aWhile();
  assert.ok(await storage.get("old", call));
});

test("a second start takes the place of the first; through a wrapper it is the same", async (t) => {
  const storage = await sqlite(t);
  const clock = testClock(NOW);
  storage.startSweep({ every: "10m", clock });
  encrypted(storage, [crypto.getRandomValues(new Uint8Array(32))]).startSweep!({ every: "20m", clock });
  assert.equal(clock.timers, 1);
  storage.close();
  storage.close();
  assert.equal(clock.timers, 0);
});

test("a sweep that fails is reported, and the next one runs; a listener that throws causes a warning", async (t) => {
  const client = createClient({ url: "file::memory:" });
  t.after(() => client.close());
  const storage = sqliteStorage(client);
  const clock = testClock(NOW);
  const errors: unknown[] = [];
  const warnings: string[] = [];
  const listen = (warning: Error): void => void warnings.push(warning.message);
  process.on("warning", listen);
  t.after(() => process.off("warning", listen));
  storage.startSweep({
    every: "1m",
    clock,
    onError(error) {
      errors.push(error);
      throw new Error("the listener itself");
    },
  });
  for (const count of [1, 2]) {
    clock.advance("1m");
    await until("the failure", () => errors.length === count && clock.timers === 1);
  }
  assert.match(String(errors[0]), /the table holdfast_sessions does not exist.*ensureSchema/);
  await until("the warning", () =>
    warnings.some((text) => /onError of startSweep\(\) threw.*the listener itself/.test(text)),
  );
  storage.startSweep({ every: "1m", clock });
  clock.advance("1m");
  await until("the warning", () =>
    warnings.some((text) => /a sweep failed: the table \w+ does not exist/.test(text)),
  );
  storage.close();
});

test("options that are none are refused", async (t) => {
  const storage = await sqlite(t);
  assert.throws(() => storage.startSweep({ every: 10 }), /every is 10; it must be at least one second/);
  assert.throws(() => storage.startSweep({ every: "30d" }), /every is longer than 24 days/);
  assert.throws(() => storage.startSweep({ interval: "1m" } as never), /startSweep has no option "interval"/);
  assert.throws(() => storage.startSweep({ onError: "log" } as never), /onError is a string/);
});

test("the timer keeps no process running", async () => {
  const program = `
    import { sqliteStorage } from "holdfast/storage/sqlite";
    sqliteStorage({ prepare() {} }).startSweep({ every: "1h" });
    console.log(process.getActiveResourcesInfo().filter((name) => name === "Timeout").length);`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program], {
    timeout: 20_000,
  });
  assert.equal(stdout.trim(), "0");
});

/** Sweeps once while another connection has the lock, and once when it has given it back. */
async function sweepsAlone(
  storage: SqlStorage,
  lock: () => Promise<unknown>,
  unlock: () => Promise<unknown>,
): Promise<void> {
  const clock = testClock(NOW);
  const sweeps = async (): Promise<void> => {
    clock.advance("10m");
    await until("the sweep", () => clock.timers === 1);
  };
  await storage.create("old", OLD, call);
  await lock();
  storage.startSweep({ every: "10m", clock });
  await sweeps();
  assert.ok(await storage.get("old", call), "another process sweeps");
  await unlock();
  for (let round = 0; round < 2; round++) {
    await storage.create("old", OLD, call);
    await sweeps();
    assert.equal(await storage.get("old", call), undefined);
  }
  storage.close();
}

await withService("postgres", ({ url }) => {
  test("postgres: one process at a time by an advisory lock, which is no longer held than the statement; by the index", async (t) => {
    const schema = `s_${crypto.randomUUID().replaceAll("-", "")}`;
    const [pool, other] = [new pg.Pool({ connectionString: url, max: 2 }), new pg.Client({ connectionString: url })];
    await other.connect();
    await other.query(`CREATE SCHEMA ${schema}`);
    t.after(async () => {
      await pool.end();
      await other.query(`DROP SCHEMA ${schema} CASCADE`);
      await other.end();
    });
    const sent: PgQuery[] = [];
    const spy: PgClient = { query: (query) => (sent.push(query), pool.query(query)) };
    const storage = postgresStorage(spy, { schema });
    await storage.ensureSchema();
    const lockOf = `1751543398, '${schema}.holdfast_sessions'::regclass::oid::int`;
    await sweepsAlone(
      storage,
      () => other.query(`SELECT pg_advisory_lock(${lockOf})`),
      () => other.query(`SELECT pg_advisory_unlock(${lockOf})`),
    );
    const { rows: held } = await other.query("SELECT 1 FROM pg_locks WHERE locktype = 'advisory'");
    assert.deepEqual(held, []);
    const { text, values } = sent.find((query) => query.text.includes("pg_try_advisory_xact_lock"))!;
    await other.query("SET enable_seqscan = off; SET enable_bitmapscan = off");
    const { rows } = await other.query({ text: `EXPLAIN ${text}`, values, rowMode: "array" });
    assert.doesNotMatch(rows.join("\n"), /Seq Scan/);
  });
});

await withService("mariadb", ({ url }) => {
  const clients: Readonly<Record<string, () => any>> = {
    mysql2: () => mysql.createPool({ uri: url, connectionLimit: 1 }),
    mariadb: () => foreign("mariadb").createPool(url.replace("mysql:", "mariadb:").concat("?connectionLimit=1")),
  };
  for (const [name, make] of Object.entries(clients)) {
    test(`mysql, through ${name}: one process at a time by GET_LOCK, which is given back`, async (t) => {
      const [pool, other] = [make(), await mysql.createConnection(url)];
      const table = `t_${crypto.randomUUID().replaceAll("-", "")}`;
      t.after(async () => {
        await pool.end();
        await other.query(`DROP TABLE ${table}`);
        await other.end();
      });
      const storage = mysqlStorage(pool, { table });
      await storage.ensureSchema();
      const lock = `LEFT('holdfast holdfast sweep ${table}', 64)`;
      await sweepsAlone(
        storage,
        () => other.query(`SELECT GET_LOCK(${lock}, 0)`),
        () => other.query(`SELECT RELEASE_LOCK(${lock})`),
      );
      const [rows] = await other.query(`SELECT IS_FREE_LOCK(${lock}) AS free`);
      assert.deepEqual(rows, [{ free: 1 }]);
    });
  }
});

/** Standbys and replicas: what a client that was pointed at one is told, and what a primary says of those it has. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import mysql from "mysql2/promise";
import pg from "pg";
import { createStore, type Storage } from "holdfast";
import { mysqlStorage } from "holdfast/storage/mysql";
import { postgresStorage } from "holdfast/storage/postgres";
import { unlessMissing, type ServerProcess } from "../support/services.js";

interface Startable extends ServerProcess {
  start(): Promise<unknown>;
}

interface Scripts {
  postgresServer(): Promise<Startable>;
  postgresStandby(primary: ServerProcess): Promise<Startable>;
  mariadbServer(options: { args: string[] }): Promise<Startable>;
}

const scripts = async (name: string): Promise<Scripts> =>
  (await import(new URL(`../../scripts/services/${name}.mjs`, import.meta.url).href)) as Scripts;

const host = "127.0.0.1";
const ignore = (): void => {};

async function found(storage: Storage, level: "bad" | "warn" | "ok"): Promise<string> {
  const findings = await storage.check!({ now: Date.now(), signal: AbortSignal.timeout(10_000) });
  return findings.flatMap((one) => (one.level === level ? [`${one.what}; ${one.advice}`] : [])).join("\n");
}

/** Asks again until it is so: the other server follows a moment later. */
async function until<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (const end = Date.now() + 20_000; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
    const answer = await ask().catch(ignore);
    if (answer) return answer;
    if (Date.now() > end) throw new Error("it did not follow");
  }
}

/** A session of the primary is read on the other server, and changed there by nobody. */
async function readsOnly(primary: Storage, other: Storage): Promise<void> {
  const { id } = await createStore<{ n: number }>({ storage: primary }).create({ n: 1 });
  const there = createStore<{ n: number }>({ storage: other });
  assert.equal((await until(() => there.getById(id))).get("n"), 1);
  await assert.rejects(
    there.edit(id, (session) => session.set("n", 2)),
    { code: "storage", status: 503 },
  );
  await assert.rejects(there.delete(id), { code: "storage" });
  assert.equal((await there.getById(id))?.get("n"), 1);
}

await unlessMissing("postgres", "", async () => {
  const { postgresServer, postgresStandby } = await scripts("postgres");
  const pool = (t: TestContext, { port }: ServerProcess): pg.Pool => {
    const made = new pg.Pool({ host, port, user: "postgres", database: "postgres" });
    made.on("error", ignore);
    t.after(() => made.end().catch(ignore));
    return made;
  };

  test("a PostgreSQL standby: sessions are read, a change is a 503, and check names the primary", async (t) => {
    const primary = await postgresServer();
    await primary.start();
    t.after(() => primary.kill());
    const standby = await postgresStandby(primary);
    await standby.start();
    t.after(() => standby.kill());
    const [first, second] = [pool(t, primary), pool(t, standby)];
    const storage = postgresStorage(first);
    await storage.ensureSchema();
    const other = postgresStorage(second);
    await readsOnly(storage, other);
    const bad = await found(other, "bad");
    assert.match(bad, /read-only; .*primary/);
    assert.match(bad, /standby.*target_session_attrs=read-write/);

    assert.equal(await found(storage, "bad"), "");
    assert.match(await found(storage, "warn"), /standby.*synchronous_standby_names/);
    await first.query("ALTER SYSTEM SET synchronous_standby_names = '*'");
    await first.query("SELECT pg_reload_conf()");
    await until(async () => /standby/.test(await found(storage, "ok")));
    assert.doesNotMatch(await found(storage, "warn"), /synchronous_standby_names/);
  });
});

await unlessMissing("mariadb", "", async () => {
  const { mariadbServer } = await scripts("mariadb");

  test("a MariaDB replica: also who may write there in spite of it is told, as is a primary that waits for none", async (t) => {
    const primary = await mariadbServer({ args: ["--log-bin=bin", "--server-id=1"] });
    await primary.start();
    t.after(() => primary.kill());
    const replica = await mariadbServer({ args: ["--server-id=2", "--read-only=1"] });
    await replica.start();
    t.after(() => replica.kill());
    const pool = ({ port }: ServerProcess, user: string): mysql.Pool => {
      const made = mysql.createPool({ host, port, user, database: "holdfast" });
      t.after(() => made.end().catch(ignore));
      return made;
    };
    const [first, root] = [pool(primary, "root"), pool(replica, "root")];
    await root.query(`CHANGE MASTER TO MASTER_HOST = '${host}', MASTER_PORT = ${primary.port}, MASTER_USER = 'root'`);
    await root.query("START SLAVE");
    const storage = mysqlStorage(first);
    await storage.ensureSchema();
    await first.query("CREATE USER shop");
    await first.query("GRANT SELECT, INSERT, UPDATE, DELETE ON holdfast.holdfast_sessions TO shop");
    const shop = pool(replica, "shop");
    await until(() => shop.query("SELECT COUNT(*) FROM holdfast_sessions"));

    await readsOnly(storage, mysqlStorage(shop));
    assert.match(await found(mysqlStorage(shop), "bad"), /read-only; .*primary/);
    assert.match(await found(mysqlStorage(root), "bad"), /read_only.*primary/, "who may write there all the same");
    assert.equal(await found(storage, "bad"), "");
    await until(async () => /no replica has to acknowledge|semi-synchronous/.test(await found(storage, "warn")));
    await root.query("SET GLOBAL read_only = 0");
    assert.match(await found(mysqlStorage(root), "warn"), /replicates from another server/);
  });
});

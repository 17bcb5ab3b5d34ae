import assert from "node:assert/strict";
import { after, before, describe, test, type TestContext } from "node:test";
import mysql from "mysql2/promise";
import { mysqlStorage, type MysqlCallbackClient, type MysqlClient } from "holdfast/storage/mysql";
import { storageSuite } from "holdfast/testing";
import { MYSQL_CLIENTS, ownDatabase, type OpenedMysql } from "../support/mysql-clients.js";
import { ownService, withService, type Service } from "../support/services.js";
import { assertNamesChecked, assertServedAgain, sqlCases } from "../support/sql-cases.js";

for (const name of ["mariadb", ...(process.env.HOLDFAST_TEST_MYSQL_URL ? ["mysql"] : [])])
  await withService(name, (server) => declare(name, server));

function declare(name: string, { url, version }: Service): void {
  for (const [label, connect] of Object.entries(MYSQL_CLIENTS)) {
    describe(`${name} ${version ?? ""}, ${label}`, () => {
      let opened: OpenedMysql;
      before(async () => {
        opened = await connect(url);
        await mysqlStorage(opened.client).ensureSchema();
      });
      after(() => opened.close());
      for (const { name, run } of storageSuite(() => ({ storage: mysqlStorage(opened.client) }))) test(name, run);
      const open = async (table: string) => {
        const one = await connect(url);
        const sent: string[] = [];
        return { storage: mysqlStorage(counted(one.client, sent), { table }), sent, run: one.run, close: one.close };
      };
      for (const { name, run } of sqlCases(open)) test(name, run);
    });
  }
}

/** The same client; the text of each statement it is given is kept. */
function counted(client: MysqlClient | MysqlCallbackClient, sent: string[]): MysqlClient {
  const promised = "promise" in client ? client.promise() : client;
  return { execute: (query, values) => (sent.push(query.sql), promised.execute(query, values)) };
}

/**
 * Returns once a statement of another connection waits for a lock. The server renews what it shows of that if nobody
 * looked for 100 ms.
 */
async function waitsForALock(pool: mysql.Pool): Promise<void> {
  for (let tries = 0; tries < 50; tries++) {
    const [rows] = await pool.query("SELECT trx_id FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'");
    if ((rows as unknown[]).length > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
  throw new Error("nothing waits for a lock");
}

/**
 * The server forgets the statements that a connection has prepared, and the client does not: as after the failover of
 * a proxy that keeps connections.
 */
function forget(connection: mysql.PoolConnection): void {
  const { _statements } = connection.connection as unknown as { _statements: Map<string, { close(): void }> };
  assert.ok(_statements.size > 0, "this test knows where mysql2 keeps them");
  _statements.forEach((statement) => statement.close());
}

await withService("mariadb", ({ url }) => {
  const call = { now: 1e12, signal: new AbortController().signal };
  const entry = { value: "one", expiresAt: 2e12 };

  const world = (t: TestContext, options?: mysql.PoolOptions) => ownDatabase(t, url, options);

  test("the same table name in two databases", async (t) => {
    const [{ pool, schema }, other] = [await world(t), await world(t)];
    const [one, two] = [mysqlStorage(pool, { schema }), mysqlStorage(pool, { schema: other.schema })];
    await Promise.all([one.ensureSchema(), two.ensureSchema()]);
    assert.ok(await one.create("k", entry, call));
    assert.equal(await two.get("k", call), undefined);
    assert.match(one.schemaSql(), new RegExp(`\`${schema}\`\\.\`holdfast_sessions\``));
  });

  test("a duplicate in another index than the key is an error, never a return value", async (t) => {
    const { pool, schema } = await world(t);
    const storage = mysqlStorage(pool, { schema });
    await storage.ensureSchema();
    await pool.query(`CREATE UNIQUE INDEX other ON ${schema}.holdfast_sessions (expires_at)`);
    assert.ok(await storage.create("a", entry, call));
    assert.equal(await storage.create("a", { ...entry, expiresAt: 1 }, call), false);
    await assert.rejects(async () => storage.create("b", entry, call), { errno: 1062 });
  });

  test("a deadlock is not a failure: the statement that was rolled back is repeated", async (t) => {
    const { pool, schema } = await world(t, { connectionLimit: 12 });
    const storage = mysqlStorage(pool, { schema });
    await storage.ensureSchema();
    for (const key of ["a1", "a2", ...Array.from({ length: 100 }, (_, i) => `z${i}`)])
      await storage.create(key, entry, call);
    let deadlocks = 0;
    const counting = mysqlStorage(
      {
        execute: (query, values) =>
          pool
            .execute(query, values)
            .catch((error) => (error.errno === 1213 && deadlocks++, Promise.reject(error))) as never,
      },
      { schema },
    );
    const other = await pool.getConnection();
    const table = `\`${schema}\`.holdfast_sessions`;
    const lock = (key: string) => other.query(`SELECT \`key\` FROM ${table} WHERE \`key\` = ? FOR UPDATE`, [key]);
    try {
      // The server takes back whoever changed less: this one changed a hundred rows.
      await other.query("START TRANSACTION");
      await other.query(`UPDATE ${table} SET expires_at = expires_at + 1 WHERE \`key\` LIKE 'z%'`);
      await lock("a2");
      const cleared = counting.clear("a", call);
      await waitsForALock(pool);
      await lock("a1");
      await other.query("COMMIT");
      await cleared;
    } finally {
      other.destroy();
    }
    assert.equal(deadlocks, 1);
    assert.equal(await storage.get("a1", call), undefined);
    assert.equal(await storage.get("a2", call), undefined);
  });

  test("what a session mode makes of quotes and backslashes does not reach a statement", async (t) => {
    const { pool, schema } = await world(t, { connectionLimit: 1 });
    await pool.query("SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES,ANSI_QUOTES'");
    const storage = mysqlStorage(pool, { schema });
    await storage.ensureSchema();
    for (const text of ["\\'; DROP TABLE modes; -- ", '\\"', "\\", "a'b''c"]) {
      const written = await storage.create(`k${text}`, { ...entry, value: text }, call);
      assert.ok(written);
      assert.equal((await storage.get(`k${text}`, call))?.value, text);
    }
  });

  test("get, sweep and clear use an index", async (t) => {
    const { pool, schema } = await world(t);
    const sent: { sql: string; values: unknown[] }[] = [];
    const storage = mysqlStorage(
      { execute: (query, values) => (sent.push({ sql: query.sql, values }), pool.execute(query, values) as never) },
      { schema },
    );
    await storage.ensureSchema();
    for (let i = 0; i < 50; i++) await storage.create(`k${i}`, entry, call);
    sent.splice(0);
    await storage.get("k", call);
    await storage.sweep(call);
    await storage.clear("x", call);
    for (const { sql, values } of sent) {
      const [rows] = await pool.query(`EXPLAIN ${sql}`, values);
      assert.notEqual((rows as { type: string }[])[0]!.type, "ALL", sql);
    }
  });

  test("prepared statements that the server does not know any more are prepared again, on every connection, and the pool works as before", async (t) => {
    const { pool, schema } = await world(t, { connectionLimit: 3 });
    const storage = mysqlStorage(pool, { schema });
    await storage.ensureSchema();
    let version = ((await storage.create("k", entry, call)) as { version: string }).version;
    for (let round = 0; round < 3; round++) {
      await Promise.all(Array.from({ length: 12 }, async () => storage.get("k", call)));
      ({ version } = (await storage.update("k", entry, version, call)) as { version: string });
      const connections = await Promise.all(Array.from({ length: 3 }, () => pool.getConnection()));
      for (const connection of connections) forget(connection);
      for (const connection of connections) connection.release();
      assert.equal((await storage.get("k", call))?.value, "one");
      ({ version } = (await storage.update("k", { ...entry, value: "one" }, version, call)) as { version: string });
      const answers = await Promise.all(Array.from({ length: 12 }, async () => storage.get("k", call)));
      assert.ok(answers.every((found) => found?.version === version));
    }
  });

  test("a server that is down is an error, and works again when it is back", async (t) => {
    const own = await ownService("mariadb");
    const pool = mysql.createPool(own.url);
    t.after(async () => {
      await pool.end().catch(() => {});
      await own.servers[0]!.kill();
    });
    await assertServedAgain(mysqlStorage(pool), own.servers[0]!);
  });
});

test("attack 25: names that are not plain are refused when the storage is created", () => {
  const client = { execute: () => assert.fail("no statement may be sent") } as never;
  assertNamesChecked((options) => mysqlStorage(client, options));
  assert.throws(
    () => mysqlStorage(client, { database: "a" } as never),
    /has no option "database"; it has table, schema/,
  );
});

test("an unsupported client is refused when the storage is created, by its missing methods", () => {
  for (const client of [undefined, null, "mysql://localhost", {}, { query: () => {} }, { promise: () => ({}) }]) {
    assert.throws(
      () => mysqlStorage(client as never),
      (error: Error) => error instanceof TypeError && /promise\(\).*execute\(\)/.test(error.message),
    );
  }
});

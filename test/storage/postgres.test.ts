import assert from "node:assert/strict";
import { after, before, describe, test, type TestContext } from "node:test";
import pg from "pg";
import postgres from "postgres";
import { postgresStorage, type PgClient, type PostgresJsClient } from "holdfast/storage/postgres";
import { storageSuite } from "holdfast/testing";
import { POSTGRES_CLIENTS, type OpenedPostgres } from "../support/postgres-clients.js";
import { ownService, withService, type Service } from "../support/services.js";
import { assertNamesChecked, assertServedAgain, sqlCases } from "../support/sql-cases.js";
import { aWhile } from "../support/within.js";

for (const name of ["postgres", "pgbouncer"]) await withService(name, (server) => declare(name, server));

function declare(name: string, { url, version }: Service): void {
  for (const [label, connect] of Object.entries(POSTGRES_CLIENTS)) {
    describe(`${name} ${version ?? ""}, ${label}`, () => {
      let opened: OpenedPostgres;
      before(async () => {
        opened = await connect(url, name === "pgbouncer");
        await postgresStorage(opened.client).ensureSchema();
      });
      after(() => opened.close());
      for (const { name, run } of storageSuite(() => ({ storage: postgresStorage(opened.client) }))) test(name, run);
      const open = async (table: string) => {
        const one = await connect(url, name === "pgbouncer");
        const sent: string[] = [];
        return {
          storage: postgresStorage(counted(one.client, sent), { table }),
          sent,
          run: one.run,
          close: one.close,
        };
      };
      for (const { name, run } of sqlCases(open)) test(name, run);
    });
  }
}

/** The same client; the text of each statement it is given is kept. */
function counted(client: PgClient | PostgresJsClient, sent: string[]): PgClient | PostgresJsClient {
  return new Proxy(client, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...args: any[]) => {
        if (name === "query" || name === "unsafe") sent.push(typeof args[0] === "string" ? args[0] : args[0].text);
        return value.apply(target, args);
      };
    },
  });
}

await withService("postgres", ({ url }) => {
  const call = { now: 1e12, signal: new AbortController().signal };
  const entry = { value: "one", expiresAt: 2e12 };

  /** A schema that goes with the test; a pool with these options, and with every right. */
  async function world(
    t: TestContext,
    options: pg.PoolConfig = {},
    cleanUp = "",
  ): Promise<{ pool: pg.Pool; admin: pg.Pool; schema: string }> {
    const schema = `s_${crypto.randomUUID().replaceAll("-", "")}`;
    const [admin, pool] = [
      new pg.Pool({ connectionString: url }),
      new pg.Pool({ connectionString: url, ...options }),
    ];
    await admin.query(`CREATE SCHEMA ${schema}`);
    t.after(async () => {
      await pool.end();
      await admin.query(`DROP SCHEMA ${schema} CASCADE; ${cleanUp}`);
      await admin.end();
    });
    return { pool, admin, schema };
  }

  test("what an application configured for its own rows does not matter here", async (t) => {
    const { pool, schema } = await world(t, {
      types: { getTypeParser: (id: any) => (id === 20 ? BigInt : pg.types.getTypeParser(id)) } as never,
    });
    const sql = postgres(url, {
      onnotice: () => {},
      transform: postgres.toPascal,
      types: { bigint: postgres.BigInt },
    });
    t.after(() => sql.end());
    for (const client of [sql, pool]) {
      const storage = postgresStorage(client, { schema });
      await storage.ensureSchema();
      const written = await storage.create("k", entry, call);
      assert.ok(written);
      assert.deepEqual(await storage.get("k", call), { ...entry, version: written.version });
      assert.ok(await storage.delete("k", written.version!, call));
    }
  });

  test("the same table name in two schemas", async (t) => {
    const [{ pool, schema }, other] = [await world(t), await world(t)];
    const [one, two] = [postgresStorage(pool, { schema }), postgresStorage(pool, { schema: other.schema })];
    await Promise.all([one.ensureSchema(), two.ensureSchema()]);
    assert.ok(await one.create("k", entry, call));
    assert.equal(await two.get("k", call), undefined);
    assert.match(one.schemaSql(), new RegExp(`"${schema}"\\."holdfast_sessions"`));
  });

  test("a role that may write but not create needs no right more where the table is there", async (t) => {
    const role = `r_${crypto.randomUUID().replaceAll("-", "")}`;
    const { pool, admin, schema } = await world(t, { options: `-c role=${role}` }, `DROP ROLE ${role}`);
    await admin.query(`CREATE ROLE ${role}; GRANT USAGE ON SCHEMA ${schema} TO ${role}`);
    const storage = postgresStorage(pool, { schema });
    await assert.rejects(storage.ensureSchema(), { code: "42501" });
    await postgresStorage(admin, { schema }).ensureSchema();
    await admin.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON ${schema}.holdfast_sessions TO ${role}`);
    await storage.ensureSchema();
    assert.ok(await storage.create("k", entry, call));
  });

  test("a stricter default isolation level: concurrent writers get results, no errors", async (t) => {
    const { pool, schema } = await world(t, { options: "-c default_transaction_isolation=serializable" });
    const storage = postgresStorage(pool, { schema });
    await storage.ensureSchema();
    for (let round = 0; round < 10; round++) {
      const key = `k${round}`;
      const created = await Promise.all(Array.from({ length: 8 }, () => storage.create(key, entry, call)));
      const winner = created.find((written) => written !== false);
      const updated = await Promise.all(
        Array.from({ length: 8 }, () => storage.update(key, entry, winner!.version!, call)),
      );
      assert.deepEqual(
        [created, updated].map((answers) => answers.filter(Boolean).length),
        [1, 1],
      );
    }
  });

  test("the index is used by get, sweep and clear", async (t) => {
    const { pool, schema } = await world(t, { max: 1 });
    const sent: { text: string; values: unknown[] }[] = [];
    const spy: PgClient = { query: (query) => (sent.push(query), pool.query(query)) };
    const storage = postgresStorage(spy, { schema });
    await storage.ensureSchema();
    sent.splice(0);
    await storage.get("k", call);
    await storage.sweep(call);
    await storage.clear("k", call);
    await pool.query("SET enable_seqscan = off; SET enable_bitmapscan = off");
    for (const { text, values } of sent) {
      const { rows } = await pool.query({ text: `EXPLAIN ${text}`, values, rowMode: "array" });
      assert.doesNotMatch(rows.join("\n"), /Seq Scan|Filter: \(.*(expires_at|key)/, text);
    }
  });

  test("a server that is down is an error, and works again when it is back", async (t) => {
    const own = await ownService("postgres");
    const pool = new pg.Pool({ connectionString: own.url });
    pool.on("error", () => {});
    t.after(async () => {
      await pool.end();
      await own.servers[0]!.kill();
    });
    await assertServedAgain(postgresStorage(pool), own.servers[0]!);
  });
});

test("attack 25: names that are not plain are refused when the storage is created", () => {
  const client = { query: () => assert.fail("no statement may be sent") } as never;
  assertNamesChecked((options) => postgresStorage(client, options));
  assert.throws(
    () => postgresStorage(client, { tableName: "a" } as never),
    /has no option "tableName"; write table: "NAME"/,
  );
});

test("a single connection is given one statement at a time, none by a name, and one that fails does not stop the next", async () => {
  const call = { now: 1e12, signal: new AbortController().signal };
  let [running, most, count] = [0, 0, 0];
  const client: PgClient = {
    escapeLiteral: (text) => text,
    async query(query) {
      assert.ok(!("name" in query), "PgBouncer hands the next statement to another connection");
      most = Math.max(most, ++running);
      await aWhile(1);
      running--;
      if (++count === 2) throw new Error("the second fails");
      return { rows: [], rowCount: 1 };
    },
  };
  const storage = postgresStorage(client);
  const answers = await Promise.allSettled([
    storage.get("a", call),
    storage.delete("a", "v", call),
    storage.delete("b", "v", call),
  ]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    ["fulfilled", "rejected", "fulfilled"],
  );
  assert.equal(most, 1);
});

test("an unsupported client is refused when the storage is created, by its missing methods", () => {
  for (const client of [undefined, null, "postgres://localhost", {}, { execute: () => {} }, () => {}]) {
    assert.throws(
      () => postgresStorage(client as never),
      (error: Error) => error instanceof TypeError && /query\(\).*unsafe\(\)/.test(error.message),
    );
  }
});

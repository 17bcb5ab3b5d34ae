/** What `check` says of a database, on the real servers: nothing where all is well, and each thing that is not. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { createClient as createLibsql } from "@libsql/client";
import { Redis } from "ioredis";
import { MemcacheClient } from "memcache-client";
import mysql from "mysql2/promise";
import pg from "pg";
import { createClient } from "redis";
import type { Storage, StorageCall, StorageFinding } from "holdfast";
import { encrypted } from "holdfast/storage/encrypted";
import { memcachedStorage } from "holdfast/storage/memcached";
import { memoryStorage } from "holdfast/storage/memory";
import { mysqlStorage } from "holdfast/storage/mysql";
import { observed } from "holdfast/storage/observed";
import { postgresStorage } from "holdfast/storage/postgres";
import { redisStorage } from "holdfast/storage/redis";
import { sqliteStorage } from "holdfast/storage/sqlite";
import { foreign } from "../support/foreign-packages.js";
import { ownDatabase } from "../support/mysql-clients.js";
import { ownService, withService, type Service } from "../support/services.js";

const MINUTE = 60_000;
const SECRET = "hunter2-of-the-check";
const ignore = (): void => {};
const at = (now: number = Date.now()): StorageCall => ({ now, signal: AbortSignal.timeout(60_000) });

/** What was found of a level; no secret is in any of it. */
async function found(
  storage: Storage,
  level: "warn" | "bad",
  call: StorageCall = at(),
  prefix?: string,
): Promise<string> {
  const findings = (await storage.check!(call, prefix)) as readonly StorageFinding[];
  assert.doesNotMatch(JSON.stringify(findings), new RegExp(SECRET));
  for (const finding of findings)
    assert.ok(finding.level === "ok" || finding.advice !== "", `${finding.what}: without advice`);
  return findings
    .filter((finding) => finding.level === level)
    .map(({ what, advice }) => `${what}; ${advice}`)
    .join("\n");
}

/** The clock is checked by giving another time as one's own. */
async function checksClock(storage: Storage): Promise<void> {
  const clock = /the clock of the database is/;
  assert.doesNotMatch(await found(storage, "warn"), clock);
  assert.match(await found(storage, "warn", at(Date.now() - 2 * MINUTE)), clock);
  assert.match(await found(storage, "bad", at(Date.now() + 7 * MINUTE)), /7 min behind/);
  assert.doesNotMatch(await found(storage, "bad", at(Date.now() + 2 * MINUTE)), clock);
}

await withService("redis", () => {
  describe("redis", () => {
    async function world(t: TestContext): Promise<{ admin: Redis; service: Service; storage: Storage }> {
      const service = await ownService("redis");
      const admin = new Redis(service.url);
      t.after(async () => {
        admin.disconnect();
        await service.servers[0]!.kill();
      });
      return { admin, service, storage: redisStorage(admin) };
    }

    test("a server with safe settings is ok; each setting that loses sessions is reported", async (t) => {
      const { admin, storage } = await world(t);
      assert.match(await found(storage, "warn"), /appendonly is off/);
      await admin.config("SET", "appendonly", "yes");
      assert.deepEqual([await found(storage, "warn"), await found(storage, "bad")], ["", ""]);
      await admin.config("SET", "maxmemory-policy", "allkeys-lru");
      assert.match(await found(storage, "warn"), /maxmemory-policy is allkeys-lru.*noeviction/);
      await admin.config("SET", "maxmemory", "100mb");
      assert.match(await found(storage, "bad"), /maxmemory-policy is allkeys-lru.*noeviction/);
      await admin.config("SET", "maxmemory-policy", "noeviction", "maxmemory", "1mb");
      assert.match(await found(storage, "warn"), /memory of the server is nearly full/);
      await admin.config("SET", "maxmemory", "1");
      assert.match(await found(storage, "bad"), /OOM/);
      assert.equal(await admin.dbsize(), 0, "nothing stays behind");
    });

    test("the clock, and a server that lacks replicas or is one", async (t) => {
      const { admin, storage } = await world(t);
      await checksClock(storage);
      const { admin: other, service, storage: second } = await world(t);
      await admin.call("REPLICAOF", service.host, `${service.port}`);
      assert.match(await found(storage, "bad"), /connected to a replica/);
      while (!/connected_slaves:1/.test(await other.info("replication")))
        await new Promise((resolve) => setTimeout(resolve, 50));
      assert.match(await found(second, "warn"), /no replica acknowledges writes/);
      await other.config("SET", "min-replicas-to-write", "1");
      assert.doesNotMatch(await found(second, "warn"), /replica/);
      await other.config("SET", "min-replicas-to-write", "2");
      assert.match(await found(second, "bad"), /NOREPLICAS/);
    });

    test(
      "rights: exactly those of the page are enough, each that lacks is named, and keys of another " +
        "namespace can be tried",
      async (t) => {
        const { admin, service } = await world(t);
        const commands = ["get", "set", "evalsha", "eval", "getrange", "setrange", "pexpire", "unlink", "scan"];
        const rights = commands.map((name) => `+${name}`);
        const login = async (...rules: string[]): Promise<Storage> => {
          await admin.call("ACL", "SETUSER", "shop", "reset", "on", `>${SECRET}`, ...rules);
          const client = createClient({ url: service.url, username: "shop", password: SECRET }).on("error", ignore);
          await client.connect();
          t.after(() => client.destroy());
          return redisStorage(client);
        };
        const exact = await login("~holdfast:*", ...rights);
        assert.equal(await found(exact, "bad"), "");
        assert.match(await found(exact, "warn"), /no permission for INFO.*\n?.*no permission for TIME/s);
        assert.equal(await found(await login("~holdfast:*", ...rights, "+info", "+time"), "bad"), "");
        for (const lacking of ["get", "set", "evalsha"]) {
          const without = await login("~holdfast:*", ...rights, `-${lacking}`);
          assert.match(
            await found(without, "bad"),
            new RegExp(`has no permission for ${lacking.toUpperCase()}.*ACL SETUSER`),
          );
        }
        for (const lacking of ["getrange", "setrange", "pexpire", "unlink"]) {
          const without = await login("~holdfast:*", ...rights, `-${lacking}`);
          assert.match(await found(without, "bad"), /inside of a script is not allowed/, lacking);
        }
        const elsewhere = await login("~web:*", ...rights);
        assert.match(await found(elsewhere, "bad"), /has no permission for the test keys/);
        assert.equal(await found(elsewhere, "bad", at(), "web:"), "");
      },
    );

    test("wrappers report the same; an unreachable server is an error", async (t) => {
      const { admin, service, storage } = await world(t);
      await admin.config("SET", "maxmemory-policy", "allkeys-lru", "maxmemory", "100mb");
      const calls: string[] = [];
      const wrapped = observed(encrypted(storage, [randomBytes(32)]), ({ name }) => calls.push(name));
      assert.match(await found(wrapped, "bad"), /allkeys-lru/);
      assert.deepEqual(calls, ["check"]);
      await service.servers[0]!.kill();
      const gone = new Redis({ port: service.port, maxRetriesPerRequest: 0 }).on("error", ignore);
      t.after(() => gone.disconnect());
      await assert.rejects(async () => redisStorage(gone).check!(at()));
    });
  });
});

/** The two databases that have a table of their own, and an application's user that may only use it. */
async function checksTable(
  storage: Storage & { ensureSchema(): Promise<void> },
  run: (sql: string) => Promise<unknown>,
  dropIndex: string,
): Promise<void> {
  assert.match(await found(storage, "bad"), /the table [\w.]+ does not exist.*ensureSchema\(\)/);
  await storage.ensureSchema();
  assert.equal(await found(storage, "bad"), "");
  assert.doesNotMatch(await found(storage, "warn"), /index|expired/);
  await run(dropIndex);
  assert.match(await found(storage, "warn"), /index .* is missing/);
  const now = Date.now();
  await storage.create("holdfast:old", { value: "x", expiresAt: now - 3 * 60 * MINUTE }, at());
  assert.match(await found(storage, "warn"), /expired 3 h ago.*startSweep/);
  await storage.sweep!(at());
  assert.doesNotMatch(await found(storage, "warn"), /expired/);
}

await withService("postgres", ({ url }) => {
  describe("postgres", () => {
    async function world(
      t: TestContext,
      options: pg.PoolConfig = {},
    ): Promise<{ pool: pg.Pool; admin: pg.Pool; schema: string }> {
      const schema = `s_${crypto.randomUUID().replaceAll("-", "")}`;
      const admin = new pg.Pool({ connectionString: url });
      await admin.query(`CREATE SCHEMA ${schema}`);
      const pool = new pg.Pool({ connectionString: url, ...options });
      t.after(async () => {
        await pool.end();
        await admin.query(`DROP SCHEMA ${schema} CASCADE`);
        await admin.end();
      });
      return { pool, admin, schema };
    }

    test("findings: table, index, expired rows, and the clock", async (t) => {
      const { pool, schema } = await world(t);
      const storage = postgresStorage(pool, { schema });
      await checksTable(storage, (sql) => pool.query(sql), `DROP INDEX ${schema}.holdfast_sessions_expires_at`);
      await checksClock(storage);
      const { rows } = await pool.query(`SELECT count(*)::int AS n FROM ${schema}.holdfast_sessions`);
      assert.equal(rows[0].n, 0, "nothing stays behind");
    });

    test("durability and writes: each setting that loses sessions is reported", async (t) => {
      const { pool, schema, admin } = await world(t, { options: "-c synchronous_commit=off" });
      const storage = postgresStorage(pool, { schema });
      await storage.ensureSchema();
      const { rows } = await admin.query("SHOW fsync");
      assert.match(
        await found(storage, "warn"),
        rows[0].fsync === "off" ? /fsync .* is off/ : /synchronous_commit is off/,
      );
      const { pool: readOnly } = await world(t, { options: "-c default_transaction_read_only=on" });
      assert.match(await found(postgresStorage(readOnly, { schema }), "bad"), /read-only.*primary/);
    });

    test("a user without a right, and a row-level security that hides rows from changes", async (t) => {
      const { admin, schema } = await world(t);
      const role = `r_${schema}`;
      const { pool } = await world(t, { options: `-c role=${role}` });
      await admin.query(`CREATE ROLE ${role}; GRANT USAGE ON SCHEMA ${schema} TO ${role}`);
      const last = new pg.Client({ connectionString: url });
      await last.connect();
      t.after(async () => {
        await last.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
        await last.end();
      });
      await postgresStorage(admin, { schema }).ensureSchema();
      const table = `${schema}.holdfast_sessions`;
      const storage = postgresStorage(pool, { schema });
      await admin.query(`GRANT SELECT, INSERT, UPDATE ON ${table} TO ${role}`);
      assert.match(
        await found(storage, "bad"),
        /has no permission to read and change .*GRANT SELECT, INSERT, UPDATE, DELETE/,
      );
      await admin.query(`GRANT DELETE ON ${table} TO ${role}`);
      assert.equal(await found(storage, "bad"), "");
      await admin.query(
        `CREATE POLICY reading ON ${table} FOR SELECT TO ${role} USING (true); CREATE POLICY adding ON ` +
          `${table} FOR INSERT TO ${role} WITH CHECK (true); ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY`,
      );
      assert.match(
        await found(storage, "bad"),
        /refuses to change the version that it just returned.*row-level security/,
      );
    });

    test("attack: a table by hand whose keys have no case is refused by ensureSchema, and told by check", async (t) => {
      const { pool, schema } = await world(t);
      const storage = postgresStorage(pool, { schema });
      await pool.query(
        `CREATE COLLATION ${schema}.no_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`,
      );
      await pool.query(storage.schemaSql().replace('"key" text COLLATE "C"', `"key" text COLLATE ${schema}.no_case`));
      await assert.rejects(storage.ensureSchema(), {
        code: "unsupported",
        message: /collation no_case.*binary collation/,
      });
      assert.match(await found(storage, "bad"), /without case|collation no_case/);
    });
  });
});

await withService("mariadb", ({ url, host, port }) => {
  describe("mariadb", () => {
    const world = (t: TestContext, options?: mysql.PoolOptions) => ownDatabase(t, url, options);

    test("findings: table, index, expired rows, the clock, and what a crash loses", async (t) => {
      const { pool, schema } = await world(t);
      const storage = mysqlStorage(pool, { schema });
      await checksTable(
        storage,
        (sql) => pool.query(sql),
        `ALTER TABLE ${schema}.holdfast_sessions DROP INDEX holdfast_sessions_expires_at`,
      );
      await checksClock(storage);
      const [rows] = await pool.query("SELECT @@innodb_flush_log_at_trx_commit AS flush");
      const { flush } = (rows as { flush: number }[])[0]!;
      assert.equal(/innodb_flush_log_at_trx_commit is \d/.test(await found(storage, "warn")), flush !== 1);
      await pool.query(`ALTER TABLE ${schema}.holdfast_sessions ENGINE=MyISAM`);
      assert.match(await found(storage, "bad"), /engine is MyISAM/);
    });

    test("autocommit off, and a user without a right", async (t) => {
      const { pool, schema } = await world(t);
      await mysqlStorage(pool, { schema }).ensureSchema();
      const single = await mysql.createConnection({ uri: url });
      await single.query("SET autocommit = 0");
      assert.match(await found(mysqlStorage(single, { schema }), "bad"), /autocommit (is )?off/);
      await single.end();
      const user = `u_${schema.slice(-12)}`;
      await pool.query(`CREATE USER ${user} IDENTIFIED BY '${SECRET}'`);
      await pool.query(`GRANT SELECT, INSERT, UPDATE ON ${schema}.holdfast_sessions TO ${user}`);
      const limited = mysql.createPool({ host, port, user, password: SECRET, database: schema });
      t.after(() => limited.end());
      assert.match(await found(mysqlStorage(limited), "bad"), /has no permission to read and change .*GRANT/);
      await pool.query(`GRANT DELETE ON ${schema}.holdfast_sessions TO ${user}`);
      assert.equal(await found(mysqlStorage(limited), "bad"), "");
      await pool.query(`DROP USER ${user}`);
    });

    test("attack: a table by hand whose keys have no case is refused by ensureSchema, and told by check", async (t) => {
      const { pool, schema } = await world(t);
      const storage = mysqlStorage(pool, { schema });
      const byHand = storage
        .schemaSql()
        .replace("`key` VARBINARY(255)", "`key` VARCHAR(190) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
        .replace("`version` VARBINARY(32)", "`version` VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");
      await pool.query(byHand);
      await assert.rejects(storage.ensureSchema(), {
        code: "unsupported",
        message: /collation utf8mb4_unicode_ci.*binary collation/,
      });
      assert.match(await found(storage, "bad"), /without case/);
      await pool.query(
        `ALTER TABLE ${schema}.holdfast_sessions MODIFY \`key\` VARCHAR(190) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL`,
      );
      await storage.ensureSchema();
      assert.equal(await found(storage, "bad"), "");
    });
  });
});

describe("sqlite", () => {
  function directory(t: TestContext): string {
    const made = mkdtempSync(join(tmpdir(), "holdfast-check-"));
    t.after(() => rmSync(made, { recursive: true, force: true }));
    return made;
  }

  test("findings: table, index, expired rows, and settings that are unsafe in a crash", async (t) => {
    const client = createLibsql({ url: `file:${join(directory(t), "sessions.db")}` });
    t.after(() => client.close());
    const storage = sqliteStorage(client);
    await checksTable(storage, (sql) => client.execute(sql), "DROP INDEX holdfast_sessions_expires_at");
    await client.execute("PRAGMA journal_mode = WAL");
    assert.equal(await found(storage, "bad"), "");
    await client.execute("PRAGMA synchronous = OFF");
    assert.match(await found(storage, "warn"), /synchronous is OFF/);
    await client.execute("PRAGMA journal_mode = OFF");
    assert.match(await found(storage, "bad"), /journal_mode is off/);
    await client.execute("PRAGMA query_only = 1");
    assert.match(await found(storage, "bad"), /read-only/);
  });

  test("attack: keys without case in a table by hand, and a table that lacks a column", async (t) => {
    const client = createLibsql({ url: `file:${join(directory(t), "sessions.db")}` });
    t.after(() => client.close());
    const storage = sqliteStorage(client);
    await client.executeMultiple(storage.schemaSql().replace('"key" TEXT', '"key" TEXT COLLATE NOCASE'));
    assert.match(await found(storage, "bad"), /without case/);
    await client.execute("CREATE TABLE other (key TEXT PRIMARY KEY, value BLOB)");
    assert.match(await found(sqliteStorage(client, { table: "other" }), "bad"), /lacks a column/);
  });
});

await withService("memcached", ({ host, port }) => {
  test("memcached: it forgets, its clock, and an item limit that is not its own", async (t) => {
    const client = new MemcacheClient({ server: `${host}:${port}` });
    t.after(() => client.shutdown());
    assert.match(await found(memcachedStorage(client), "warn"), /loses data/);
    assert.equal(await found(memcachedStorage(client), "bad"), "");
    await checksClock(memcachedStorage(client));
    assert.match(
      await found(memcachedStorage(client, { maxItemBytes: 8 * 1024 * 1024 }), "bad"),
      /an item may have 1048576 bytes.*maxItemBytes: 1048576/,
    );
  });
});

test("memory: fill level, and a warning in production", async (t) => {
  const storage = memoryStorage({ maxEntries: 10 });
  const fill = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++)
      storage.create(crypto.randomUUID(), { value: "x", expiresAt: Date.now() + MINUTE }, at());
  };
  assert.deepEqual([await found(storage, "warn"), await found(storage, "bad")], ["", ""]);
  await fill(9);
  assert.match(await found(storage, "warn"), /9 of at most 10/);
  await fill(1);
  assert.match(await found(storage, "bad"), /10 of at most 10.*maxEntries/);
  const earlier = process.env.NODE_ENV;
  t.after(() => (earlier === undefined ? delete process.env.NODE_ENV : (process.env.NODE_ENV = earlier)));
  process.env.NODE_ENV = "production";
  assert.match(await found(memoryStorage(), "warn"), /end with this process/);
});

const CLOSED = /the client is closed, or was never connected; .*await client\.connect\(\)/;
const reads = (storage: Storage) => async (): Promise<unknown> => storage.get("holdfast:a", at());

test("an error says what to do: a redis client that nobody connected, or that was closed", async () => {
  const ended = new Redis({ lazyConnect: true }).on("error", ignore);
  ended.disconnect();
  for (const client of [createClient(), ended]) {
    const storage = redisStorage(client);
    await assert.rejects(reads(storage), { code: "storage", message: CLOSED });
    await assert.rejects(async () => storage.create("holdfast:a", { value: "x", expiresAt: 1 }, at()), CLOSED);
    await assert.rejects(async () => storage.delete("holdfast:a", "none", at()), CLOSED);
  }
});

await withService("postgres", ({ url }) => {
  test(
    "an error says what to do: a pg Client that nobody connected, a pool that was ended, and a table that " +
      "is missing",
    async (t) => {
      for (const { Client, Pool } of [pg, foreign("pg8.11")]) {
        await assert.rejects(reads(postgresStorage(new Client({ connectionString: url }))), {
          code: "storage",
          message: CLOSED,
        });
        const pool = new Pool({ connectionString: url });
        const storage = postgresStorage(pool, { table: "never_made" });
        await assert.rejects(reads(storage), {
          code: "storage",
          message: /the table never_made does not exist; .*await storage\.ensureSchema\(\)/,
        });
        await pool.end();
        await assert.rejects(reads(storage), CLOSED);
      }
      const sql = foreign("postgres")(url);
      await sql.end();
      await assert.rejects(reads(postgresStorage(sql)), CLOSED);
      t.diagnostic("nothing is left open");
    },
  );
});

await withService("mariadb", ({ url }) => {
  test("an error says what to do: a mysql2 or mariadb pool that was ended, and a table that is missing", async () => {
    const pools = [
      mysql.createPool(url),
      foreign("mysql2-3.6").createPool(url),
      foreign("mariadb").createPool(url.replace("mysql:", "mariadb:")),
    ];
    for (const pool of pools) {
      const storage = mysqlStorage(pool, { table: "never_made" });
      await assert.rejects(reads(storage), {
        code: "storage",
        message: /the table never_made does not exist; .*await storage\.ensureSchema\(\)/,
      });
      await (pool.promise?.() ?? pool).end();
      await assert.rejects(reads(storage), CLOSED);
    }
  });
});

test("an error says what to do: an sqlite database that was closed, and a table that is missing", async () => {
  const client = createLibsql({ url: "file::memory:" });
  await assert.rejects(reads(sqliteStorage(client)), {
    code: "storage",
    message: /the table holdfast_sessions does not exist; .*ensureSchema/,
  });
  client.close();
  await assert.rejects(reads(sqliteStorage(client)), CLOSED);
});

/** The rights that the pages name are enough for everything, and none of them is too much. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Redis } from "ioredis";
import mysql from "mysql2/promise";
import pg from "pg";
import { createStore, type Storage } from "holdfast";
import { mysqlStorage } from "holdfast/storage/mysql";
import { postgresStorage } from "holdfast/storage/postgres";
import { redisStorage } from "holdfast/storage/redis";
import { pages } from "../docs/pages.js";
import { STORIES } from "./matrix/stories.js";
import { withService } from "../support/services.js";

/** The lines of a page's section "Least rights" that begin with a word. */
function linesOf(page: string, word: string): string[] {
  const { blocks } = pages.find(({ path }) => path.endsWith(`storages/${page}.md`))!;
  const lines = blocks.filter(({ heading }) => heading === "Least rights").flatMap(({ code }) => code.split("\n"));
  const found = lines.filter((line) => line.startsWith(word));
  assert.ok(found.length > 0, `the page of ${page} names no rights`);
  return found;
}

const call = { now: Date.now(), signal: AbortSignal.timeout(120_000) };

/** All that the application does with sessions, their sweeping and the end of all of them included. */
async function everything(storage: Storage): Promise<void> {
  for (const tell of Object.values(STORIES)) await tell(storage);
  await createStore({ storage }).clear();
  await storage.sweep?.(call);
  const findings = await storage.check!(call);
  assert.deepEqual(
    findings.filter(({ level }) => level === "bad"),
    [],
  );
}

await withService("redis", ({ url, host, port }) => {
  test("redis: the line of the ACL, each command of which is needed", async (t) => {
    const admin = new Redis(url);
    t.after(() => admin.disconnect());
    const [, , , ...rules] = linesOf("redis", "ACL SETUSER")[0]!.split(" ");
    const signedIn = async (given: readonly string[]): Promise<Redis> => {
      await admin.call("ACL", "SETUSER", "shop", "reset", ...given);
      return new Redis({ host, port, username: "shop", password: "password", enableReadyCheck: false });
    };
    const all = await signedIn(rules);
    await everything(redisStorage(all));
    all.disconnect();
    for (const rule of rules.filter((one) => one.startsWith("+") && one !== "+eval")) {
      const redis = await signedIn([...rules, rule.replace("+", "-")]);
      await assert.rejects(everything(redisStorage(redis)), () => true, `${rule} is not needed`);
      redis.disconnect();
    }
  });
});

await withService("postgres", ({ url, host, port }) => {
  test("postgres: the grants, each of which is needed", async (t) => {
    const admin = new pg.Client({ connectionString: url });
    await admin.connect();
    await postgresStorage(admin).ensureSchema();
    await admin.query("CREATE ROLE shop LOGIN");
    for (const sql of linesOf("postgres", "GRANT")) await admin.query(sql);
    const pool = new pg.Pool({ host, port, user: "shop", database: "postgres" });
    t.after(async () => {
      await pool.end();
      await admin.query("DROP OWNED BY shop; DROP ROLE shop");
      await admin.end();
    });
    const storage = postgresStorage(pool);
    await storage.ensureSchema();
    await everything(storage);
    for (const right of ["SELECT", "INSERT", "UPDATE", "DELETE"]) {
      await admin.query(`REVOKE ${right} ON holdfast_sessions FROM shop`);
      await assert.rejects(everything(storage), () => true, `${right} is not needed`);
      await admin.query(`GRANT ${right} ON holdfast_sessions TO shop`);
    }
  });
});

await withService("mariadb", ({ url, host, port }) => {
  test("mysql: the grants, each of which is needed", async (t) => {
    const admin = await mysql.createConnection(url);
    await admin.query("CREATE DATABASE IF NOT EXISTS app");
    await mysqlStorage(admin, { schema: "app" }).ensureSchema();
    await admin.query("CREATE USER shop");
    for (const sql of linesOf("mysql", "GRANT")) await admin.query(sql);
    const pool = mysql.createPool({ host, port, user: "shop", database: "app" });
    t.after(async () => {
      await pool.end();
      await admin.query("DROP USER shop");
      await admin.query("DROP DATABASE app");
      await admin.end();
    });
    const storage = mysqlStorage(pool);
    await storage.ensureSchema();
    await everything(storage);
    for (const right of ["SELECT", "INSERT", "UPDATE", "DELETE"]) {
      await admin.query(`REVOKE ${right} ON app.holdfast_sessions FROM shop`);
      await assert.rejects(everything(storage), () => true, `${right} is not needed`);
      await admin.query(`GRANT ${right} ON app.holdfast_sessions TO shop`);
    }
  });
});

/**
 * Pools whose connections are all taken by the application: nobody waits longer than asked, and what is given up is
 * not run.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createPool } from "mysql2/promise";
import pg from "pg";
import postgres from "postgres";
import { createStore, type Storage } from "holdfast";
import { mysqlStorage } from "holdfast/storage/mysql";
import { postgresStorage } from "holdfast/storage/postgres";
import { foreign } from "../support/foreign-packages.js";
import { withService } from "../support/services.js";
import { aWhile } from "../support/within.js";

interface Starving {
  readonly storage: Storage & { ensureSchema(): Promise<void> };
  /** Takes the only connection, until what it returns is called. */
  take(): Promise<() => unknown>;
  close(): unknown;
}

type Open = (url: string) => Starving;

const POSTGRES: Readonly<Record<string, Open>> = {
  pg(url) {
    const pool = new pg.Pool({ connectionString: url, max: 1 });
    return { storage: postgresStorage(pool), take: () => taken(pool.connect()), close: () => pool.end() };
  },
  postgres(url) {
    const sql = postgres(url, { max: 1, onnotice: () => {} });
    return { storage: postgresStorage(sql), take: () => taken(sql.reserve()), close: () => sql.end({ timeout: 1 }) };
  },
};

const MYSQL: Readonly<Record<string, Open>> = {
  mysql2(uri) {
    const pool = createPool({ uri, connectionLimit: 1 });
    return { storage: mysqlStorage(pool), take: () => taken(pool.getConnection()), close: () => pool.end() };
  },
  mariadb(uri) {
    const { hostname: host, port, pathname } = new URL(uri);
    const login = { host, port: Number(port), user: "root", database: pathname.slice(1) };
    const pool = foreign("mariadb").createPool({ ...login, connectionLimit: 1 });
    return { storage: mysqlStorage(pool), take: () => taken(pool.getConnection()), close: () => pool.end() };
  },
};

async function taken(taking: PromiseLike<{ release(): unknown }>): Promise<() => unknown> {
  const connection = await taking;
  return () => connection.release();
}

/** pg keeps what waits for a connection, and sends it when there is one; the page says so. */
const KEEPS = ["pg"];

for (const [service, clients] of Object.entries({ postgres: POSTGRES, mariadb: MYSQL })) {
  await withService(service, ({ url }) => {
    for (const [name, open] of Object.entries(clients)) {
      const becomes = KEEPS.includes(name) ? "harmless" : "never run";
      test(`${name}: a pool of one connection that a handler uses: 503 in time, and the aborted statement is ${becomes}`, async (t) => {
        const { storage, take, close } = open(url);
        t.after(close);
        await storage.ensureSchema();
        const store = createStore<{ n: number }>({ storage, storageTimeout: 1000, commitTimeout: 2000 });
        const { id } = await store.create({ n: 1 });
        const session = (await store.getById(id))!;
        const release = await take();
        const isUnavailable = ({ status }: { status?: number }): boolean => status === 503;
        session.set("n", 2);
        await assert.rejects(session.save(), isUnavailable);
        await assert.rejects(store.getById(id), isUnavailable);
        await aWhile(50);
        await release();
        await aWhile(100);
        const found = (await store.getById(id))!.get("n");
        if (!KEEPS.includes(name)) assert.equal(found, 1, "what was given up must not be run");
        assert.ok(await store.edit(id, (current) => current.set("n", 3)));
      });
    }
  });
}

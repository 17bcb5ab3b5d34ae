import { createRequire } from "node:module";
import type { LibsqlClient, SqliteDatabase } from "holdfast/storage/sqlite";

/** A connection to a file, and its database behind its back. */
export interface OpenedSqlite {
  readonly database: SqliteDatabase | LibsqlClient;
  run(sql: string): Promise<unknown>;
  /** Locks the file against other writers, until what it answers is called. */
  lock(): Promise<() => Promise<unknown>>;
  close(): void;
}

export type SqliteClient = "better-sqlite3" | "node:sqlite" | "bun:sqlite" | "libsql";

/**
 * Where better-sqlite3 is installed: not beside the other packages, since what this Node can load may be another
 * version.
 */
const FROM = process.env.HOLDFAST_TEST_PACKAGES ?? import.meta.url;

/** How long these clients would block when a file is locked, if the driver let them. */
const BLOCKING_MS = 3000;

const CLIENTS: Readonly<Record<SqliteClient, (file: string, options: object) => Promise<any>>> = {
  "better-sqlite3": async (file, options) =>
    new (createRequire(FROM)("better-sqlite3"))(file, { timeout: BLOCKING_MS, ...options }),
  "node:sqlite": async (file, options) =>
    new (await builtin("node:sqlite")).DatabaseSync(file, { timeout: BLOCKING_MS, ...options }),
  "bun:sqlite": async (file, options) =>
    new (await builtin("bun:sqlite")).Database(
      file,
      Object.keys(options).length > 0 ? { create: true, readwrite: true, ...options } : undefined,
    ),
  libsql: async (file, options) => (await import("@libsql/client")).createClient({ url: `file:${file}`, ...options }),
};

/** How an application may have configured a connection for its own rows. */
export const ROW_SETTINGS: Readonly<
  Record<SqliteClient, Readonly<Record<string, { readonly options?: object; configure?(database: any): void }>>>
> = {
  "better-sqlite3": { "safe integers": { configure: (database) => database.defaultSafeIntegers(true) } },
  "node:sqlite": {
    "rows as arrays": { options: { returnArrays: true } },
    "integers as BigInt": { options: { readBigInts: true } },
    "rows as arrays of BigInt": { options: { returnArrays: true, readBigInts: true } },
  },
  "bun:sqlite": { "safe integers, strict": { options: { safeIntegers: true, strict: true } } },
  libsql: {
    "integers as BigInt": { options: { intMode: "bigint" } },
    "integers as strings": { options: { intMode: "string" } },
  },
};

/** Modules of runtimes newer than these types. */
function builtin(name: string): Promise<any> {
  return import(name);
}

/** Opens a file as an application does. */
export async function openSqlite(client: SqliteClient, file: string, options: object = {}): Promise<OpenedSqlite> {
  const database = await CLIENTS[client](file, options);
  const close = (): void => database.close();
  if (client === "libsql")
    return { database, run: (sql) => database.execute(sql), lock: () => lockLibsql(database), close };
  const run = async (sql: string): Promise<unknown> => database.exec(sql);
  if (client === "bun:sqlite") await run(`PRAGMA busy_timeout = ${BLOCKING_MS}`);
  const lock = async (): Promise<() => Promise<unknown>> => {
    await run("BEGIN IMMEDIATE");
    return () => run("COMMIT");
  };
  return { database, run, lock, close };
}

/** Each statement of libsql may run in another connection. */
async function lockLibsql(database: any): Promise<() => Promise<unknown>> {
  const transaction = await database.transaction("write");
  return () => transaction.commit();
}

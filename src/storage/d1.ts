import { mistake, SessionError } from "../errors.js";
import { misplaced } from "../util/assert.js";
import { DURABLE, isD1, isDurableNamespace, isStub, OnePerBinding } from "./cloudflare-bindings.js";
import { clockFinding } from "./findings.js";
import { has, refuseLookAlikes, type LookAlike } from "./look-alikes.js";
import { SqlStorage, tableNames, type Dialect, type SqlClient, type SqlOptions, type SqlRow } from "./sql.js";
import { text } from "./sql-check.js";
import { SQLITE_STATEMENTS, sqliteSchema } from "./sqlite-dialect.js";

/** The part of a D1 database that is used. */
export interface D1Client {
  prepare(sql: string): D1Statement;
}

/** The part of a prepared statement that is used. */
export interface D1Statement {
  bind(...parameters: any[]): D1Statement;
  raw(): Promise<unknown[]>;
  run(): Promise<{ readonly meta: { readonly changes?: number } }>;
}

/** Options of {@link d1Storage}. */
export interface D1Options extends Pick<SqlOptions, "table"> {}

/**
 * Stores records in one table of a D1 database; each call is one statement, sent to the primary. Create the table
 * by a migration (`schemaSql()` returns it), and remove expired rows with `sweep` in a Cron Trigger.
 *
 * For one database it returns the same storage each time, so it can be called in each request, in which a Worker gets
 * its bindings.
 *
 * @param database - the binding, `env.DB`
 * @param options - `table`
 * @returns the storage
 * @throws {TypeError} if this is not a D1 database or an option is invalid; the message says what to pass
 * @example
 * ```ts
 * const sessions = session({ storage: (_request, env: Env) => d1Storage(env.DB) });
 * ```
 */
export function d1Storage(database: D1Client, options: D1Options = {}): D1Storage {
  const names = tableNames("d1Storage", options, ["table"]);
  assertD1(database);
  return KNOWN.of(database, names.table, () => new D1Storage(clientOf(database), DIALECT, names));
}

const KNOWN = new OnePerBinding<D1Storage>();

/** The storage of {@link d1Storage}. */
export class D1Storage extends SqlStorage {
  /** A row of D1 has at most 2 MB. */
  readonly maxValueBytes: number = 1_900_000;

  /**
   * Always throws: a Worker has no timers between requests.
   *
   * @throws {TypeError} that says how to sweep
   * @example
   * ```ts
   * await storage.sweep({ now: Date.now(), signal: AbortSignal.timeout(60_000) });   // in a Cron Trigger
   * ```
   */
  override startSweep(): void {
    throw mistake("wrong-call", `startSweep: a Worker has no timer between requests; write ${CRON}`);
  }
}

const CRON =
  'a Cron Trigger with scheduled: (_event, env) => d1Storage(env.DB).sweep({ now: Date.now(), signal }) and "crons" ' +
  "in wrangler.jsonc";

const DIALECT: Dialect = {
  ...SQLITE_STATEMENTS,
  // D1 returns a BLOB as an array of numbers.
  schema: sqliteSchema("TEXT"),
  encode: (value) => value,
  facts: [
    {
      sql: "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)",
      judge: ([databaseNow], now) => [clockFinding(Number(text(databaseNow)), now)],
    },
  ],
  isBusy: () => false,
};

const LOOK_ALIKES: readonly LookAlike[] = [
  {
    name: "a session of D1, which may read from a replica that has not received a logout yet",
    matches: (database) => has(database, "prepare", "batch", "getBookmark"),
    write: (storage) => `${storage}(env.DB), the database itself`,
  },
  { name: DURABLE.name, matches: isDurableNamespace, write: () => DURABLE.write },
  {
    name: "the whole environment",
    matches: (env) => !has(env, "prepare") && Object.values(env as object).some(isD1),
    write: (storage) => `${storage}(env.DB), its D1 database`,
  },
];

function assertD1(database: unknown): void {
  if (!isStub(database)) refuseLookAlikes("d1Storage", database, LOOK_ALIKES);
  if (isD1(database) && !isStub(database)) return;
  throw misplaced(
    "d1Storage: database",
    database,
    'env.DB, with "d1_databases": [{ "binding": "DB", … }] in wrangler.jsonc',
    "wrong-client",
  );
}

function clientOf(database: D1Client): SqlClient {
  const bound = (sql: string, parameters: readonly unknown[]): D1Statement =>
    database.prepare(sql).bind(...parameters);
  return {
    row: async (sql, parameters) => (await bound(sql, parameters).raw())[0] as SqlRow | undefined,
    change: async (sql, parameters) => changesOf(await bound(sql, parameters).run()),
  };
}

/** Without the number, "changed" could not be distinguished from "another version". */
function changesOf({ meta }: { readonly meta?: { readonly changes?: number } }): number {
  if (typeof meta?.changes === "number") return meta.changes;
  throw new SessionError("storage", "D1 did not return the number of changed rows");
}

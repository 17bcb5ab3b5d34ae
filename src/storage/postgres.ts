/**
 * Sessions in PostgreSQL.
 *
 * @module
 */
import { inTurn, SLICE, SqlStorage, tableNames, type Dialect, type SqlClient, type SqlOptions } from "./sql.js";
import { misplaced } from "../leaves/assert.js";

export type { SqlOptions, SqlStorage } from "./sql.js";

/** What is used of a `Pool` or `Client` of `pg`. */
export interface PgClient {
  query(query: PgQuery): PromiseLike<PgResult>;
  /** A `Client` has it, a `Pool` does not. */
  escapeLiteral?(text: string): string;
}

/** A statement as `pg` takes it. */
export interface PgQuery {
  text: string;
  values: unknown[];
  rowMode: "array";
}

/** What `pg` answers. */
export interface PgResult {
  rows: unknown[][];
  rowCount: number | null;
}

/** What is used of the `sql` of `postgres` (postgres.js). */
export interface PostgresJsClient {
  unsafe(text: string, parameters: any[], options: { prepare: boolean }): PromiseLike<{ count: number }> & { values(): PromiseLike<unknown[][]> };
}

/** Options of {@link postgresStorage}. */
export interface PostgresOptions extends SqlOptions {}

/**
 * Keeps records in one table of a PostgreSQL database, through a `Pool` or `Client` of `pg`, or the `sql` of `postgres`. Each call is
 * one statement outside of any transaction, so it works behind PgBouncer in transaction mode; `postgres` needs its option
 * `prepare: false` there, `pg` nothing. Make the table once with {@link SqlStorage.ensureSchema | ensureSchema()} or a migration
 * (`schemaSql()` prints it), and call `sweep` now and then from anywhere.
 */
export function postgresStorage(client: PgClient | PostgresJsClient, options: PostgresOptions = {}): SqlStorage {
  return new SqlStorage(speakerOf(client), DIALECT, tableNames("postgresStorage", options));
}

const DIALECT: Dialect = {
  quote: '"',
  parameter: (nth) => `$${nth}`,
  // text holds no U+0000, and depends on the database's encoding; bytea holds every value.
  schema: [
    'CREATE TABLE IF NOT EXISTS {table} ("key" text COLLATE "C" PRIMARY KEY, "value" bytea NOT NULL, "version" text COLLATE "C" NOT NULL, "expires_at" bigint NOT NULL)',
    'CREATE INDEX IF NOT EXISTS {index} ON {table} ("expires_at")',
  ],
  // Each CREATE INDEX, also of one that exists, waits for a lock that stops writers.
  hasSchema: "SELECT 1 WHERE to_regclass('{table}') IS NOT NULL AND to_regclass('{path of index}') IS NOT NULL",
  create: 'INSERT INTO {table} ("key", "value", "version", "expires_at") VALUES (?, ?, ?, ?) ON CONFLICT ("key") DO NOTHING',
  touch: 'UPDATE {table} SET "expires_at" = ?',
  // ARRAY(…) is evaluated once; the rows it locks cannot change until they are deleted.
  sweep: `DELETE FROM {table} WHERE "key" = ANY (ARRAY(SELECT "key" FROM {table} WHERE "expires_at" <= ? ORDER BY "expires_at" LIMIT ${SLICE} FOR UPDATE SKIP LOCKED))`,
  clear: `DELETE FROM {table} WHERE "key" = ANY (ARRAY(SELECT "key" FROM {table} WHERE "key" >= ? AND "key" < ? ORDER BY "key" LIMIT ${SLICE} FOR UPDATE))`,
  // serialization_failure (where the default isolation is a stricter one), deadlock_detected: rolled back.
  isBusy: hasCode("40001", "40P01"),
  // IF NOT EXISTS looks first and creates then: of two at once the second fails with unique_violation, duplicate_table or duplicate_object.
  isMadeByOthers: hasCode("23505", "42P07", "42710"),
};

function hasCode(...codes: readonly string[]): (error: unknown) => boolean {
  return (error) => codes.includes((error as { code?: string } | undefined)?.code ?? "");
}

function speakerOf(client: PgClient | PostgresJsClient): SqlClient {
  if (typeof (client as Partial<PostgresJsClient> | null)?.unsafe === "function") return throughPostgresJs(client as PostgresJsClient);
  if (typeof (client as Partial<PgClient> | null)?.query === "function") return throughPg(client as PgClient);
  throw misplaced("postgresStorage: client", client, "a Pool or Client of pg (this has no query()), or the sql of postgres (this has no unsafe())");
}

/** Rows as arrays: the column names and row types that an application configured do not matter. No name, so no statement is kept. */
function throughPg(client: PgClient): SqlClient {
  const send = (query: PgQuery): PromiseLike<PgResult> => client.query(query);
  // pg's Client is about to stop keeping statements that wait.
  const query = typeof client.escapeLiteral === "function" ? inTurn(send) : send;
  return {
    row: async (text, values) => (await query({ text, values: [...values], rowMode: "array" })).rows[0],
    change: async (text, values) => (await query({ text, values: [...values], rowMode: "array" })).rowCount ?? 0,
  };
}

/** Statements are prepared unless the client was made with `prepare: false`. */
function throughPostgresJs(client: PostgresJsClient): SqlClient {
  const query = (text: string, values: readonly unknown[]) => client.unsafe(text, [...values], { prepare: true });
  return {
    row: async (text, values) => (await query(text, values).values())[0],
    change: async (text, values) => (await query(text, values)).count,
  };
}

/**
 * Sessions in PostgreSQL.
 *
 * @module
 */
import { SLICE, SqlStorage, tableNames, textOf, type Dialect, type SqlClient, type SqlOptions } from "./sql.js";
import { SessionError } from "../errors.js";
import { type SqlRefusal, text, type SqlFact } from "./sql-check.js";
import { misplaced } from "../util/assert.js";
import { has, refuseLookAlikes, type LookAlike } from "./look-alikes.js";
import { isBunSql, otherBunSql, throughBunPostgres, type BunSqlClient } from "./bun-sql.js";
import {
  throughPg,
  throughPglite,
  throughPostgresJs,
  type PgClient,
  type PgliteClient,
  type PostgresJsClient,
} from "./postgres-clients.js";
import type { StorageFinding } from "../contracts/storage.js";
import { bad, clockFinding, ok, warning } from "./findings.js";

export type { PgClient, PgliteClient, PgQuery, PgResult, PgTypes, PostgresJsClient } from "./postgres-clients.js";
export type { BunSqlClient } from "./bun-sql.js";
export type { SqlOptions, SqlStorage } from "./sql.js";

/** Options of {@link postgresStorage}. */
export interface PostgresOptions extends SqlOptions {}

/**
 * Stores records in one table of a PostgreSQL database, through a `Pool` or `Client` of `pg`, the `sql` of `postgres`
 * or of Bun, or a `PGlite`. Each call is one statement outside any transaction, so it works with PgBouncer in
 * transaction mode; `postgres` then needs its option `prepare: false`. Create the table once with {@link
 * SqlStorage.ensureSchema | ensureSchema()} or a migration (`schemaSql()` returns it), and call {@link
 * SqlStorage.startSweep | startSweep()}.
 *
 * @param client - a pool, client or `sql`
 * @param options - `table`, `schema`
 * @returns the storage
 * @throws {TypeError} if the client is not supported or an option is invalid; the message says what to pass
 * @example
 * ```ts
 * const storage = postgresStorage(new pg.Pool());
 * await storage.ensureSchema();
 * storage.startSweep();
 * ```
 */
export function postgresStorage(
  client: PgClient | PostgresJsClient | PgliteClient | BunSqlClient,
  options: PostgresOptions = {},
): SqlStorage {
  return new SqlStorage(clientOf(client), DIALECT, tableNames("postgresStorage", options));
}

/** Questions to PostgreSQL about its configuration. */
const FACTS: readonly SqlFact[] = [
  {
    sql: "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint::text",
    judge: ([time], now) => [clockFinding(Number(text(time)), now)],
  },
  { sql: "SELECT pg_is_in_recovery()::text", judge: ([inRecovery]) => recovery(text(inRecovery)) },
  {
    sql: "SELECT current_setting('fsync'), current_setting('synchronous_commit'), current_setting('full_page_writes')",
    judge: ([fsync, commit, pages]) => durability(text(fsync), text(commit), text(pages)),
  },
  {
    sql: "SELECT current_setting('synchronous_standby_names'), (SELECT count(*) FROM pg_stat_replication)::text",
    judge: ([names, standbys]) => replication(text(names), Number(text(standbys))),
  },
];

/** Class number of our advisory locks: arbitrary, because the application may use advisory locks too. */
const SWEEPS = 1_751_543_398;

const DIALECT: Dialect = {
  quote: '"',
  parameter: (nth) => `$${nth}`,
  // As text in both directions: settings of the client or the server for bytes and big numbers then do not matter.
  value: "decode(?, 'hex')",
  deadline: "(?::text)::bigint",
  columns: `encode("value", 'hex'), "version", "expires_at"::text`,
  encode: (value) => Buffer.from(value).toString("hex"),
  decode: bytesOf,
  // Columns of type text cannot contain U+0000 and depend on the encoding of the database; bytea stores every value.
  schema: [
    'CREATE TABLE IF NOT EXISTS {table} ("key" text COLLATE "C" PRIMARY KEY, "value" bytea NOT NULL, "version" ' +
      'text COLLATE "C" NOT NULL, "expires_at" bigint NOT NULL)',
    'CREATE INDEX IF NOT EXISTS {index} ON {table} ("expires_at")',
  ],
  // CREATE INDEX waits for a lock that blocks writers, even if the index exists.
  hasSchema: "SELECT 1 WHERE to_regclass('{table}') IS NOT NULL AND to_regclass('{path of index}') IS NOT NULL",
  miscompared:
    "SELECT c.collname FROM pg_attribute a JOIN pg_collation c ON c.oid = a.attcollation WHERE a.attrelid = " +
    "to_regclass('{table}') AND a.attname IN ('key', 'version') AND NOT c.collisdeterministic LIMIT 1",
  facts: FACTS,
  create:
    'INSERT INTO {table} ("key", "value", "version", "expires_at") VALUES (?, {value}, ?, {deadline}) ON ' +
    'CONFLICT ("key") DO NOTHING',
  touch: 'UPDATE {table} SET "expires_at" = {deadline}',
  // ARRAY(…) is evaluated once; the rows it locks cannot change until they are deleted.
  sweep:
    `DELETE FROM {table} WHERE "key" = ANY (ARRAY(SELECT "key" FROM {table} WHERE "expires_at" <= {deadline} ` +
    `ORDER BY "expires_at" LIMIT ${SLICE} FOR UPDATE SKIP LOCKED))`,
  // The lock with the table's object id is held until the statement is committed; it is requested once, before any row
  // is read.
  sweepAlone:
    `DELETE FROM {table} WHERE "key" = ANY (ARRAY(SELECT "key" FROM {table} WHERE (SELECT ` +
    `pg_try_advisory_xact_lock(${SWEEPS}, to_regclass('{table}')::oid::int)) AND "expires_at" <= {deadline} ` +
    `ORDER BY "expires_at" LIMIT ${SLICE} FOR UPDATE SKIP LOCKED))`,
  clear:
    `DELETE FROM {table} WHERE "key" = ANY (ARRAY(SELECT "key" FROM {table} WHERE "key" >= ? AND "key" < ? ORDER ` +
    `BY "key" LIMIT ${SLICE} FOR UPDATE))`,
  // serialization_failure (if the default isolation level is stricter), deadlock_detected: rolled back.
  isBusy: hasCode("40001", "40P01"),
  // undefined_table, undefined_column, insufficient_privilege, read_only_sql_transaction.
  refusal: (error) => REFUSALS[sqlState(error)],
  // IF NOT EXISTS checks first and creates then: of two processes the second fails with unique_violation,
  // duplicate_table or duplicate_object.
  isMadeByOthers: hasCode("23505", "42P07", "42710"),
};

const REFUSALS: Readonly<Record<string, SqlRefusal | undefined>> = {
  "42P01": "table",
  "42703": "column",
  "42501": "rights",
  "25006": "read-only",
};

function hasCode(...codes: readonly string[]): (error: unknown) => boolean {
  return (error) => codes.includes(sqlState(error));
}

/** The error code of PostgreSQL. Bun has it as `errno`; its `code` says only that the server sent it. */
function sqlState(error: unknown): string {
  const { code, errno } = (error ?? {}) as { readonly code?: string; readonly errno?: string };
  return (code === "ERR_POSTGRES_SERVER_ERROR" ? errno : code) ?? "";
}

/**
 * If a value is not hexadecimal, the client changed it. It must not be read as "no record", which would replace all
 * sessions by empty ones.
 */
function bytesOf(column: unknown): Uint8Array {
  const hex = textOf(column);
  if (hex.length % 2 === 0 && /^[0-9a-f]*$/.test(hex)) return Buffer.from(hex, "hex");
  throw new SessionError(
    "storage",
    "the client returns a value that differs from the stored one, perhaps because of custom types for text; " +
      "pass a pool without them",
  );
}

const LOOK_ALIKES: readonly LookAlike[] = [
  ...otherBunSql("postgres"),
  {
    name: "the sql of a transaction",
    matches: (client) => has(client, "unsafe", "savepoint"),
    write: () => "postgresStorage(sql), that of postgres(…) itself",
  },
  {
    name: "a reserved connection",
    matches: (client) => has(client, "unsafe", "release"),
    write: () => "postgresStorage(sql), that of postgres(…) itself",
  },
  {
    name: "the sql of neon()",
    matches: (client) => has(client, "unsafe", "transaction") && !has(client, "begin"),
    write: () => "postgresStorage(new Pool(…)), a Pool of @neondatabase/serverless",
  },
  {
    name: "a sql with transform.row",
    matches: (client) => has(client, "unsafe") && client.options?.transform?.row?.from !== undefined,
    write: () => "postgresStorage(postgres(…)), one without it: rows of sessions could not be read through it",
  },
];

function clientOf(client: PgClient | PostgresJsClient | PgliteClient | BunSqlClient): SqlClient {
  refuseLookAlikes("postgresStorage", client, LOOK_ALIKES);
  if (isBunSql(client)) return throughBunPostgres(client);
  if (typeof (client as Partial<PostgresJsClient> | null)?.unsafe === "function")
    return throughPostgresJs(client as PostgresJsClient);
  if (has(client, "query", "execProtocol", "isInTransaction")) return throughPglite(client as PgliteClient);
  if (typeof (client as Partial<PgClient> | null)?.query === "function") return throughPg(client as PgClient);
  throw misplaced(
    "postgresStorage: client",
    client,
    "a Pool or Client of pg or a PGlite (this has no query()), or the sql of postgres (this has no unsafe())",
    "wrong-client",
  );
}

// What the results of these questions mean.

function recovery(inRecovery: string): StorageFinding[] {
  if (inRecovery !== "true") return [];
  return [
    bad(
      "the client is connected to a standby, which accepts no writes",
      "connect it to the primary (target_session_attrs=read-write)",
    ),
  ];
}

function durability(fsync: string, commit: string, pages: string): StorageFinding[] {
  const advice = "set fsync, full_page_writes and synchronous_commit to on";
  if (fsync === "off" || pages === "off")
    return [warning("fsync or full_page_writes is off: a crash of the machine may damage the database", advice)];
  if (commit === "off")
    return [
      warning(
        "synchronous_commit is off: the last acknowledged writes, including logouts, are lost in a crash",
        advice,
      ),
    ];
  return [ok("acknowledged writes are on disk")];
}

function replication(names: string, standbys: number): StorageFinding[] {
  if (names !== "") return [ok("standbys acknowledge writes")];
  if (standbys === 0) return [ok("the server has no standbys")];
  const advice = "set synchronous_standby_names, if losing a logout is not acceptable";
  return [
    warning(
      "no standby acknowledges writes: a failover loses the last acknowledged writes, including logouts",
      advice,
    ),
  ];
}

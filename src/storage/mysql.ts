/**
 * Sessions in MySQL and MariaDB.
 *
 * @module
 */
import { SLICE, SqlStorage, tableNames, type Dialect, type SqlClient, type SqlOptions } from "./sql.js";
import { misplaced } from "../util/assert.js";
import { has, isA, refuseLookAlikes, type LookAlike } from "./look-alikes.js";
import { type SqlRefusal, text, type SqlFact } from "./sql-check.js";
import { throughMysql, type MysqlCallbackClient, type MysqlClient, throughBunMysql } from "./mysql-clients.js";
import { isBunSql, otherBunSql, type BunSqlClient } from "./bun-sql.js";
import type { StorageFinding } from "../contracts/storage.js";
import { bad, clockFinding, ok, warning } from "./findings.js";

export type { MysqlCallbackClient, MysqlClient, MysqlQuery } from "./mysql-clients.js";
export type { BunSqlClient } from "./bun-sql.js";
export type { SqlOptions, SqlStorage } from "./sql.js";

/** Options of {@link mysqlStorage}. */
export interface MysqlOptions extends SqlOptions {}

/**
 * Stores records in one table of a MySQL or MariaDB database, through a pool or connection of `mysql2`,
 * `mysql2/promise` or `mariadb`, or an `SQL` of Bun. Each call is one statement that commits by itself: the connection
 * must have the default `autocommit = 1`. Create the table once with {@link SqlStorage.ensureSchema | ensureSchema()}
 * or a migration (`schemaSql()` returns it), and call {@link SqlStorage.startSweep | startSweep()}.
 *
 * @param client - a pool or connection
 * @param options - `table`, `schema`
 * @returns the storage
 * @throws {TypeError} if the client is not supported or an option is invalid; the message says what to pass
 * @example
 * ```ts
 * const storage = mysqlStorage(createPool("mysql://localhost/app"));
 * await storage.ensureSchema();
 * storage.startSweep();
 * ```
 */
export function mysqlStorage(
  client: MysqlClient | MysqlCallbackClient | BunSqlClient,
  options: MysqlOptions = {},
): SqlStorage {
  return new SqlStorage(clientOf(client), DIALECT, tableNames("mysqlStorage", options));
}

/** Questions to MySQL and MariaDB about their configuration. */
const FACTS: readonly SqlFact[] = [
  {
    sql: "SELECT CAST(UNIX_TIMESTAMP(SYSDATE(3)) * 1000 AS CHAR)",
    judge: ([time], now) => [clockFinding(Number(text(time)), now)],
  },
  {
    sql: "SELECT CAST(@@autocommit AS CHAR), CAST(@@innodb_flush_log_at_trx_commit AS CHAR)",
    judge: ([autocommit, flush]) => [...autocommits(text(autocommit)), ...durability(text(flush))],
  },
  {
    sql:
      "SELECT engine FROM information_schema.tables WHERE table_schema = COALESCE({schema}, DATABASE()) " +
      "AND table_name = {name of table}",
    judge: ([engine]) => tableEngine(text(engine)),
  },
  { sql: "SELECT CAST(@@global.read_only AS CHAR)", judge: ([readOnly]) => readOnlyServer(text(readOnly)) },
  {
    // For MariaDB; MySQL returns an error.
    sql: "SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'SLAVES_RUNNING'",
    judge: ([running]) => replica(Number(text(running)) > 0),
  },
  {
    // For MySQL; MariaDB returns an error, and so does MySQL to a user without the right to ask.
    sql: "SELECT service_state FROM performance_schema.replication_connection_status WHERE service_state = 'ON'",
    judge: ([state]) => replica(text(state) === "ON"),
  },
  {
    // For MariaDB; MySQL returns an error.
    sql:
      "SELECT CAST(SUM(IF(variable_name = 'SLAVES_CONNECTED', variable_value, 0)) AS CHAR), " +
      "CAST(SUM(IF(variable_name = 'RPL_SEMI_SYNC_MASTER_CLIENTS', variable_value, 0)) AS CHAR) FROM " +
      "information_schema.global_status",
    judge: ([replicas, acknowledging]) => replication(Number(text(replicas)), Number(text(acknowledging))),
  },
];

const DIALECT: Dialect = {
  quote: "`",
  parameter: () => "?",
  schema: [
    'CREATE TABLE IF NOT EXISTS {table} ("key" VARBINARY(255) NOT NULL PRIMARY KEY, "value" LONGBLOB NOT NULL, ' +
      '"version" VARBINARY(32) NOT NULL, ' +
      '"expires_at" BIGINT NOT NULL, "touched" TINYINT NOT NULL DEFAULT 0, INDEX {index} ("expires_at")) ' +
      "ENGINE=InnoDB",
  ],
  // An application needs the CREATE TABLE permission only until the table exists, and a read-only server refuses the
  // statement.
  hasSchema:
    "SELECT 1 FROM information_schema.statistics WHERE table_schema = COALESCE({schema}, DATABASE()) AND " +
    "table_name = {name of table} AND index_name = {name of index} LIMIT 1",
  // NULL for binary columns. Collations that end with _bin also compare byte by byte.
  miscompared:
    "SELECT collation_name FROM information_schema.columns WHERE table_schema = COALESCE({schema}, DATABASE()) " +
    "AND table_name = {name of table} AND column_name IN ('key', 'version') AND collation_name <> 'binary' AND " +
    "RIGHT(collation_name, 4) <> '_bin' LIMIT 1",
  facts: FACTS,
  create: 'INSERT INTO {table} ("key", "value", "version", "expires_at") VALUES (?, ?, ?, ?)',
  // Whether a row with unchanged columns counts as matched depends on the connection; so one column always changes.
  touch: 'UPDATE {table} SET "expires_at" = ?, "touched" = 1 - "touched"',
  sweep: `DELETE FROM {table} WHERE "expires_at" <= ? ORDER BY "expires_at", "key" LIMIT ${SLICE}`,
  clear: `DELETE FROM {table} WHERE "key" >= ? AND "key" < ? ORDER BY "key" LIMIT ${SLICE}`,
  isDuplicate: (error) =>
    errorOf(error).errno === ER_DUP_ENTRY &&
    /PRIMARY['`]?$/.test(errorOf(error).sqlMessage ?? errorOf(error).message ?? ""),
  refusal: (error) => REFUSALS[errorOf(error).errno ?? 0],
  isBusy: (error) => ROLLED_BACK.includes(errorOf(error).errno ?? 0),
};

const ER_DUP_ENTRY = 1062;

/** ER_LOCK_DEADLOCK and, since MariaDB 11, ER_CHECKREAD: the statement was rolled back because of another one. */
const ROLLED_BACK = [1213, 1020];

/**
 * ER_NO_SUCH_TABLE; ER_BAD_FIELD_ERROR; missing permissions on a database, a table and a column;
 * ER_OPTION_PREVENTS_STATEMENT, ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION, ER_READ_ONLY_MODE.
 */
const REFUSALS: Readonly<Record<number, SqlRefusal | undefined>> = {
  1146: "table",
  1054: "column",
  1044: "rights",
  1142: "rights",
  1143: "rights",
  1290: "read-only",
  1792: "read-only",
  1836: "read-only",
};

interface MysqlError {
  readonly errno?: number;
  /** The message of the server; Bun has it as `message`. */
  readonly sqlMessage?: string;
  readonly message?: string;
}

function errorOf(error: unknown): MysqlError {
  return error ?? {};
}

const LOOK_ALIKES: readonly LookAlike[] = [
  ...otherBunSql("mysql"),
  {
    name: "a PoolCluster",
    matches: (client) => has(client, "of", "add"),
    write: () => "mysqlStorage(createPool(…)), a pool of the primary only: a replica may miss a recent logout",
  },
  {
    name: "a namespace of a PoolCluster",
    matches: (client) => isA(client, "PoolNamespace") || isA(client, "PromisePoolNamespace"),
    write: () => "mysqlStorage(createPool(…)), a pool of the primary only: a replica may miss a recent logout",
  },
  {
    name: "a client of mysql",
    matches: (client) => has(client, "query", "escape") && !has(client, "execute"),
    write: () => "mysqlStorage(createPool(…)), a pool of mysql2",
  },
];

function clientOf(client: MysqlClient | MysqlCallbackClient | BunSqlClient): SqlClient {
  refuseLookAlikes("mysqlStorage", client, LOOK_ALIKES);
  return isBunSql(client) ? throughBunMysql(client) : throughMysql(promised(client));
}

function promised(client: MysqlClient | MysqlCallbackClient): MysqlClient {
  const able =
    typeof (client as Partial<MysqlCallbackClient> | null)?.promise === "function"
      ? (client as MysqlCallbackClient).promise()
      : (client as MysqlClient);
  if (typeof (able as Partial<MysqlClient> | null)?.execute === "function") return able;
  throw misplaced(
    "mysqlStorage: client",
    client,
    "a pool or connection of mysql2 (this has no promise()), mysql2/promise or mariadb (this has no execute())",
    "wrong-client",
  );
}

// What the results of these questions mean.

function autocommits(autocommit: string): StorageFinding[] {
  if (autocommit !== "0") return [ok("autocommit is on")];
  return [
    bad(
      "autocommit is off: no write of a session is committed",
      "SET autocommit = 1, the default, in the client's configuration",
    ),
  ];
}

/** Administrators can write to such a server, and nothing else learns of it. */
function readOnlyServer(readOnly: string): StorageFinding[] {
  if (/^(0|OFF|)$/i.test(readOnly)) return [];
  return [bad("read_only is on, as on a replica: what a session writes there is lost", "connect to the primary")];
}

function replica(isReplica: boolean): StorageFinding[] {
  if (!isReplica) return [];
  return [
    warning(
      "the server replicates from another server: that one does not learn of what is written here",
      "connect to the primary, unless each of the two replicates from the other",
    ),
  ];
}

function durability(flush: string): StorageFinding[] {
  if (flush === "1") return [ok("acknowledged writes are on disk")];
  return [
    warning(
      `innodb_flush_log_at_trx_commit is ${flush}: the last acknowledged writes, including logouts, are lost in a ` +
        `crash of the machine`,
      "set it to 1",
    ),
  ];
}

function tableEngine(engine: string): StorageFinding[] {
  if (engine === "" || /^(innodb|ndbcluster|rocksdb)$/i.test(engine)) return [];
  return [bad(`the table's engine is ${engine}, which is not crash-safe`, "ALTER TABLE … ENGINE=InnoDB")];
}

function replication(replicas: number, acknowledging: number): StorageFinding[] {
  if (replicas === 0) return [ok("the server has no replicas")];
  if (acknowledging > 0) return [ok("replicas acknowledge writes")];
  const advice = "turn semi-synchronous replication on, if losing a logout is not acceptable";
  return [
    warning(
      "no replica acknowledges writes: a failover loses the last acknowledged writes, including logouts",
      advice,
    ),
  ];
}

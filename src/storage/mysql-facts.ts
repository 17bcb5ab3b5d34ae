import type { StorageFinding } from "../contracts/storage.js";
import { bad, clockFinding, ok, warning } from "./findings.js";
import { text, type SqlFact } from "./sql-check.js";

/** Questions to MySQL and MariaDB about their configuration. */
export const MYSQL_FACTS: readonly SqlFact[] = [
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

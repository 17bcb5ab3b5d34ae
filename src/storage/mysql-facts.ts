import type { StorageFinding } from "../contracts/storage.js";
import { bad, clockFinding, ok, warning } from "./findings.js";
import { text, type SqlFact } from "./sql-check.js";

/** What a MySQL or MariaDB says of itself. */
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
  {
    // Of MariaDB; MySQL refuses the question.
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
      "autocommit is off: nothing that a session writes is committed",
      "SET autocommit = 1, the default, in the client's configuration",
    ),
  ];
}

function durability(flush: string): StorageFinding[] {
  if (flush === "1") return [ok("what is acknowledged is on the disk")];
  return [
    warning(
      `innodb_flush_log_at_trx_commit is ${flush}: what is acknowledged last, a logout too, is lost in a ` +
        `crash of the machine`,
      "set it to 1",
    ),
  ];
}

function tableEngine(engine: string): StorageFinding[] {
  if (engine === "" || /^(innodb|ndbcluster|rocksdb)$/i.test(engine)) return [];
  return [bad(`the table's engine is ${engine}, which keeps no promise in a crash`, "ALTER TABLE … ENGINE=InnoDB")];
}

function replication(replicas: number, acknowledging: number): StorageFinding[] {
  if (replicas === 0) return [ok("the server has no replicas")];
  if (acknowledging > 0) return [ok("replicas have to acknowledge what is written")];
  const advice = "turn semi-synchronous replication on, if a lost logout is not acceptable";
  return [warning("no replica has to acknowledge: a failover loses what is acknowledged last, a logout too", advice)];
}

import type { StorageFinding } from "../contracts/storage.js";
import { bad, clockFinding, ok, warning } from "./findings.js";
import { text, type SqlFact } from "./sql-check.js";

/** Questions to PostgreSQL about its configuration. */
export const POSTGRES_FACTS: readonly SqlFact[] = [
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

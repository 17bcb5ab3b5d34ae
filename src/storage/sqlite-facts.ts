import type { StorageFinding } from "../contracts/storage.js";
import { bad, ok, warning } from "./findings.js";
import { text, type SqlFact } from "./sql-check.js";

/** Questions to SQLite about its configuration. */
export const SQLITE_FACTS: readonly SqlFact[] = [
  { sql: "PRAGMA journal_mode", judge: ([mode]) => journal(text(mode).toLowerCase()) },
  { sql: "PRAGMA synchronous", judge: ([level]) => (text(level) === "0" ? [unsafe()] : []) },
];

function unsafe(): StorageFinding {
  return warning("synchronous is OFF: a crash of the machine may damage the database", "PRAGMA synchronous = NORMAL");
}

function journal(mode: string): StorageFinding[] {
  if (mode === "off") return [bad("journal_mode is off: a crash damages the database", "PRAGMA journal_mode = WAL")];
  if (mode === "memory")
    return [
      warning(
        "journal_mode is memory: a crash of this process may damage the database",
        "use a file with PRAGMA journal_mode = WAL",
      ),
    ];
  return [
    ok(
      `journal_mode is ${mode}`,
      mode === "wal" ? "" : "PRAGMA journal_mode = WAL makes readers and a writer wait for each other less",
    ),
  ];
}

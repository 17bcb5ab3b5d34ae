/**
 * Which test files `npm test` leaves to `npm test -- --all`, and why. `npm test` is what one runs before a commit: it
 * takes less than five minutes on two processors. `--all` is what continuous integration runs.
 */
const ALL_ONLY = {
  "databases that are killed, stopped or full, under load": [
    "protocol/soak/soak",
    "storage/failover/",
    "storage/starved",
    "storage/standby",
    "attacks/killed",
    "attacks/storages",
  ],
  "databases in addition to Redis, PostgreSQL and SQLite": [
    "protocol/races/cloudflare",
    "protocol/races/bun",
    "protocol/races/cluster",
    "protocol/races/deno-kv",
    "protocol/races/dynamodb",
    "protocol/races/memcached",
    "protocol/races/mongodb",
    "protocol/races/mysql",
    "protocol/races/pgbouncer",
    "protocol/races/sabotage",
    "protocol/races/sentinel",
    "protocol/races/upstash",
    "protocol/races/valkey",
    "storage/cloudflare",
    "storage/deno-kv",
    "storage/dynamodb",
    "storage/memcached",
    "storage/mongodb",
    "storage/mysql",
    "storage/upstash",
    "storage/conditions",
    "storage/matrix/matrix",
    "storage/check",
    "storage/open",
    "storage/transactions",
    "docs/storages",
    "examples/shop-storage",
  ],
  "longer proofs, and proofs of the proofs": [
    "protocol/mutants",
    "protocol/impersonation",
    "protocol/owners",
    "protocol/soak/sabotage",
    "protocol/races/sqlite",
    "protocol/races/drop-in",
    "attacks/fuzz/fuzz",
  ],
  "the benchmarks' own tests": ["bench/"],
  "types beside those of other packages": ["package/types"],
  "other session libraries in their own programs": ["adoption/adopt-real", "adoption/adopt-guides"],
  "runtimes in addition to this one": ["runtimes/", "adoption/adopt-requires"],
  "programs of the pages about operation": ["docs/deploy", "docs/sockets", "examples/demo"],
  "long walks in a browser": [
    "browser/cross-origin",
    "browser/demo",
    "browser/pages",
    "browser/remember-me",
    "browser/shop",
    "browser/sites",
    "browser/tenants",
  ],
};

/** What measures time against a real server, and so fails when the machine is busy: nothing runs beside it. */
const ALONE = ["storage/failover/", "storage/starved"];

/** `[reason, prefix]` of every entry. */
export const entries = Object.entries(ALL_ONLY).flatMap(([why, prefixes]) => prefixes.map((prefix) => [why, prefix]));

/** True if only `--all` runs the file: its path below `build`, with `/`. */
export function isForAll(file) {
  return entries.some(([, prefix]) => isNamed(file, prefix));
}

/** True if nothing runs beside the file. */
export function isAlone(file) {
  return ALONE.some((prefix) => isNamed(file, prefix));
}

function isNamed(file, prefix) {
  return prefix.endsWith("/") ? file.startsWith(prefix) : file === `${prefix}.test.js`;
}

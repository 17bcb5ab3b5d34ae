/**
 * Which test files `npm test` leaves to `npm test -- --all`, and why. `npm test` is what one runs before a commit: it
 * takes about six minutes on two processors. `--all` is what continuous integration runs.
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
    "protocol/races/cluster",
    "protocol/races/dynamodb",
    "protocol/races/memcached",
    "protocol/races/mongodb",
    "protocol/races/mysql",
    "protocol/races/pgbouncer",
    "protocol/races/sabotage",
    "protocol/races/sentinel",
    "protocol/races/upstash",
    "protocol/races/valkey",
    "storage/dynamodb",
    "storage/memcached",
    "storage/mongodb",
    "storage/mysql",
    "storage/upstash",
    "storage/conditions",
    "storage/matrix/matrix",
    "storage/check",
    "storage/open",
    "docs/storages",
    "examples/shop-storage",
  ],
  "proofs of the proofs, and of what few use": ["protocol/mutants", "protocol/impersonation"],
  "other session libraries in their own programs": ["adoption/adopt-real"],
  "runtimes in addition to this one": ["runtimes/"],
  "long walks in a browser": ["browser/demo", "browser/shop", "browser/sites"],
};

/** `[reason, prefix]` of every entry. */
export const entries = Object.entries(ALL_ONLY).flatMap(([why, prefixes]) => prefixes.map((prefix) => [why, prefix]));

/** True if only `--all` runs the file: its path below `build`, with `/`. */
export function isForAll(file) {
  return entries.some(([, prefix]) =>
    prefix.endsWith("/") ? file.startsWith(prefix) : file === `${prefix}.test.js`,
  );
}

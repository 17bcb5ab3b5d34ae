/** Every row of the matrix. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MemcacheClient } from "memcache-client";
import { memcachedStorage } from "holdfast/storage/memcached";
import { memoryStorage } from "holdfast/storage/memory";
import { sqliteStorage } from "holdfast/storage/sqlite";
import { foreign, foreignVersion } from "../../support/foreign-packages.js";
import { LOOK_ALIKES } from "../../support/look-alikes.js";
import { DYNAMODB_ROWS } from "./dynamodb-rows.js";
import { MONGODB_ROWS } from "./mongodb-rows.js";
import { MYSQL_ROWS } from "./mysql-rows.js";
import { POSTGRES_ROWS } from "./postgres-rows.js";
import { REDIS_ROWS } from "./redis-rows.js";
import type { MatrixRow } from "./row.js";
import { versionOf } from "./servers.js";
import { SQLITE_ROWS } from "./sqlite-rows.js";
import { UPSTASH_ROWS } from "./upstash-rows.js";

const MEMCACHED_SETTINGS: Readonly<Record<string, object>> = {
  "as it comes": {},
  "a timeout for each command": { cmdTimeout: 5000 },
  "a connection that pings, several at once": { server: { maxConnections: 3 } },
  "no delay, a lifetime of its own": { noDelay: true, lifetime: 5 },
};

const OTHERS: readonly MatrixRow[] = [
  {
    driver: "memory",
    client: "this process",
    configuration: "as it comes",
    server: "none",
    open: async () => ({ storage: memoryStorage(), close() {} }),
  },
  {
    driver: "memory",
    client: "this process",
    configuration: "with a limit",
    server: "none",
    open: async () => ({ storage: memoryStorage({ maxEntries: 10_000 }), close() {} }),
  },
  ...Object.entries(MEMCACHED_SETTINGS).map(
    ([configuration, options]): MatrixRow => ({
      driver: "memcached",
      client: `memcache-client ${versionOf("memcache-client")}`,
      configuration,
      server: "memcached",
      async open({ host, port }) {
        const { server, ...rest } = options as { server?: object };
        const client = new MemcacheClient({ server: { server: `${host}:${port}`, ...server }, ...rest });
        return { storage: memcachedStorage(client), close: () => client.shutdown() };
      },
    }),
  ),
];

/** Beside Prisma, which gives its client to nobody. */
const BESIDE_PRISMA: MatrixRow = {
  driver: "sqlite",
  client: `@prisma/adapter-libsql ${foreignVersion("@prisma/adapter-libsql")}`,
  configuration: "a client of the same file beside it",
  server: "none",
  async open() {
    const directory = mkdtempSync(join(tmpdir(), "holdfast-matrix-"));
    const url = `file:${join(directory, "matrix.db")}`;
    const adapter = await new (foreign("@prisma/adapter-libsql").PrismaLibSql)({ url }).connect();
    const client = foreign("@libsql/client").createClient({ url });
    const storage = sqliteStorage(client);
    await storage.ensureSchema();
    return {
      storage,
      async close() {
        client.close();
        await adapter.dispose();
        rmSync(directory, { recursive: true, force: true });
      },
    };
  },
};

const REFUSED: readonly MatrixRow[] = Object.entries(LOOK_ALIKES).flatMap(([driver, kinds]) =>
  Object.entries(kinds).map(
    ([client, [refused, make]]): MatrixRow => ({
      driver,
      client,
      configuration: "handed in as a client",
      server: "none",
      refused,
      make,
      isPart: true,
    }),
  ),
);

export const ROWS: readonly MatrixRow[] = [
  ...OTHERS,
  ...REDIS_ROWS,
  ...POSTGRES_ROWS,
  ...MYSQL_ROWS,
  ...SQLITE_ROWS,
  BESIDE_PRISMA,
  ...MONGODB_ROWS,
  ...DYNAMODB_ROWS,
  ...UPSTASH_ROWS,
  ...REFUSED,
];

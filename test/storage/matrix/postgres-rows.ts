/** PostgreSQL: `pg`, `postgres`, PGlite, and the pools that query builders and ORMs are made with. */
import { connect } from "node:net";
import pg from "pg";
import { postgresStorage, type PgClient, type PgliteClient, type PostgresJsClient } from "holdfast/storage/postgres";
import { foreign, foreignModule, foreignVersion, pgNative } from "../../support/foreign-packages.js";
import type { Service } from "../../support/services.js";
import { host, ignore, type MatrixRow, type Opened } from "./row.js";

interface Setting {
  /** For the client, or for the server as options of the connection. */
  readonly options?: object;
  readonly server?: string;
  readonly single?: true;
  readonly schema?: string;
  /** Statements that an administrator runs before. */
  readonly prepare?: readonly string[];
  readonly bad?: RegExp;
}

const connection = (flags: string): object => ({ options: flags });

/** The rights that the page names, and no more. */
const LEAST = [
  "DROP ROLE IF EXISTS matrix_least",
  "CREATE ROLE matrix_least LOGIN",
  "GRANT USAGE ON SCHEMA public TO matrix_least",
  "GRANT SELECT, INSERT, UPDATE, DELETE ON holdfast_sessions TO matrix_least",
];
const LEAST_GONE =
  "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM matrix_least; REVOKE ALL ON SCHEMA public FROM matrix_least";
const LACKING = [...LEAST, "REVOKE DELETE ON holdfast_sessions FROM matrix_least"];
const SCHEMA = ["CREATE SCHEMA IF NOT EXISTS matrix"];

/** What a server does for a connection, by the options of its start. */
const OF_SERVER: Readonly<Record<string, Setting>> = {
  "isolation serializable": { options: connection("-c default_transaction_isolation=serializable") },
  "isolation repeatable read": { options: connection("-c default_transaction_isolation=repeatable\\ read") },
  "a search_path": { options: connection("-c search_path=matrix,public"), prepare: SCHEMA },
  "a time zone, dates, floats and bytea of its own": {
    options: connection(
      "-c TimeZone=Asia/Kathmandu -c DateStyle=German -c extra_float_digits=-5 -c bytea_output=escape",
    ),
  },
  "backslashes in strings": { options: connection("-c standard_conforming_strings=off -c backslash_quote=on") },
  "another client encoding": { options: connection("-c client_encoding=LATIN1") },
  "a statement_timeout and a lock_timeout": { options: connection("-c statement_timeout=5s -c lock_timeout=5s") },
  "idle transactions are ended": { options: connection("-c idle_in_transaction_session_timeout=5s") },
  "read-only": { options: connection("-c default_transaction_read_only=on"), bad: /read-only.*primary/ },
};

const PG_SETTINGS: Readonly<Record<string, Setting>> = {
  "a pool": {},
  "a pool of one": { options: { max: 1 } },
  "a single client": { single: true },
  "parsers of its own for every type": { options: { types: { getTypeParser: () => () => "broken" } } },
  "results in binary": { options: { binary: true } },
  "a query_timeout": { options: { query_timeout: 5000, statement_timeout: 5000 } },
  "connections that live for a few statements": { options: { maxUses: 3 } },
  "idle connections are closed at once": { options: { idleTimeoutMillis: 1 } },
  "a schema": { schema: "matrix", prepare: SCHEMA },
  "a role with least rights": { options: { user: "matrix_least" }, prepare: LEAST },
  "a role that may not delete": {
    options: { user: "matrix_least" },
    prepare: LACKING,
    bad: /GRANT SELECT, INSERT, UPDATE, DELETE/,
  },
  "behind PgBouncer in transaction mode": { server: "pgbouncer" },
  TLS: { options: { ssl: { rejectUnauthorized: false } }, server: "postgres with TLS" },
  ...OF_SERVER,
};

const asIs = (value: unknown): unknown => value;
const broken = { to: 17, from: [17, 20, 25], serialize: asIs, parse: () => "broken" };

const POSTGRES_JS_SETTINGS: Readonly<Record<string, Setting>> = {
  "a pool": {},
  "a pool of one": { options: { max: 1 } },
  "no statement prepared": { options: { prepare: false } },
  "types of its own": { options: { types: { broken } } },
  "transforms of columns and values": {
    options: { transform: { column: { from: () => "broken", to: asIs }, value: { from: () => "broken" } } },
  },
  "no types fetched": { options: { fetch_types: false } },
  "connections that are idle for a moment": { options: { idle_timeout: 0.05 } },
  "statements do not wait for each other's answers": { options: { max_pipeline: 1 } },
  "a schema": { schema: "matrix", prepare: SCHEMA },
  "a role with least rights": { options: { username: "matrix_least" }, prepare: LEAST },
  "behind PgBouncer in transaction mode": { server: "pgbouncer", options: { prepare: false } },
  TLS: { options: { ssl: { rejectUnauthorized: false } }, server: "postgres with TLS" },
};

/** Its Pool and Client speak the protocol inside of a WebSocket, which a proxy of Neon's takes it out of. */
const NEON_SETTINGS: Readonly<Record<string, Setting>> = {
  "a pool through a WebSocket": {},
  "a pool of one through a WebSocket": { options: { max: 1 } },
  "a client through a WebSocket": { single: true },
  "queries of a pool by fetch": { options: { poolQueryViaFetch: true } },
};

const PARTS = new Set([
  "a pool through a WebSocket",
  "a role with least rights",
  "behind PgBouncer in transaction mode",
]);

export const POSTGRES_ROWS: readonly MatrixRow[] = [
  ...["pg8.11", "pg"].flatMap((name) =>
    rowsOf(`pg ${foreignVersion(name)}`, PG_SETTINGS, (where, setting) => openPg(foreign(name), where, setting)),
  ),
  ...rowsOf("pg-native 3.9.0", { "a pool": {}, "a single client": { single: true } }, (where, setting) =>
    openPg(pgNative(), where, setting),
  ),
  ...["postgres3.3", "postgres"].flatMap((name) =>
    rowsOf(`postgres ${foreignVersion(name)}`, POSTGRES_JS_SETTINGS, (where, { options }) => {
      const sql = foreign(name)(settingsOf(where, { max: 8, onnotice: ignore, ...options }));
      return [sql, () => sql.end({ timeout: 5 })];
    }),
  ),
  ...rowsOf(`@neondatabase/serverless ${foreignVersion("@neondatabase/serverless")}`, NEON_SETTINGS, openNeon),
  pglite("in memory", undefined),
  pglite("as an application's own types", {
    parsers: { 17: () => "broken", 20: () => "broken", 25: () => "broken" },
  }),
  ...Object.entries(poolsInside()).map(([configuration, make]): MatrixRow => {
    const [client = ""] = configuration.split(",");
    return {
      driver: "postgres",
      client: `${client} ${foreignVersion(client)}`,
      configuration: configuration.slice(client.length + 2),
      server: "postgres",
      open: async (where) => ready(...(await make(where))),
    };
  }),
];

type Made = readonly [client: any, close: () => unknown];
type Make = (where: Service, setting: Setting) => Made | Promise<Made>;

function rowsOf(client: string, settings: Readonly<Record<string, Setting>>, make: Make): MatrixRow[] {
  return Object.entries(settings).map(([configuration, setting]) => rowOf(client, configuration, setting, make));
}

function rowOf(client: string, configuration: string, setting: Setting, make: Make): MatrixRow {
  return {
    driver: "postgres",
    client,
    configuration,
    server: setting.server ?? "postgres",
    isPart: PARTS.has(configuration) && !client.includes("8.11"),
    ...(setting.bad && { bad: setting.bad }),
    async open(where: Service) {
      await administer(where, setting.prepare ?? []);
      return ready(...(await make(where, setting)), setting);
    },
  };
}

/** The table is made by an administrator, as a migration does. */
async function administer({ port }: Service, statements: readonly string[]): Promise<void> {
  const admin = new pg.Client({ host, port, user: "postgres", database: "postgres" });
  await admin.connect();
  await postgresStorage(admin).ensureSchema();
  if (statements.some((sql) => sql.includes("matrix_least"))) await admin.query(LEAST_GONE).catch(ignore);
  for (const sql of statements) await admin.query(sql);
  await admin.end();
}

async function ready(
  client: PgClient | PostgresJsClient | PgliteClient,
  close: () => unknown,
  { schema, bad }: Setting = {},
): Promise<Opened> {
  const storage = postgresStorage(client, schema === undefined ? {} : { schema });
  if (!bad) await storage.ensureSchema();
  return { storage, close };
}

function settingsOf({ port }: Service, options: object = {}): object {
  return { host, port, user: "postgres", database: "postgres", ...options };
}

async function openPg({ Pool, Client }: any, where: Service, { options, single }: Setting): Promise<Made> {
  const client = single
    ? new Client(settingsOf(where, options))
    : new Pool(settingsOf(where, { max: 8, ...options }));
  client.on("error", ignore);
  if (single) await client.connect();
  return [client, () => client.end()];
}

/** As Neon's proxy does it: what comes in messages goes to the server, and back. */
async function webSocketProxy(target: number): Promise<{ readonly port: number; close(): void }> {
  const server = new (foreign("ws").WebSocketServer)({ host, port: 0 });
  await new Promise((resolve) => server.once("listening", resolve));
  server.on("connection", (webSocket: any) => {
    const socket = connect(target, host);
    webSocket.on("message", (bytes: Buffer) => socket.write(bytes)).on("close", () => socket.destroy());
    socket.on("data", (bytes) => webSocket.send(bytes)).on("close", () => webSocket.close());
    socket.on("error", ignore);
  });
  const close = (): void => {
    for (const one of server.clients) one.terminate();
    server.close();
  };
  return { port: server.address().port, close };
}

async function openNeon(where: Service, setting: Setting): Promise<Made> {
  const neon = foreign("@neondatabase/serverless");
  const proxy = await webSocketProxy(where.port);
  const { poolQueryViaFetch = false, ...options } = (setting.options ?? {}) as { poolQueryViaFetch?: boolean };
  Object.assign(neon.neonConfig, {
    webSocketConstructor: foreign("ws"),
    wsProxy: () => `${host}:${proxy.port}/`,
    useSecureWebSocket: false,
    pipelineConnect: false,
    poolQueryViaFetch,
  });
  const [client, end] = await openPg(neon, where, { ...setting, options });
  return [client, () => Promise.resolve(end()).finally(proxy.close)];
}

function pglite(configuration: string, options: object | undefined): MatrixRow {
  return {
    driver: "postgres",
    client: `@electric-sql/pglite ${foreignVersion("@electric-sql/pglite")}`,
    configuration,
    server: "none",
    ...(options === undefined && { isPart: true }),
    async open() {
      const { PGlite } = await foreignModule("@electric-sql/pglite");
      const database = await PGlite.create(options);
      return ready(database, () => database.close());
    },
  };
}

/** What the refusals of query builders and ORMs say to hand in, handed in. */
function poolsInside(): Readonly<Record<string, (where: Service) => Promise<Made>>> {
  const pool = (where: Service): any => new (foreign("pg").Pool)(settingsOf(where)).on("error", ignore);
  return {
    async "drizzle-orm, db.$client"(where) {
      const db = (await foreignModule("drizzle-orm/node-postgres")).drizzle(pool(where));
      return [db.$client, () => db.$client.end()];
    },
    async "kysely, the pool its dialect was made with"(where) {
      const { Kysely, PostgresDialect } = await foreignModule("kysely");
      const own = pool(where);
      const db = new Kysely({ dialect: new PostgresDialect({ pool: own }) });
      return [own, () => db.destroy()];
    },
    async "knex, new pg.Pool(knex.client.connectionSettings)"(where) {
      const knex = foreign("knex")({ client: "pg", connection: settingsOf(where) });
      const beside = new (foreign("pg").Pool)(knex.client.connectionSettings);
      return [beside, () => Promise.all([knex.destroy(), beside.end()])];
    },
    async "typeorm, dataSource.driver.master"(where) {
      foreign("reflect-metadata");
      const source = new (foreign("typeorm").DataSource)({
        type: "postgres",
        ...settingsOf(where),
        username: "postgres",
      });
      await source.initialize();
      return [source.driver.master, () => source.destroy()];
    },
    async "pg-promise, db.$pool"(where) {
      const db = foreign("pg-promise")()(settingsOf(where));
      return [db.$pool, () => db.$pool.end()];
    },
    async "sequelize, a pool beside it"(where) {
      const sequelize = new (foreign("sequelize").Sequelize)(where.url, {
        logging: false,
        dialectModule: foreign("pg"),
      });
      const beside = pool(where);
      return [beside, () => Promise.all([sequelize.close(), beside.end()])];
    },
    async "@prisma/adapter-pg, the pool it was made with"(where) {
      const own = pool(where);
      const adapter = new (foreign("@prisma/adapter-pg").PrismaPg)(own);
      await (await adapter.connect()).dispose?.();
      return [own, () => own.end().catch(ignore)];
    },
  };
}

/** MariaDB and MySQL: `mysql2`, `mariadb`, and the pools inside of ORMs. */
import mysql from "mysql2/promise";
import { mysqlStorage } from "holdfast/storage/mysql";
import { foreign, foreignModule, foreignVersion } from "../../support/foreign-packages.js";
import type { Service } from "../../support/services.js";
import { host, ignore, type MatrixRow, type Opened } from "./row.js";

interface Setting {
  readonly options?: object;
  readonly kind?: "callbacks" | "connection";
  /** Statements that each connection begins with. */
  readonly session?: string;
  readonly prepare?: readonly string[];
  readonly schema?: string;
  readonly bad?: RegExp;
  readonly only?: RegExp;
  /** The connection is encrypted: MariaDB is told to by an option, MySQL does so by itself. */
  readonly isSecure?: true;
}

const TLS: Setting = { options: { ssl: { rejectUnauthorized: false } }, isSecure: true };

const TABLE = "holdfast.holdfast_sessions";

/** The rights that the page names, and no more. */
const LEAST = [
  "DROP USER IF EXISTS matrix_least",
  "CREATE USER matrix_least",
  `GRANT SELECT, INSERT, UPDATE, DELETE ON ${TABLE} TO matrix_least`,
];
const LACKING = [
  "DROP USER IF EXISTS matrix_half",
  "CREATE USER matrix_half",
  `GRANT SELECT, INSERT, UPDATE ON ${TABLE} TO matrix_half`,
];

const OF_SERVER: Readonly<Record<string, Setting>> = {
  "quotes of ANSI, backslashes as they are": {
    session: "SET SESSION sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT'",
  },
  "no strict mode": { session: "SET SESSION sql_mode = ''" },
  "isolation serializable": { session: "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE" },
  "isolation read uncommitted": { session: "SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED" },
  "a time zone of the server": { session: "SET SESSION time_zone = '+05:45'" },
  "results in another character set": { session: "SET NAMES latin1 COLLATE latin1_german2_ci" },
  "autocommit off": { session: "SET SESSION autocommit = 0", bad: /autocommit/ },
};

const MYSQL2_SETTINGS: Readonly<Record<string, Setting>> = {
  "a pool": {},
  "a pool with callbacks": { kind: "callbacks" },
  "a single connection": { kind: "connection" },
  "a pool of one": { options: { connectionLimit: 1 } },
  "rows as arrays, nested tables": { options: { rowsAsArray: true, nestTables: "_" } },
  "casts of its own": { options: { typeCast: () => "broken" } },
  "no casts": { options: { typeCast: false } },
  "big numbers as strings, dates as strings": {
    options: { supportBigNumbers: true, bigNumberStrings: true, decimalNumbers: true, dateStrings: true },
  },
  "rows that changed are counted": { options: { flags: ["-FOUND_ROWS"] } },
  "character set latin1, time zone +05:45": { options: { charset: "latin1", timezone: "+05:45" } },
  "named placeholders, several statements": { options: { namedPlaceholders: true, multipleStatements: true } },
  "one prepared statement kept": { options: { maxPreparedStatements: 1 } },
  // mysql2 3.6 looks for idle connections for ever once the pool has ended.
  "idle connections are closed": { options: { maxIdle: 1, idleTimeout: 50 }, only: /3\.24/ },
  "a schema": { schema: "matrix", prepare: ["CREATE DATABASE IF NOT EXISTS matrix"] },
  "a user with least rights": { options: { user: "matrix_least" }, prepare: LEAST },
  "a user who may not delete": {
    options: { user: "matrix_half" },
    prepare: LACKING,
    bad: /GRANT SELECT, INSERT, UPDATE, DELETE/,
  },
  TLS,
  "no generated code": { options: { disableEval: true }, only: /3\.24/ },
  ...OF_SERVER,
};

const MARIADB_SETTINGS: Readonly<Record<string, Setting>> = {
  "a pool": {},
  "a single connection": { kind: "connection" },
  "a pool of one": { options: { connectionLimit: 1 } },
  "rows as arrays, nested tables": { options: { rowsAsArray: true, nestTables: true } },
  "casts of its own": { options: { typeCast: () => "broken" } },
  "big numbers as numbers": {
    options: { bigIntAsNumber: true, insertIdAsNumber: true, decimalAsNumber: true, checkNumberRange: true },
  },
  "rows that changed are counted": { options: { foundRows: false } },
  "character set latin1, time zone +05:45": { options: { charset: "latin1", timezone: "+05:45", dateStrings: true } },
  "named placeholders, several statements": { options: { namedPlaceholders: true, multipleStatements: true } },
  "no prepared statement kept": { options: { prepareCacheLength: 0 } },
  "no pipelining": { options: { pipelining: false } },
  "the answer's metadata as array": { options: { metaAsArray: true } },
  "a user with least rights": { options: { user: "matrix_least" }, prepare: LEAST },
  TLS,
  ...OF_SERVER,
};

const PARTS = new Set(["a user with least rights"]);

export const MYSQL_ROWS: readonly MatrixRow[] = ["mariadb", "mysql"].flatMap(rowsOn);

function rowsOn(server: string): MatrixRow[] {
  const ofMysql2 = ["mysql2-3.6", "mysql2-3.9", "mysql2"].flatMap((name) =>
    rowsOf(server, `mysql2 ${foreignVersion(name)}`, MYSQL2_SETTINGS, (where, setting) =>
      openMysql2(name, where, setting),
    ),
  );
  const ofMariadb = ["mariadb3.2", "mariadb"].flatMap((name) =>
    rowsOf(server, `mariadb ${foreignVersion(name)}`, MARIADB_SETTINGS, (where, setting) =>
      openMariadb(name, where, setting),
    ),
  );
  const inside = Object.entries(poolsInside()).map(([configuration, make]): MatrixRow => {
    const [client = ""] = configuration.split(",");
    return {
      driver: "mysql",
      client: `${client} ${foreignVersion(client)}`,
      configuration: configuration.slice(client.length + 2),
      server,
      open: async (where) => ready(...(await make(where))),
    };
  });
  return [...ofMysql2, ...ofMariadb, ...inside];
}

type Made = readonly [client: any, close: () => unknown];
type Make = (where: Service, setting: Setting) => Promise<Made>;

function rowsOf(
  server: string,
  client: string,
  settings: Readonly<Record<string, Setting>>,
  make: Make,
): MatrixRow[] {
  const known = Object.entries(settings).filter(([, { only }]) => only === undefined || only.test(client));
  return known.map(([configuration, setting]) => rowOf(server, client, configuration, setting, make));
}

function rowOf(server: string, client: string, configuration: string, setting: Setting, make: Make): MatrixRow {
  return {
    driver: "mysql",
    client,
    configuration,
    server: setting.isSecure && server === "mariadb" ? "mariadb with TLS" : server,
    isPart: server === "mariadb" && PARTS.has(configuration) && !/3\.[269]/.test(client),
    ...(setting.bad && { bad: setting.bad }),
    async open(where: Service) {
      await administer(where, setting.prepare ?? []);
      return ready(...(await make(where, setting)), setting);
    },
  };
}

/** The table is made by an administrator, as a migration does. */
async function administer({ url }: Service, statements: readonly string[]): Promise<void> {
  const admin = await mysql.createConnection(url);
  await mysqlStorage(admin).ensureSchema();
  for (const sql of statements) await admin.query(sql);
  await admin.end();
}

async function ready(client: any, close: () => unknown, { schema, bad }: Setting = {}): Promise<Opened> {
  const storage = mysqlStorage(client, schema === undefined ? {} : { schema });
  if (!bad) await storage.ensureSchema();
  return { storage, close };
}

const login = ({ port }: Service, options: object = {}): any => ({
  host,
  port,
  user: "root",
  database: "holdfast",
  ...options,
});

async function openMysql2(name: string, where: Service, { options, kind, session }: Setting): Promise<Made> {
  if (kind === "connection") {
    const connection = await foreign(`${name}/promise`).createConnection(login(where, options));
    return [connection, () => connection.end()];
  }
  const pool = foreign(name).createPool(login(where, { connectionLimit: 8, ...options }));
  if (session !== undefined) pool.on("connection", (connection: any) => connection.query(session));
  return [kind === "callbacks" ? pool : pool.promise(), () => pool.promise().end()];
}

async function openMariadb(name: string, where: Service, { options, kind, session }: Setting): Promise<Made> {
  const all = login(where, { ...options, ...(session !== undefined && { initSql: session }) });
  if (kind === "connection") {
    const connection = await foreign(name).createConnection(all);
    return [connection, () => connection.end()];
  }
  const pool = foreign(name).createPool({ connectionLimit: 8, ...all });
  return [pool, () => pool.end()];
}

/** What the refusals of query builders and ORMs say to hand in, handed in. */
function poolsInside(): Readonly<Record<string, (where: Service) => Promise<Made>>> {
  const pool = (where: Service): any => foreign("mysql2/promise").createPool(login(where));
  return {
    async "drizzle-orm, db.$client"(where) {
      const db = (await foreignModule("drizzle-orm/mysql2")).drizzle(pool(where));
      return [db.$client, () => db.$client.end()];
    },
    async "kysely, the pool its dialect was made with"(where) {
      const { Kysely, MysqlDialect } = await foreignModule("kysely");
      const own = foreign("mysql2").createPool(login(where));
      const db = new Kysely({ dialect: new MysqlDialect({ pool: own }) });
      return [own, () => db.destroy().then(() => own.promise().end().catch(ignore))];
    },
    async "knex, createPool(knex.client.connectionSettings)"(where) {
      const knex = foreign("knex")({ client: "mysql2", connection: login(where) });
      const beside = foreign("mysql2/promise").createPool(knex.client.connectionSettings);
      return [beside, () => Promise.all([knex.destroy(), beside.end()])];
    },
    async "typeorm, dataSource.driver.pool"(where) {
      foreign("reflect-metadata");
      const source = new (foreign("typeorm").DataSource)({ type: "mysql", ...login(where), username: "root" });
      await source.initialize();
      return [source.driver.pool, () => source.destroy()];
    },
    async "@prisma/adapter-mariadb, a pool beside it"(where) {
      const { host, port, user, database } = login(where);
      const { PrismaMariaDb } = foreign("@prisma/adapter-mariadb");
      const adapter = await new PrismaMariaDb({ host, port, user, database }).connect();
      const beside = foreign("mariadb").createPool({ host, port, user, database });
      return [beside, () => Promise.all([adapter.dispose(), beside.end()])];
    },
    async "sequelize, a pool beside it"(where) {
      const sequelize = new (foreign("sequelize").Sequelize)(where.url, {
        logging: false,
        dialectModule: foreign("mysql2"),
      });
      const beside = pool(where);
      return [beside, () => Promise.all([sequelize.close(), beside.end()])];
    },
  };
}

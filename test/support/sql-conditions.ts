/** What may go wrong around PostgreSQL and MariaDB, brought about by their own means. */
import callbacks from "mysql2";
import mysql from "mysql2/promise";
import pg from "pg";
import postgres from "postgres";
import { mysqlStorage, type MysqlCallbackClient, type MysqlClient } from "holdfast/storage/mysql";
import { postgresStorage, type PgClient, type PostgresJsClient } from "holdfast/storage/postgres";
import type { StorageConditions, StorageUnderTest } from "holdfast/testing";
import { Proxy } from "../storage/failover/proxy.js";
import { pgNative } from "./foreign-packages.js";
import type { Service } from "./services.js";
import { aWhile } from "./within.js";

/** A storage, and the client it was made with. */
export interface SqlUnderConditions extends StorageUnderTest {
  /** Runs statements on the connection that the storage uses, one after the other. */
  run?(...statements: string[]): Promise<unknown>;
}

export interface Conditioned {
  make(): Promise<SqlUnderConditions>;
  readonly conditions: StorageConditions<SqlUnderConditions>;
  close(): unknown;
}

interface Opened<C> {
  readonly client: C;
  run?(...statements: string[]): Promise<unknown>;
  close(): unknown;
}

const ignore = (): void => {};
const host = "127.0.0.1";
const identity = <T>(value: T): T => value;
const broken = (): string => "broken";

/**
 * Runs statements on a connection that goes back into its pool in the midst of a transaction, as after an error that
 * nobody handled.
 */
async function leaking(
  connect: () => Promise<{ query(sql: string): Promise<unknown>; release(): void }>,
  statements: readonly string[],
): Promise<void> {
  const connection = await connect();
  for (const sql of statements) await connection.query(sql);
  connection.release();
}

type OpenPg = (port: number, options?: object) => Promise<Opened<PgClient | PostgresJsClient>>;

function pgPool({ Pool }: { Pool: typeof pg.Pool } = pg): OpenPg {
  return async (port, options = {}) => {
    const pool = new Pool({ host, port, user: "app", database: "postgres", max: 1, ...options });
    pool.on("error", ignore);
    return {
      client: pool,
      run: (...statements) => leaking(() => pool.connect(), statements),
      close: () => pool.end(),
    };
  };
}

const postgresJs: OpenPg = async (port, options = {}) => {
  const sql = postgres({
    host,
    port,
    user: "app",
    database: "postgres",
    max: 4,
    fetch_types: false,
    onnotice: ignore,
    ...options,
  });
  return { client: sql as PostgresJsClient, close: () => sql.end({ timeout: 1 }) };
};

export const POSTGRES_OPENERS: Readonly<Record<string, OpenPg>> = {
  "pg Pool": pgPool(),
  async "pg Client"(port, options = {}) {
    const client = new pg.Client({ host, port, user: "app", database: "postgres", ...options });
    client.on("error", ignore);
    await client.connect();
    const run = async (...statements: string[]): Promise<void> => {
      for (const sql of statements) await client.query(sql);
    };
    return { client, run, close: () => client.end() };
  },
  postgres: postgresJs,
  "pg-native Pool": (port, options) => pgPool(pgNative())(port, options),
  async "pg-native Client"(port, options = {}) {
    const client = new (pgNative().Client)({ host, port, user: "app", database: "postgres", ...options });
    client.on("error", ignore);
    await client.connect();
    const run = async (...statements: string[]): Promise<void> => {
      for (const sql of statements) await client.query(sql);
    };
    return { client, run, close: () => client.end() };
  },
};

/** Every type is parsed to something else, in a client or in the whole process. */
function forAllOfPg(parse: () => unknown): { set(): void; reset(): void } {
  const { BOOL, BYTEA, INT8, INT4, TEXT, VARCHAR, TIMESTAMPTZ, JSONB } = pg.types.builtins;
  const types = [BOOL, BYTEA, INT8, INT4, TEXT, VARCHAR, TIMESTAMPTZ, JSONB];
  const earlier = types.map((type) => pg.types.getTypeParser(type));
  return {
    set: () => types.forEach((type) => pg.types.setTypeParser(type, parse)),
    reset: () => types.forEach((type, i) => pg.types.setTypeParser(type, earlier[i] as never)),
  };
}

const PG_SETTINGS: Readonly<Record<string, object>> = {
  "parsers of its own for every type": { types: { getTypeParser: () => broken } },
  "results in binary": { binary: true },
  "bytea printed as escapes, another time zone, dates and floats": {
    options:
      "-c bytea_output=escape -c TimeZone=Asia/Kathmandu -c DateStyle=German -c extra_float_digits=-5 -c standard_conforming_strings=off",
  },
};

const POSTGRES_JS_SETTINGS: Readonly<Record<string, object>> = {
  "types of its own": {
    types: Object.fromEntries(
      [17, 20, 25].map((oid) => [
        `own${oid}`,
        { to: oid, from: [oid], serialize: oid === 25 ? identity : broken, parse: broken },
      ]),
    ),
  },
  "transforms of columns and values": {
    transform: { column: { from: broken, to: identity }, value: { from: broken } },
  },
  "undefined as null, no statement kept": { transform: { undefined: null }, prepare: false },
  "bytea printed as escapes": { connection: { bytea_output: "escape", TimeZone: "Asia/Kathmandu" } },
};

/** pg-native parses rows for all queries alike. */
function settingsFor(client: string): Readonly<Record<string, object>> {
  if (client === "postgres") return POSTGRES_JS_SETTINGS;
  const ofEach = Object.entries(PG_SETTINGS).filter(
    ([name]) => !client.includes("native") || !name.startsWith("parsers"),
  );
  return Object.fromEntries(ofEach);
}

/** The role of the application, which may write to its table and no more. */
const POSTGRES_SETUP = [
  "CREATE ROLE app LOGIN",
  "GRANT USAGE ON SCHEMA public TO app",
  "GRANT SELECT, INSERT, UPDATE, DELETE ON holdfast_sessions TO app",
  "CREATE TABLE other (n int)",
  "GRANT ALL ON other TO app",
];

export async function preparePostgres(service: Service): Promise<void> {
  const admin = new pg.Client({ connectionString: service.url });
  await admin.connect();
  await postgresStorage(admin).ensureSchema();
  for (const sql of POSTGRES_SETUP) await admin.query(sql);
  await admin.end();
}

/**
 * A single connection is not made again; pg-native 3.9 may leave a statement unanswered whose connection was cut, on
 * its own as well.
 */
export async function postgresConditions(client: string, service: Service): Promise<Conditioned> {
  const open = POSTGRES_OPENERS[client]!;
  const proxy = await Proxy.before(service.port);
  const admin = new pg.Pool({ connectionString: service.url, max: 1 }).on("error", ignore);
  const under = async (opening: Promise<Opened<PgClient | PostgresJsClient>>): Promise<SqlUnderConditions> => {
    const { client, run, close } = await opening;
    return { storage: postgresStorage(client), ...(run && { run }), close: async () => void (await close()) };
  };
  const readOnly = async (isReadOnly: boolean): Promise<void> => {
    await admin.query("SET default_transaction_read_only = off");
    await admin.query(
      `ALTER SYSTEM ${isReadOnly ? "SET default_transaction_read_only = on" : "RESET default_transaction_read_only"}`,
    );
    await admin.query("SELECT pg_reload_conf()");
    await aWhile(150);
  };
  const globally = forAllOfPg(broken);
  return {
    make: () => under(open(proxy.port)),
    conditions: {
      async readOnly() {
        await readOnly(true);
        return () => readOnly(false);
      },
      async refusedWrites() {
        await admin.query(
          "CREATE POLICY reading ON holdfast_sessions FOR SELECT TO app USING (true); CREATE POLICY adding ON holdfast_sessions FOR INSERT TO app WITH CHECK (true); ALTER TABLE holdfast_sessions ENABLE ROW LEVEL SECURITY",
        );
        return () =>
          admin.query(
            "ALTER TABLE holdfast_sessions DISABLE ROW LEVEL SECURITY; DROP POLICY reading ON holdfast_sessions; DROP POLICY adding ON holdfast_sessions",
          );
      },
      ...(client !== "postgres" && {
        async foreignTransaction({ run }: SqlUnderConditions) {
          await run!("BEGIN", "INSERT INTO other VALUES (1)");
          return () => run!("ROLLBACK");
        },
      }),
      async latency(_under, ms) {
        proxy.slowDown(ms);
        return () => proxy.restore();
      },
      ...(!/Client|native/.test(client) && {
        async cutConnections() {
          await proxy.close();
          await proxy.restore();
        },
      }),
      rowSettings: {
        ...Object.fromEntries(
          Object.entries(settingsFor(client)).map(([name, options]) => [
            name,
            () => under(open(service.port, options)),
          ]),
        ),
        ...(client === "postgres" || client.includes("native")
          ? {}
          : {
              async "parsers of the whole process for every type"() {
                globally.set();
                const { storage, close } = await under(open(service.port));
                return { storage, close: async () => (globally.reset(), close?.()) };
              },
            }),
      },
    },
    async close() {
      await admin.end();
      await proxy.close();
    },
  };
}

type OpenMysql = (port: number, options?: object) => Promise<Opened<MysqlClient | MysqlCallbackClient>>;

const MYSQL_LOGIN = { host, user: "app", database: "holdfast" };

export const MYSQL_OPENERS: Readonly<Record<string, OpenMysql>> = {
  async "mysql2/promise pool"(port, options = {}) {
    const pool = mysql.createPool({ ...MYSQL_LOGIN, port, connectionLimit: 1, ...options });
    return {
      client: pool,
      run: (...statements) => leaking(() => pool.getConnection(), statements),
      close: () => pool.end(),
    };
  },
  async "mysql2/promise connection"(port, options = {}) {
    const connection = await mysql.createConnection({ ...MYSQL_LOGIN, port, ...options });
    connection.on("error", ignore);
    const run = async (...statements: string[]): Promise<void> => {
      for (const sql of statements) await connection.query(sql);
    };
    return { client: connection, run, close: () => connection.end() };
  },
  async "mysql2 pool"(port, options = {}) {
    const pool = callbacks.createPool({ ...MYSQL_LOGIN, port, connectionLimit: 1, ...options });
    return {
      client: pool,
      run: (...statements) => leaking(() => pool.promise().getConnection(), statements),
      close: () => pool.promise().end(),
    };
  },
};

const MYSQL_SETTINGS: Readonly<Record<string, object>> = {
  "rows as arrays, nested tables": { rowsAsArray: true, nestTables: "_" },
  "casts of its own": { typeCast: broken },
  "no casts": { typeCast: false },
  "big numbers as strings, decimals as numbers": {
    supportBigNumbers: true,
    bigNumberStrings: true,
    decimalNumbers: true,
  },
  "rows that changed are counted, not rows that matched": { flags: ["-FOUND_ROWS"] },
  "another character set and time zone, dates as strings": {
    charset: "latin1",
    timezone: "+05:45",
    dateStrings: true,
  },
  "named placeholders": { namedPlaceholders: true },
  "several statements at once": { multipleStatements: true },
  "no generated code": { disableEval: true },
  "objects as strings, JSON as strings": { stringifyObjects: true, jsonStrings: true },
};

export async function prepareMysql(service: Service): Promise<void> {
  const admin = await mysql.createConnection(service.url);
  await mysqlStorage(admin).ensureSchema();
  for (const sql of [
    "CREATE USER app",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON holdfast.* TO app",
    "CREATE TABLE other (n int)",
  ])
    await admin.query(sql);
  await admin.end();
}

export async function mysqlConditions(client: string, service: Service): Promise<Conditioned> {
  const open = MYSQL_OPENERS[client]!;
  const proxy = await Proxy.before(service.port);
  const admin = mysql.createPool({ uri: service.url, connectionLimit: 1 });
  const under = async (opening: Promise<Opened<MysqlClient | MysqlCallbackClient>>): Promise<SqlUnderConditions> => {
    const { client, run, close } = await opening;
    return { storage: mysqlStorage(client), ...(run && { run }), close: async () => void (await close()) };
  };
  return {
    make: () => under(open(proxy.port)),
    conditions: {
      async readOnly() {
        await admin.query("SET GLOBAL read_only = 1");
        return () => admin.query("SET GLOBAL read_only = 0");
      },
      async foreignTransaction({ run }) {
        await run!("START TRANSACTION", "INSERT INTO other VALUES (1)");
        return () => run!("ROLLBACK");
      },
      async latency(_under, ms) {
        proxy.slowDown(ms);
        return () => proxy.restore();
      },
      ...(client.includes("pool") && {
        async cutConnections() {
          await proxy.close();
          await proxy.restore();
        },
      }),
      rowSettings: Object.fromEntries(
        Object.entries(MYSQL_SETTINGS).map(([name, options]) => [name, () => under(open(service.port, options))]),
      ),
    },
    async close() {
      await admin.end();
      await proxy.close();
    },
  };
}

/**
 * Readers of the records that express-session stores left in a database, for applications that remove the old store
 * package at once. Each has the two methods of a store that an adoption uses.
 */
import { misuse, onlyKeys, oneOf } from "../util/assert.js";
import { builtinModule } from "../util/builtin.js";
import { objectIn, OldReader } from "./old-store.js";

/** The part of a Redis client (redis, ioredis, iovalkey) that is used. */
export interface OldRedisClient {
  get(key: string): Promise<string | null>;
  del(key: string): Promise<unknown>;
}

/**
 * Reads the records of connect-redis 7 to 10, and of koa-redis with `prefix: ""`.
 *
 * @param client - a connected client
 * @param options - `prefix`: start of the keys, default `"sess:"`
 * @returns a reader, for the option `store`
 * @throws {TypeError} if an option is invalid
 * @example
 * ```ts
 * fromExpressSession({ secret, store: redisRecords(client, { prefix: "sess:" }) });
 * ```
 */
export function redisRecords(client: OldRedisClient, options: { prefix?: string } = {}): OldReader {
  const { prefix = "sess:" } = onlyKeys("redisRecords", options, ["prefix"]);
  return new OldReader({
    get: async (id) => (await client.get(prefix + id)) ?? undefined,
    destroy: async (id) => void (await client.del(prefix + id)),
  });
}

/** Which package made a table. */
export type OldTable = "connect-pg-simple" | "express-mysql-session" | "connect-sqlite3" | "knex" | "sequelize";

interface Layout {
  readonly table: string;
  readonly id: string;
  readonly data: string;
  readonly expires: string;
}

const LAYOUTS: Readonly<Record<OldTable, Layout>> = {
  "connect-pg-simple": { table: "session", id: "sid", data: "sess", expires: "expire" },
  "express-mysql-session": { table: "sessions", id: "session_id", data: "data", expires: "expires" },
  "connect-sqlite3": { table: "sessions", id: "sid", data: "sess", expires: "expired" },
  knex: { table: "sessions", id: "sid", data: "sess", expires: "expired" },
  sequelize: { table: "Sessions", id: "sid", data: "data", expires: "expires" },
};

/** Options of the readers of SQL tables. */
export interface OldTableOptions {
  /** The package that made the table (`knex`: connect-session-knex, `sequelize`: connect-session-sequelize). */
  layout?: OldTable;
  /** Name of the table, with its schema if it needs one (`"app.session"`). Default: that of the package. */
  table?: string;
}

const TABLE = /^[A-Za-z_]\w{0,62}(?:\.[A-Za-z_]\w{0,62})?$/;

function layoutOf(where: string, options: OldTableOptions, usual: OldTable): Layout {
  const { layout = usual, table } = onlyKeys(where, options, ["layout", "table"]);
  const known = LAYOUTS[oneOf(`${where}: layout`, layout, Object.keys(LAYOUTS) as OldTable[])];
  if (table !== undefined && (typeof table !== "string" || !TABLE.test(table)))
    throw misuse(`${where}: table`, table, 'the name of a table, like "session" or "app.session"');
  return { ...known, table: table ?? known.table };
}

interface Statements {
  readonly select: string;
  readonly remove: string;
}

/** `time` makes epoch ms of the column with the deadline, if the client would have to guess the time zone. */
function statementsOf(
  { table, id, data, expires }: Layout,
  quote: string,
  place: string,
  time: (column: string) => string = (column) => column,
): Statements {
  const quoted = (name: string): string =>
    name
      .split(".")
      .map((part) => quote + part + quote)
      .join(".");
  const where = `FROM ${quoted(table)} WHERE ${quoted(id)} = ${place}`;
  return {
    select: `SELECT ${quoted(data)} AS data, ${time(quoted(expires))} AS expires ${where}`,
    remove: `DELETE ${where}`,
  };
}

interface Row {
  readonly data?: unknown;
  readonly expires?: unknown;
}

/** The record of a row, unless its own column says that it has expired: some records have no other deadline. */
function recordOf(row: Row | null | undefined, now: number): unknown {
  if (!row) return undefined;
  const { expires } = row;
  const seconds = typeof expires === "number" && expires < 1e11;
  const at =
    expires instanceof Date ? expires.getTime() : typeof expires === "string" ? Date.parse(expires) : expires;
  if (typeof at === "number" && (seconds ? at * 1000 : at) <= now) return undefined;
  return row.data ?? undefined;
}

/** The part of `pg` that is used. */
export interface OldPostgresClient {
  query(text: string, values: unknown[]): Promise<{ rows: any[] }>;
}

/**
 * Reads the records of connect-pg-simple, and those of connect-session-knex or connect-session-sequelize in
 * PostgreSQL.
 *
 * @param pool - a Pool or Client of `pg`
 * @param options - `layout` and `table`
 * @returns a reader, for the option `store`
 * @throws {TypeError} if an option is invalid
 * @example
 * ```ts
 * fromExpressSession({ secret, store: postgresRecords(pool) });
 * ```
 */
export function postgresRecords(pool: OldPostgresClient, options: OldTableOptions = {}): OldReader {
  const layout = layoutOf("postgresRecords", options, "connect-pg-simple");
  const { select, remove } = statementsOf(layout, '"', "$1", epochOf);
  return new OldReader({
    get: async (id, now) => recordOf((await pool.query(select, [id])).rows[0] as Row | undefined, now),
    destroy: async (id) => void (await pool.query(remove, [id])),
  });
}

/** connect-pg-simple writes timestamps without a time zone, in that of the connection. */
const epochOf = (column: string): string => `(extract(epoch from ${column}::timestamptz) * 1000)::float8`;

/** The part of `mysql2/promise` that is used. */
export interface OldMysqlClient {
  query(text: string, values: unknown[]): Promise<[any, ...unknown[]]>;
}

/**
 * Reads the records of express-mysql-session, and those of connect-session-knex or connect-session-sequelize in MySQL.
 *
 * @param pool - a pool or connection of `mysql2/promise`
 * @param options - `layout` and `table`
 * @returns a reader, for the option `store`
 * @throws {TypeError} if an option is invalid
 * @example
 * ```ts
 * fromExpressSession({ secret, store: mysqlRecords(pool) });
 * ```
 */
export function mysqlRecords(pool: OldMysqlClient, options: OldTableOptions = {}): OldReader {
  const { select, remove } = statementsOf(layoutOf("mysqlRecords", options, "express-mysql-session"), "`", "?");
  return new OldReader({
    get: async (id, now) => recordOf(((await pool.query(select, [id]))[0] as Row[])[0], now),
    destroy: async (id) => void (await pool.query(remove, [id])),
  });
}

/** The part of better-sqlite3 or node:sqlite that is used. */
export interface OldSqliteClient {
  prepare(text: string): { get(id: string): unknown; run(id: string): unknown };
}

/**
 * Reads the records of connect-sqlite3, and those of connect-session-knex or connect-session-sequelize in SQLite.
 *
 * @param database - of better-sqlite3 or node:sqlite
 * @param options - `layout` and `table`
 * @returns a reader, for the option `store`
 * @throws {TypeError} if an option is invalid
 * @example
 * ```ts
 * fromExpressSession({ secret, store: sqliteRecords(new DatabaseSync("sessions.db")) });
 * ```
 */
export function sqliteRecords(database: OldSqliteClient, options: OldTableOptions = {}): OldReader {
  const { select, remove } = statementsOf(layoutOf("sqliteRecords", options, "connect-sqlite3"), '"', "?");
  return new OldReader({
    get: async (id, now) => recordOf(database.prepare(select).get(id) as Row | undefined, now),
    destroy: async (id) => void database.prepare(remove).run(id),
  });
}

/** The part of a collection of `mongodb` that is used. */
export interface OldMongoCollection {
  findOne(filter: any): Promise<unknown>;
  deleteOne(filter: any): Promise<unknown>;
}

/**
 * Reads the records of connect-mongo, as text or as documents (`stringify: false`).
 *
 * @param collection - the collection, by default named `sessions`
 * @returns a reader, for the option `store`
 * @throws {TypeError} never
 * @example
 * ```ts
 * fromExpressSession({ secret, store: mongoRecords(client.db().collection("sessions")) });
 * ```
 */
export function mongoRecords(collection: OldMongoCollection): OldReader {
  return new OldReader({
    async get(id, now) {
      const document = (await collection.findOne({ _id: id })) as { session?: unknown; expires?: unknown } | null;
      return document ? recordOf({ data: document.session, expires: document.expires }, now) : undefined;
    },
    destroy: async (id) => void (await collection.deleteOne({ _id: id })),
  });
}

/** The part of a Memcached client that is used: `memcached` (callbacks), `memcache-client` or `memjs` (promises). */
export interface OldMemcachedClient {
  get(key: string, callback?: (error: unknown, value: any) => void): unknown;
  del?(key: string, callback?: (error: unknown) => void): unknown;
  delete?(key: string): unknown;
}

/**
 * Reads the records of connect-memcached.
 *
 * @param client - a client of `memcached`, `memcache-client` or `memjs`
 * @param options - `prefix`: start of the keys, default none
 * @returns a reader, for the option `store`
 * @throws {TypeError} if an option is invalid
 * @example
 * ```ts
 * fromExpressSession({ secret, store: memcachedRecords(client) });
 * ```
 */
export function memcachedRecords(client: OldMemcachedClient, options: { prefix?: string } = {}): OldReader {
  const { prefix = "" } = onlyKeys("memcachedRecords", options, ["prefix"]);
  return new OldReader({
    get: async (id) => textIn(await eitherWay((done) => client.get(prefix + id, done))),
    async destroy(id) {
      const remove = client.del ?? client.delete;
      await eitherWay((done) => remove?.call(client, prefix + id, done));
    },
  });
}

/** A call that takes a callback or returns a promise. */
function eitherWay(command: (done: (error: unknown, value?: unknown) => void) => unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const returned = command((error, value) => (error ? reject(error) : resolve(value)));
    if (typeof (returned as PromiseLike<unknown> | undefined)?.then === "function") resolve(returned);
  });
}

function textIn(found: unknown): unknown {
  if (found === null || found === undefined || found === false) return undefined;
  const value = typeof found === "object" && "value" in found ? found.value : found;
  return value instanceof Uint8Array ? new TextDecoder().decode(value) : (value ?? undefined);
}

interface Files {
  readFile(path: string, encoding: "utf8"): Promise<string>;
  rm(path: string, options: { force: boolean }): Promise<void>;
}

/**
 * Reads the records of session-file-store, without encryption.
 *
 * @param directory - the old option `path`, by default `./sessions`
 * @param options - `extension`: the old option `fileExtension`, default `".json"`; `ttl`: the old option of that name,
 *   how many seconds a session lives after its last use if its cookie says nothing, default 3600
 * @returns a reader, for the option `store`
 * @throws {TypeError} if an option is invalid
 * @example
 * ```ts
 * fromExpressSession({ secret, store: fileRecords("./sessions") });
 * ```
 */
export function fileRecords(directory: string, options: { extension?: string; ttl?: number } = {}): OldReader {
  const { extension = ".json", ttl = 3600 } = onlyKeys("fileRecords", options, ["extension", "ttl"]);
  if (typeof ttl !== "number" || !(ttl > 0)) throw misuse("fileRecords: ttl", ttl, "a number of seconds");
  const files = builtinModule<Files>("node:fs/promises");
  const pathOf = (id: string): string | undefined =>
    /^[^/\\\0]{1,200}$/.test(id) && !id.startsWith(".") ? `${directory}/${id}${extension}` : undefined;
  return new OldReader({
    async get(id) {
      const path = pathOf(id);
      if (path === undefined) return undefined;
      try {
        return withDeadline(await files!.readFile(path, "utf8"), ttl);
      } catch (error) {
        if ((error as { code?: unknown }).code === "ENOENT") return undefined;
        throw error;
      }
    },
    async destroy(id) {
      const path = pathOf(id);
      if (path !== undefined) await files!.rm(path, { force: true });
    },
  });
}

/** session-file-store keeps a file whose session has expired, until it is removed with others. */
function withDeadline(text: string, ttl: number): unknown {
  const record = objectIn(text);
  const { cookie, __lastAccess: last } = record ?? {};
  const hasDeadline = typeof (cookie as { originalMaxAge?: unknown } | null)?.originalMaxAge === "number";
  return hasDeadline || typeof last !== "number" ? text : { ...record, _expire: last + ttl * 1000 };
}

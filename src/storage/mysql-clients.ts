import { SessionError } from "../errors.js";
import { insideTransaction } from "./driver.js";
import { giveBack, Turn, type Borrowed } from "./borrowed.js";
import { has } from "./look-alikes.js";
import { inTurn, type SqlClient, type SqlRow, type StatementCall } from "./sql.js";
import { bunPool, changes, type BunConnection, type BunSqlClient } from "./bun-sql.js";

/**
 * The part of a pool or connection that is used. `mysql2/promise` returns `[result, fields]`, `mariadb` the result.
 */
export interface MysqlClient {
  execute(query: MysqlQuery, values: any[]): PromiseLike<any>;
}

/** A statement in the format of `mysql2`. */
export interface MysqlQuery {
  sql: string;
  rowsAsArray: boolean;
  nestTables: boolean;
  /** For `mariadb`, as the next one: statements use question marks, and the result has no metadata. */
  namedPlaceholders: boolean;
  metaAsArray: boolean;
  typeCast: (field: any, next: () => unknown) => unknown;
}

/** The part of a pool or connection of `mysql2` with callbacks that is used. */
export interface MysqlCallbackClient {
  promise(): MysqlClient;
}

/** A connection from a pool. */
interface PooledConnection extends MysqlClient, Borrowed {
  /** Only `mariadb`: the last status of the server. */
  readonly info?: { readonly status?: number };
}

/** A pool lends a connection for each statement. */
export interface MysqlPool {
  getConnection(): PromiseLike<PooledConnection> | undefined;
}

/** Overrides the pool's settings for rows and columns. */
const AS_STORED = {
  rowsAsArray: true,
  nestTables: false,
  namedPlaceholders: false,
  metaAsArray: false,
  typeCast: (_field: unknown, next: () => unknown): unknown => next(),
};

/** Flags in the server status after a statement. */
const IN_TRANSACTION = 1;
const AUTOCOMMIT = 2;

/**
 * ER_UNKNOWN_STMT_HANDLER: the server does not know a prepared statement any more (after a connection reset or a
 * failover).
 */
const FORGOTTEN = 1243;

/** Result of a statement, and the status of the connection after it, if the client reports it. */
interface Outcome {
  readonly result: any;
  readonly status: number | undefined;
}

/**
 * Values are sent as parameters, never as part of the statement. `isShared`: the application can begin a
 * transaction on the same connection.
 */
export function throughMysql(client: MysqlClient, isShared: boolean = has(client, "beginTransaction")): SqlClient {
  const isSingle = isOfMariadb(client) && !has(client, "getConnection");
  return new Mysql(isSingle ? oneAtATime(client) : client, isShared);
}

/**
 * A connection of `mariadb` sends statements before earlier ones have completed. The status it then reports may be
 * that of another statement, so statements are sent one at a time.
 */
function oneAtATime(client: MysqlClient): MysqlClient {
  const execute = inTurn(async (query: MysqlQuery, values: any[]) => client.execute(query, values));
  return new Proxy(client, {
    get(target, name) {
      if (name === "execute") return execute;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

class Mysql implements SqlClient {
  readonly #client: MysqlClient;
  readonly #pool: MysqlPool | undefined;
  /**
   * True if the application can begin a transaction on the same connection: each read then checks this. With a pool
   * only the first read does.
   */
  readonly #isShared: boolean;
  #asks = true;
  /** Appended to each statement. The client prepares a changed statement again. */
  #mark = "";
  #marks = 0;

  constructor(client: MysqlClient, isShared: boolean) {
    this.#client = client;
    this.#pool =
      typeof (client as Partial<MysqlPool>).getConnection === "function"
        ? (client as unknown as MysqlPool)
        : undefined;
    this.#isShared = isShared;
  }

  async row(sql: string, values: readonly unknown[], call: StatementCall): Promise<SqlRow | undefined> {
    const question = this.#asks ? asking(sql) : undefined;
    const { result, status } = await this.#run(question ?? sql, values, call);
    assertCommits(status);
    const [row] = result;
    return question === undefined ? row : this.#recordOf(row);
  }

  async change(sql: string, values: readonly unknown[], call: StatementCall): Promise<number> {
    const { result, status } = await this.#run(sql, values, call);
    assertCommits(status);
    return result.affectedRows;
  }

  /** Uses a lock of the server, which belongs to a connection: so all statements run on one connection. */
  async alone(name: string, work: (client: Pick<SqlClient, "change">) => Promise<number>): Promise<number> {
    const connection: MysqlClient = this.#pool ? await this.#pool.getConnection()! : this.#client;
    let isHealthy = false;
    try {
      const removed = await whileLocked(connection, name, () =>
        work({ change: (sql, values) => changeOn(connection, sql, values) }),
      );
      isHealthy = true;
      return removed;
    } finally {
      if (this.#pool) giveBack(connection as PooledConnection, isHealthy);
    }
  }

  /** Separates the record from the status of the connection in the row; the row has no value if there is no record. */
  #recordOf(row: readonly unknown[]): SqlRow | undefined {
    const [value, version, expiresAt, autocommit, inTransaction] = row;
    assertCommitted(Number(autocommit) !== 0, Number(inTransaction ?? 0) !== 0);
    this.#asks = this.#isShared;
    return value == null ? undefined : [value, version, expiresAt];
  }

  #run(sql: string, values: readonly unknown[], { timeout }: StatementCall): Promise<Outcome> {
    if (!this.#pool) return this.#execute(this.#client, sql, values);
    const turn = new Turn(borrowing(this.#pool), timeout);
    return turn.run((connection) => this.#execute(connection, sql, values));
  }

  async #execute(connection: MysqlClient, sql: string, values: readonly unknown[]): Promise<Outcome> {
    const mark = this.#mark;
    try {
      return await execute(connection, sql + mark, values);
    } catch (error) {
      if ((error as { errno?: unknown } | null)?.errno !== FORGOTTEN) throw error;
      if (this.#mark === mark) this.#mark = ` /* ${++this.#marks} */`;
      return execute(connection, sql + this.#mark, values);
    }
  }
}

function borrowing(pool: MysqlPool): () => PromiseLike<PooledConnection> {
  return () => {
    const connection = pool.getConnection();
    if (has(connection, "then")) return connection!;
    throw new SessionError("unsupported", HAS_CALLBACKS);
  };
}

const HAS_CALLBACKS =
  "this pool has callbacks; write mysqlStorage(createPool(…)), with a pool of mysql2 or of mariadb (not " +
  "mariadb/callback)";

async function execute(connection: MysqlClient, sql: string, values: readonly unknown[]): Promise<Outcome> {
  const response = await connection.execute({ sql, ...AS_STORED }, [...values]);
  const { info } = connection as Partial<PooledConnection>;
  if (isOfMariadb(connection)) return { result: response, status: info?.status };
  return { result: response[0], status: response[0].serverStatus };
}

async function changeOn(connection: MysqlClient, sql: string, values: readonly unknown[]): Promise<number> {
  const { result, status } = await execute(connection, sql, values);
  assertCommits(status);
  return result.affectedRows;
}

/** Lock names are global on a server, and have at most 64 characters. */
const LOCK = "SELECT GET_LOCK(LEFT(CONCAT(COALESCE(DATABASE(), ''), ' ', ?), 64), 0)";
const UNLOCK = "SELECT RELEASE_LOCK(LEFT(CONCAT(COALESCE(DATABASE(), ''), ' ', ?), 64))";

/** Does nothing while another connection holds the lock; if locks are not available, the work is done without one. */
async function whileLocked(connection: MysqlClient, name: string, work: () => Promise<number>): Promise<number> {
  const [row] = await execute(connection, LOCK, [name]).then(
    ({ result }) => result,
    () => [[1]],
  );
  if (Number(row[0]) !== 1) return 0;
  try {
    return await work();
  } finally {
    await execute(connection, UNLOCK, [name]).catch(() => {});
  }
}

/** Only clients of `mariadb` have these methods. */
function isOfMariadb(client: object): boolean {
  return has(client, "batch", "importFile");
}

const READ = /^SELECT (`value`.*) FROM (\S+) WHERE (.*)$/;

/**
 * The same read, changed so that it always returns a row, with the autocommit setting of the connection, and on
 * MariaDB with its transaction status.
 */
function asking(sql: string): string | undefined {
  const [, columns, table, condition] = READ.exec(sql) ?? [];
  const asked = `${columns}, @@autocommit /*M!, @@in_transaction */`;
  return columns && `SELECT ${asked} FROM (SELECT 1) AS here LEFT JOIN ${table} ON ${condition}`;
}

/** Checks the status flags after a statement. */
function assertCommits(status: number | undefined): void {
  if (typeof status === "number") assertCommitted((status & AUTOCOMMIT) !== 0, (status & IN_TRANSACTION) !== 0);
}

function assertCommitted(isAutocommit: boolean, isInside: boolean): void {
  if (!isAutocommit) {
    throw new SessionError(
      "storage",
      "the connection has autocommit off: no write of a session is committed; " +
        "pass a pool whose connections have it on (SET autocommit = 1, the default)",
    );
  }
  if (isInside) throw insideTransaction("START TRANSACTION");
}

/** An `SQL` of Bun, called like a pool of `mysql2`. With `max: 1` the application may begin a transaction on it. */
export function throughBunMysql(client: BunSqlClient): SqlClient {
  const { max } = client.options as { readonly max?: number };
  const borrow = bunPool(client);
  const pool: MysqlClient & MysqlPool = {
    ...called(client),
    getConnection: async () => {
      const connection = await borrow();
      return { ...called(connection), release: () => connection.release(), destroy: () => connection.destroy() };
    },
  };
  return throughMysql(pool, max === 1);
}

function called(client: Pick<BunConnection, "unsafe">): MysqlClient {
  return {
    async execute({ sql }, values) {
      const statement = client.unsafe(sql, values);
      return [sql.startsWith("SELECT") ? await statement.values() : { affectedRows: changes(await statement) }];
    },
  };
}

import { SessionError } from "../errors.js";
import { insideTransaction } from "./driver.js";
import { has } from "./look-alikes.js";
import { inTurn, type SqlClient, type SqlRow, type StatementCall } from "./sql.js";

/**
 * What is used of a pool or connection of `mysql2/promise`, which answers `[result, fields]`, or of `mariadb`, which
 * answers the result.
 */
export interface MysqlClient {
  execute(query: MysqlQuery, values: any[]): PromiseLike<any>;
}

/** A statement as `mysql2` takes it. */
export interface MysqlQuery {
  sql: string;
  rowsAsArray: boolean;
  nestTables: boolean;
  /** Of `mariadb`, as the next one: statements have question marks, and the answer is the result alone. */
  namedPlaceholders: boolean;
  metaAsArray: boolean;
  typeCast: (field: any, next: () => unknown) => unknown;
}

/** What is used of a pool or connection of `mysql2` with callbacks. */
export interface MysqlCallbackClient {
  promise(): MysqlClient;
}

/** A connection that a pool gave out. */
interface Borrowed extends MysqlClient {
  release(): void;
  destroy(): void;
  readonly connection?: { readonly stream?: { destroy?(): unknown } };
  /** Of `mariadb`: the server's status, as it told it last. */
  readonly info?: { readonly status?: number };
}

interface Pool {
  getConnection(): PromiseLike<Borrowed> | undefined;
}

/** What a pool was configured to make of rows and columns does not matter here. */
const AS_STORED = {
  rowsAsArray: true,
  nestTables: false,
  namedPlaceholders: false,
  metaAsArray: false,
  typeCast: (_field: unknown, next: () => unknown): unknown => next(),
};

/** Flags of the server's status after a statement. */
const IN_TRANSACTION = 1;
const AUTOCOMMIT = 2;

/**
 * ER_UNKNOWN_STMT_HANDLER: the server has forgotten a statement that the client had prepared (a reset connection, a
 * failover).
 */
const FORGOTTEN = 1243;

/** A connection that has not answered for so many times as long as a request waits is taken out of its pool. */
const PATIENCE = 4;

/** What a statement came to, and how the connection stands after it, where the client tells. */
interface Outcome {
  readonly result: any;
  readonly status: number | undefined;
}

/** Values travel apart from the statement, never quoted in it. */
export function throughMysql(client: MysqlClient): SqlClient {
  const isSingle = isOfMariadb(client) && !has(client, "getConnection");
  return new Mysql(isSingle ? oneAtATime(client) : client);
}

/**
 * A connection of `mariadb` sends statements before earlier ones are answered, and its status is then that of a later
 * one in the midst of its work.
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
  readonly #pool: Pool | undefined;
  /**
   * Whether the application may begin a transaction on the very connection: each read then asks. Of a pool only the
   * first one does.
   */
  readonly #isShared: boolean;
  #asks = true;
  /** Put behind each statement: another text is another statement for the client, which it prepares anew. */
  #mark = "";
  #marks = 0;

  constructor(client: MysqlClient) {
    this.#client = client;
    this.#pool =
      typeof (client as Partial<Pool>).getConnection === "function" ? (client as unknown as Pool) : undefined;
    this.#isShared = typeof (client as { beginTransaction?: unknown }).beginTransaction === "function";
  }

  async row(sql: string, values: readonly unknown[], call: StatementCall): Promise<SqlRow | undefined> {
    const question = this.#asks ? asking(sql) : undefined;
    const { result, status } = await this.#run(question ?? sql, values, call);
    assertCommits(status);
    const [row] = result;
    return question === undefined ? row : this.#answered(row);
  }

  async change(sql: string, values: readonly unknown[], call: StatementCall): Promise<number> {
    const { result, status } = await this.#run(sql, values, call);
    assertCommits(status);
    return result.affectedRows;
  }

  /** With a lock of the server's, which belongs to a connection: so all of it runs on one. */
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
      if (this.#pool) giveBack(connection as Borrowed, isHealthy);
    }
  }

  /** A row that also says how the connection stands; without a value where there is none. */
  #answered(row: readonly unknown[]): SqlRow | undefined {
    const [value, version, expiresAt, autocommit, inTransaction] = row;
    assertCommitted(Number(autocommit) !== 0, Number(inTransaction ?? 0) !== 0);
    this.#asks = this.#isShared;
    return value == null ? undefined : [value, version, expiresAt];
  }

  #run(sql: string, values: readonly unknown[], { timeout }: StatementCall): Promise<Outcome> {
    if (!this.#pool) return this.#execute(this.#client, sql, values);
    return new Turn(this.#pool, timeout).run((connection) => this.#execute(connection, sql, values));
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

/**
 * One statement on a connection of a pool. Whoever waits no longer for a connection gets none, so that nothing is run
 * for nobody; and a connection that is silent for long is taken out of the pool, as its peer may be gone.
 */
class Turn {
  readonly #pool: Pool;
  readonly #timeout: number | undefined;
  #connection: Borrowed | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;

  constructor(pool: Pool, timeout: number | undefined) {
    this.#pool = pool;
    this.#timeout = timeout;
  }

  run(statement: (connection: Borrowed) => Promise<Outcome>): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const failed = (error: unknown): void => this.#end(true, () => reject(error));
      const borrowing = this.#pool.getConnection();
      if (!has(borrowing, "then")) return failed(new SessionError("unsupported", HAS_CALLBACKS));
      this.#watch(reject);
      borrowing!.then((connection) => {
        if (this.#isOver) return giveBack(connection, true);
        this.#connection = connection;
        statement(connection).then((outcome) => this.#end(true, () => resolve(outcome)), failed);
      }, failed);
    });
  }

  #watch(reject: (error: Error) => void): void {
    const timeout = this.#timeout;
    if (timeout === undefined) return;
    this.#timer = setTimeout(() => {
      if (!this.#connection) return this.#end(true, () => reject(new Error(NONE_FREE)));
      this.#timer = setTimeout(() => this.#end(false, () => reject(new Error(SILENT))), (PATIENCE - 1) * timeout);
    }, timeout);
  }

  #end(isHealthy: boolean, settle: () => void): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    if (this.#connection) giveBack(this.#connection, isHealthy);
    settle();
  }
}

const NONE_FREE = "no connection of the pool was free in time";
const SILENT = "the connection did not answer for long, and was taken out of the pool";

const HAS_CALLBACKS =
  "this pool has callbacks; write mysqlStorage(createPool(…)), with a pool of mysql2 or of mariadb (not " +
  "mariadb/callback)";

async function execute(connection: MysqlClient, sql: string, values: readonly unknown[]): Promise<Outcome> {
  const answer = await connection.execute({ sql, ...AS_STORED }, [...values]);
  const { info } = connection as Partial<Borrowed>;
  if (isOfMariadb(connection)) return { result: answer, status: info?.status };
  return { result: answer[0], status: answer[0].serverStatus };
}

async function changeOn(connection: MysqlClient, sql: string, values: readonly unknown[]): Promise<number> {
  const { result, status } = await execute(connection, sql, values);
  assertCommits(status);
  return result.affectedRows;
}

/** Names of locks are of the whole server, and have 64 characters at most. */
const LOCK = "SELECT GET_LOCK(LEFT(CONCAT(COALESCE(DATABASE(), ''), ' ', ?), 64), 0)";
const UNLOCK = "SELECT RELEASE_LOCK(LEFT(CONCAT(COALESCE(DATABASE(), ''), ' ', ?), 64))";

/** Nothing is done while another connection has the lock; where there are no locks, the work is done without. */
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

/** Clients of `mariadb` have it, those of `mysql2` do not. */
function isOfMariadb(client: object): boolean {
  return has(client, "batch", "importFile");
}

function giveBack(connection: Borrowed, isHealthy: boolean): void {
  if (isHealthy) return connection.release();
  connection.destroy();
  connection.connection?.stream?.destroy?.();
}

const READ = /^SELECT (`value`.*) FROM (\S+) WHERE (.*)$/;

/**
 * The same read, which has a row in any case, and tells whether the connection commits by itself; MariaDB also,
 * whether it is inside a transaction.
 */
function asking(sql: string): string | undefined {
  const [, columns, table, condition] = READ.exec(sql) ?? [];
  const asked = `${columns}, @@autocommit /*M!, @@in_transaction */`;
  return columns && `SELECT ${asked} FROM (SELECT 1) AS here LEFT JOIN ${table} ON ${condition}`;
}

/** Flags of the status after a statement that was not inside of anything. */
function assertCommits(status: number | undefined): void {
  if (typeof status === "number") assertCommitted((status & AUTOCOMMIT) !== 0, (status & IN_TRANSACTION) !== 0);
}

function assertCommitted(isAutocommit: boolean, isInside: boolean): void {
  if (!isAutocommit) {
    throw new SessionError(
      "storage",
      "the connection has autocommit off: nothing that a session writes is committed; " +
        "hand in a pool whose connections have it on (SET autocommit = 1, the default)",
    );
  }
  if (isInside) throw insideTransaction("START TRANSACTION");
}

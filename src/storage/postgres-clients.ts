import { insideTransaction } from "./driver.js";
import { has } from "./look-alikes.js";
import { inTurn, type SqlClient, type SqlRow, type StatementCall } from "./sql.js";

/** The part of a `Pool` or `Client` of `pg` that is used. */
export interface PgClient {
  query(query: PgQuery): PromiseLike<PgResult>;
  /** A `Client` has it, a `Pool` does not. */
  escapeLiteral?(text: string): string;
}

/** A statement in the format of `pg`. */
export interface PgQuery {
  text: string;
  values: unknown[];
  rowMode: "array";
  types: PgTypes;
  query_timeout?: number;
}

/** Interface through which `pg` requests the parser of a column. */
export interface PgTypes {
  getTypeParser: (...type: any[]) => (value: any) => any;
}

/** The result of `pg`. */
export interface PgResult {
  rows: unknown[][];
  rowCount: number | null;
}

/** The part of the `sql` of `postgres` (postgres.js) that is used. */
export interface PostgresJsClient {
  unsafe(
    text: string,
    parameters: any[],
    options: { prepare: boolean },
  ): PromiseLike<{ count: number }> & { raw(): PromiseLike<unknown[][]> };
}

/** The part of `PGlite`, PostgreSQL in this process, that is used. */
export interface PgliteClient {
  query(
    text: string,
    parameters: any[],
    options: { rowMode: "array"; parsers: Record<number, (value: string) => any> },
  ): PromiseLike<{ rows: any[]; affectedRows?: number }>;
  execProtocol: unknown;
  isInTransaction(): boolean;
}

/** The part of a connection of `pg` that reports transactions. */
interface PgConnection {
  /** `I` outside a transaction, `T` inside one, `E` inside one that failed; only in newer versions. */
  getTransactionStatus?(): string | null;
  readonly _connecting?: boolean;
  readonly _connected?: boolean;
  /** Reports the status in older versions. */
  readonly connection?: {
    on(event: "readyForQuery", listener: (message: { status?: string } | undefined) => void): unknown;
  };
}

/**
 * All columns are requested as text, and these parsers return it unchanged, whatever the client or the process is
 * configured to parse.
 */
const AS_TEXT: PgTypes = {
  getTypeParser:
    () =>
    (value: unknown): unknown =>
      value,
};

/**
 * After this multiple of the request timeout without a response, a connection is removed from its pool: its peer may
 * be gone.
 */
const PATIENCE = 4;

/**
 * Rows as arrays: column names that an application configured do not matter. Statements have no name, so they are not
 * kept.
 */
export function throughPg(client: PgClient): SqlClient {
  const run =
    has(client, "escapeLiteral") || has(client, "getTransactionStatus") ? onConnection(client) : onPool(client);
  const query = (text: string, values: readonly unknown[], { timeout }: StatementCall): PromiseLike<PgResult> => {
    const asked: PgQuery = { text, values: values.map(String), rowMode: "array", types: AS_TEXT };
    return run(timeout === undefined ? asked : { ...asked, query_timeout: PATIENCE * timeout });
  };
  return {
    row: async (text, values, call) => (await query(text, values, call)).rows[0],
    change: async (text, values, call) => (await query(text, values, call)).rowCount ?? 0,
  };
}

type Run = (query: PgQuery) => PromiseLike<PgResult>;

/**
 * One connection, which the application may use as well. `pg` has deprecated its queue of statements, so they are sent
 * one at a time.
 */
function onConnection(client: PgClient): Run {
  const status = statusOf(client as PgConnection);
  return inTurn(async (query) => {
    assertConnected(client as PgConnection);
    assertOutside(status());
    const result = await client.query(query);
    assertOutside(status());
    return result;
  });
}

/** A client that is never connected queues statements forever. */
function assertConnected({ _connecting, _connected }: PgConnection): void {
  if (_connecting === false && _connected === false) throw new Error("the client is closed");
}

/** The connection that was last returned to a pool. */
interface Returned {
  status(): string | undefined;
}

/** The pools with listeners; one listener is enough for all storages of a pool. */
const watched = new WeakMap<object, { last: Returned | undefined }>();

/**
 * A pool chooses the connection. If the application returned a connection inside a transaction, the statement would
 * run in that transaction. So the status is checked when the connection is returned, which happens immediately before
 * the result is delivered.
 */
function onPool(pool: PgClient): Run {
  const returned = watchReturns(pool as PgPool);
  return async (query) => {
    const result = await pool.query(query);
    assertOutside(returned.last?.status());
    return result;
  };
}

interface PgPool {
  on?(event: "acquire" | "release", listener: (...args: any[]) => void): unknown;
}

function watchReturns(pool: PgPool): { last: Returned | undefined } {
  const known = watched.get(pool);
  if (known) return known;
  const returned: { last: Returned | undefined } = { last: undefined };
  const statuses = new WeakMap<object, () => string | undefined>();
  const status = (connection: PgConnection): (() => string | undefined) => {
    const own = statuses.get(connection) ?? statusOf(connection);
    statuses.set(connection, own);
    return own;
  };
  pool.on?.("acquire", (connection: PgConnection) => void status(connection));
  pool.on?.(
    "release",
    (_error: unknown, connection: PgConnection) => void (returned.last = { status: status(connection) }),
  );
  watched.set(pool, returned);
  return returned;
}

/** Returns a function that returns the last transaction status that the server reported. */
function statusOf(client: PgConnection): () => string | undefined {
  if (typeof client.getTransactionStatus === "function") return () => client.getTransactionStatus!() ?? undefined;
  let status: string | undefined;
  client.connection?.on?.("readyForQuery", (message) => (status = message?.status));
  return () => status;
}

function assertOutside(status: string | undefined): void {
  if (status === "T" || status === "E") throw insideTransaction("BEGIN");
}

/** A statement of `postgres` (postgres.js) in progress. */
type PostgresJsQuery = ReturnType<PostgresJsClient["unsafe"]> & {
  /** The connection it was sent on; null while it waits for one. */
  readonly state?: unknown;
  cancel?(): unknown;
};

/** Rows as sent by the server. Statements are prepared unless the client was created with `prepare: false`. */
export function throughPostgresJs(client: PostgresJsClient): SqlClient {
  const query = (text: string, values: readonly unknown[]): PostgresJsQuery =>
    client.unsafe(text, values.map(String), { prepare: true });
  const connection = new LastOutcome();
  return {
    row: async (text, values, call) => {
      const asked = query(text, values);
      return (await whileAwaited(asked, asked.raw(), call, connection))[0];
    },
    change: async (text, values, call) => {
      const asked = query(text, values);
      return (await whileAwaited(asked, asked, call, connection)).count;
    },
  };
}

/** Whether the last statement reached the server. */
class LastOutcome {
  /** False at the start, and after a failure that the server did not send. */
  isConnected = false;

  async of<T>(result: PromiseLike<T>): Promise<T> {
    try {
      const value = await result;
      this.isConnected = true;
      return value;
    } catch (error) {
      const { severity, code } = (error ?? {}) as { severity?: unknown; code?: unknown };
      if (severity === undefined && code !== CANCELED) this.isConnected = false;
      throw error;
    }
  }
}

/** query_canceled, which the client itself reports too. */
const CANCELED = "57014";

/**
 * If the caller stops waiting and the statement still waits for a connection, it is never sent. A statement that was
 * sent is not cancelled: the cancel request might hit a later statement. Nor is one while the client connects again: a
 * connection that is opened for a cancelled statement is never used again (postgres 3.4.9), and so the pool would end.
 */
async function whileAwaited<T>(
  asked: PostgresJsQuery,
  result: PromiseLike<T>,
  { timeout }: StatementCall,
  connection: LastOutcome,
): Promise<T> {
  if (timeout === undefined) return connection.of(result);
  const timer = setTimeout(() => {
    if (connection.isConnected && asked.state === null) asked.cancel?.();
  }, timeout);
  try {
    return await connection.of(result);
  } finally {
    clearTimeout(timer);
  }
}

/** Every column is requested as text, whatever parsers the database is configured with. */
const TEXT_AS_TEXT: Record<number, (value: string) => string> = { 25: (value) => value };

/**
 * One connection in this process. Its own transactions wait for each other, except one that was begun by a statement.
 */
export function throughPglite(client: PgliteClient): SqlClient {
  const query = async (text: string, values: readonly unknown[]) => {
    if (client.isInTransaction()) throw insideTransaction("BEGIN");
    return client.query(text, values.map(String), { rowMode: "array", parsers: TEXT_AS_TEXT });
  };
  return {
    row: async (text, values) => (await query(text, values)).rows[0] as SqlRow | undefined,
    change: async (text, values) => (await query(text, values)).affectedRows ?? 0,
  };
}

import { insideTransaction } from "./driver.js";
import { has } from "./look-alikes.js";
import { inTurn, type SqlClient, type SqlRow, type StatementCall } from "./sql.js";

/** What is used of a `Pool` or `Client` of `pg`. */
export interface PgClient {
  query(query: PgQuery): PromiseLike<PgResult>;
  /** A `Client` has it, a `Pool` does not. */
  escapeLiteral?(text: string): string;
}

/** A statement as `pg` takes it. */
export interface PgQuery {
  text: string;
  values: unknown[];
  rowMode: "array";
  types: PgTypes;
  query_timeout?: number;
}

/** How `pg` asks for the parser of a column. */
export interface PgTypes {
  getTypeParser: (...type: any[]) => (value: any) => any;
}

/** What `pg` answers. */
export interface PgResult {
  rows: unknown[][];
  rowCount: number | null;
}

/** What is used of the `sql` of `postgres` (postgres.js). */
export interface PostgresJsClient {
  unsafe(
    text: string,
    parameters: any[],
    options: { prepare: boolean },
  ): PromiseLike<{ count: number }> & { raw(): PromiseLike<unknown[][]> };
}

/** What is used of a `PGlite`, the PostgreSQL in this process. */
export interface PgliteClient {
  query(
    text: string,
    parameters: any[],
    options: { rowMode: "array"; parsers: Record<number, (value: string) => any> },
  ): PromiseLike<{ rows: any[]; affectedRows?: number }>;
  execProtocol: unknown;
  isInTransaction(): boolean;
}

/** A connection of `pg`, as far as it tells of transactions. */
interface PgConnection {
  /** `I` outside of a transaction, `T` in one, `E` in one that failed; newer versions have it. */
  getTransactionStatus?(): string | null;
  readonly _connecting?: boolean;
  readonly _connected?: boolean;
  /** Tells older versions' status. */
  readonly connection?: {
    on(event: "readyForQuery", listener: (message: { status?: string } | undefined) => void): unknown;
  };
}

/** Columns are asked for as text, and stay text whatever the client or the process is configured to parse. */
const AS_TEXT: PgTypes = {
  getTypeParser:
    () =>
    (value: unknown): unknown =>
      value,
};

/**
 * A connection that has not answered for so many times as long as a request waits is taken out of its pool: its peer
 * may be gone.
 */
const PATIENCE = 4;

/**
 * Rows as arrays: the column names that an application configured do not matter. No name, so no statement is kept.
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
 * One connection, which the application may use as well. It is about to stop keeping statements that wait, so they
 * are sent one at a time.
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

/** A client that nobody connects keeps statements for ever. */
function assertConnected({ _connecting, _connected }: PgConnection): void {
  if (_connecting === false && _connected === false) throw new Error("the client is closed");
}

/** The connection that a pool gave out last, as it came back. */
interface Returned {
  status(): string | undefined;
}

/** The pools that are watched; one listener is enough for all storages of a pool. */
const watched = new WeakMap<object, { last: Returned | undefined }>();

/**
 * A pool gives out connections of its choice. One that an application gave back in the midst of a transaction would
 * run the statement in it, so the
 * connection is looked at when it comes back: that happens at once before the answer is told.
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

/** Where a connection stands, as its server said last. */
function statusOf(client: PgConnection): () => string | undefined {
  if (typeof client.getTransactionStatus === "function") return () => client.getTransactionStatus!() ?? undefined;
  let status: string | undefined;
  client.connection?.on?.("readyForQuery", (message) => (status = message?.status));
  return () => status;
}

function assertOutside(status: string | undefined): void {
  if (status === "T" || status === "E") throw insideTransaction("BEGIN");
}

/** A statement of `postgres` (postgres.js) on its way. */
type PostgresJsQuery = ReturnType<PostgresJsClient["unsafe"]> & {
  /** The connection it was sent on; null while it waits for one. */
  readonly state?: unknown;
  cancel?(): unknown;
};

/** Rows as they are on the wire. Statements are prepared unless the client was made with `prepare: false`. */
export function throughPostgresJs(client: PostgresJsClient): SqlClient {
  const query = (text: string, values: readonly unknown[]): PostgresJsQuery =>
    client.unsafe(text, values.map(String), { prepare: true });
  return {
    row: async (text, values, call) => {
      const asked = query(text, values);
      return (await whileAwaited(asked, asked.raw(), call))[0];
    },
    change: async (text, values, call) => {
      const asked = query(text, values);
      return (await whileAwaited(asked, asked, call)).count;
    },
  };
}

/**
 * A statement that nobody waits for any more, and that waits for a connection itself, is never sent. One that was
 * sent is let be: to cancel it might hit what came after it.
 */
async function whileAwaited<T>(
  asked: PostgresJsQuery,
  answer: PromiseLike<T>,
  { timeout }: StatementCall,
): Promise<T> {
  if (timeout === undefined) return answer;
  const timer = setTimeout(() => asked.state === null && asked.cancel?.(), timeout);
  try {
    return await answer;
  } finally {
    clearTimeout(timer);
  }
}

/** Every column is asked for as text, whatever the database was told to make of its own. */
const TEXT_AS_TEXT: Record<number, (value: string) => string> = { 25: (value) => value };

/**
 * One connection in this process: its own transactions wait for each other, but for one that was begun by a
 * statement.
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

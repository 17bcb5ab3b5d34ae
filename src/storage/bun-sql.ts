import { Turn, type Borrowed } from "./borrowed.js";
import { has, type LookAlike } from "./look-alikes.js";
import type { SqlClient, SqlRow, StatementCall } from "./sql.js";

/** The part of an `SQL` of Bun, such as `Bun.sql`, that is used. */
export interface BunSqlClient {
  unsafe(text: string, parameters: any[]): PromiseLike<BunSqlResult> & { values(): PromiseLike<any> };
  beginDistributed: unknown;
  reserve(): PromiseLike<BunReserved>;
  readonly options: object;
}

/** The result of a statement. Which of both counts the changed rows depends on the database and the version of Bun. */
export interface BunSqlResult {
  readonly count?: number | null;
  readonly affectedRows?: number | null;
}

/** One connection of the pool. `close` ends it, and the pool opens another one. */
export interface BunReserved extends Pick<BunSqlClient, "unsafe"> {
  release(): unknown;
  close(options: { timeout: number }): PromiseLike<unknown>;
}

/** True for an `SQL` of Bun; no other client has distributed transactions. */
export function isBunSql(client: unknown): client is BunSqlClient {
  return has(client, "unsafe", "beginDistributed");
}

type Adapter = "postgres" | "mysql";

const ADAPTERS: Readonly<Record<string, Adapter>> = { postgres: "postgres", mysql: "mysql", mariadb: "mysql" };

function adapterOf({ options }: BunSqlClient): string {
  return (options as { readonly adapter?: string }).adapter ?? "postgres";
}

/** What of Bun is not a pool of this database. */
export function otherBunSql(own: Adapter | undefined): readonly LookAlike[] {
  return [
    {
      name: "a transaction or a reserved connection of Bun",
      matches: (client) => isBunSql(client) && (has(client, "savepoint") || has(client, "release")),
      write: (storage) => `${storage}(sql), that of new SQL(…) itself`,
    },
    ...(own === "postgres" ? [] : [ofOther("postgres", own, "postgresStorage(sql), of holdfast/storage/postgres")]),
    ...(own === "mysql" ? [] : [ofOther("mysql", own, "mysqlStorage(sql), of holdfast/storage/mysql")]),
    {
      name:
        "an SQL of Bun for SQLite, which runs the statements of others inside an open transaction " +
        "(Bun issue 33581)",
      matches: (client) => isBunSql(client) && ADAPTERS[adapterOf(client)] === undefined,
      write: () => "sqliteStorage(new Database(file)), of bun:sqlite",
    },
  ];
}

function ofOther(adapter: Adapter, own: Adapter | undefined, write: string): LookAlike {
  const names = { postgres: "PostgreSQL", mysql: "MySQL" };
  return {
    name: `an SQL of Bun for ${names[adapter]}`,
    matches: (client) => isBunSql(client) && ADAPTERS[adapterOf(client)] === adapter && adapter !== own,
    write: () => write,
  };
}

/** Statements are prepared unless the client was created with `prepare: false`. All columns are requested as text. */
export function throughBunPostgres(client: BunSqlClient): SqlClient {
  const borrow = bunPool(client);
  const run = <T>({ timeout }: StatementCall, statement: (connection: BunConnection) => PromiseLike<T>): Promise<T> =>
    new Turn(borrow, timeout).run(statement);
  return {
    row: async (text, values, call) => {
      const rows = await run(call, (connection) => connection.unsafe(text, values.map(String)).values());
      return (rows as readonly SqlRow[])[0];
    },
    change: async (text, values, call) =>
      changes(await run(call, (connection) => connection.unsafe(text, values.map(String)))),
  };
}

/** One connection of the pool, for one statement. */
export interface BunConnection extends Borrowed, Pick<BunSqlClient, "unsafe"> {}

/**
 * Returns a function that reserves a connection. Bun has no timeout of a statement: only a reserved connection can be
 * ended if its peer is gone.
 */
export function bunPool(client: BunSqlClient): () => Promise<BunConnection> {
  return async () => {
    const connection = await client.reserve();
    return {
      unsafe: (text, parameters) => connection.unsafe(text, parameters),
      release: () => connection.release(),
      destroy: () => void connection.close({ timeout: 0 }).then(undefined, () => {}),
    };
  };
}

/** How many rows a statement changed. */
export function changes({ affectedRows, count }: BunSqlResult): number {
  return Math.max(affectedRows ?? 0, count ?? 0);
}

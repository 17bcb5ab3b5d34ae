import type { TestContext } from "node:test";
import callbacks from "mysql2";
import mysql from "mysql2/promise";
import type { MysqlCallbackClient, MysqlClient } from "holdfast/storage/mysql";

/** A client that is connected, and its database behind its back. */
export interface OpenedMysql {
  readonly client: MysqlClient | MysqlCallbackClient;
  run(sql: string): Promise<unknown>;
  close(): Promise<unknown>;
}

/** What an application may have configured for its own rows, all at once. */
const PECULIAR = {
  flags: ["-FOUND_ROWS"],
  charset: "latin1",
  rowsAsArray: true,
  nestTables: true,
  supportBigNumbers: true,
  bigNumberStrings: true,
  namedPlaceholders: true,
  typeCast: () => "cast",
};

/** Every client there is, as an application makes it. */
export const MYSQL_CLIENTS: Readonly<Record<string, (uri: string) => Promise<OpenedMysql>>> = {
  async "mysql2/promise pool"(uri) {
    const pool = mysql.createPool({ uri, connectionLimit: 8 });
    return { client: pool, run: (sql) => pool.query(sql), close: () => pool.end() };
  },
  async "mysql2/promise connection"(uri) {
    const connection = await mysql.createConnection(uri);
    return { client: connection, run: (sql) => connection.query(sql), close: () => connection.end() };
  },
  async "mysql2 pool"(uri) {
    const pool = callbacks.createPool({ uri, connectionLimit: 8 });
    return { client: pool, run: (sql) => pool.promise().query(sql), close: () => pool.promise().end() };
  },
  async "mysql2/promise pool, configured peculiarly"(uri) {
    const pool = mysql.createPool({ uri, connectionLimit: 8, ...PECULIAR });
    return { client: pool, run: (sql) => pool.query(sql), close: () => pool.end() };
  },
};

/** A database that goes with the test, and a pool that may use it. */
export async function ownDatabase(
  t: TestContext,
  uri: string,
  options: mysql.PoolOptions = {},
): Promise<{ pool: mysql.Pool; schema: string }> {
  const schema = `s_${crypto.randomUUID().replaceAll("-", "")}`;
  const pool = mysql.createPool({ uri, ...options });
  await pool.query(`CREATE DATABASE ${schema}`);
  t.after(async () => {
    await pool.query(`DROP DATABASE ${schema}`);
    await pool.end();
  });
  return { pool, schema };
}

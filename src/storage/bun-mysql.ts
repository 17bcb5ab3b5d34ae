import { changes, type BunReserved, type BunSqlClient } from "./bun-sql.js";
import { throughMysql, type MysqlClient } from "./mysql-clients.js";
import type { SqlClient } from "./sql.js";

/**
 * An `SQL` of Bun, called like `mysql2`. Bun chooses a connection for each statement, so a lock of the server needs a
 * reserved one. With `max: 1` the application may begin a transaction on the only connection.
 */
export function throughBunMysql(client: BunSqlClient): SqlClient {
  const { max } = client.options as { readonly max?: number };
  const inner = throughMysql(called(client), max === 1);
  return {
    row: (...statement) => inner.row(...statement),
    change: (...statement) => inner.change(...statement),
    async alone(name, work) {
      const connection = await client.reserve();
      try {
        return await throughMysql(called(connection)).alone!(name, work);
      } finally {
        connection.release();
      }
    },
  };
}

function called(client: Pick<BunSqlClient | BunReserved, "unsafe">): MysqlClient {
  return {
    async execute({ sql }, values) {
      const statement = client.unsafe(sql, values);
      return [/^SELECT/.test(sql) ? await statement.values() : { affectedRows: changes(await statement) }];
    },
  };
}

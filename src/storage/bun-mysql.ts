import { bunPool, changes, type BunConnection, type BunSqlClient } from "./bun-sql.js";
import { throughMysql, type MysqlClient, type MysqlPool } from "./mysql-clients.js";
import type { SqlClient } from "./sql.js";

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

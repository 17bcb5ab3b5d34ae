import pg from "pg";
import postgres from "postgres";
import type { PgClient, PostgresJsClient } from "holdfast/storage/postgres";

/** A client that is connected, and its database behind its back. */
export interface OpenedPostgres {
  readonly client: PgClient | PostgresJsClient;
  run(sql: string): Promise<unknown>;
  close(): Promise<unknown>;
}

/** Every client there is, as an application makes it; behind PgBouncer or not. */
export const POSTGRES_CLIENTS: Readonly<
  Record<string, (url: string, isBounced: boolean) => Promise<OpenedPostgres>>
> = {
  async "pg Pool"(url) {
    const pool = new pg.Pool({ connectionString: url, max: 8 });
    return { client: pool, run: (sql) => pool.query(sql), close: () => pool.end() };
  },
  async "pg Client"(url) {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    return { client, run: (sql) => client.query(sql), close: () => client.end() };
  },
  async postgres(url, isBounced) {
    const sql = postgres(url, { max: 8, onnotice: () => {}, ...(isBounced ? { prepare: false } : {}) });
    return { client: sql, run: (text) => sql.unsafe(text), close: () => sql.end() };
  },
};

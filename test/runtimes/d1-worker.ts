/** What comes of handing D1 to the SQLite driver, told in words. */
import { sqliteStorage } from "holdfast/storage/sqlite";

interface Env {
  readonly DB: { withSession(): unknown };
}

function outcome(database: unknown): string {
  try {
    sqliteStorage(database as never);
    return "accepted";
  } catch (error) {
    return String(error);
  }
}

export default {
  fetch: (_request: Request, env: Env): Response => Response.json([env.DB, env.DB.withSession()].map(outcome)),
};

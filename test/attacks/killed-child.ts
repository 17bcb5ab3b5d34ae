import { createStore } from "holdfast";
import { sqliteStorage } from "holdfast/storage/sqlite";
import { openSqlite } from "../support/sqlite-clients.js";

/**
 * Writes and renews a session in a file for as long as it lives; says each token when a commit begins, and again when
 * it is answered.
 */
const [, , file = "", token = ""] = process.argv;
const { database } = await openSqlite("libsql", file);
const store = createStore<{ a: number; b: number; filler: string }>({ storage: sqliteStorage(database) });
let current = token;

for (let n = 1; ; n++) {
  const session = (await store.getByToken(current))!;
  session.set("a", n);
  session.set("b", n);
  session.set("filler", "x".repeat((n * 997) % 20_000));
  if (n % 3 === 0) await session.regenerate();
  process.stdout.write(`begun ${session.token}\n`);
  await session.save();
  process.stdout.write(`answered ${session.token}\n`);
  current = session.token;
}

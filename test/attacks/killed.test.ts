import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { createStore } from "holdfast";
import { sqliteStorage } from "holdfast/storage/sqlite";
import { openSqlite } from "../support/sqlite-clients.js";

interface Data {
  a: number;
  b: number;
}

const CHILD = fileURLToPath(new URL("killed-child.js", import.meta.url));

/** Lets a process write and renew a session, ends it after it said so much, and answers what it said. */
async function killedAfter(
  lines: number,
  signal: NodeJS.Signals,
  file: string,
  token: string,
): Promise<{ answered: string[]; begun: string }> {
  const child = spawn(process.execPath, [CHILD, file, token], { stdio: ["ignore", "pipe", "inherit"] });
  const answered = [token];
  let begun = token;
  let count = 0;
  for await (const line of createInterface(child.stdout)) {
    const [what, said = ""] = line.split(" ");
    if (what === "begun") begun = said;
    else if (said.length === 43) answered.push(said);
    if (++count === lines) child.kill(signal);
  }
  return { answered: [...new Set(answered)], begun };
}

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  test(`attack 95: a server ended by ${signal} during commits leaves each complete or undone; of the tokens that were sent only the last may be live`, async () => {
    const directory = mkdtempSync(join(tmpdir(), "holdfast-killed-"));
    try {
      const file = join(directory, "sessions.db");
      const { database, close } = await openSqlite("libsql", file);
      const storage = sqliteStorage(database);
      await storage.ensureSchema();
      const store = createStore<Data>({ storage });
      for (const lines of [1, 6, 11]) {
        const { token } = await store.create({ a: 0, b: 0 });
        const { answered, begun } = await killedAfter(lines, signal, file, token);
        const last = answered.pop()!;
        for (const earlier of answered)
          if (earlier !== begun)
            assert.equal(
              await store.getByToken(earlier),
              undefined,
              `a token renewed long before, after ${lines} lines`,
            );
        const living = [await store.getByToken(last), await store.getByToken(begun)].filter(
          (session) => session !== undefined,
        );
        assert.ok(living.length > 0, `nobody was logged out, after ${lines} lines`);
        for (const session of living) assert.equal(session.get("a"), session.get("b"));
      }
      close();
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
}

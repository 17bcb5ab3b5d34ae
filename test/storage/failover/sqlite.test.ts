import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createClient } from "@libsql/client";
import { sqliteStorage } from "holdfast/storage/sqlite";
import { App, assertHonest, leavingNothing } from "./app.js";
import { assertReadsGoOn, worksAsEver } from "./outages.js";

test("sqlite, libsql: the disk is full: a write is a 503, reading and logging out go on; with room again it works as ever", () =>
  leavingNothing(async () => {
    const directory = mkdtempSync(join(tmpdir(), "holdfast-full-"));
    const client = createClient({ url: `file:${join(directory, "sessions.db")}` });
    const storage = sqliteStorage(client);
    await storage.ensureSchema();
    const app = await App.over(storage);
    try {
      const [guest, leaver] = [await app.guest(), await app.guest()];
      await client.execute("PRAGMA max_page_count = 12");
      await fill(app);
      await guest.assertLog();
      assert.equal((await leaver.logout()).status, 200);
      await guest.assertLog();
      await client.execute("PRAGMA max_page_count = 1000000");
      await worksAsEver(guest);
    } finally {
      await app.close();
      client.close();
      rmSync(directory, { recursive: true });
    }
  }));

test("sqlite, libsql: a database that must not be written: reads are served, also where a deadline is due, a write is a 503; then it works as ever", () =>
  leavingNothing(async () => {
    const directory = mkdtempSync(join(tmpdir(), "holdfast-read-only-"));
    const client = createClient({ url: `file:${join(directory, "sessions.db")}` });
    const storage = sqliteStorage(client);
    await storage.ensureSchema();
    const app = await App.over(storage);
    const others: App[] = [];
    try {
      const guest = await app.guest();
      await client.execute("PRAGMA query_only = 1");
      assertHonest(await guest.append());
      assertHonest(await guest.twin().logout());
      await guest.assertLog();
      await assertReadsGoOn(guest, async (options = {}) => {
        others.push(await App.over(storage, options));
        return others[0]!;
      });
      await client.execute("PRAGMA query_only = 0");
      await worksAsEver(guest);
    } finally {
      for (const one of [app, ...others]) await one.close();
      client.close();
      rmSync(directory, { recursive: true });
    }
  }));

/** Visitors come until one has no room. */
async function fill(app: App): Promise<void> {
  for (let count = 0; count < 500; count++) {
    const answer = await app.visitor().append();
    if (answer.status !== 200) return assertHonest(answer);
  }
  assert.fail("there is room for everybody");
}

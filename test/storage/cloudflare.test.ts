/** D1 and Durable Objects in workerd, reached through two isolates in turn: what is theirs alone. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { createStore } from "holdfast";
import { storageSuite } from "holdfast/testing";
import { until } from "../support/within.js";
import { ask, BINDINGS, bindingStorage, startBindings, type Binding } from "../runtimes/bindings.js";

const { url, close } = await startBindings();
after(close);

const SKEW_MS = 5 * 60_000;
const call = { now: Date.now(), signal: new AbortController().signal };

for (const binding of Object.keys(BINDINGS) as Binding[]) {
  describe(binding, () => {
    for (const { name, run } of storageSuite(() => ({ storage: bindingStorage(url, binding) }))) test(name, run);

    test("50 overlapping increments through two isolates are all counted, and a logout in one is one in the other", async () => {
      const isolates = new Set<string>();
      const store = createStore<{ n: number }>({
        storage: bindingStorage(url, binding, (isolate) => void isolates.add(isolate)),
        storageTimeout: "60s",
        commitTimeout: "120s",
      });
      const { id, token } = await store.create({ n: 0 });
      const increment = (): Promise<unknown> => store.edit(id, (session) => session.update("n", (n = 0) => n + 1));
      await Promise.all(Array.from({ length: 50 }, increment));
      assert.equal((await store.getByToken(token))?.get("n"), 50);
      assert.equal(isolates.size, 2);
      await store.delete(id);
      for (let i = 0; i < 4; i++) assert.equal(await store.getByToken(token), undefined);
    });

    test("calls of a read, a write and a logout: 1, 2, 2", async () => {
      let calls = 0;
      const store = createStore<{ n: number }>({ storage: bindingStorage(url, binding, () => void calls++) });
      const cost = async (work: () => Promise<unknown>): Promise<number> => {
        calls = 0;
        await work();
        return calls;
      };
      const { id } = await store.create({ n: 1 });
      assert.equal(await cost(() => store.getById(id)), 1);
      assert.equal(await cost(() => store.edit(id, (session) => session.set("n", 2))), 2);
      assert.equal(await cost(() => store.delete(id)), 2);
    });

    test("check finds nothing bad, and no wrong clock", async () => {
      const findings = await bindingStorage(url, binding).check!({ ...call, now: Date.now() });
      assert.deepEqual(
        findings.filter(({ level }) => level !== "ok"),
        [],
      );
      assert.ok(findings.some(({ what }) => /clocks/.test(what)));
    });
  });
}

interface Kept {
  readonly kept: readonly string[];
  readonly alarm: number | null;
  readonly bytes: number;
}

/** An empty database of SQLite. */
const EMPTY_BYTES = 4096;

/** The oldest date on which sessions can be made; since 2026-02-24 `deleteAll` ends an alarm as well. */
const older = await startBindings({ date: "2024-09-23" });
after(older.close);

for (const [date, own] of [
  ["of today", url],
  ["of 2024-09-23", older.url],
] as const) {
  describe(`an object of a Worker ${date}`, () => {
    const storage = bindingStorage(own, "Durable Objects");
    const keptAt = (key: string): Promise<Kept> => ask(own, "/durable/kept", [key]);
    const key = (): string => `test:${crypto.randomUUID()}`;
    const GONE: Kept = { kept: [], alarm: null, bytes: EMPTY_BYTES };

    /** The alarm is one of the runtime's own clock, so a record is made that expired almost five minutes ago. */
    test("removes its record by its alarm, five minutes after the record has expired", async () => {
      const mine = key();
      const expiresAt = Date.now() - SKEW_MS + 1000;
      await storage.create(mine, { value: "x", expiresAt }, call);
      assert.deepEqual(await keptAt(mine), { kept: ["record"], alarm: expiresAt + SKEW_MS, bytes: 3 * EMPTY_BYTES });
      await until("the alarm", async () => (await storage.get(mine, call)) === null);
      assert.ok(Date.now() >= expiresAt + SKEW_MS, "not before");
      assert.deepEqual(await keptAt(mine), GONE);
    });

    test("keeps a record whose deadline was moved: the alarm moves when it comes, or when it would come too late", async () => {
      const [mine, later] = [key(), Date.now() + 60_000];
      const first = Date.now() - SKEW_MS + 700;
      const created = await storage.create(mine, { value: "x", expiresAt: first }, call);
      assert.ok(created && (await storage.touch(mine, later, created.version!, call)));
      assert.equal((await keptAt(mine)).alarm, first + SKEW_MS, "not moved by a write");
      await until("the alarm", async () => (await keptAt(mine)).alarm === later + SKEW_MS);
      const stored = (await storage.get(mine, call))!;
      assert.equal(stored.value, "x");
      const soon = Date.now() - SKEW_MS + 300;
      assert.ok(await storage.update(mine, { value: "marker", expiresAt: soon }, stored.version, call));
      await until("the earlier alarm", async () => (await storage.get(mine, call)) === null);
    });

    test("keeps nothing after a logout", async () => {
      const mine = key();
      const created = await storage.create(mine, { value: "x", expiresAt: Date.now() + 60_000 }, call);
      assert.ok(created && (await storage.delete(mine, created.version!, call)));
      assert.deepEqual(await keptAt(mine), GONE);
    });

    test("stores nothing for an unknown token", async () => {
      const mine = key();
      assert.equal(await storage.get(mine, call), null);
      assert.equal(await storage.update(mine, { value: "x", expiresAt: Date.now() }, "version", call), false);
      assert.deepEqual(await keptAt(mine), GONE);
    });

    test("executes no request of a visitor that a Worker passes on to it", async () => {
      for (const address of ["https://shop.example/storage", "https://holdfast.invalid/"])
        assert.equal(await ask(own, "/durable/pass", [key(), address]), 404);
    });
  });
}

test("D1: sweep removes what has expired; without a table the error says how to create it", async () => {
  const storage = bindingStorage(url, "D1");
  const [old, live] = [`test:${crypto.randomUUID()}`, `test:${crypto.randomUUID()}`];
  await storage.create(old, { value: "x", expiresAt: call.now - SKEW_MS - 1 }, call);
  await storage.create(live, { value: "x", expiresAt: call.now + 60_000 }, call);
  assert.equal(await storage.sweep!(call), 1);
  assert.equal(await storage.get(old, call), null);
  assert.equal((await storage.get(live, call))?.value, "x");
  await assert.rejects(ask(url, "/without-table/get", ["test:x", call]), /table other does not exist.*ensureSchema/);
});

test("records are there after a restart, and an alarm that was due meanwhile comes", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-bindings-"));
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  const [live, old] = [`test:${crypto.randomUUID()}`, `test:${crypto.randomUUID()}`];
  const before = await startBindings({ folder });
  for (const binding of Object.keys(BINDINGS) as Binding[])
    await bindingStorage(before.url, binding).create(live, { value: "x", expiresAt: Date.now() + 60_000 }, call);
  const due = { value: "x", expiresAt: Date.now() - SKEW_MS + 200 };
  await bindingStorage(before.url, "Durable Objects").create(old, due, call);
  await before.close();
  const again = await startBindings({ folder });
  t.after(again.close);
  for (const binding of Object.keys(BINDINGS) as Binding[])
    assert.equal((await bindingStorage(again.url, binding).get(live, call))?.value, "x");
  const objects = bindingStorage(again.url, "Durable Objects");
  await until("the alarm", async () => (await objects.get(old, call)) === null);
});

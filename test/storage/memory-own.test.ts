import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { promisify } from "node:util";
import { createStore, type SessionError } from "holdfast";
import { memoryStorage, type MemoryStorage } from "holdfast/storage/memory";
import { testClock } from "holdfast/testing";

const MINUTE = 60_000;
const call = (now: number) => ({ now, signal: new AbortController().signal });
const run = promisify(execFile);
const LATER = 6 * MINUTE;
const OLD = { value: "x", expiresAt: MINUTE };
const LIVE = { value: "x", expiresAt: LATER + MINUTE };

/** Each call that looks for what has expired, and how many entries it looks at, however many there are. */
const LOOKING: Readonly<Record<string, { looksAt: number; isFull?: boolean; look(storage: MemoryStorage): void }>> = {
  "a create": { looksAt: 4, look: comeAndGo },
  "an update": {
    looksAt: 4,
    look: (storage) => assert.ok(storage.update("0", LIVE, versionOf(storage, "0"), call(LATER))),
  },
  "a create in a full storage": { looksAt: 1024, isFull: true, look: comeIfThereIsRoom },
};

for (const [name, { looksAt, look }] of Object.entries(LOOKING).filter(([, { isFull }]) => !isFull)) {
  test(`${name} removes ${looksAt} expired entries at most`, () => {
    const storage = filled(1, LIVE);
    for (let i = 0; i < 100; i++) storage.create(`old${i}`, OLD, call(0));
    for (let i = 0; i < 60; i++) {
      const before = storage.size;
      look(storage);
      assert.ok(before - storage.size <= looksAt, `${before - storage.size} entries in one call`);
    }
    assert.equal(storage.size, 1, "every old one went, the live one stayed");
  });
}

for (const [name, { looksAt, isFull, look }] of Object.entries(LOOKING)) {
  test(`${name} checks ${looksAt} entries, live ones counted, and the next call checks the following ones`, () => {
    const size = 32 * looksAt;
    const storage = filled(size, LIVE, isFull ? size : undefined);
    const callsUntilGone = (key: string): number => {
      expire(storage, key);
      let calls = 0;
      for (; storage.get(key) && calls < size; calls++) look(storage);
      return calls;
    };
    callsUntilGone(`${size / 2}`);
    // This one was passed shortly before: three quarters of the round lie between.
    const calls = callsUntilGone(`${size / 4}`);
    assert.ok(Math.abs(calls - 24) <= 2, `${calls} calls for ${(size * 3) / 4} entries`);
  });
}

test("a full storage of up to 1024 entries refuses nobody while one of them has expired", () => {
  for (const size of [1, 2, 5, 1024]) {
    const storage = filled(size, LIVE, size);
    assert.throws(() => storage.create("new", LIVE, call(LATER)), /the memory storage is full/);
    for (const key of new Set([0, size >> 1, size - 1])) {
      expire(storage, `${key}`);
      assert.ok(storage.create(`new${key}`, LIVE, call(LATER)), `${key} of ${size}`);
      assert.equal(storage.size, size);
    }
  }
});

test("updates reclaim, too, and a busy storage holds little more than what is live", () => {
  const storage = memoryStorage();
  storage.create("busy", { value: "0", expiresAt: 1e15 }, call(0));
  for (let i = 0; i < 1000; i++) storage.create(`old${i}`, { value: "x", expiresAt: MINUTE }, call(0));
  for (let i = 0; i < 1000; i++)
    storage.update(
      "busy",
      { value: `${i}`, expiresAt: 1e15 },
      storage.get("busy")!.version as number,
      call(60 * MINUTE),
    );
  assert.equal(storage.size, 1);
});

test("what expired less than five minutes ago is kept: clocks differ", () => {
  const storage = memoryStorage();
  storage.create("k", { value: "x", expiresAt: MINUTE }, call(0));
  for (let i = 0; i < 20; i++) storage.create(`n${i}`, { value: "x", expiresAt: 1e15 }, call(6 * MINUTE - 1));
  assert.equal(storage.get("k")?.value, "x");
});

test("a full storage refuses new sessions and keeps every live one", async () => {
  const clock = testClock();
  const storage = memoryStorage({ maxEntries: 3 });
  const store = createStore<{ n: number }>({ storage, clock });
  const sessions = [await store.create({ n: 0 }), await store.create({ n: 1 }), await store.create({ n: 2 })];
  await assert.rejects(
    store.create({ n: 3 }),
    (error: SessionError) =>
      error.code === "storage" && error.status === 503 && /maxEntries is 3/.test(error.message),
  );
  for (const [n, { token }] of sessions.entries()) assert.equal((await store.getByToken(token))?.get("n"), n);
  assert.equal(
    await store.edit(sessions[0]!.id, (session) => session.set("n", 10)),
    true,
    "a live session can still be written",
  );
});

test("a full storage makes room by removing what expired", async () => {
  const clock = testClock();
  const storage = memoryStorage({ maxEntries: 50 });
  const store = createStore<{ n: number }>({ storage, clock });
  for (let n = 0; n < 49; n++) await store.create({ n });
  clock.advance("36m");
  const live = [];
  for (let n = 0; n < 50; n++) live.push(await store.create({ n }));
  assert.equal(storage.size, 50);
  for (const { token } of live) assert.ok(await store.getByToken(token));
});

test("maxEntries is validated when the storage is created", () => {
  for (const maxEntries of [0, -1, 1.5, Number.NaN, Infinity])
    assert.throws(() => memoryStorage({ maxEntries }), RangeError);
  assert.throws(() => memoryStorage({ maxEntries: "10" as never }), TypeError);
  assert.throws(() => memoryStorage({ max: 10 } as never), /no option "max"; write maxEntries/);
});

test("returned objects are not the stored ones: entries are never shared", () => {
  const storage = memoryStorage();
  const entry = { value: "one", expiresAt: 1e15 };
  storage.create("k", entry, call(0));
  entry.value = "changed";
  assert.equal(storage.get("k")?.value, "one");
});

test("two stores over one storage see each other's sessions, and both keep their writes", async () => {
  const clock = testClock();
  const storage = memoryStorage();
  const [one, two] = [
    createStore<Record<string, number>>({ storage, clock }),
    createStore<Record<string, number>>({ storage, clock }),
  ];
  const { id, token } = await one.create({ n: 0 });
  const increments = Array.from({ length: 20 }, (_, i) =>
    (i % 2 ? one : two).edit(id, (session) => session.update("n", (n = 0) => n + 1)),
  );
  for (let turns = 0; turns < 4000 && (await Promise.race([Promise.all(increments), turn()])) === "turn"; turns++)
    clock.advance(1);
  assert.ok((await Promise.all(increments)).every(Boolean));
  assert.equal((await two.getByToken(token))?.get("n"), 20);
});

test("two namespaces over one storage are strangers, and clear() of one spares the other", async () => {
  const storage = memoryStorage();
  const [shop, shop2] = [
    createStore<{ n: number }>({ storage, namespace: "shop" }),
    createStore<{ n: number }>({ storage, namespace: "shop2" }),
  ];
  const [a, b] = [await shop.create({ n: 1 }), await shop2.create({ n: 2 })];
  assert.equal(await shop2.getByToken(a.token), undefined);
  await shop.clear();
  assert.equal(await shop.getByToken(a.token), undefined);
  assert.equal((await shop2.getByToken(b.token))?.get("n"), 2);
});

test("nothing keeps the process alive", async () => {
  const script = `
    import { createStore } from "holdfast";
    const store = createStore({ idleTimeout: "1h" });
    await store.create({ n: 1 });
    console.log("done");`;
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", script], { timeout: 5000 });
  assert.equal(stdout.trim(), "done");
});

test("in production a missing storage option causes a warning, a given one does not", async () => {
  const before = process.env.NODE_ENV;
  process.env.NODE_ENV = "production";
  try {
    const warned = once(process, "warning");
    createStore({ storage: memoryStorage() });
    createStore();
    const [warning] = (await warned) as [Error];
    assert.equal(warning.name, "HoldfastWarning");
    assert.match(warning.message, /in memory.*write storage: redisStorage/);
  } finally {
    process.env.NODE_ENV = before;
    if (before === undefined) delete process.env.NODE_ENV;
  }
});

/** A storage with that many entries, whose keys are 0 and so on. */
function filled(size: number, entry: { value: string; expiresAt: number }, maxEntries?: number): MemoryStorage {
  const storage = memoryStorage(maxEntries === undefined ? {} : { maxEntries });
  for (let i = 0; i < size; i++) storage.create(`${i}`, entry, call(0));
  return storage;
}

function versionOf(storage: MemoryStorage, key: string): number {
  return storage.get(key)!.version as number;
}

function expire(storage: MemoryStorage, key: string): void {
  assert.ok(storage.touch(key, OLD.expiresAt, versionOf(storage, key)));
}

function comeAndGo(storage: MemoryStorage): void {
  assert.ok(storage.create("new", LIVE, call(LATER)));
  assert.ok(storage.delete("new", versionOf(storage, "new")));
}

function comeIfThereIsRoom(storage: MemoryStorage): void {
  try {
    storage.create(crypto.randomUUID(), LIVE, call(LATER));
  } catch (error) {
    assert.equal((error as SessionError).code, "storage");
  }
}

const turn = (): Promise<"turn"> => new Promise((resolve) => setImmediate(() => resolve("turn")));

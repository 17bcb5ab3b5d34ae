import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createStore, type Storage } from "holdfast";
import { memoryStorage } from "holdfast/storage/memory";
import { observed, type ObservedCall } from "holdfast/storage/observed";
import { storageSuite } from "holdfast/testing";

describe("observed(memory): the storage contract", () => {
  for (const { name, run } of storageSuite(() => ({ storage: observed(memoryStorage(), () => {}) }))) test(name, run);
});

test("each call is reported once, with its outcome; failures pass through unchanged", async () => {
  const calls: ObservedCall[] = [];
  const inner = memoryStorage();
  const broken: Storage = Object.assign(Object.create(inner) as Storage, {
    get: (key: string) => inner.get(key),
    create: (...args: Parameters<Storage["create"]>) => inner.create(...args),
    update: () => Promise.reject(new Error("disk full")),
    touch: () => false,
    delete: () => false,
  });
  const store = createStore<{ a: number }>({ storage: observed(broken, (call) => calls.push(call)) });
  const session = await store.create({ a: 1 });
  session.set("a", 2);
  await assert.rejects(session.save(), { code: "storage" });
  await store.getByToken("A".repeat(43));
  assert.deepEqual(
    calls.map(({ name, outcome }) => `${name} ${outcome}`),
    ["create done", "update failed", "get refused"],
  );
  assert.equal((calls[1]!.error as Error).message, "disk full");
  for (const { ms } of calls) assert.ok(ms >= 0);
});

test("a listener that throws changes nothing", async () => {
  const store = createStore<{ a: number }>({
    storage: observed(memoryStorage(), () => {
      throw new Error("listener");
    }),
  });
  const { token } = await store.create({ a: 1 });
  assert.equal((await store.getByToken(token))?.get("a"), 1);
});

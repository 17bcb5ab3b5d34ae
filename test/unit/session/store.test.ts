import assert from "node:assert/strict";
import { test } from "node:test";
import { createStore } from "holdfast";
import { memoryStorage } from "holdfast/storage/memory";
import { testClock } from "holdfast/testing";

interface Data {
  n: number;
}

test("a session is stored, opened by its token and by its id, and edited without a request", async () => {
  const store = createStore<Data>({ storage: memoryStorage(), clock: testClock() });
  const { token, id } = await store.create({ n: 1 });
  assert.equal((await store.getByToken(token))?.get("n"), 1);
  assert.equal(await store.edit(id, (session) => session.update("n", (n = 0) => n + 1)), true);
  assert.equal((await store.getById(id))?.get("n"), 2);
  assert.equal(await store.delete(id), true);
  assert.equal(await store.getByToken(token), undefined);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createStore } from "holdfast";
import { session } from "holdfast/fetch";
import { d1Storage, durableStorage, type D1Client, type DurableNamespace } from "holdfast/storage/cloudflare";
import { until } from "../../support/within.js";

const database = (): D1Client => ({ prepare() {}, batch() {} }) as never;
const namespace = (): DurableNamespace => ({ idFromName() {}, newUniqueId() {}, get() {} }) as never;

test("one binding has one storage, for each table; another binding has another one", () => {
  const [one, other] = [database(), database()];
  assert.equal(d1Storage(one), d1Storage(one));
  assert.equal(d1Storage(one), d1Storage(one, { table: "holdfast_sessions" }));
  assert.notEqual(d1Storage(one), d1Storage(one, { table: "other" }));
  assert.equal(d1Storage(one, { table: "other" }), d1Storage(one, { table: "other" }));
  assert.notEqual(d1Storage(one), d1Storage(other));
  const objects = namespace();
  assert.equal(durableStorage(objects), durableStorage(objects));
  assert.notEqual(durableStorage(objects), durableStorage(namespace()));
});

test("a binding that is not used any more is forgotten, with its storages and stores", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const sessions = session<object>({ storage: (_request, env: { DB: D1Client }) => d1Storage(env.DB) });
  const handler = sessions((_request: Request, _env: { DB: D1Client }) => new Response("ok"));
  const used = async (): Promise<WeakRef<object>[]> => {
    const [DB, SESSIONS] = [database(), namespace()];
    await handler(new Request("http://localhost/"), { DB });
    createStore({ storage: durableStorage(SESSIONS) });
    return [DB, SESSIONS].map((binding) => new WeakRef(binding));
  };
  const bindings = await used();
  await until("the garbage collection", () => {
    collect();
    return bindings.every((binding) => binding.deref() === undefined);
  });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "../support/client.js";
import { start } from "./running.js";

test("a service finds the session of its request, also among others, and a logger none outside of requests", async (t) => {
  const { origin, printed } = await start(t, "current-session.js");
  const [ann, bob] = [new Client(origin), new Client(origin)];
  assert.deepEqual((await ann.post("/orders/tea")).json(), { orders: 1 });
  const answers = await Promise.all([ann.post("/orders/mug"), bob.post("/orders/pot"), ann.get("/id")]);
  assert.deepEqual([answers[0].json(), answers[1].json()], [{ orders: 2 }, { orders: 1 }]);
  const { id } = answers[2].json();
  assert.match(printed(), /\{"message":"listening","session":null\}/);
  assert.ok(printed().includes(`{"message":"ordered mug","session":"${id}"}`), printed());
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "../support/client.js";
import { start } from "./running.js";

test("two versions with schemas of their own serve one session, and neither loses what the other one keeps", async (t) => {
  const { origin } = await start(t, "schemas.js");
  const client = new Client(origin);
  assert.deepEqual((await client.post("/older/cart/tea")).json(), { cart: ["tea"], nickname: "Ann" });
  const { items } = (await client.post("/newer/items/mug")).json();
  assert.deepEqual(items, [{ id: "mug", count: 1 }]);
  const json = { "Content-Type": "application/json" };
  assert.equal((await client.post("/newer/name", { headers: json, body: '{ "name": 5 }' })).status, 400);
  await client.post("/newer/name", { headers: json, body: '{ "name": "Ann B." }' });
  await client.post("/older/cart/pot");
  assert.deepEqual((await client.get("/older/")).json(), {
    cart: ["tea", "pot"],
    nickname: "Ann",
    items: [{ id: "mug", count: 1 }],
    name: "Ann B.",
  });
});

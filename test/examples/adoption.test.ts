import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "../support/client.js";
import { start } from "./running.js";

test("who was logged in by express-session still is, once, and a logout is final", async (t) => {
  const { origin } = await start(t, "adoption.js");
  const client = new Client(origin);
  await client.post("/before/login/ann");
  const old = client.cookieHeader;
  assert.deepEqual((await client.get("/after/")).json(), { owner: "ann", visits: 2 });
  assert.doesNotMatch(client.cookieHeader, /connect\.sid/);
  const lost = new Client(origin);
  assert.deepEqual((await lost.get("/after/", { headers: { cookie: old } })).json(), { owner: "ann", visits: 3 });
  await client.post("/after/logout");
  const again = await new Client(origin).get("/after/", { headers: { cookie: old } });
  assert.deepEqual(again.json(), { owner: null, visits: 1 });
});

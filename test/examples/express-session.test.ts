import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "../support/client.js";
import { start } from "./running.js";

test("an application of express-session with one line changed", async (t) => {
  const { origin } = await start(t, "../express-session.cjs");
  const client = new Client(origin);
  await Promise.all([client.get("/"), client.get("/")]);
  const counted = await Promise.all(Array.from({ length: 20 }, () => client.get("/")));
  assert.equal(Math.max(...counted.map((one) => one.json().views)), 21);
  assert.deepEqual((await client.follow("/login", { method: "POST" })).json(), { views: 1, user: "ann" });
  assert.deepEqual((await client.follow("/logout", { method: "POST" })).json(), { views: 1 });
});

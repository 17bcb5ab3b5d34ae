/** Tests of a Hono application by `app.request`: no port, no network. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Hono } from "hono";
import { session, type SessionEnv } from "holdfast/hono";
import { seed } from "holdfast/testing";

interface Data {
  theme: "light" | "dark";
}

const sessions = session<Data>();
const app = new Hono<SessionEnv<Data>>().use(sessions).get("/account", (c) => {
  const { owner } = c.get("session");
  if (owner === undefined) return c.body(null, 401);
  return c.json({ owner, theme: c.get("session").get("theme") });
});

test("a visitor is refused", async () => {
  assert.equal((await app.request("/account")).status, 401);
});

test("a customer sees the account", async () => {
  const headers = await seed(sessions, { theme: "dark" }, { owner: "user-1" });
  const response = await app.request("/account", { headers });
  assert.deepEqual(await response.json(), { owner: "user-1", theme: "dark" });
});

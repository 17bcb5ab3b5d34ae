/** Tests of an Express application with supertest: a guarded page, and a re-authentication that is ten minutes old. */
import assert from "node:assert/strict";
import { test } from "node:test";
import express from "express";
import { session } from "holdfast/express";
import { seed } from "holdfast/testing";
import request from "supertest";

const sessions = session<{ cart: string[] }>();
const app = express();
app.use(sessions);
app.get("/account", (req, res) => {
  const { owner } = sessions.get(req);
  if (owner === undefined) return void res.sendStatus(401);
  res.json({ owner, cart: sessions.get(req).get("cart") ?? [] });
});
app.post("/pay", (req, res) => void res.sendStatus(sessions.get(req).authenticatedWithin("5m") ? 204 : 403));

test("a visitor is refused", async () => {
  await request(app).get("/account").expect(401);
});

test("a customer sees the account", async () => {
  const headers = await seed(sessions, { cart: ["rope"] }, { owner: "user-1" });
  const { body } = await request(app).get("/account").set(headers).expect(200);
  assert.deepEqual(body, { owner: "user-1", cart: ["rope"] });
});

test("whoever signed in ten minutes ago is asked for the password again", async () => {
  const authenticatedAt = Date.now() - 10 * 60_000;
  const [old, fresh] = await Promise.all([
    seed(sessions, {}, { owner: "user-1", authenticatedAt }),
    seed(sessions, {}, { owner: "user-1" }),
  ]);
  await request(app).post("/pay").set(old).expect(403);
  await request(app).post("/pay").set(fresh).expect(204);
});

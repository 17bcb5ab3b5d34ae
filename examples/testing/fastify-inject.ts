/** Tests of a Fastify application by `inject`: no port, no network. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fastify from "fastify";
import { session } from "holdfast/fastify";
import { seed } from "holdfast/testing";

const sessions = session<{ visits: number }>();
const app = fastify();
await app.register(sessions);
app.get("/account", async (req, reply) => {
  const { owner } = sessions.get(req);
  if (owner === undefined) return reply.code(401).send();
  sessions.get(req).update("visits", (visits = 0) => visits + 1);
  return { owner, visits: sessions.get(req).get("visits") };
});

test("a visitor is refused", async () => {
  assert.equal((await app.inject("/account")).statusCode, 401);
});

test("a customer's third visit", async () => {
  const headers = await seed(sessions, { visits: 2 }, { owner: "user-1" });
  const response = await app.inject({ url: "/account", headers });
  assert.deepEqual(response.json(), { owner: "user-1", visits: 3 });
});

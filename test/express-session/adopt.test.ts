import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createRequire } from "node:module";
import { test, type TestContext } from "node:test";
import express from "express";
import { fromExpressSession } from "holdfast/adopt";
import { memoryStorage } from "holdfast/storage/memory";
import { Client } from "../support/client.js";

const require = createRequire(import.meta.url);
const original = require("express-session");
const dropIn = require("holdfast/express-session");
const secret = "a secret of both";

async function serving(t: TestContext, middleware: any): Promise<string> {
  const app = express();
  app.use(middleware);
  app.get("/login", (req: any, res) => ((req.session.user = "ann"), void res.end()));
  app.get(
    "/",
    (req: any, res) =>
      void res.json({ user: req.session.user ?? null, n: (req.session.n = (req.session.n ?? 0) + 1) }),
  );
  app.get("/logout", (req: any, res, next) =>
    req.session.destroy((error: unknown) => (error ? next(error) : res.end())),
  );
  const server = createServer(app).listen(0, "127.0.0.1");
  t.after(() => (server.close(), server.closeAllConnections()));
  await new Promise((resolve) => server.once("listening", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("from a store of express-session to a storage: the same cookie name, the old session goes on, once", async (t) => {
  const store = new original.MemoryStore();
  const old = new Client(await serving(t, original({ secret, store, resave: false, saveUninitialized: false })));
  await old.get("/login");
  const cookie = old.cookieHeader;
  const adopt = [fromExpressSession({ secret, store })];
  const options = { secret, storage: memoryStorage(), adopt, resave: false, saveUninitialized: false };
  const origin = await serving(t, dropIn(options));
  const client = new Client(origin);
  assert.deepEqual((await client.get("/", { headers: { cookie } })).json(), { user: "ann", n: 1 });
  assert.notEqual(client.cookieHeader, cookie);
  assert.deepEqual((await client.get("/")).json(), { user: "ann", n: 2 });
  await client.get("/logout");
  assert.deepEqual((await client.get("/", { headers: { cookie } })).json(), { user: null, n: 1 });
});

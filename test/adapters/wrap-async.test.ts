import assert from "node:assert/strict";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { test, type TestContext } from "node:test";
import connect from "connect";
import express from "express";
import type { SessionError } from "holdfast";
import { session as connectSession, wrapAsync as wrapConnect } from "holdfast/connect";
import { session, wrapAsync } from "holdfast/express";
import { listening } from "../support/apps/serving.js";
import { Client } from "../support/client.js";
import { watched } from "../support/storages.js";
import { mishaps } from "./hygiene.js";

interface Data {
  user: string;
}

const express4 = createRequire(import.meta.url)("express4") as typeof express;
const versions = [
  ["Express 5", express],
  ["Express 4", express4],
] as const;

async function clientOf(t: TestContext, listener: Parameters<typeof createServer>[1]): Promise<Client> {
  const before = mishaps.length;
  const served = await listening(createServer(listener!), [], []);
  t.after(() => served.close());
  t.after(() => assert.deepEqual(mishaps.slice(before), []));
  return new Client(served.origin);
}

for (const [name, make] of versions) {
  test(`${name}: a session method that fails in an async handler reaches the error handler, by wrapAsync`, async (t) => {
    const storage = watched();
    const sessions = session<Data>({ storage });
    const errors: unknown[] = [];
    const app = make();
    app.use(sessions);
    app.get(
      "/put",
      wrapAsync(async (req, res) => {
        sessions.get(req).set("user", "ann");
        await sessions.get(req).save();
        res.send("put");
      }),
    );
    app.get(
      "/out",
      wrapAsync(async (req, res) => {
        await sessions.get(req).destroy();
        res.send("out");
      }),
    );
    app.use((error: unknown, _req: express.Request, res: express.Response, next: express.NextFunction) => {
      errors.push((error as SessionError).code);
      if (res.headersSent) return next(error);
      return res.status((error as SessionError).status).send("sorry");
    });
    const client = await clientOf(t, app);
    assert.equal((await client.get("/put")).body, "put");
    storage.fail("delete", "update");
    const failed = await client.get("/out");
    assert.deepEqual([failed.status, failed.body, errors], [503, "sorry", ["storage"]]);
    assert.equal((await client.get("/put")).status, 503);
    storage.heal();
    assert.equal((await client.get("/out")).body, "out");
  });

  test(`${name}: wrapAsync passes on synchronous exceptions, rejections with undefined, and errors of error and parameter handlers`, async (t) => {
    const app = make();
    const log: unknown[] = [];
    app.param(
      "id",
      wrapAsync(
        async (
          _req: express.Request,
          _res: express.Response,
          next: express.NextFunction,
          id: string,
          name: string,
        ) => {
          if (id === "bad") throw new RangeError(`${name} is bad`);
          next();
        },
      ),
    );
    app.get(
      "/of/:id",
      wrapAsync(async (req, res) => void res.send(req.params["id"])),
    );
    app.get(
      "/at-once",
      wrapAsync(() => {
        throw new RangeError("at once");
      }),
    );
    app.get(
      "/nothing",
      wrapAsync(() => Promise.reject()),
    );
    app.get(
      "/on",
      wrapAsync(async (_req, _res, next) => next()),
      (_req, res) => void res.send("went on"),
    );
    app.get(
      "/answered",
      wrapAsync(async (_req, res) => {
        res.send("first");
        throw new RangeError("after the answer");
      }),
    );
    app.use(
      wrapAsync(async (error: Error, req: express.Request, _res: express.Response, _next: express.NextFunction) => {
        log.push(req.path, error.name);
        throw Object.assign(new TypeError("of the handler"), { status: 418 });
      }),
    );
    app.use((error: Error, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
      log.push(error.name);
      if (!res.headersSent) res.status(418).send("sorry");
    });
    const client = await clientOf(t, app);
    assert.equal((await client.get("/of/good")).body, "good");
    assert.equal((await client.get("/on")).body, "went on");
    assert.deepEqual(log.splice(0), []);
    for (const path of ["/of/bad", "/at-once", "/nothing"]) {
      assert.equal((await client.get(path)).status, 418, path);
      assert.deepEqual(log.splice(0), [path, path === "/nothing" ? "Error" : "RangeError", "TypeError"]);
    }
    assert.equal((await client.get("/answered")).body, "first");
    assert.deepEqual(log.splice(0), ["/answered", "RangeError", "TypeError"]);
    for (const handler of [() => {}, (_a: unknown) => {}, (_a: unknown, _b: unknown, _c: unknown, _d: unknown) => {}])
      assert.equal(wrapAsync(handler).length, handler.length);
    assert.throws(() => wrapAsync("handler" as never), TypeError);
  });
}

test("connect: the same", async (t) => {
  const storage = watched();
  const sessions = connectSession<Data>({ storage });
  const app = connect();
  app.use(sessions);
  app.use(
    wrapConnect(async (req, res) => {
      sessions.get(req).set("user", "ann");
      await sessions.get(req).save();
      res.end("put");
    }),
  );
  const client = await clientOf(t, app);
  storage.fail("create");
  assert.equal((await client.get("/")).status, 503);
});

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import express from "express";
import fastify from "fastify";
import type { SessionError } from "holdfast";
import { session as expressSession } from "holdfast/express";
import { findSession, session as fastifySession } from "holdfast/fastify";
import { session as koaSession } from "holdfast/koa";
import Koa from "koa";
import { listening } from "../support/apps/serving.js";
import { begin, Client } from "../support/client.js";
import { watched } from "../support/storages.js";
import { until } from "../support/within.js";
import { mishaps } from "./hygiene.js";

/**
 * Where frameworks tell of what happened to a request, and an exception would end the process or another error be
 * answered.
 */

interface Data {
  user: string;
}

/** Reads the session in the framework's own place. */
const userOf = (context: { session?: any }): unknown => context.session.get("user");

function noMishaps(t: TestContext): void {
  const before = mishaps.length;
  t.after(() => assert.deepEqual(mishaps.slice(before), []));
}

const { fromNpm } = (await import(new URL("../../scripts/from-npm.mjs", import.meta.url).href)) as {
  fromNpm(packages: Record<string, string>): string;
};
const morgan: any = createRequire(join(fromNpm({ morgan: "1.12.1" }), "_.js"))("morgan");
const express4 = createRequire(import.meta.url)("express4") as typeof express;

for (const [name, make] of [
  ["Express 5", express],
  ["Express 4", express4],
] as const) {
  test(`${name}: morgan with a token that reads req.session: the storage up, down, and the client gone while it loads`, async (t) => {
    noMishaps(t);
    const storage = watched();
    const lines: string[] = [];
    const sessions = expressSession<Data>({ storage });
    const app = make();
    app.use(
      morgan((_tokens: unknown, req: object) => `user ${userOf(req)}`, {
        stream: { write: (line: string) => void lines.push(line.trim()) },
      }),
    );
    app.use(sessions);
    app.get("/", (req, res) => (sessions.get(req).set("user", "ann"), void res.send("put")));
    const served = await listening(createServer(app), [], []);
    t.after(() => served.close());
    const client = new Client(served.origin);
    assert.equal((await client.get("/")).status, 200);
    storage.fail("get");
    assert.equal((await client.get("/")).status, 503);
    await until("the log", () => lines.length === 2);
    const gate = storage.park("get");
    const { req, response } = begin(served.origin, "/", { headers: { cookie: client.cookieHeader } });
    await gate.reached;
    req.destroy();
    await response.catch(() => {});
    await until("the log", () => lines.length === 3);
    assert.deepEqual(lines, ["user ann", "user undefined", "user undefined"]);
    storage.heal();
    gate.release();
    assert.equal((await client.get("/")).status, 200);
  });
}

test("Koa: an `error` listener that reads ctx.session, while the storage is down and if it was not loaded", async (t) => {
  noMishaps(t);
  for (const load of ["eager", "lazy"] as const) {
    const storage = watched();
    const users: unknown[] = [];
    const app = new Koa();
    app.on("error", (error: Error, ctx: Koa.Context) => users.push(error.name, userOf(ctx)));
    const sessions = koaSession<Data>({ storage, load });
    app.use(sessions);
    app.use(async (ctx) => {
      if (ctx.path === "/throw") throw new RangeError("thrown by the handler");
      (await sessions.load(ctx)).set("user", "ann");
      ctx.body = "put";
    });
    const served = await listening(createServer(app.callback()), [], []);
    t.after(() => served.close());
    const client = new Client(served.origin);
    await client.get("/put");
    assert.equal((await client.get("/throw")).status, 500);
    assert.deepEqual(users.splice(0), ["RangeError", load === "eager" ? "ann" : undefined], load);
    storage.fail("get");
    assert.equal((await client.get("/put")).status, 503);
    assert.deepEqual(users.splice(0), ["SessionError", undefined], load);
  }
});

test("Koa: an application with its own context.onerror is called as before", async (t) => {
  noMishaps(t);
  const storage = watched();
  const app = new Koa();
  const told: unknown[] = [];
  const onerror = function (this: Koa.Context, error: (Error & { status?: number }) | null): void {
    if (!error) return;
    told.push(error.message, userOf(this));
    this.res.statusCode = error.status ?? 500;
    this.res.end("own page");
  };
  Object.assign(app.context, { onerror });
  app.use(koaSession<Data>({ storage }));
  app.use((ctx) => ctx.throw(418, "teapot"));
  const served = await listening(createServer(app.callback()), [], []);
  t.after(() => served.close());
  const client = new Client(served.origin);
  assert.deepEqual([(await client.get("/")).status, told.splice(0)], [418, ["teapot", undefined]]);
  client.cookies.set("session_id", "A".repeat(43));
  storage.fail("get");
  const answer = await client.get("/");
  assert.deepEqual([answer.status, answer.body, told.length], [503, "own page", 2]);
});

test("Fastify: hooks and serializers that read request.session while the storage is down: 503, and nothing is thrown", async (t) => {
  noMishaps(t);
  const storage = watched();
  const lines: string[] = [];
  const users: unknown[] = [];
  const app = fastify({
    logger: {
      stream: { write: (line: string) => void lines.push(line) },
      serializers: {
        req: (request) => ({ user: findSession<Data>(request)?.get("user") ?? null }),
        res: (reply) => ({ user: String(userOf((reply as unknown as { request: object }).request)) }),
      },
    },
  });
  const sessions = fastifySession<Data>({ storage });
  await app.register(sessions);
  app.addHook("onResponse", async (request) => void users.push(userOf(request)));
  app.addHook("onError", async (request) => void users.push(findSession<Data>(request)?.get("user")));
  app.get("/", async (request) => (sessions.get(request).set("user", "ann"), "put"));
  const client = new Client(await app.listen({ port: 0, host: "127.0.0.1" }));
  t.after(() => app.close());
  assert.equal((await client.get("/")).status, 200);
  await until("the log", () => lines.length >= 3 && users.length === 1);
  storage.fail("get");
  assert.equal((await client.get("/")).status, 503);
  await until("the log", () => lines.filter((line) => line.includes("request completed")).length === 2);
  const completed = lines
    .filter((line) => line.includes("request completed"))
    .map((line) => JSON.parse(line).res.user);
  assert.deepEqual(completed, ["ann", "undefined"]);
  await until("the hook", () => users.length === 3);
  assert.deepEqual(users, ["ann", undefined, undefined]);
});

test("Fastify: an onError hook and an error handler that read request.session themselves: the storage error is the response", async (t) => {
  noMishaps(t);
  for (const where of ["onError", "setErrorHandler", "both", "async setErrorHandler"]) {
    const storage = watched();
    const codes: unknown[] = [];
    const app = fastify();
    await app.register(fastifySession<Data>({ storage }));
    if (where === "onError" || where === "both") {
      app.addHook("onError", async (request, _reply, error) => {
        codes.push((error as SessionError).code);
        userOf(request);
      });
    }
    if (where === "setErrorHandler" || where === "both")
      app.setErrorHandler((_error, request, reply) => reply.code(503).send(`sorry ${userOf(request)}`));
    if (where === "async setErrorHandler") app.setErrorHandler(async (_error, request) => `sorry ${userOf(request)}`);
    app.get("/", async () => "put");
    const client = new Client(await app.listen({ port: 0, host: "127.0.0.1" }));
    t.after(() => app.close());
    client.cookies.set("session_id", "A".repeat(43));
    storage.fail("get");
    assert.equal((await client.get("/")).status, 503, where);
    assert.deepEqual([...new Set(codes)], where === "onError" || where === "both" ? ["storage"] : []);
    storage.heal();
    assert.equal((await client.get("/")).status, 200);
  }
});

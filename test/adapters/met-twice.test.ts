import assert from "node:assert/strict";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { test, type TestContext } from "node:test";
import { createAdaptorServer } from "@hono/node-server";
import Router from "@koa/router";
import connect from "connect";
import express from "express";
import fastify, { type FastifyRequest } from "fastify";
import { fromCookie } from "holdfast";
import { session as connectSession } from "holdfast/connect";
import { session as expressSession } from "holdfast/express";
import { session as fastifySession } from "holdfast/fastify";
import { session as fetchSession } from "holdfast/fetch";
import { session as honoSession, type SessionEnv } from "holdfast/hono";
import { session as koaSession } from "holdfast/koa";
import { session as nodeSession } from "holdfast/node";
import { Hono } from "hono";
import Koa from "koa";
import { listening } from "../support/apps/serving.js";
import { Client } from "../support/client.js";
import { watched, type WatchedStorage } from "../support/storages.js";

/**
 * How applications come to meet one middleware twice: each counts visits, on `/` and on `/sub`, and is met twice on
 * the latter.
 */

interface Data {
  n: number;
}

const next = (n: number | undefined): number => (n ?? 0) + 1;

type Server = Parameters<typeof listening>[0];

async function countsOnce(t: TestContext, storage: WatchedStorage, server: Server): Promise<void> {
  const app = await listening(server, [], []);
  t.after(() => app.close());
  const client = new Client(app.origin);
  for (const [i, path] of ["/", "/sub", "/", "/sub"].entries()) {
    storage.forget();
    const answer = await client.get(path);
    assert.deepEqual([answer.status, answer.body], [200, String(i + 1)], path);
    assert.deepEqual(storage.counts, i === 0 ? { create: 1 } : { get: 1, update: 1 });
    assert.equal(answer.setCookies.length, i === 0 ? 1 : 0);
  }
  const visitor = new Client(app.origin);
  assert.equal((await visitor.get("/sub")).setCookies.length, 1);
  assert.equal((await visitor.get("/sub")).body, "2");
}

const express4 = createRequire(import.meta.url)("express4") as typeof express;

for (const [name, make] of [
  ["Express 5", express],
  ["Express 4", express4],
] as const) {
  test(`${name}: application, router and sub-application; a request handed to the application again`, async (t) => {
    for (const kind of ["router", "sub-application", "again"]) {
      const storage = watched();
      const sessions = expressSession<Data>({ storage });
      const count: express.RequestHandler = (req, res) => {
        sessions.get(req).update("n", next);
        res.send(String(sessions.get(req).get("n")));
      };
      const app = make();
      app.use(sessions);
      const sub = kind === "router" ? make.Router() : make();
      sub.use(sessions, count);
      app.get("/", count);
      if (kind !== "again") app.use("/sub", sub);
      app.get("/sub", (req, res) => {
        req.url = "/";
        (app as unknown as (req: object, res: object) => void)(req, res);
      });
      await countsOnce(t, storage, createServer(app));
    }
  });
}

test("connect: an application inside another", async (t) => {
  const storage = watched();
  const sessions = connectSession<Data>({ storage });
  const count: connect.NextHandleFunction = (req, res) => {
    sessions.get(req).update("n", next);
    res.end(String(sessions.get(req).get("n")));
  };
  const sub = connect().use(sessions).use(count);
  await countsOnce(t, storage, createServer(connect().use(sessions).use("/sub", sub).use(count)));
});

test("node: a listener inside another", async (t) => {
  const storage = watched();
  const sessions = nodeSession<Data>({ storage });
  const count = sessions((req, res) => {
    req.session.update("n", next);
    res.end(String(req.session.get("n")));
  });
  await countsOnce(t, storage, createServer(sessions((req, res) => count(req, res))));
});

test("Koa: a router, and another application's callback on the same request", async (t) => {
  const storage = watched();
  const sessions = koaSession<Data>({ storage });
  const count = (ctx: Koa.Context): void => {
    (ctx["session"] as any).update("n", next);
    ctx.body = String(sessions.get(ctx).get("n"));
  };
  const router = new Router().get("/sub", sessions as never, count as never);
  await countsOnce(
    t,
    storage,
    createServer(
      new Koa()
        .use(sessions)
        .use(router.routes() as never)
        .use(count)
        .callback(),
    ),
  );

  const other = watched();
  const twice = koaSession<Data>({ storage: other });
  const inner = new Koa().use(twice).use((ctx) => {
    (ctx["session"] as any).update("n", next);
    ctx.body = String(twice.get(ctx).get("n"));
  });
  const outer = new Koa().use(twice).use(async (ctx) => {
    if (ctx.path === "/sub") {
      ctx.respond = false;
      return inner.callback()(ctx.req, ctx.res);
    }
    twice.get(ctx).update("n", next);
    ctx.body = String(twice.get(ctx).get("n"));
  });
  await countsOnce(t, other, createServer(outer.callback()));
});

test("Fastify: registered for the application and for a scope of it", async (t) => {
  const storage = watched();
  const sessions = fastifySession<Data>({ storage });
  const count = async (request: FastifyRequest): Promise<string> => {
    sessions.get(request).update("n", next);
    return String(sessions.get(request).get("n"));
  };
  const app = fastify();
  await app.register(sessions);
  app.get("/", count);
  await app.register(async (scope) => {
    await scope.register(sessions);
    scope.get("/sub", count);
  });
  await app.ready();
  await countsOnce(t, storage, app.server);
});

test("Fastify: a request routed again by another instance", async (t) => {
  const storage = watched();
  const sessions = fastifySession<Data>({ storage });
  const count = async (request: FastifyRequest): Promise<string> => {
    sessions.get(request).update("n", next);
    return String(sessions.get(request).get("n"));
  };
  const [inner, outer] = [fastify(), fastify()];
  await inner.register(sessions);
  inner.get("/sub", count);
  await inner.ready();
  await outer.register(sessions);
  outer.get("/", count);
  outer.get("/sub", (request, reply) => {
    reply.hijack();
    inner.routing(request.raw, reply.raw);
  });
  await outer.ready();
  await countsOnce(t, storage, outer.server);
});

test("Hono: a route of an application inside another, and another application asked with the same Request", async (t) => {
  for (const isAsked of [false, true]) {
    const storage = watched();
    const sessions = honoSession<Data>({ storage });
    const inner = new Hono<SessionEnv<Data>>().basePath(isAsked ? "/sub" : "/").use(sessions);
    inner.get("/", (c) => {
      c.get("session").update("n", next);
      return c.text(String(sessions.get(c).get("n")));
    });
    const outer = new Hono<SessionEnv<Data>>().use(sessions);
    if (isAsked) outer.get("/sub", (c) => inner.fetch(c.req.raw, c.env));
    else outer.route("/sub", inner);
    outer.get("/", (c) => {
      c.get("session").update("n", next);
      return c.text(String(c.get("session").get("n")));
    });
    await countsOnce(t, storage, createAdaptorServer({ fetch: outer.fetch }) as Server);
  }
});

test("fetch: a handler inside another; one Request that is handled twice counts as two requests", async () => {
  const storage = watched();
  const sessions = fetchSession<Data>({ storage });
  const count = sessions((request) => {
    sessions.get(request).update("n", next);
    return new Response(String(sessions.get(request).get("n")));
  });
  const handler = sessions((request) => count(request));
  const request = new Request("https://shop.example/");
  const first = await handler(request);
  assert.deepEqual(
    [await first.text(), first.headers.getSetCookie().length, storage.counts],
    ["1", 1, { create: 1 }],
  );
  const second = await handler(request);
  assert.deepEqual(
    [await second.text(), second.headers.getSetCookie().length, storage.counts],
    ["1", 1, { create: 2 }],
  );
  const back = new Request("https://shop.example/", {
    headers: { cookie: second.headers.getSetCookie()[0]!.split(";")[0]! },
  });
  storage.fail("get");
  assert.equal((await handler(back)).status, 503);
  storage.heal();
  assert.equal(await (await handler(back)).text(), "2");
});

test("two middlewares with the same cookie: an error that names both, also on two contexts of one request", async (t) => {
  const errors: unknown[] = [];
  const inner = new Koa({ env: "test" }).use(koaSession({ storage: watched(), namespace: "inside" }));
  inner.silent = true;
  inner.on("error", (error) => errors.push(error));
  const outer = new Koa()
    .use(koaSession({ storage: watched(), namespace: "outside" }))
    .use((ctx) => ((ctx.respond = false), inner.callback()(ctx.req, ctx.res)));
  const apart = new Koa()
    .use(koaSession({ storage: watched(), extractor: fromCookie("other") }))
    .use((ctx) => ((ctx.respond = false), inner.callback()(ctx.req, ctx.res)));
  for (const [app, status] of [
    [outer, 500],
    [apart, 404],
  ] as const) {
    const served = await listening(createServer(app.callback()), [], []);
    t.after(() => served.close());
    assert.equal((await new Client(served.origin).get("/")).status, status);
  }
  assert.match(String(errors), /^TypeError: .*cookie session_id.*outside.*inside[^]*$/);
});

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { Readable } from "node:stream";
import { test, type TestContext } from "node:test";
import { setTimeout } from "node:timers/promises";
import Router from "@koa/router";
import { fromForm, fromParam, type SessionError } from "holdfast";
import { session, type KoaOptions, type Sessions } from "holdfast/koa";
import { memoryStorage } from "holdfast/storage/memory";
import Koa from "koa";
import { nodeBody } from "../support/apps/bodies.js";
import { listening } from "../support/apps/serving.js";
import { Client } from "../support/client.js";
import { watched } from "../support/storages.js";

const bodyParser = createRequire(import.meta.url)("koa-bodyparser") as () => Koa.Middleware;

interface Data {
  n: number;
  late: string;
}

interface Served {
  readonly client: Client;
  readonly sessions: Sessions<Data>;
  readonly errors: unknown[];
}

/** Serves an application; `before` are middlewares outside of the session. */
async function serving(
  t: TestContext,
  options: KoaOptions,
  handler: (ctx: Koa.Context, sessions: Sessions<Data>) => unknown,
  before: Koa.Middleware[] = [],
): Promise<Served> {
  const sessions = session<Data>({ storage: memoryStorage(), ...options });
  const app = new Koa();
  const errors: unknown[] = [];
  app.on("error", (error: unknown) => errors.push(error));
  for (const one of before) app.use(one);
  app.use(sessions);
  app.use(async (ctx) => handler(ctx, sessions));
  const served = await listening(createServer(app.callback()), [], errors);
  t.after(() => served.close());
  return { client: new Client(served.origin), sessions, errors };
}

const count = (ctx: Koa.Context, sessions: Sessions<Data>): void => {
  sessions.get(ctx).update("n", (n = 0) => n + 1);
  ctx.set("X-Own", "1");
  ctx.cookies.set("theme", "dark");
  ctx.status = 201;
  ctx.body = ctx.session;
};

test("a count grows, in ctx.session and the adapter's own, and the handler's cookie stays", async (t) => {
  const { client } = await serving(t, {}, count);
  assert.deepEqual((await client.get("/")).json(), { n: 1 });
  const answer = await client.get("/");
  assert.deepEqual([answer.status, answer.json()], [201, { n: 2 }]);
  assert.deepEqual([...client.cookies.keys()].sort(), ["session_id", "theme"]);
});

test("assigning to ctx.session says what to write", async (t) => {
  const { client, errors } = await serving(t, {}, (ctx) => Object.assign(ctx, { session: null }));
  assert.equal((await client.get("/")).status, 500);
  assert.match(String(errors[0]), /session\.destroy\(\)/);
});

test("a skipped request has no ctx.session, before and after others had one, and it can be assigned", async (t) => {
  const { client } = await serving(t, { skip: (ctx) => ctx.path === "/skipped" }, (ctx) => {
    const before = (ctx["session"] as unknown) === undefined;
    if (before) Object.assign(ctx, { session: "another" });
    ctx.body = [before, ctx["session"], Object.keys(ctx).includes("session")];
  });
  for (let round = 0; round < 2; round++) {
    assert.deepEqual((await client.get("/skipped")).json(), [true, "another", true]);
    assert.deepEqual((await client.get("/")).json(), [false, {}, false]);
  }
});

test("where ctx or app.context has a session of another kind, ours comes before it, for requests that are not skipped", async (t) => {
  const sessions = session<Data>({ storage: memoryStorage(), skip: (ctx) => ctx.path === "/skipped" });
  const serve = async (app: Koa): Promise<Client> => {
    app.use((ctx, next) => (ctx.path === "/own" && Object.assign(ctx, { session: "of this ctx" }), next()));
    app.use(sessions);
    app.use((ctx) => void (ctx.body = { session: ctx["session"] as unknown }));
    const served = await listening(createServer(app.callback()), [], []);
    t.after(() => served.close());
    return new Client(served.origin);
  };
  const answers = async (client: Client): Promise<unknown[]> =>
    Promise.all(["/", "/own", "/skipped"].map(async (path) => (await client.get(path)).json().session));
  const another = new Koa();
  Object.defineProperty(another.context, "session", { value: "of all", writable: true });
  assert.deepEqual(await answers(await serve(new Koa())), [{}, {}, undefined]);
  assert.deepEqual(await answers(await serve(another)), [{}, {}, "of all"]);
});

test("a response whose session is not used is not held: no listener is added", async (t) => {
  for (const load of ["eager", "lazy"] as const) {
    const { client } = await serving(
      t,
      { load },
      (ctx) => void (ctx.body = { listeners: ctx.res.listenerCount("close") }),
    );
    assert.deepEqual((await client.get("/")).json(), { listeners: 0 }, load);
  }
});

test("a session first used in a stream is saved when the body ends", async (t) => {
  const { client } = await serving(t, { load: "lazy" }, async (ctx, sessions) => {
    if (ctx.path === "/count") return count(ctx, (await sessions.load(ctx), sessions));
    ctx.body = nodeBody(async (write) => {
      await write("one ");
      await setTimeout(5);
      (await sessions.load(ctx)).set("late", "asked for in the stream");
      await write("two");
    });
  });
  await client.get("/count");
  assert.equal((await client.get("/stream")).body, "one two");
  assert.deepEqual((await client.get("/count")).json(), { n: 2, late: "asked for in the stream" });
});

test("an exception of a handler drops all headers, and the error response still carries the token", async (t) => {
  const { client } = await serving(t, {}, (ctx, sessions) => {
    count(ctx, sessions);
    if (ctx.path === "/throw") ctx.throw(418, "thrown by the handler");
  });
  const thrown = await client.get("/throw");
  assert.deepEqual([thrown.status, thrown.body, thrown.headers["x-own"]], [418, "thrown by the handler", undefined]);
  assert.deepEqual((await client.get("/")).json(), { n: 2 });
});

test("a failing save is passed to the outer middlewares, without any part of the handler's response", async (t) => {
  const storage = watched();
  const seen: unknown[] = [];
  const page: Koa.Middleware = async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      seen.push((error as SessionError).code, ctx.body, Object.keys(ctx.response.headers), ctx.headerSent);
      ctx.body = "a page";
    }
  };
  storage.fail("create");
  const { client } = await serving(t, { storage }, count, [page]);
  const answer = await client.get("/");
  assert.deepEqual(
    [answer.status, answer.body, answer.headers["x-own"], answer.setCookies],
    [503, "a page", undefined, []],
  );
  assert.deepEqual(seen, ["storage", undefined, [], false]);
});

test("without them it is Koa's own 503, before the handler and after it, and app's error event", async (t) => {
  const storage = watched();
  const { client, errors } = await serving(t, { storage }, count);
  await client.get("/");
  for (const call of ["get", "update"] as const) {
    storage.heal();
    storage.fail(call);
    const answer = await client.get("/");
    assert.deepEqual(
      [answer.status, answer.body, answer.headers["x-own"], answer.setCookies],
      [503, "Service Unavailable", undefined, []],
    );
  }
  assert.deepEqual(
    errors.map((error) => (error as SessionError).code),
    ["storage", "storage"],
  );
});

test("a handler throws and the save fails too: both are reported and the save's error is the response", async (t) => {
  const storage = watched();
  storage.fail("create");
  const { client, errors } = await serving(t, { storage }, (ctx, sessions) => {
    count(ctx, sessions);
    throw new Error("thrown by the handler");
  });
  assert.equal((await client.get("/")).status, 503);
  assert.deepEqual(
    errors.map((error) => (error as SessionError).code),
    [undefined, "storage"],
  );
});

const ways: Readonly<
  Record<string, { errorHandler: (error: unknown, ctx: Koa.Context) => void; answered: [number, string] }>
> = {
  body: { errorHandler: (_error, ctx) => (ctx.body = "down"), answered: [503, "down"] },
  status: { errorHandler: (_error, ctx) => void (ctx.status = 502), answered: [502, "Bad Gateway"] },
  both: {
    errorHandler: (_error, ctx) => ((ctx.status = 500), (ctx.body = { down: true })),
    answered: [500, '{"down":true}'],
  },
  nothing: { errorHandler: () => {}, answered: [503, "Service Unavailable"] },
};

for (const [name, { errorHandler, answered }] of Object.entries(ways)) {
  test(`errorHandler responds by ${name}, before the handler and after it`, async (t) => {
    const storage = watched();
    const { client } = await serving(t, { storage, errorHandler }, count);
    await client.get("/");
    for (const call of ["get", "update"] as const) {
      storage.heal();
      storage.fail(call);
      const answer = await client.get("/");
      assert.deepEqual([answer.status, answer.body, answer.headers["x-own"]], [...answered, undefined], call);
    }
  });
}

test("a change in a stream is stored before its end is seen", async (t) => {
  const { client } = await serving(t, {}, (ctx, sessions) => {
    if (ctx.path === "/read") return (ctx.body = ctx.session);
    const own = sessions.get(ctx);
    own.set("n", 1);
    return (ctx.body = Readable.from(
      (async function* () {
        yield "one ";
        own.set("late", "changed in the stream");
        yield "two";
      })(),
    ));
  });
  assert.equal((await client.get("/")).body, "one two");
  assert.deepEqual((await client.get("/read")).json(), { n: 1, late: "changed in the stream" });
});

test("a handler that bypasses Koa (ctx.respond = false): its session is saved and the cookie sent; a failing save is a 503", async (t) => {
  const storage = watched();
  const { client, errors } = await serving(t, { storage }, (ctx, sessions) => {
    sessions.get(ctx).update("n", (n = 0) => n + 1);
    ctx.respond = false;
    ctx.res.writeHead(200, { "Set-Cookie": "theme=dark" });
    ctx.res.end("raw");
  });
  const answer = await client.get("/");
  assert.deepEqual([answer.body, answer.setCookies.length], ["raw", 2]);
  storage.fail("update");
  assert.equal((await client.get("/")).status, 503);
  assert.equal((errors[0] as SessionError).code, "storage");
});

test("a redirect carries the token", async (t) => {
  const { client } = await serving(t, {}, (ctx, sessions) => {
    sessions.get(ctx).set("n", 1);
    ctx.redirect("/next");
  });
  const answer = await client.get("/");
  assert.deepEqual([answer.status, answer.headers.location, client.cookies.size], [302, "/next", 1]);
});

test("a form contains the token, parsed or not, and the handler still reads it", async (t) => {
  const storage = memoryStorage();
  for (const before of [[], [bodyParser()]]) {
    const { client, sessions } = await serving(
      t,
      { storage, extractor: fromForm("s") },
      async (ctx, own) => {
        await bodyParser()(ctx, async () => {});
        ctx.body = [own.get(ctx).get("n"), (ctx.request as { body?: { s?: string } }).body?.s];
      },
      before,
    );
    const { token } = await sessions.store.create({ n: 7 });
    assert.deepEqual((await client.post("/", { form: { s: token } })).json(), [7, token]);
  }
});

test("a route parameter contains the token", async (t) => {
  const sessions = session<Data>({ storage: memoryStorage(), extractor: fromParam("id") });
  const { token } = await sessions.store.create({ n: 7 });
  const router = new Router();
  router.get("/s/:id", sessions, (ctx) => {
    ctx.body = sessions.get(ctx);
  });
  const served = await listening(createServer(new Koa().use(router.routes()).callback()), [], []);
  t.after(() => served.close());
  assert.deepEqual((await new Client(served.origin).get(`/s/${token}`)).json(), { n: 7 });
});

test("store pattern: save() sets the cookie immediately", async (t) => {
  const sessions = session<Data>({ storage: memoryStorage() });
  const app = new Koa();
  app.use(async (ctx) => {
    ctx.cookies.set("theme", "dark");
    const own = await sessions.open(ctx);
    own.update("n", (n = 0) => n + 1);
    await own.save();
    ctx.body = [own.get("n"), (await sessions.read(ctx.req)).get("n") ?? null];
  });
  const served = await listening(createServer(app.callback()), [], []);
  t.after(() => served.close());
  const client = new Client(served.origin);
  assert.deepEqual((await client.get("/")).json(), [1, null]);
  assert.deepEqual((await client.get("/")).json(), [2, 2]);
  assert.deepEqual([...client.cookies.keys()].sort(), ["session_id", "theme"]);
});

for (const [name, errorHandler] of [
  ["without errorHandler", undefined],
  ["with one", (_error: unknown, ctx: Koa.Context) => void ((ctx.status = 418), (ctx.body = "tea"))],
] as const) {
  test(`a save that fails while other code ends ctx.res: one error response, ${name}; so with a raw response`, async (t) => {
    for (const isRaw of [false, true]) {
      const storage = watched();
      let handled = 0;
      const own = errorHandler && ((error: unknown, ctx: Koa.Context) => (handled++, errorHandler(error, ctx)));
      const { client, errors } = await serving(t, { storage, ...(own && { errorHandler: own }) }, (ctx, sessions) => {
        sessions.get(ctx).set("n", 1);
        if (isRaw) ctx.respond = false;
        else ctx.body = "page";
        const end = (): void => void (ctx.res.writableEnded || ctx.res.end("late"));
        if (isRaw) end();
        else void setTimeout(3).then(end);
      });
      const gate = storage.park("create");
      const answering = client.get("/");
      await gate.reached;
      await setTimeout(10);
      Object.assign(storage.inner, { create: () => Promise.reject(new Error("the database is down")) });
      gate.release();
      const answer = await answering;
      assert.deepEqual(
        [answer.status, answer.body, answer.setCookies, handled, errors.length],
        own ? [418, "tea", [], 1, 0] : [503, "Service Unavailable", [], 0, 1],
        `raw: ${isRaw}`,
      );
    }
  });
}

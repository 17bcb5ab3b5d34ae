import assert from "node:assert/strict";
import { test } from "node:test";
import { createAdaptorServer } from "@hono/node-server";
import { fromForm, fromParam, type SessionError } from "holdfast";
import { getSession, loadSession, session, type HonoOptions, type SessionEnv, type Sessions } from "holdfast/hono";
import { memoryStorage } from "holdfast/storage/memory";
import { Hono } from "hono";
import { streamText } from "hono/streaming";
import { listening, reported } from "../support/apps/serving.js";
import { Client } from "../support/client.js";
import { watched } from "../support/storages.js";

interface Data {
  n: number;
  late: string;
}

const made = (options: HonoOptions = {}): { app: Hono<SessionEnv<Data>>; sessions: Sessions<Data> } => {
  const sessions = session<Data>({ storage: memoryStorage(), ...options });
  const app = new Hono<SessionEnv<Data>>();
  app.use(sessions);
  app.all("/count", (c) => {
    c.get("session").update("n", (n = 0) => n + 1);
    c.header("Set-Cookie", "theme=dark");
    return c.json(c.get("session"), 201, { "X-Own": "1" });
  });
  return { app, sessions };
};

const cookieOf = (answer: Response): string =>
  answer.headers
    .getSetCookie()
    .map((line) => line.split(";")[0]!)
    .find((pair) => pair.startsWith("session_id=")) ?? "";
const withCookie = (answer: Response): RequestInit => ({ headers: { cookie: cookieOf(answer) } });

test("a count grows over real HTTP, and the handler's own cookie stays", async (t) => {
  const served = await listening(createAdaptorServer({ fetch: made().app.fetch }) as never, [], reported);
  t.after(() => served.close());
  const client = new Client(served.origin);
  assert.deepEqual((await client.get("/count")).json(), { n: 1 });
  assert.deepEqual((await client.get("/count")).json(), { n: 2 });
  assert.deepEqual([...client.cookies.keys()].sort(), ["session_id", "theme"]);
});

test("a failing save is onError's: nothing of the handler's status, headers and cookies is left", async () => {
  const storage = watched();
  storage.fail("create");
  const { app } = made({ storage });
  app.onError((error, c) => c.json({ code: (error as SessionError).code }));
  const answer = await app.request("/count");
  assert.deepEqual([answer.status, await answer.text()], [200, '{"code":"storage"}']);
  assert.deepEqual([...answer.headers.keys()], ["content-type"]);
});

test("without an onError a failing storage is a 503, before the handler and after it", async () => {
  const storage = watched();
  const { app } = made({ storage });
  const cookie = withCookie(await app.request("/count"));
  storage.fail("get");
  assert.equal((await app.request("/count", cookie)).status, 503);
  storage.heal();
  storage.fail("update");
  const answer = await app.request("/count", cookie);
  assert.deepEqual(
    [answer.status, await answer.text(), answer.headers.get("x-own")],
    [503, "Service Unavailable", null],
  );
});

test("errorHandler responds with a Response, before the handler and after it", async () => {
  const storage = watched();
  const { app } = made({ storage, errorHandler: (error, c) => c.text((error as SessionError).code, 599 as 500) });
  const cookie = withCookie(await app.request("/count"));
  for (const call of ["get", "update"] as const) {
    storage.heal();
    storage.fail(call);
    const answer = await app.request("/count", cookie);
    assert.deepEqual(
      [answer.status, await answer.text(), answer.headers.get("x-own"), answer.headers.getSetCookie()],
      [599, "storage", null, []],
    );
  }
});

test("an exception of a handler: the response of onError carries the session with its changes", async () => {
  const { app } = made();
  app.get("/throw", (c) => {
    c.get("session").set("n", 5);
    throw new Error("thrown by the handler");
  });
  app.onError((_error, c) => c.text("oops", 500));
  const answer = await app.request("/throw");
  assert.equal(answer.status, 500);
  assert.deepEqual(await (await app.request("/count", withCookie(answer))).json(), { n: 6 });
});

test("a request without a matching route starts no session", async () => {
  const storage = watched();
  const { app } = made({ storage });
  app.get("/throw", (c) => {
    c.get("session").set("n", 5);
    throw "not an error";
  });
  await assert.rejects(
    async () => app.request("/throw"),
    (thrown) => thrown === "not an error",
  );
  assert.deepEqual(storage.counts, {});
});

test("lazy: c.get returns the session after it is loaded", async () => {
  const { app, sessions } = made({ load: "lazy" });
  app.get("/lazy", async (c) => {
    const before = c.get("session") as unknown;
    const own = await sessions.load(c);
    own.set("n", 1);
    return c.json([
      before === undefined,
      c.get("session") === own,
      (await loadSession<Data>(c)) === own,
      getSession<Data>(c) === own,
    ]);
  });
  const answer = await app.request("/lazy");
  assert.deepEqual(await answer.json(), [true, true, true, true]);
  assert.notEqual(cookieOf(answer), "");
});

test("a change in a stream of Hono's is stored before its end is seen", async () => {
  const { app } = made();
  app.get("/stream", (c) => {
    const own = c.get("session");
    own.set("n", 1);
    return streamText(c, async (stream) => {
      await stream.write("one ");
      own.set("late", "changed in the stream");
      await stream.write("two");
    });
  });
  const answer = await app.request("/stream");
  assert.equal(await answer.text(), "one two");
  assert.deepEqual(await (await app.request("/count", withCookie(answer))).json(), {
    n: 2,
    late: "changed in the stream",
  });
});

test("immutable headers carry the token, beside what another middleware sets afterwards", async () => {
  const { sessions } = made();
  const app = new Hono<SessionEnv<Data>>();
  app.use(async (c, next) => {
    await next();
    c.header("X-After", "1");
  });
  app.use(sessions).get("/", (c) => {
    c.get("session").set("n", 1);
    return Response.redirect("http://localhost/next", 303);
  });
  const answer = await app.request("/");
  assert.deepEqual([answer.status, answer.headers.get("x-after")], [303, "1"]);
  assert.notEqual(cookieOf(answer), "");
});

test("storage is a function of the context, whose bindings it knows", async () => {
  const storage = watched();
  const { app } = made({ storage: (c) => c.env.storage });
  const answer = await app.request("/count", {}, { storage });
  assert.equal(answer.status, 201);
  assert.deepEqual(storage.counts, { create: 1 });
});

test("a route parameter contains the token; a form does, and handlers still read it in every way", async () => {
  const storage = memoryStorage();
  const byParam = session<Data>({ storage, extractor: fromParam("id") });
  const byForm = session<Data>({ storage, extractor: fromForm("s") });
  const { token } = await byParam.store.create({ n: 7 });
  const app = new Hono<SessionEnv<Data>>();
  app.get("/s/:id", byParam, (c) => c.json(c.get("session")));
  app.post("/parsed", byForm, async (c) => c.json([c.get("session").get("n"), (await c.req.parseBody())["s"]]));
  app.post("/raw", byForm, async (c) => c.json([c.get("session").get("n"), (await c.req.raw.formData()).get("s")]));
  app.use("/early/*", async (c, next) => (await c.req.parseBody(), next()));
  app.post("/early/x", byForm, async (c) => c.json([c.get("session").get("n"), (await c.req.parseBody())["s"]]));
  assert.deepEqual(await (await app.request(`/s/${token}`)).json(), { n: 7 });
  for (const path of ["/parsed", "/raw", "/early/x"]) {
    assert.deepEqual(
      await (await app.request(path, { method: "POST", body: new URLSearchParams({ s: token }) })).json(),
      [7, token],
      path,
    );
  }
});

test("store pattern: save() sets the cookie in the response of the handler, however it is created", async () => {
  const { sessions } = made();
  const app = new Hono();
  app.use(async (c, next) => {
    const own = await sessions.open(c);
    own.set("n", 1);
    await own.save();
    await own.save();
    await next();
  });
  app.get("/json", (c) => (c.header("Set-Cookie", "theme=dark", { append: true }), c.json(1)));
  app.get("/raw", () => new Response("raw"));
  const names = async (path: string): Promise<string[]> =>
    (await app.request(path)).headers.getSetCookie().map((line) => line.split("=")[0]!);
  assert.deepEqual(await names("/json"), ["session_id", "theme"]);
  assert.deepEqual(await names("/raw"), ["session_id"]);
});

test("an upgrade request is read from its context or its Request", async () => {
  const { app, sessions } = made();
  const init = withCookie(await app.request("/count"));
  const bare = new Hono().get("/", async (c) =>
    c.json([(await sessions.read(c)).get("n"), (await sessions.read(c.req.raw)).get("n")]),
  );
  assert.deepEqual(await (await bare.request("/", init)).json(), [1, 1]);
});

test("a thrown Response is thrown again with the session cookie; one whose save fails becomes a 503", async () => {
  const storage = watched();
  const { app } = made({ storage });
  const thrown = Response.redirect("http://localhost/home", 303);
  app.get("/throw", (c) => {
    c.get("session").update("n", (n = 0) => n + 1);
    throw thrown;
  });
  const caught = await Promise.resolve(app.request("/throw")).then(
    () => assert.fail("nothing was thrown"),
    (one: Response) => one,
  );
  assert.deepEqual(
    [caught.status, caught.headers.get("location"), thrown.headers.getSetCookie()],
    [303, "http://localhost/home", []],
  );
  assert.deepEqual(await (await app.request("/count", withCookie(caught))).json(), { n: 2 });
  storage.fail("create");
  assert.equal((await app.request("/throw")).status, 503);
});

test("a response that a later middleware replaces carries the token", async () => {
  const { app } = made();
  const outer = new Hono<SessionEnv<Data>>();
  outer.use(async (c, next) => {
    await next();
    c.res = new Response(`${await c.res.text()}, replaced`, c.res);
  });
  outer.route("/", app);
  const answer = await outer.request("/count");
  assert.deepEqual([answer.status, await answer.text()], [201, '{"n":1}, replaced']);
  assert.notEqual(cookieOf(answer), "");
});

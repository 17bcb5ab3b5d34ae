import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import formBody from "@fastify/formbody";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { fromCookie, fromForm, fromParam, type SessionError } from "holdfast";
import { getSession, session, type FastifyOptions, type Sessions } from "holdfast/fastify";
import { memoryStorage } from "holdfast/storage/memory";
import { nodeBody } from "../support/apps/bodies.js";
import { Client, overHttp2 } from "../support/client.js";
import { watched } from "../support/storages.js";

interface Data {
  n: number;
  late: string;
}

type Handler = (request: FastifyRequest, reply: FastifyReply, sessions: Sessions<Data>) => unknown;

interface Served {
  readonly app: FastifyInstance;
  readonly client: Client;
  readonly sessions: Sessions<Data>;
}

type Ending = { after(end: () => Promise<void>): void };

async function serving(
  t: Ending,
  options: FastifyOptions,
  handler: Handler,
  prepare: (app: FastifyInstance) => unknown = () => {},
): Promise<Served> {
  const sessions = session<Data>({ storage: memoryStorage(), ...options });
  const app = fastify({ forceCloseConnections: true });
  await prepare(app);
  await app.register(sessions);
  app.all("/*", async (request, reply) => handler(request, reply, sessions));
  app.get("/s/:id", (request, reply) => handler(request, reply, sessions));
  const origin = await app.listen({ port: 0, host: "127.0.0.1" });
  t.after(() => app.close());
  return { app, client: new Client(origin), sessions };
}

const count: Handler = (request, reply, sessions) => {
  sessions.get(request).update("n", (n = 0) => n + 1);
  reply.code(201).header("X-Own", "1").header("Set-Cookie", "theme=dark");
  reply.raw.setHeader("X-Raw", "1");
  return { ...request.session.toJSON() };
};

test("a count grows, in request.session and the adapter's own, and the handler's cookie stays", async (t) => {
  const { client } = await serving(t, {}, count);
  assert.deepEqual((await client.get("/")).json(), { n: 1 });
  const answer = await client.get("/");
  assert.deepEqual([answer.status, answer.json(), answer.headers["content-length"]], [201, { n: 2 }, "7"]);
  assert.deepEqual([...client.cookies.keys()].sort(), ["session_id", "theme"]);
});

test("inject() gets the same response", async (t) => {
  const { app } = await serving(t, {}, count);
  const answer = await app.inject("/");
  assert.deepEqual(
    [answer.statusCode, answer.json(), answer.cookies.map(({ name }) => name)],
    [201, { n: 1 }, ["theme", "session_id"]],
  );
});

test("over HTTP/2 too", async (t) => {
  const sessions = session<Data>({ storage: memoryStorage() });
  const app = fastify({ http2: true });
  await app.register(sessions);
  app.get("/", async (request) => {
    sessions.get(request).update("n", (n = 0) => n + 1);
    return sessions.get(request);
  });
  await app.listen({ port: 0, host: "127.0.0.1" });
  t.after(() => app.close());
  const { port } = app.server.address() as { port: number };
  const first = await overHttp2(port, "/");
  assert.deepEqual((await overHttp2(port, "/", { cookie: first.cookie("session_id")!.split(";")[0]! })).json(), {
    n: 2,
  });
});

test("a response whose session is not used is not held: no listener is added", async (t) => {
  for (const load of ["eager", "lazy"] as const) {
    const { client } = await serving(t, { load }, (_request, reply) => ({
      listeners: reply.raw.listenerCount("close"),
    }));
    assert.deepEqual((await client.get("/")).json(), { listeners: 0 }, load);
  }
});

test("a session first used in a stream, or after a raw write, is saved when the body ends", async (t) => {
  const { client } = await serving(t, { load: "lazy" }, async (request, reply, sessions) => {
    if (request.url === "/count") return count(request, reply, (await sessions.load(request), sessions));
    if (request.url === "/raw") {
      reply.raw.write("one ");
      (await sessions.load(request)).set("late", "after a raw write");
      reply.raw.end("two");
      return undefined;
    }
    return nodeBody(async (write) => {
      await write("one ");
      await setTimeout(5);
      (await sessions.load(request)).set("late", "asked for in the stream");
      await write("two");
    });
  });
  await client.get("/count");
  for (const [path, late] of [
    ["/stream", "asked for in the stream"],
    ["/raw", "after a raw write"],
  ] as const) {
    assert.equal((await client.get(path)).body, "one two");
    assert.equal((await client.get("/count")).json().late, late);
  }
});

test("assigning to request.session throws and says what to write; without a session reading it does", async (t) => {
  const said: string[] = [];
  const { client } = await serving(
    t,
    { skip: (request) => request.url === "/skipped" },
    (request) => {
      if (request.url === "/skipped") return request.session;
      return Object.assign(request, { session: {} });
    },
    (app) => app.addHook("onError", async (_request, _reply, error) => void said.push(error.message)),
  );
  assert.equal((await client.get("/")).status, 500);
  assert.equal((await client.get("/skipped")).status, 500);
  assert.match(said.join("\n"), /session\.set\("key", value\)[^]*skipped this request/);
});

test("two plugins side by side: each has its own, request.session is the inner one", async (t) => {
  const outer = session<Data>({ storage: memoryStorage(), extractor: fromCookie("outer") });
  const { client } = await serving(
    t,
    {},
    (request, _reply, sessions) => {
      outer.get(request).set("n", 1);
      sessions.get(request).set("n", 2);
      return [
        outer.get(request).get("n"),
        sessions.get(request) === getSession<Data>(request),
        sessions.get(request).get("n"),
      ];
    },
    (app) => app.register(outer),
  );
  assert.deepEqual((await client.get("/")).json(), [1, true, 2]);
  assert.deepEqual([...client.cookies.keys()].sort(), ["outer", "session_id"]);
});

test("an exception of a handler: the error response carries the session with its changes", async (t) => {
  const { client } = await serving(t, {}, (request, reply, sessions) => {
    const answer = count(request, reply, sessions);
    if (request.url === "/throw") throw new Error("thrown by the handler");
    return answer;
  });
  assert.equal((await client.get("/throw")).status, 500);
  assert.deepEqual((await client.get("/")).json(), { n: 2 });
});

test("a failing save: Fastify's own 503, once, without any part of the handler's response", async (t) => {
  const storage = watched();
  const errors: unknown[] = [];
  let answers = 0;
  const { client } = await serving(t, { storage }, count, (app) => {
    app.addHook(
      "onError",
      async (_request, _reply, error) => void errors.push((error as unknown as SessionError).code),
    );
    app.addHook("onResponse", async () => void answers++);
  });
  await client.get("/");
  for (const call of ["get", "update"] as const) {
    storage.heal();
    storage.fail(call);
    const answer = await client.get("/");
    assert.deepEqual(
      [answer.status, answer.json().statusCode, answer.headers["x-own"], answer.headers["x-raw"], answer.setCookies],
      [503, 503, undefined, undefined, []],
      call,
    );
  }
  assert.deepEqual([errors, answers], [["storage", "storage"], 3]);
});

test("a session that cannot be loaded: the response keeps what earlier plugins have set, as CORS", async (t) => {
  const storage = watched();
  const early = (app: FastifyInstance): unknown =>
    app.addHook("onRequest", (_request, reply, done) => {
      reply.header("Access-Control-Allow-Origin", "https://a.example");
      reply.raw.setHeader("X-Raw", "1");
      done();
    });
  const { client } = await serving(t, { storage }, count, early);
  await client.get("/");
  storage.fail("get");
  const { status, headers } = await client.get("/");
  assert.deepEqual(
    [status, headers["access-control-allow-origin"], headers["x-raw"]],
    [503, "https://a.example", "1"],
  );
});

test("a failing save is the application's setErrorHandler's, also where the handler threw before", async (t) => {
  const storage = watched();
  storage.fail("create");
  const seen: unknown[] = [];
  const { client } = await serving(
    t,
    { storage },
    (request, reply, sessions) => {
      const answer = count(request, reply, sessions);
      if (request.url === "/throw") throw new Error("thrown by the handler");
      return answer;
    },
    (app) =>
      app.setErrorHandler((error, _request, reply) => {
        seen.push((error as SessionError).code);
        return reply.code((error as SessionError).statusCode ?? 500).send("a page");
      }),
  );
  assert.deepEqual([(await client.get("/")).body, seen], ["a page", ["storage"]]);
  const thrown = await client.get("/throw");
  assert.deepEqual([thrown.status, thrown.setCookies, seen], [503, [], ["storage", undefined]]);
});

const ways: Readonly<
  Record<string, { errorHandler: NonNullable<FastifyOptions["errorHandler"]>; answered: [number, string] }>
> = {
  "reply.send": {
    errorHandler: (_error, _request, reply) => void reply.code(502).send("down"),
    answered: [502, "down"],
  },
  "reply.send, returned": { errorHandler: (_error, _request, reply) => reply.send("down"), answered: [503, "down"] },
  "reply.send, later": {
    errorHandler: async (_error, _request, reply) => (await Promise.resolve(), reply.code(502).send("down")),
    answered: [502, "down"],
  },
  "what it returns": { errorHandler: async () => "down", answered: [503, "down"] },
};

for (const [name, { errorHandler, answered }] of Object.entries(ways)) {
  test(`errorHandler responds by ${name}, before the handler and after it`, async (t) => {
    const storage = watched();
    const slow = async (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
    const { client } = await serving(t, { storage, errorHandler }, count, (app) => app.addHook("onSend", slow));
    await client.get("/");
    for (const call of ["get", "update"] as const) {
      storage.heal();
      storage.fail(call);
      const answer = await client.get("/");
      assert.deepEqual(
        [answer.status, answer.body, answer.headers["x-own"], answer.setCookies],
        [...answered, undefined, []],
        call,
      );
    }
  });
}

const streams: Readonly<Record<string, (pieces: AsyncGenerator<string>) => unknown>> = {
  "a Readable": (pieces) => Readable.from(pieces),
  "a web stream": (pieces) => Readable.toWeb(Readable.from(pieces)),
  "a Response": (pieces) =>
    new Response(Readable.toWeb(Readable.from(pieces)) as ReadableStream, {
      headers: { "Set-Cookie": "theme=dark", "Cache-Control": "public" },
    }),
};

for (const [name, streamOf] of Object.entries(streams)) {
  test(`a change during ${name} is stored before its end is seen`, async (t) => {
    const { client } = await serving(t, {}, (request, reply, sessions) => {
      const own = sessions.get(request);
      if (request.url === "/read") return own;
      own.set("n", 1);
      return reply.send(
        streamOf(
          (async function* () {
            yield "one ";
            own.set("late", "changed in the stream");
            yield "two";
          })(),
        ),
      );
    });
    const answer = await client.get("/");
    assert.equal(answer.body, "one two");
    assert.equal(answer.headers["cache-control"], "no-store");
    assert.equal(answer.setCookies.length, name === "a Response" ? 2 : 1);
    assert.deepEqual((await client.get("/read")).json(), { n: 1, late: "changed in the stream" });
  });
}

const raw: Readonly<Record<string, Handler>> = {
  hijacked: (_request, reply) => {
    reply.hijack();
    reply.raw.writeHead(200, { "Set-Cookie": "theme=dark" });
    reply.raw.end("raw");
  },
  "written to as it is": (_request, { raw: res }) => {
    res.setHeader("Set-Cookie", "theme=dark");
    res.write("r");
    res.end("aw");
  },
};

for (const [name, answer] of Object.entries(raw)) {
  test(`reply.raw, ${name}: saved before the first byte, cookies are sent; a failing save is a 503`, async (t) => {
    const storage = watched();
    const { client } = await serving(t, { storage }, (request, reply, sessions) => {
      sessions.get(request).update("n", (n = 0) => n + 1);
      return answer(request, reply, sessions);
    });
    assert.deepEqual(
      [(await client.get("/")).body, storage.counts, [...client.cookies.keys()].sort()],
      ["raw", { create: 1 }, ["session_id", "theme"]],
    );
    storage.fail("update");
    const failed = await client.get("/");
    assert.deepEqual([failed.status, failed.body, failed.setCookies], [503, "Service Unavailable", []]);
  });
}

test("a redirect and a 404 of Fastify's own carry the token", async (t) => {
  const { client, app } = await serving(t, {}, (request, reply, sessions) => {
    sessions.get(request).set("n", 1);
    return request.url === "/gone" ? reply.callNotFound() : reply.redirect("/next", 303);
  });
  const answer = await client.get("/");
  assert.deepEqual([answer.status, answer.headers.location, client.cookies.size], [303, "/next", 1]);
  const gone = await app.inject("/gone");
  assert.deepEqual([gone.statusCode, gone.cookies.length], [404, 1]);
});

test("a form has the token after Fastify has parsed it; a route parameter does too", async (t) => {
  const storage = memoryStorage();
  const byForm = await serving(
    t,
    { storage, extractor: fromForm("s") },
    (request, _reply, own) => [own.get(request).get("n"), request.body],
    (app) => app.register(formBody),
  );
  const { token } = await byForm.sessions.store.create({ n: 7 });
  assert.deepEqual((await byForm.client.post("/", { form: { s: token } })).json(), [7, { s: token }]);
  const byParam = await serving(t, { storage, extractor: fromParam("id") }, (request, _reply, own) =>
    own.get(request),
  );
  assert.deepEqual((await byParam.client.get(`/s/${token}`)).json(), { n: 7 });
});

test("store pattern: save() sets the cookie immediately, in addition to cookies set in the reply and in the raw response", async (t) => {
  const sessions = session<Data>({ storage: memoryStorage() });
  const app = fastify();
  app.get("/", async (request, reply) => {
    reply.raw.setHeader("Set-Cookie", "raw=1");
    reply.header("Set-Cookie", "before=1");
    const own = await sessions.open(request, reply);
    own.update("n", (n = 0) => n + 1);
    await own.save();
    await own.save();
    reply.header("Set-Cookie", "after=1");
    return [
      own.get("n"),
      (await sessions.read(request.raw)).get("n") ?? null,
      (await sessions.read(request)).get("n") ?? null,
    ];
  });
  const client = new Client(await app.listen({ port: 0, host: "127.0.0.1" }));
  t.after(() => app.close());
  assert.deepEqual((await client.get("/")).json(), [1, null, null]);
  const answer = await client.get("/");
  assert.deepEqual(
    [answer.json(), answer.setCookies.map((line) => line.split("=")[0])],
    [
      [2, 2, 2],
      ["raw", "before", "session_id", "after"],
    ],
  );
});

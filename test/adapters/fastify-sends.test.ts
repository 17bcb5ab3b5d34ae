import assert from "node:assert/strict";
import { Agent, request } from "node:http";
import { test } from "node:test";
import { Readable } from "node:stream";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { session } from "holdfast/fastify";
import { Client } from "../support/client.js";
import { watched, type WatchedStorage } from "../support/storages.js";
import { aWhile } from "../support/within.js";
import { mishaps } from "./hygiene.js";

/**
 * Programs that answer in a way Fastify forgives, or does not: under a session they are answered as without one, once
 * it is stored.
 */

interface Data {
  n: number;
}

type Hook = (request: FastifyRequest, reply: FastifyReply) => unknown;

interface Program {
  prepare?(app: FastifyInstance): unknown;
  handler: Hook;
}

const guarded = (
  guard: Hook,
  kind: "preHandler" | "preValidation" | "onRequest" = "preHandler",
): Pick<Program, "prepare"> => ({
  prepare: (app) => app.addHook(kind as "preHandler", async (request, reply) => void (await guard(request, reply))),
});

const PROGRAMS: Readonly<Record<string, Program>> = {
  "a guard redirects without return": {
    ...guarded((_q, reply) => void reply.redirect("/login")),
    handler: async () => "secret",
  },
  "a guard answers 401 without return, and the handler sets a status": {
    ...guarded((_q, reply) => void reply.code(401).send("no")),
    handler: async (_q, reply) => (reply.code(200), "secret"),
  },
  "a guard answers, then waits": {
    ...guarded(async (_q, reply) => (void reply.code(401).send("no"), aWhile(3))),
    handler: async () => "secret",
  },
  "an earlier guard answers without return": {
    ...guarded((_q, reply) => void reply.code(403).send("no"), "preValidation"),
    handler: async () => "secret",
  },
  "the first hook answers without return": {
    ...guarded((_q, reply) => void reply.code(403).send("no"), "onRequest"),
    handler: async () => "secret",
  },
  "a guard of callbacks answers and goes on": {
    prepare: (app) =>
      app.addHook("preHandler", (_request, reply, done) => {
        void reply.code(401).send("no");
        done();
      }),
    handler: async () => "secret",
  },
  "a guard of callbacks answers and stops": {
    prepare: (app) => app.addHook("preHandler", (_request, reply) => void reply.code(401).send("no")),
    handler: async () => "secret",
  },
  "two answers in a row": {
    handler: async (_q, reply) => {
      void reply.code(401).send("no");
      void reply.code(200).send("secret");
    },
  },
  "two answers in a row, no promise": {
    handler: (_q, reply) => {
      void reply.code(401).send("no");
      void reply.code(200).send("secret");
    },
  },
  "a second answer later": {
    handler: async (_q, reply) => {
      void reply.code(401).send("no");
      await aWhile(3);
      void reply.code(200).send("secret");
    },
  },
  "an answer, and another value returned": { handler: async (_q, reply) => (void reply.send("first"), "second") },
  "a redirect, and a page returned": { handler: async (_q, reply) => (void reply.redirect("/login"), "page") },
  "an answer, and the reply returned": { handler: async (_q, reply) => reply.send("first") },
  "an answer that is awaited": { handler: async (_q, reply) => void (await reply.send("first")) },
  "an answer, then an exception": {
    handler: async (_q, reply) => {
      void reply.send({ a: 1 });
      throw new Error("late");
    },
  },
  "an answer, then an exception later": {
    handler: async (_q, reply) => {
      void reply.send({ a: 1 });
      await aWhile(3);
      throw new Error("late");
    },
  },
  "no route, and a page returned": { handler: async (_q, reply) => (reply.callNotFound(), "page") },
  "an error handler that answers and returns": {
    prepare: (app) =>
      app.setErrorHandler(async (_error, _request, reply) => (void reply.code(418).send("page"), "again")),
    handler: async () => {
      throw new Error("thrown");
    },
  },
  "an error handler that throws": {
    prepare: (app) =>
      app.setErrorHandler(async () => {
        throw new Error("second");
      }),
    handler: async () => {
      throw new Error("first");
    },
  },
  "an onSend hook that throws": {
    prepare: (app) =>
      app.addHook("onSend", async () => {
        throw new Error("in onSend");
      }),
    handler: async () => "page",
  },
  "an onSend hook that replaces the body": {
    prepare: (app) => app.addHook("onSend", async (_q, _r, payload) => `${String(payload)}!`),
    handler: async () => "page",
  },
  "onSend hooks that wait": {
    prepare: (app) => app.addHook("onSend", async () => aWhile(2)),
    handler: async (_q, reply) => reply.redirect("/login"),
  },
  "a hijacked reply": {
    handler: async (_q, reply) => {
      reply.hijack();
      reply.raw.end("raw");
    },
  },
  "a hijacked reply, then an exception": {
    handler: async (_q, reply) => {
      reply.hijack();
      setTimeout(() => reply.raw.end("raw"), 3);
      throw new Error("late");
    },
  },
  "reply.raw, not hijacked": { handler: async (_q, reply) => void reply.raw.end("raw") },
  "reply.raw in pieces, not hijacked": {
    handler: async (_q, reply) => {
      reply.raw.write("raw");
      setTimeout(() => reply.raw.end("!"), 3);
    },
  },
  "a stream": { handler: async (_q, reply) => reply.send(Readable.from(["a", "b"])) },
  "a Response": { handler: async () => new Response("web", { status: 201, headers: { "x-own": "1" } }) },
  trailers: { handler: async (_q, reply) => (reply.trailer("x-own", async () => "1"), "page") },
  "early hints": {
    handler: async (_q, reply) => (reply.writeEarlyHints({ link: "</a>; rel=preload" }, () => {}), "page"),
  },
  nothing: { handler: async () => {} },
  "204": { handler: async (_q, reply) => reply.code(204).send() },
  "a payload that is none": { handler: async (_q, reply) => reply.type("text/plain").send({ a: 1 }) },
  "a value that cannot be serialized": { handler: async () => ({ a: 1n }) },
  "a status that is none": { handler: async (_q, reply) => reply.code(1000).send("page") },
  "a header that is none": { handler: async (_q, reply) => reply.header("x-own", "a\nb").send("page") },
};

/** Serves a program; with a storage under a session that is written to before. */
async function served(
  t: { after(end: () => unknown): void },
  { prepare, handler }: Program,
  storage?: WatchedStorage,
): Promise<FastifyInstance> {
  const app = fastify({ forceCloseConnections: true });
  t.after(() => app.close());
  if (storage) {
    const sessions = session<Data>({ storage });
    await app.register(sessions);
    app.addHook("onRequest", async (request) => sessions.get(request).set("n", 1));
  }
  await prepare?.(app);
  app.get("/", handler);
  await app.listen({ port: 0, host: "127.0.0.1" });
  return app;
}

type Told = readonly [status: number, location: unknown, body: string];

async function overHttp(app: FastifyInstance): Promise<{ told: Told; cookies: number }> {
  const { port } = app.server.address() as { port: number };
  const answer = await new Client(`http://127.0.0.1:${port}`).get("/");
  return { told: [answer.status, answer.headers.location, answer.body], cookies: answer.setCookies.length };
}

async function injected(app: FastifyInstance): Promise<{ told: Told; cookies: number }> {
  const answer = await app.inject("/");
  return { told: [answer.statusCode, answer.headers.location, answer.body], cookies: answer.cookies.length };
}

for (const [name, program] of Object.entries(PROGRAMS)) {
  test(`A17: ${name}: the response is as without a session, after it is stored`, async (t) => {
    const before = mishaps.length;
    const bare = await served(t, program);
    for (const ask of [overHttp, injected]) {
      const storage = watched();
      const app = await served(t, program, storage);
      const gate = storage.park("create");
      let isAnswered = false;
      const answering = ask(app).finally(() => (isAnswered = true));
      await gate.reached;
      await aWhile(5);
      assert.equal(isAnswered, false, "answered before the session was stored");
      storage.heal();
      gate.release();
      assert.deepEqual(await answering, { told: (await ask(bare)).told, cookies: 1 }, ask.name);
      assert.deepEqual(storage.counts, { create: 1 });
    }
    await aWhile(5);
    assert.deepEqual(mishaps.slice(before), []);
  });

  test(`A17: ${name}: a 503 if it cannot be stored, without any part of the response`, async (t) => {
    const before = mishaps.length;
    for (const ask of [overHttp, injected]) {
      const storage = watched();
      storage.fail("create");
      const { told, cookies } = await ask(await served(t, program, storage));
      assert.deepEqual([told[0], told[1], cookies], [503, undefined, 0], ask.name);
      assert.doesNotMatch(told[2], /secret|first|second\b|no$|raw/);
    }
    await aWhile(5);
    assert.deepEqual(mishaps.slice(before), []);
  });
}

test("A17: the next request on the same connection is served after each", async (t) => {
  for (const [name, program] of Object.entries(PROGRAMS)) {
    const storage = watched();
    storage.delay(2, "create");
    const app = await served(t, program, storage);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    const { port } = app.server.address() as { port: number };
    const ask = (): Promise<number> =>
      new Promise((resolve, reject) => {
        request({ port, host: "127.0.0.1", agent }, (res) => res.resume().once("end", () => resolve(res.statusCode!)))
          .once("error", reject)
          .end();
      });
    const first = await ask();
    assert.equal(await ask(), first, name);
  }
});

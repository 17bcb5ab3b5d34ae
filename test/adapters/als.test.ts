/** `currentSession()`: the session of the running request, in all that a request calls, and nowhere else. */
import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { EventEmitter, once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import express from "express";
import fastify from "fastify";
import { currentSession, findCurrentSession, loadCurrentSession } from "holdfast/als";
import * as onExpress from "holdfast/express";
import * as onFastify from "holdfast/fastify";
import { session as fetchSession } from "holdfast/fetch";
import { createStore } from "holdfast";
import { memoryStorage } from "holdfast/storage/memory";
import { ADAPTERS, startApp, type AppOptions, type Routes } from "../support/apps.js";
import { Client, type Sent } from "../support/client.js";
import { watched } from "../support/storages.js";

interface Npm {
  fromNpm(packages: Record<string, string>): string;
}

const { fromNpm } = (await import(new URL("../../scripts/from-npm.mjs", import.meta.url).href)) as Npm;
/** What parses bodies with listeners. Of multer also the last version that does not keep a context itself. */
const PARSERS = { "multer-before": "npm:multer@2.0.2", busboy: "1.6.0", "@fastify/multipart": "10.1.0" };
const load = createRequire(join(fromNpm(PARSERS), "_.js"));

type Data = Record<string, any>;
const current = () => currentSession<Data>();

/** A form with a file. */
const FORM: Sent = {
  method: "POST",
  headers: { "Content-Type": "multipart/form-data; boundary=x" },
  body: [
    "--x",
    'Content-Disposition: form-data; name="title"',
    "",
    "a cat",
    "--x",
    'Content-Disposition: form-data; name="file"; filename="cat.txt"',
    "Content-Type: text/plain",
    "",
    "meow".repeat(20_000),
    "--x--",
    "",
  ].join("\r\n"),
};

async function clientOf(t: TestContext, name: any, routes: Routes, options: AppOptions = {}): Promise<Client> {
  const app = await startApp(
    name,
    { sessions: { asyncLocalStorage: true, storage: memoryStorage() }, ...options },
    routes,
  );
  t.after(() => app.close());
  return new Client(app.origin);
}

/** What is written without a request at hand. */
async function note(text: string): Promise<void> {
  await turn();
  current().update("notes", (notes: string[] = []) => [...notes, text]);
}

suite("on every adapter", { concurrency: 2 }, () => {
  for (const { name } of ADAPTERS) {
    test(`${name}: it is the session of the request, after awaits, timers and listeners`, async (t) => {
      const client = await clientOf(t, name, {
        "/note": async (handle) => {
          assert.equal(current(), handle.getSession());
          await note("awaited");
          await new Promise<void>((resolve, reject) => {
            setTimeout(() => void note("timer").then(resolve, reject), 1);
          });
          const emitter = new EventEmitter();
          const heard = new Promise<void>((resolve, reject) => {
            emitter.once("ping", () => void note("listener").then(resolve, reject));
          });
          setImmediate(() => emitter.emit("ping"));
          await heard;
          assert.equal(findCurrentSession(), handle.getSession());
          assert.equal(await loadCurrentSession(), handle.getSession());
          return handle.json(current().get("notes"));
        },
      });
      const all = ["awaited", "timer", "listener"];
      assert.deepEqual((await client.get("/note")).json(), all);
      assert.deepEqual((await client.get("/note")).json(), [...all, ...all]);
      assert.equal(findCurrentSession(), undefined);
      assert.throws(currentSession, { code: "no-session" });
    });

    test(`${name}: overlapping requests have each their own`, async (t) => {
      const waiting: (() => void)[] = [];
      const client = await clientOf(t, name, {
        "/mine": async (handle) => {
          current().set("mine", handle.url);
          await new Promise<void>((resolve) => {
            waiting.push(resolve);
            if (waiting.length === 20) for (const go of waiting.splice(0).reverse()) go();
          });
          await note("");
          return handle.json([handle.url, current().get("mine"), current().get("notes").length]);
        },
      });
      const { origin } = client;
      const all = await Promise.all(
        Array.from({ length: 20 }, (_, i) => new Client(origin).get(`/mine?${i}`).then((answer) => answer.json())),
      );
      assert.deepEqual(
        all,
        all.map((_, i) => [`/mine?${i}`, `/mine?${i}`, 1]),
      );
    });

    test(`${name}: a body that the handler reads itself, and one that it streams`, async (t) => {
      const client = await clientOf(t, name, {
        "/read": async (handle) => {
          await handle.readBody();
          await note("read");
          return handle.stream(async (write) => {
            await write("a");
            await turn();
            await write(String(current().get("notes")));
          });
        },
      });
      assert.equal((await client.post("/read", { body: "x".repeat(200_000) })).body, "aread");
    });

    test(`${name}: a request that is skipped has none, also inside another request`, async (t) => {
      const inner = await startApp(
        name,
        { sessions: { asyncLocalStorage: true, skip: () => true, storage: memoryStorage() } },
        { "/": (handle) => handle.json(findCurrentSession() === undefined) },
      );
      t.after(() => inner.close());
      const client = await clientOf(t, name, {
        "/": async (handle) => handle.json([(await new Client(inner.origin).get("/")).json(), current().get("none")]),
      });
      assert.deepEqual((await client.get("/")).json(), [true, null]);
    });

    test(`${name}: lazy mode: not-loaded until somebody loads it, and no storage call`, async (t) => {
      const storage = watched();
      const client = await clientOf(
        t,
        name,
        {
          "/": async (handle) => {
            assert.equal(findCurrentSession(), undefined);
            assert.throws(currentSession, { code: "not-loaded" });
            return handle.json(0);
          },
          "/load": async (handle) => {
            (await loadCurrentSession<Data>()).update("n", (n = 0) => n + 1);
            return handle.json(current().get("n"));
          },
        },
        { sessions: { asyncLocalStorage: true, load: "lazy", storage } },
      );
      assert.equal((await client.get("/")).status, 200);
      assert.deepEqual(storage.counts, {});
      assert.equal((await client.get("/load")).json(), 1);
    });

    test(`${name}: an error page has it; without the option there is none`, async (t) => {
      const page = () => String(findCurrentSession<Data>()?.get("who"));
      const routes: Routes = {
        "/": (handle) => {
          handle.getSession().set("who", "ann");
          throw new Error("broken");
        },
        "/none": (handle) => handle.json(findCurrentSession() === undefined),
      };
      const off = await clientOf(t, name, routes, { sessions: { storage: memoryStorage() } });
      assert.equal((await off.get("/none")).json(), true);
      // node and fetch have no error page. That of Koa stands before the session, and is no part of what it calls.
      if (name === "node" || name === "fetch" || name === "koa") return;
      const client = await clientOf(t, name, routes, { errorPage: page });
      assert.equal((await client.get("/")).body, "ann");
    });
  }
});

/** An Express application behind the session; `prepare` mounts what may lose a context. */
async function expressWith(t: TestContext, prepare: (app: express.Express) => void): Promise<Client> {
  const app = express();
  app.use(onExpress.session<Data>({ asyncLocalStorage: true, storage: memoryStorage() }));
  prepare(app);
  app.use((req, res) => {
    current().update("n", (n = 0) => n + 1);
    res.json({ n: current().get("n"), same: current() === onExpress.getSession(req) });
  });
  const server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return new Client(`http://localhost:${(server.address() as { port: number }).port}`);
}

const multer = load("multer-before") as any;
const busboy = load("busboy") as any;

for (const [name, prepare] of Object.entries<(app: express.Express) => void>({
  "express.json": (app) => app.use(express.json({ type: "*/*", strict: false })),
  "multer 2.0": (app) => app.use(multer({ storage: multer.memoryStorage() }).any()),
  busboy: (app) =>
    app.use((req, _res, next) => {
      req.pipe(
        busboy({ headers: req.headers })
          .on("file", (_: string, file: any) => file.resume())
          .on("close", next),
      );
    }),
  "listeners of the request": (app) => app.use((req, _res, next) => void req.on("data", () => {}).on("end", next)),
  "listeners of the response": (app) =>
    app.use((_req, res, next) => {
      res.on("finish", () => current().update("n", (n = 0) => n + 1));
      next();
    }),
})) {
  test(`express: what comes after ${name} has the session, on one connection and another`, async (t) => {
    const client = await expressWith(t, prepare);
    const sent = name === "express.json" ? { method: "POST", body: '"a"' } : FORM;
    for (const _ of [1, 2]) {
      const answer = await client.send("/", sent);
      assert.deepEqual([answer.status, answer.json().same], [200, true], answer.body);
    }
  });
}

test("busboy loses the context of an AsyncLocalStorage that does not follow listeners: these tests can fail", async () => {
  const own = new AsyncLocalStorage<string>();
  const app = express();
  app.use((_req, _res, next) => own.run("mine", next));
  app.use((req, _res, next) => {
    req.pipe(
      busboy({ headers: req.headers })
        .on("file", (_: string, file: any) => file.resume())
        .on("close", next),
    );
  });
  app.use((_req, res) => void res.json(own.getStore() ?? "lost"));
  const server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = new Client(`http://localhost:${(server.address() as { port: number }).port}`);
  assert.equal((await client.send("/", FORM)).json(), "lost");
  server.close();
});

test("fastify: every hook, a parsed body, files and inject() have it", async (t) => {
  const app = fastify();
  await app.register(onFastify.session<Data>({ asyncLocalStorage: true, storage: memoryStorage() }));
  await app.register(load("@fastify/multipart"), { attachFieldsToBody: true });
  const met: string[] = [];
  const meet = (hook: string) => async () => {
    await turn();
    met.push(`${hook} ${findCurrentSession() !== undefined}`);
  };
  for (const hook of [
    "onRequest",
    "preParsing",
    "preValidation",
    "preHandler",
    "preSerialization",
    "onSend",
    "onResponse",
  ])
    app.addHook(hook as "onRequest", meet(hook));
  app.addHook("onError", meet("onError"));
  app.setErrorHandler((_error, _request, reply) => void reply.code(500).send({ who: current().get("who") }));
  app.post("/", async (request) => {
    await turn();
    assert.equal(current(), request.session);
    return { body: Object.keys(request.body as object) };
  });
  app.post("/broken", async () => {
    current().set("who", "ann");
    throw new Error("broken");
  });
  const origin = await app.listen({ port: 0, host: "127.0.0.1" });
  t.after(() => app.close());
  const client = new Client(origin);
  const hooks = [
    "onRequest",
    "preParsing",
    "preValidation",
    "preHandler",
    "preSerialization",
    "onSend",
    "onResponse",
  ];
  const json = { method: "POST", headers: { "Content-Type": "application/json" }, body: '{ "a": 1 }' };
  for (const sent of [json, FORM]) {
    met.length = 0;
    assert.equal((await client.send("/", sent)).status, 200);
    while (met.length < hooks.length) await turn();
    assert.deepEqual(
      met,
      hooks.map((hook) => `${hook} true`),
    );
  }
  assert.deepEqual((await client.send("/broken", json)).json(), { who: "ann" });
  assert.deepEqual((await app.inject({ method: "POST", url: "/", payload: { b: 1 } })).json(), { body: ["b"] });
});

test("of two middlewares it is the inner one's, as for getSession", async (t) => {
  const app = express();
  const storage = memoryStorage();
  const { fromCookie } = await import("holdfast");
  const outer = onExpress.session({ asyncLocalStorage: true, storage });
  const inner = onExpress.session({ asyncLocalStorage: true, storage, extractor: fromCookie("inner") });
  app.use(outer);
  app.use("/in", inner, express.json(), (req, res) => void res.json(current() === (inner.get(req) as unknown)));
  app.use((req, res) => void res.json(current() === (outer.get(req) as unknown)));
  const server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const client = new Client(`http://localhost:${(server.address() as { port: number }).port}`);
  const sent = { headers: { "Content-Type": "application/json" }, body: "{}" };
  assert.deepEqual([(await client.post("/in", sent)).json(), (await client.post("/", sent)).json()], [true, true]);
});

test("after the end of its request a session can be read, and says that it cannot be written", async (t) => {
  const late: unknown[] = [];
  const client = await clientOf(t, "express", {
    "/": (handle) => {
      current().set("n", 1);
      setTimeout(() => {
        late.push(current().get("n"));
        try {
          current().set("n", 2);
        } catch (error) {
          late.push((error as { code?: string }).code);
        }
      }, 50);
      return handle.json(0);
    },
  });
  await client.get("/");
  while (late.length < 2) await turn();
  assert.deepEqual(late, [1, "answered"]);
});

test("without the option nothing of node:async_hooks is loaded, and a request is not run in a context", async () => {
  const { getBuiltinModule } = process;
  const asked: string[] = [];
  process.getBuiltinModule = ((name: string) => (asked.push(name), getBuiltinModule(name))) as never;
  try {
    const store = createStore({ storage: memoryStorage() });
    const own = new AsyncLocalStorage<number>();
    const { run } = AsyncLocalStorage.prototype;
    let runs = 0;
    AsyncLocalStorage.prototype.run = function (this: typeof own, ...args: any[]) {
      runs++;
      return Reflect.apply(run, this, args) as never;
    } as never;
    try {
      const handler = fetchSession({ store })((request) => new Response(request.url));
      assert.equal((await handler(new Request("http://localhost/"))).status, 200);
      assert.equal(runs, 0);
      own.run(1, () => {});
      assert.equal(runs, 1, "it would have been seen");
    } finally {
      AsyncLocalStorage.prototype.run = run;
    }
  } finally {
    process.getBuiltinModule = getBuiltinModule;
  }
  assert.deepEqual(
    asked.filter((name) => name.includes("async_hooks")),
    [],
  );
});

test("a runtime without node:async_hooks refuses the option, and says what to set", async () => {
  const { getBuiltinModule } = process;
  process.getBuiltinModule = ((name: string) =>
    name === "node:async_hooks" ? undefined : getBuiltinModule(name)) as never;
  try {
    // A copy of the module that has not made its storage yet.
    const { asyncContext } = (await import(`${new URL("../../dist/util/async.js", import.meta.url).href}?fresh`)) as {
      asyncContext(): unknown;
    };
    assert.throws(asyncContext, /needs node:async_hooks, .* compatibility flag nodejs_compat/);
  } finally {
    process.getBuiltinModule = getBuiltinModule;
  }
});

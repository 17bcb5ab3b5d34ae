import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { test, type TestContext } from "node:test";
import express, { type NextFunction, type Request, type Response } from "express";
import type { SessionEvent } from "holdfast";
import { getSession, loadSession, session, type ConnectOptions } from "holdfast/connect";
import { listening } from "../support/apps/serving.js";
import { begin, Client, RawConnection } from "../support/client.js";
import { makeGate, watched, type WatchedStorage } from "../support/storages.js";
import { aWhile, until, within } from "../support/within.js";
import { mishaps } from "./hygiene.js";
import { incidents } from "../support/incidents.js";

interface Data {
  n: number;
  list: string[];
}

type Handler = (req: Request, res: Response, next: NextFunction) => unknown;
type ErrorHandler = (error: unknown, req: Request, res: Response, next: NextFunction) => unknown;
type Earlier = (req: IncomingMessage, res: ServerResponse, next: () => void) => void;

interface Staged {
  readonly client: Client;
  readonly storage: WatchedStorage;
  readonly events: SessionEvent[];
  readonly origin: string;
  readonly port: number;
}

/** An Express application whose `/put` begins a session; `/` is the handler's. */
async function staged(
  t: TestContext,
  handler: Handler,
  { onError, earlier, options }: { onError?: ErrorHandler; earlier?: Earlier; options?: ConnectOptions } = {},
): Promise<Staged> {
  const storage = watched();
  const events: SessionEvent[] = [];
  const app = express();
  app.set("env", "test");
  if (earlier) app.use(earlier);
  app.use(session<Data>({ storage, onEvent: incidents((event) => void events.push(event)), ...options }));
  app.get("/put", async (req, res) => {
    (await sessionOf(req)).set("n", 0);
    res.end("put");
  });
  app.get("/read", (req, res) => void res.json(own(req).toJSON()));
  app.get("/", handler as never);
  if (onError) app.use(onError as never);
  const { origin, close } = await listening(createServer(app), [], []);
  t.after(close);
  const client = new Client(origin);
  await client.get("/put");
  return { client, storage, events, origin, port: Number(new URL(origin).port) };
}

const sessionOf = (req: Request): ReturnType<typeof loadSession<Data>> => loadSession<Data>(req);
const own = (req: Request): ReturnType<typeof getSession<Data>> => getSession<Data>(req);

const PAGES: Readonly<Record<string, ErrorHandler>> = {
  "200, at once": (_error, _req, res, _next) => res.end("page"),
  "200, later": async (_error, _req, res, _next) => {
    await aWhile(15);
    res.end("page");
  },
  "200 in pieces, later": async (_error, _req, res, _next) => {
    await aWhile(10);
    res.write("pa");
    await aWhile(10);
    res.end("ge");
  },
  "a redirect, later": async (_error, _req, res, _next) => {
    await aWhile(15);
    res.redirect("/elsewhere");
  },
};

for (const [says, onError] of Object.entries(PAGES)) {
  test(`A11, A12: a save fails while the handler continues to write: only the error page is sent (${says}), and callbacks get an error for dropped bytes`, async (t) => {
    const told: string[] = [];
    const tell = (what: string) => (error?: Error | null) =>
      void told.push(`${what} ${error ? "dropped" : "written"}`);
    const { client, storage } = await staged(
      t,
      async (req, res) => {
        own(req).update("n", (n = 0) => n + 1);
        res.write("one", tell("one"));
        for (const piece of ["two", "three"]) {
          await aWhile(8);
          res.write(piece, tell(piece));
        }
        res.end("four", tell("four") as () => void);
      },
      { onError },
    );
    storage.fail("update");
    const answer = await client.get("/");
    await until("each callback", () => told.length === 4);
    const isRedirect = says.startsWith("a redirect");
    assert.equal(answer.status, isRedirect ? 302 : 200);
    if (isRedirect) assert.equal(answer.headers.location, "/elsewhere");
    else assert.equal(answer.body, "page");
    assert.deepEqual(told.sort(), ["four dropped", "one dropped", "three dropped", "two dropped"]);
    storage.heal();
    assert.deepEqual((await client.get("/read")).json(), { n: 0 });
  });
}

test("A13: changes during the body that cannot be stored abort the response, with an event", async (t) => {
  const { client, events } = await staged(
    t,
    (req, res) => {
      own(req).set("list", []);
      res.write("begun ");
      own(req).get("list")!.push("x".repeat(3000));
      res.end("done");
    },
    { options: { maxRecordBytes: 1000 } },
  );
  await assert.rejects(client.get("/"));
  await until("the event", () => events.some(({ type }) => type === "unsaved"));
  assert.equal((await client.get("/put")).status, 200);
});

test("A13: the same where the client leaves", async (t) => {
  const gate = makeGate();
  const { client, origin, events } = await staged(
    t,
    async (req, res) => {
      own(req).set("list", []);
      res.write("begun ");
      own(req).get("list")!.push("x".repeat(3000));
      await gate.pass();
    },
    { options: { maxRecordBytes: 1000 } },
  );
  const { req } = begin(origin, "/", { headers: { cookie: client.cookieHeader } });
  await within(2000, "the handler", gate.reached);
  req.destroy();
  await until("the event", () => events.some(({ type }) => type === "unsaved"));
  gate.release();
  assert.equal((await client.get("/put")).status, 200);
});

for (const [who, saved] of [
  ["a known session", true],
  ["a visitor", false],
] as const) {
  test(`A28: the client disconnects before the handler responds: a change to ${who} is ${saved ? "saved" : "an event"}`, async (t) => {
    const gate = makeGate();
    const { client, origin, events, storage } = await staged(t, async (req) => {
      own(req).set("n", 7);
      await gate.pass();
    });
    storage.forget();
    const { req } = begin(origin, "/", saved ? { headers: { cookie: client.cookieHeader } } : {});
    await within(2000, "the handler", gate.reached);
    req.destroy();
    if (!saved) await until("the event", () => events.some(({ type }) => type === "unsaved"));
    else await until("the save", () => storage.counts.update === 1);
    gate.release();
    assert.equal(storage.counts.create, undefined);
    if (saved) assert.deepEqual((await client.get("/read")).json(), { n: 7 });
  });
}

for (const event of ["finish", "close"] as const) {
  test(`A27: a change by a listener of "${event}" is too late: an event, and no exception`, async (t) => {
    const { client, events } = await staged(t, (req, res) => {
      own(req).update("n", (n = 0) => n + 1);
      res.on(event, () => own(req).update("n", (n = 0) => n + 1));
      res.end("sent");
    });
    assert.equal((await client.get("/")).body, "sent");
    await until("the event", () => events.some(({ type }) => type === "unsaved"));
    assert.deepEqual((await client.get("/read")).json(), { n: 1 });
  });
}

for (const [who, saved] of [
  ["a known session", true],
  ["a visitor", false],
] as const) {
  test(`A28: the client disconnects, and its handler continues: no exception, a change to ${who} is ${saved ? "saved" : "an event"}`, async (t) => {
    const gate = makeGate();
    let thrown: unknown;
    const { client, origin, events, storage } = await staged(t, async (req, res) => {
      own(req).get("n");
      await gate.pass();
      try {
        own(req).set("n", 7);
        await aWhile(1);
        own(req).set("list", ["later"]);
      } catch (error) {
        thrown = error;
      }
      res.end("nobody reads it");
    });
    storage.forget();
    const { req } = begin(origin, "/", saved ? { headers: { cookie: client.cookieHeader } } : {});
    await within(2000, "the handler", gate.reached);
    req.destroy();
    await aWhile();
    gate.release();
    if (!saved) await until("the event", () => events.some(({ type }) => type === "unsaved"));
    else await until("the saves", () => (storage.counts.update ?? 0) >= 1);
    await aWhile();
    assert.deepEqual([thrown, storage.counts.create], [undefined, undefined]);
    if (saved) assert.deepEqual((await client.get("/read")).json(), { n: 7, list: ["later"] });
  });
}

test("A8: a forgotten return exposes nothing: the first response is final while its session is stored", async (t) => {
  const { client, storage } = await staged(t, async (req, res) => {
    own(req).update("n", (n = 0) => n + 1);
    res.status(401).json({ error: "who are you?" });
    await aWhile(1);
    res.status(200).json({ secret: 42 });
  });
  storage.delay(20, "update");
  const answer = await client.get("/");
  assert.deepEqual([answer.status, answer.json()], [401, { error: "who are you?" }]);
  storage.heal();
  assert.deepEqual((await client.get("/read")).json(), { n: 1 });
});

test("A7: send and then next(): no 404 replaces the response", async (t) => {
  const { client, storage } = await staged(t, (req, res, next) => {
    own(req).update("n", (n = 0) => n + 1);
    res.send("sent");
    assert.deepEqual([res.headersSent, res.writableEnded, res.finished], [true, true, true]);
    assert.throws(() => res.setHeader("x-late", "1"), { code: "ERR_HTTP_HEADERS_SENT" });
    next();
  });
  storage.delay(20, "update");
  const answer = await client.get("/");
  assert.deepEqual([answer.status, answer.body, answer.headers["x-late"]], [200, "sent", undefined]);
});

test("A9: two responses are one, correctly framed, and the next request on the connection is served", async (t) => {
  const { client, storage, port } = await staged(t, (req, res) => {
    own(req).update("n", (n = 0) => n + 1);
    res.end("short");
    res.end("a second, longer answer");
  });
  storage.delay(15, "update");
  const connection = new RawConnection(port);
  t.after(() => connection.close());
  connection.pipeline({ path: "/", cookie: client.cookieHeader });
  await connection.answers(1);
  connection.pipeline({ path: "/read", cookie: client.cookieHeader });
  const answers = await connection.answers(2);
  assert.deepEqual(
    answers.map(({ status, body }) => `${status} ${body}`),
    ["200 short", '200 {"n":1}'],
  );
});

test("A3: an earlier wrapper throws at the end of a held response: its error goes to the error path", async (t) => {
  const errors: unknown[] = [];
  const earlier: Earlier = (req, res, next) => {
    const { end } = res;
    if (req.url === "/") {
      res.end = ((...args: unknown[]) => {
        res.end = end;
        if (args[0] === "boom") throw new Error("thrown by the wrapper");
        return Reflect.apply(end, res, args);
      }) as typeof end;
    }
    next();
  };
  const { client, storage } = await staged(
    t,
    (req, res) => {
      own(req).update("n", (n = 0) => n + 1);
      res.end("boom");
    },
    {
      earlier,
      onError: (error, _req, res, _next) => {
        errors.push((error as Error).message);
        res.status(500).end("page");
      },
    },
  );
  storage.delay(5, "update");
  const answer = await client.get("/");
  assert.deepEqual([answer.status, answer.body, errors], [500, "page", ["thrown by the wrapper"]]);
});

test("A10: a status set after the first part does not change the response", async (t) => {
  const { client, storage } = await staged(t, (req, res) => {
    own(req).update("n", (n = 0) => n + 1);
    res.write("a");
    res.statusCode = 500;
    res.end("b");
    assert.equal(res.statusCode, 500);
  });
  storage.delay(5, "update");
  const answer = await client.get("/");
  assert.deepEqual([answer.status, answer.body], [200, "ab"]);
});

/** What `on-headers` does: it is told when the head is due, once, and may still change it. */
function onHead(res: ServerResponse, change: () => void): void {
  const { writeHead } = res;
  res.writeHead = function (this: ServerResponse, ...args: unknown[]) {
    change();
    return Reflect.apply(writeHead, this, args) as ServerResponse;
  } as typeof writeHead;
}

const HEADS: Readonly<Record<string, (res: Response) => unknown>> = {
  end: (res) => res.end("body"),
  write: (res) => (res.write("bo"), res.end("dy")),
  flushHeaders: (res) => (res.flushHeaders(), res.end("body")),
  writeHead: (res) => (res.writeHead(200), res.end("body")),
};

for (const [says, act] of Object.entries(HEADS)) {
  test(`code that patched writeHead after the session is called once when the head is due: ${says}`, async (t) => {
    const seen: string[] = [];
    const { client, storage } = await staged(t, (req, res) => {
      own(req).update("n", (n = 0) => n + 1);
      onHead(res, () => {
        seen.push("due");
        res.append("X-Due", "1");
      });
      act(res);
      seen.push("called");
    });
    storage.delay(10, "update");
    const answer = await client.get("/");
    assert.deepEqual(
      [answer.status, answer.body, answer.headers["x-due"], seen],
      [200, "body", "1", ["due", "called"]],
    );
  });
}

test("with another library's req.session, that property is kept, and getSession returns our session", async (t) => {
  const other = { theirs: true };
  const { client } = await staged(
    t,
    (req, res) => {
      own(req).update("n", (n = 0) => n + 1);
      res.json([(req as unknown as { session: unknown }).session === other, own(req).get("n")]);
    },
    { earlier: (req, _res, next) => (Object.assign(req, { session: other }), next()) },
  );
  assert.deepEqual((await client.get("/")).json(), [true, 1]);
});

/** The five seconds that an error path is given pass at once. */
function hastened(t: TestContext): void {
  const { setTimeout: later } = globalThis;
  t.after(() => void (globalThis.setTimeout = later));
  globalThis.setTimeout = ((work: () => void, ms: number) => later(work, ms === 5000 ? 5 : ms)) as typeof later;
}

for (const what of ["save", "load"] as const) {
  test(`an error path that responds too late does not change the response sent in its place: a failed ${what}`, async (t) => {
    const gate = makeGate();
    const thrown: unknown[] = [];
    const { client, storage, port } = await staged(
      t,
      (req, res) => {
        own(req).update("n", (n = 0) => n + 1);
        res.end("well");
      },
      {
        onError: async (_error, _req, res, _next) => {
          await gate.pass();
          try {
            res.removeHeader("X-Powered-By");
            res.status(500).set("X-Late", "1").write("late");
            res.end("later still");
          } catch (error) {
            thrown.push(error);
          }
        },
      },
    );
    storage.fail(what === "save" ? "update" : "get");
    hastened(t);
    const connection = new RawConnection(port);
    t.after(() => connection.close());
    connection.pipeline({ path: "/", cookie: client.cookieHeader });
    await connection.answers(1);
    gate.release();
    await aWhile();
    storage.heal();
    connection.pipeline({ path: "/read", cookie: client.cookieHeader });
    const answers = await connection.answers(2);
    assert.deepEqual(
      [answers.map(({ status, body }) => `${status} ${body}`), thrown],
      [["503 Service Unavailable", '200 {"n":0}'], []],
    );
  });
}

for (const [says, isSent] of [
  ["comes", true],
  ["never comes", false],
] as const) {
  test(`an error path that reads the request body gets time, within limits: the body ${says}`, async (t) => {
    const { client, storage, origin } = await staged(
      t,
      (req, res) => {
        own(req).update("n", (n = 0) => n + 1);
        res.end("well");
      },
      { onError: (_error, req, res, _next) => void req.resume().on("end", () => res.status(503).end("page")) },
    );
    storage.fail("update");
    hastened(t);
    const req = request(origin, { agent: false, headers: { cookie: client.cookieHeader, "content-length": "6" } });
    req.on("error", () => {}).write("abc");
    const answered = once(req, "response") as Promise<[IncomingMessage]>;
    await aWhile(15);
    if (isSent) req.end("def");
    const [answer] = await within(2000, "the answer", answered);
    assert.deepEqual([answer.statusCode, await text(answer)], [503, isSent ? "page" : "Service Unavailable"]);
    req.destroy();
  });
}

test("an error path that ignores a second next(): a 503 is sent in its place", async (t) => {
  const storage = watched();
  const sessions = session<Data>({ storage });
  const { origin, close } = await listening(
    createServer((req, res) => {
      let isFirst = true;
      sessions(req, res, () => {
        if (!isFirst) return;
        isFirst = false;
        sessions.get(req).set("n", 1);
        res.end("put");
      });
    }),
    [],
    [],
  );
  t.after(close);
  hastened(t);
  storage.fail("create");
  const answered = await within(2000, "the answer", begin(origin, "/").response);
  assert.equal(answered.statusCode, 503);
});

test("nothing was rejected unhandled, thrown uncaught or warned of", async () => {
  await aWhile(30);
  assert.deepEqual(mishaps, []);
});

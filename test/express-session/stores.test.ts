import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import session, { SessionError } from "holdfast/express-session";
import { mishaps } from "../adapters/hygiene.js";
import { endAll, stage, type AnyStore, type Handler, type Req, type Res, type Stage } from "./world.js";

afterEach(endAll);
afterEach(() => assert.deepEqual(mishaps, [], "nothing was unhandled"));

type Work = (callback: (error?: unknown, result?: unknown) => void) => unknown;

/** What a store may do wrong, and the code of the error that it is. */
const WRONG: Readonly<Record<string, readonly [work: Work, code: string]>> = {
  "throws synchronously": [() => assert.fail("down"), "storage"],
  "calls back with an error": [(done) => done(new Error("down")), "storage"],
  "calls back with an error twice": [(done) => (done(new Error("down")), done(new Error("down"))), "storage"],
  "calls back with something that is no error": [(done) => done("down"), "storage"],
  "returns a promise that rejects": [() => Promise.reject(new Error("down")), "storage"],
  "calls back, and then throws": [(done) => (done(new Error("down")), assert.fail("down")), "storage"],
  "never calls back": [() => {}, "timeout"],
};

const routes: Record<string, Handler> = {
  "/put": (req: Req, res: Res) => ((req.session.user = 1), res.send("put")),
  "/change": (req: Req, res: Res) => ((req.session.user = 2), res.send("changed")),
  "/new": (req: Req, res: Res) => ((req.session.user = 1), res.send("new")),
  "/out": (req: Req, res: Res, next) =>
    req.session.destroy((error: unknown) => (error ? next(error) : res.send("out"))),
  "/save": (req: Req, res: Res, next) => {
    req.session.user = 3;
    req.session.save((error: unknown) => (error ? next(error) : res.send("saved")));
  },
  "/unawaited": (req: Req, res: Res) => {
    req.session.user = 4;
    req.session.save();
    res.send("saved");
  },
  "/get": (req: Req, res: Res) => res.send(String(req.session.user)),
};

async function started(): Promise<Stage> {
  const one = await stage("store", routes, { storageTimeout: 100 });
  await one.client.get("/put");
  return one;
}

const CALLS = { get: "/get", set: "/change", destroy: "/out" } as const;

for (const [how, [work, code]] of Object.entries(WRONG))
  describe(`a store that ${how}`, () => {
    for (const [name, path] of Object.entries(CALLS))
      test(`at ${name}: 503 with its cause, no cookie, and the session is there afterwards`, async () => {
        const { client, store, errors } = await started();
        (store as AnyStore)[name] = (...args: any[]) => work(args.at(-1));
        const { status, body, setCookies } = await client.get(path);
        assert.deepEqual([status, body, setCookies], [503, code, []]);
        assert.ok(errors[0] instanceof SessionError);
        delete (store as AnyStore)[name];
        assert.equal((await client.get("/get")).body, "1");
      });

    test("at an explicit save, awaited or not: the error of the request", async () => {
      const { client, newClient, store } = await started();
      store.set = (...args: any[]) => work(args.at(-1)) as never;
      assert.equal((await client.get("/save")).body, code);
      assert.equal((await client.get("/unawaited")).body, code);
      const { status, setCookies } = await newClient().get("/new");
      assert.deepEqual([status, setCookies], [503, []]);
    });

    test("at touch: the request continues, with an event", async () => {
      const { client, store, events } = await started();
      store.touch = (...args: any[]) => work(args.at(-1)) as never;
      assert.equal((await client.get("/get")).body, "1");
      assert.deepEqual(
        events.map(({ type }) => type),
        ["refresh-failed"],
      );
    });
  });

test("a store that calls back twice without an error is like one that calls back once", async () => {
  const { client, store } = await started();
  for (const name of ["get", "set", "destroy", "touch"]) {
    const real = (store as AnyStore)[name].bind(store);
    (store as AnyStore)[name] = (...args: any[]) => {
      const done = args.pop();
      real(...args, (...result: unknown[]) => (done(...result), done(...result)));
    };
  }
  assert.equal((await client.get("/change")).body, "changed");
  assert.equal((await client.get("/get")).body, "2");
  assert.equal((await client.get("/out")).body, "out");
  assert.equal((await client.get("/get")).body, "undefined");
});

test("a store that reports a missing session by ENOENT has no session", async () => {
  const { client, store } = await started();
  store.get = ((_id: string, done: (error: unknown) => void) =>
    done(Object.assign(new Error(), { code: "ENOENT" }))) as never;
  assert.equal((await client.get("/get")).body, "undefined");
});

test("while a store is disconnected there is no session, as in express-session", async () => {
  const { client, store } = await stage("store", { "/": (req: Req, res: Res) => res.send(typeof req.session) });
  (store as any).emit("disconnect");
  assert.equal((await client.get("/")).body, "undefined");
  (store as any).emit("connect");
  assert.equal((await client.get("/")).body, "object");
});

test("an exception in a callback goes to the error path of the framework", async () => {
  for (const place of ["store", "storage"] as const) {
    const { client, errors } = await stage(place, {
      "/": (req: Req) => {
        req.session.user = 1;
        req.session.save(() => {
          throw new Error("in the callback");
        });
      },
    });
    assert.equal((await client.get("/")).status, 500);
    assert.equal(errors[0].message, "in the callback");
  }
});

test("two middlewares on one path: the second one leaves the session of the first", async () => {
  const store = new session.MemoryStore() as AnyStore;
  const { client } = await stage(
    "store",
    { "/": (req: Req, res: Res) => ((req.session.a = 1), res.send("")) },
    { store },
    [session({ secret: "first", name: "first.sid", store, resave: false, saveUninitialized: false }) as Handler],
  );
  const { setCookies } = await client.get("/");
  assert.equal(setCookies.length, 1);
  assert.match(setCookies[0]!, /^first\.sid=/);
});

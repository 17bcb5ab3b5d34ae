import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { createRequire } from "node:module";
import { inherits } from "node:util";
import { afterEach, describe, test } from "node:test";
import express from "express";
import session, { getSession, update } from "holdfast/express-session";
import { memoryStorage } from "holdfast/storage/memory";
import { signedValues } from "#dist/cookie/signed.js";
import { Client } from "../support/client.js";
import {
  COOKIE,
  endAll,
  PLACES,
  SECRET,
  serve,
  signal,
  stage,
  type Handler,
  type Req,
  type Res,
  type Stage,
} from "./world.js";

afterEach(endAll);

const load = createRequire(import.meta.url);

test("require() returns the function, with the constructors and everything else as its properties", async () => {
  const required = load("holdfast/express-session") as Record<string, unknown>;
  const imported = (await import("holdfast/express-session")) as Record<string, unknown>;
  assert.equal(required, imported["default"]);
  for (const [name, value] of Object.entries(imported))
    if (name !== "module.exports") assert.equal(required[name], value, name);
  for (const [path, name] of [
    ["store", "Store"],
    ["memory", "MemoryStore"],
    ["cookie", "Cookie"],
    ["session", "Session"],
  ])
    assert.equal(load(`holdfast/express-session/session/${path}`), required[name!], path);
});

test("stores of older packages inherit without a class", () => {
  function OldStore(this: object): void {
    (session.Store as unknown as () => void).call(this);
  }
  inherits(OldStore, session.Store as unknown as typeof EventEmitter);
  const store = new (OldStore as unknown as new () => EventEmitter)();
  assert.ok(store instanceof session.Store && store instanceof EventEmitter);
  assert.equal(typeof (store as unknown as Record<string, unknown>)["createSession"], "function");
});

test("options that cannot be meant are refused when the middleware is made", () => {
  const storage = {} as never;
  for (const [options, message] of [
    [{ genid: "x" }, /genid/],
    [{ unset: "x" }, /unset/],
    [{ secret: [] }, /secret option array/],
    [{ secret: ["a", ""] }, /secret/],
    [{ store: {} }, /store/],
    [{ store: new session.MemoryStore(), storage }, /storage/],
    [{ store: new session.MemoryStore(), absoluteTimeout: "1h" }, /absoluteTimeout/],
  ] as const)
    assert.throws(() => session({ secret: SECRET, ...(options as object) }), message);
});

for (const place of PLACES)
  describe(place, () => {
    test("plain properties are stored, and are there in the next request", async () => {
      const { client } = await stage(place, {
        "/put": (req: Req, res: Res) => {
          req.session.user = { name: "ann" };
          req.session.list = [1];
          res.send("put");
        },
        "/change": (req: Req, res: Res) => {
          req.session.list.push(2);
          delete req.session.user;
          res.send("changed");
        },
        "/get": (req: Req, res: Res) => res.json(req.session),
      });
      await client.get("/put");
      assert.match((await client.get("/get")).body, /"user":\{"name":"ann"\},"list":\[1\]/);
      await client.get("/change");
      const { cookie, ...data } = (await client.get("/get")).json();
      assert.deepEqual(data, { list: [1, 2] });
      assert.equal(cookie.path, "/");
    });

    test("a visitor in whose session nothing is put costs nothing and gets nothing", async () => {
      const { client, storage, store } = await stage(place, { "/": (req: Req, res: Res) => res.send(req.sessionID) });
      const calls: string[] = [];
      for (const name of ["get", "set", "touch", "destroy"]) store[name] = () => calls.push(name);
      const { setCookies } = await client.get("/");
      assert.deepEqual([setCookies, storage.calls, calls], [[], [], []]);
    });

    test("the cookie is that of express-session, and names the stored session", async () => {
      const { client } = await stage(
        place,
        { "/": (req: Req, res: Res) => ((req.session.n = 1), res.send(req.sessionID)) },
        { cookie: { maxAge: 60_000, sameSite: "lax", priority: "high" } },
      );
      const { body, cookie } = await client.get("/");
      const value = signedValues("secret", SECRET).encode(body);
      const line = new RegExp(
        `^connect\\.sid=${value.replaceAll(".", "\\.")}; Path=/; Expires=[^;]+ GMT; HttpOnly; Priority=High; SameSite=Lax$`,
      );
      assert.match(cookie(COOKIE)!, line);
    });

    test("regenerate empties the session, and the old id opens nothing any more", async () => {
      const { client, newClient } = await stage(place, {
        "/put": (req: Req, res: Res) => ((req.session.cart = 1), res.send(req.sessionID)),
        "/login": (req: Req, res: Res) =>
          req.session.regenerate(() => {
            req.session.user = 7;
            res.send(req.sessionID);
          }),
        "/get": (req: Req, res: Res) => res.json({ user: req.session.user, cart: req.session.cart }),
      });
      const before = (await client.get("/put")).body;
      const old = newClient();
      old.cookies.set(COOKIE, client.cookies.get(COOKIE)!);
      assert.notEqual((await client.get("/login")).body, before);
      assert.deepEqual((await client.get("/get")).json(), { user: 7 });
      assert.deepEqual((await old.get("/get")).json(), {});
    });

    test("after destroy the request has no session and the cookie opens nothing; there is no new cookie", async () => {
      const { client } = await stage(place, {
        "/put": (req: Req, res: Res) => ((req.session.user = 1), res.send("")),
        "/out": (req: Req, res: Res) => req.session.destroy(() => res.send(String(req.session))),
        "/get": (req: Req, res: Res) => res.send(String(req.session.user)),
      });
      await client.get("/put");
      const { body, setCookies } = await client.get("/out");
      assert.deepEqual([body, setCookies], ["undefined", []]);
      assert.equal((await client.get("/get")).body, "undefined");
    });

    test("without a callback the methods return promises", async () => {
      const { client } = await stage(place, {
        "/": async (req: Req, res: Res) => {
          req.session.a = 1;
          await req.session.save();
          const first = req.sessionID;
          req.session.a = 2;
          await req.session.reload();
          const reloaded = req.session.a;
          await req.session.regenerate();
          const other = req.sessionID !== first;
          await req.session.destroy();
          res.json([reloaded, other, req.session === undefined]);
        },
      });
      assert.deepEqual((await client.get("/")).json(), [1, true, true]);
    });

    test("a late write after a logout is dropped, and brings no cookie", async () => {
      const [reached, go] = [signal(), signal()];
      const { client, newClient, events } = await stage(
        place,
        {
          "/put": (req: Req, res: Res) => ((req.session.user = 1), res.send("")),
          "/slow": async (req: Req, res: Res) => {
            reached.give();
            await go.promise;
            req.session.late = true;
            res.send("slow");
          },
          "/out": (req: Req, res: Res) => req.session.destroy(() => res.send("")),
          "/get": (req: Req, res: Res) => res.send(String(req.session.user)),
        },
        { rolling: true, cookie: { maxAge: 60_000 } },
      );
      await client.get("/put");
      const other = newClient();
      other.cookies.set(COOKIE, client.cookies.get(COOKIE)!);
      const slow = other.get("/slow");
      await reached.promise;
      await client.get("/out");
      go.give();
      assert.deepEqual((await slow).setCookies, []);
      assert.equal((await client.get("/get")).body, "undefined");
      assert.ok(events.some(({ type }) => type === "dropped"));
    });

    test("of two overlapping requests both keep what they put under different keys", async () => {
      const [reached, go] = [signal(), signal()];
      const { client } = await stage(place, {
        "/put": (req: Req, res: Res) => ((req.session.n = 0), res.send("")),
        "/slow": async (req: Req, res: Res) => {
          reached.give();
          await go.promise;
          req.session.slow = 1;
          res.send("");
        },
        "/fast": (req: Req, res: Res) => ((req.session.fast = 1), res.send("")),
        "/get": (req: Req, res: Res) => res.json([req.session.n, req.session.slow, req.session.fast]),
      });
      await client.get("/put");
      const slow = client.get("/slow");
      await reached.promise;
      await client.get("/fast");
      go.give();
      await slow;
      assert.deepEqual((await client.get("/get")).json(), [0, 1, 1]);
    });

    test("update() counts 50 overlapping increments", async () => {
      let waiting = 0;
      const go = signal();
      const { client } = await stage(place, {
        "/put": (req: Req, res: Res) => ((req.session.n = 0), res.send("")),
        "/add": async (req: Req, res: Res) => {
          if (++waiting === 50) go.give();
          await go.promise;
          (update as any)(req, "n", (n: number) => n + 1);
          res.send("");
        },
        "/get": (req: Req, res: Res) => res.send(String(req.session.n)),
      });
      await client.get("/put");
      await Promise.all(Array.from({ length: 50 }, () => client.get("/add")));
      assert.equal((await client.get("/get")).body, "50");
    });

    test("a session that cannot be stored as JSON is a 500 that names the key, and nothing is lost", async () => {
      const { client, errors } = await stage(place, {
        "/put": (req: Req, res: Res) => ((req.session.user = 1), res.send("")),
        "/bad": (req: Req, res: Res) => {
          req.session.self = req.session;
          res.send("");
        },
        "/big": (req: Req, res: Res) => {
          req.session.big = { at: 10n };
          res.send("");
        },
        "/get": (req: Req, res: Res) => res.json([req.session.user, req.session.self, req.session.big]),
      });
      await client.get("/put");
      for (const [path, key] of [
        ["/bad", "self"],
        ["/big", "big"],
      ]) {
        assert.equal((await client.get(path!)).status, 500);
        assert.match(errors.at(-1).message, new RegExp(`req\\.session\\["${key}"\\]`));
      }
      assert.deepEqual((await client.get("/get")).json(), [1, null, null]);
    });

    test("behind `req.session = undefined` another middleware gives a separate session", async () => {
      const names = ["one.sid", "two.sid"];
      const [one, two] = names.map((name) =>
        session({
          secret: SECRET,
          resave: false,
          saveUninitialized: false,
          name,
          ...(place === "storage" ? { storage: memoryStorage() } : { store: new session.MemoryStore() }),
        }),
      ) as [Handler, Handler];
      const app = express();
      app.use(one);
      app.use("/two", (req: Req, _res, next) => ((req.session = undefined), next()), two);
      app.use((req: Req, res: Res) => {
        req.session.n = (req.session.n ?? 0) + 1;
        res.json([req.session.n, req.sessionID]);
      });
      const client = new Client(await serve(app));
      const calls: unknown[] = [];
      for (const path of ["/one", "/two", "/two", "/one", "/two"]) calls.push((await client.get(path)).json()[0]);
      assert.deepEqual(calls, [1, 1, 2, 2, 3]);
      assert.deepEqual([...client.cookies.keys()].sort(), names);
      const [first, second] = [(await client.get("/one")).json()[1], (await client.get("/two")).json()[1]];
      assert.notEqual(first, second);
    });

    test("assigning a plain object to req.session is an error that says what to write", async () => {
      const { client, errors } = await stage(place, {
        "/": (req: Req, res: Res) => {
          req.session = { user: 1 };
          res.send("");
        },
      });
      assert.equal((await client.get("/")).status, 500);
      assert.match(errors[0].message, /regenerate/);
    });
  });

test("no byte is sent before the session is stored", async () => {
  const { client, storage } = await stage("storage", {
    "/put": (req: Req, res: Res) => {
      req.session.n = (req.session.n ?? 0) + 1;
      res.send("put");
    },
    "/stream": (req: Req, res: Res) => {
      req.session.n++;
      res.write("a");
      res.end("b");
    },
    "/login": (req: Req, res: Res) => req.session.regenerate(() => ((req.session.n = 1), res.redirect("/"))),
    "/out": (req: Req, res: Res) => req.session.destroy(() => res.send("out")),
  });
  for (const [path, call] of [
    ["/put", "create"],
    ["/put", "update"],
    ["/stream", "update"],
    ["/login", "update"],
    ["/out", "update"],
  ] as const) {
    const gate = storage.park(call);
    let isThere = false;
    const answer = client.get(path).then((one) => ((isThere = true), one));
    await gate.reached;
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(isThere, false, path);
    storage.heal();
    gate.release();
    await answer;
  }
});

test("a method that fails and is not awaited is the failure of the request", async () => {
  const { client, storage } = await stage("storage", {
    "/put": (req: Req, res: Res) => ((req.session.n = 1), res.send("")),
    "/save": (req: Req, res: Res) => ((req.session.n = 2), void req.session.save(), res.send("")),
    "/out": (req: Req, res: Res) => (void req.session.destroy(), res.send("")),
    "/get": (req: Req, res: Res) => res.send(String(req.session.n)),
  });
  await client.get("/put");
  for (const path of ["/save", "/out"]) {
    storage.fail("update");
    assert.equal((await client.get(path)).status, 503, path);
    storage.heal();
    assert.equal((await client.get("/get")).body, "1");
  }
});

test("plain properties and the session of Holdfast show the same, in one request", async () => {
  const { client } = await stage("storage", {
    "/": async (req: Req, res: Res) => {
      const native = getSession<any>(req);
      req.session.a = 1;
      native.set("b", 2);
      native.update("c", (c = 0) => c + 3);
      const both = [native.get("a"), req.session.b, req.session.c];
      native.delete("a");
      req.session.b = 4;
      await native.save();
      const taken = await native.take("c");
      await native.authenticate("ann", { keep: ["b"] });
      req.session.d = 5;
      res.json([both, taken, req.session, native.keys()]);
    },
    "/get": (req: Req, res: Res) => res.json(getSession(req)),
  });
  const [both, taken, { cookie: _cookie, ...shown }, keys] = (await client.get("/")).json();
  assert.deepEqual([both, taken, shown, keys], [[1, 2, 3], 3, { b: 4, d: 5 }, ["b", "d"]]);
  assert.deepEqual((await client.get("/get")).json(), { b: 4, d: 5 });
});

test("with a storage, getSession(req) is the session of Holdfast behind the plain properties", async () => {
  const { client } = await stage("storage", {
    "/login": async (req: Req, res: Res) => {
      req.session.cart = 1;
      await getSession(req).authenticate("ann");
      res.json([req.session.cart, getSession(req).owner]);
    },
    "/get": (req: Req, res: Res) => res.json([req.session.cart, getSession(req).owner]),
  });
  assert.deepEqual((await client.get("/login")).json(), [1, "ann"]);
  assert.deepEqual((await client.get("/get")).json(), [1, "ann"]);
});

const namesOf = ({ calls }: Stage["storage"]): string[] => calls.map(({ name }) => name);

const counted: Record<string, Handler> = {
  "/": (req: Req, res: Res) => res.json(req.session.n ?? null),
  "/put": (req: Req, res: Res) => ((req.session.n = 1), res.send("put")),
  "/touch": (req: Req, res: Res) => (req.session.touch(), res.send("touched")),
};

test("with a storage, attributes that depend on the request are stored with what is put, and cost no call", async () => {
  for (const cookie of [{ secure: "auto", sameSite: "auto" } as const, () => ({ sameSite: "lax" })]) {
    const { client, storage } = await stage("storage", counted, { cookie: cookie as never });
    const paths = ["/", "/put", "/", "/put", "/"];
    for (const path of paths) await client.get(path);
    assert.deepEqual(namesOf(storage), ["create", "get", "get", "get"]);
  }
});

test("with a storage, touch() by a handler moves the deadline at once: one call, and none where it is not called", async () => {
  const { client, storage } = await stage("storage", counted);
  for (const path of ["/put", "/", "/touch", "/"]) await client.get(path);
  assert.deepEqual(namesOf(storage), ["create", "get", "get", "touch", "get"]);
});

for (const secure of [false, "auto"] as const)
  test(`storage: a response for everybody stays so for a visitor of whom nothing is asked, with secure: ${secure}`, async () => {
    const { client, storage } = await stage(
      "storage",
      { "/": (_req: Req, res: Res) => res.set("Cache-Control", "public, max-age=60").send("") },
      { saveUninitialized: true, cookie: { secure } },
    );
    const { headers, setCookies } = await client.get("/");
    assert.deepEqual([headers["cache-control"], setCookies], ["public, max-age=60", []]);
    assert.deepEqual(storage.calls, []);
  });

for (const place of PLACES)
  test(`${place}: save() of a session that was taken off the request does not fail, and keeps what was stored`, async () => {
    const { client, errors } = await stage(place, {
      "/put": (req: Req, res: Res) => ((req.session.n = 1), res.send("put")),
      "/leave"(req: Req, res: Res) {
        const { session: left } = req;
        req.session = null;
        left.save((error?: unknown) => res.json(error ? String(error) : "saved"));
      },
      "/get": (req: Req, res: Res) => res.json(req.session.n ?? null),
    });
    await client.get("/put");
    assert.deepEqual((await client.get("/leave")).json(), "saved");
    assert.deepEqual((await client.get("/get")).json(), 1);
    assert.deepEqual(errors, []);
  });

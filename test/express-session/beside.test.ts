import assert from "node:assert/strict";
import { after, afterEach, describe, test } from "node:test";
import express from "express";
import original from "express-session";
import { createClient } from "redis";
import { fromExpressSession } from "holdfast/adopt";
import session from "holdfast/express-session";
import { memoryStorage } from "holdfast/storage/memory";
import { Client } from "../support/client.js";
import { service } from "../support/services.js";
import { endAll, SECRET, serve, stage, type Handler, type Req, type Res } from "./world.js";

interface Npm {
  fromNpm(packages: Record<string, string>): string;
}

afterEach(endAll);

const routes: Record<string, Handler> = {
  "/put": (req: Req, res: Res) => {
    req.session.user = { name: "ann", at: new Date(0) };
    res.send(req.sessionID);
  },
  "/add": (req: Req, res: Res) => {
    req.session.n = (req.session.n ?? 0) + 1;
    res.json([req.session.n, req.session.user]);
  },
  "/login": (req: Req, res: Res) => req.session.regenerate(() => ((req.session.in = true), res.send(req.sessionID))),
  "/remember": (req: Req, res: Res) => ((req.session.cookie.maxAge = 3_600_000), (req.session.r = 1), res.send("")),
  "/age": (req: Req, res: Res) => res.send(String(req.session.cookie.originalMaxAge)),
  "/out": (req: Req, res: Res) => req.session.destroy(() => res.send("")),
  "/get": (req: Req, res: Res) => res.json({ user: req.session.user, n: req.session.n, in: req.session.in }),
};

type Maker = (options: any) => Handler;
const MAKERS: Readonly<Record<"theirs" | "ours", Maker>> = { theirs: original as never, ours: session as never };

/** Servers of express-session and of the drop-in on one store; each client can be sent to either of them. */
async function servers(store: unknown, options: object = {}): Promise<Record<"theirs" | "ours", string>> {
  const started = Object.entries(MAKERS).map(async ([name, make]) => {
    const app = express();
    app.use(
      make({
        secret: SECRET,
        resave: false,
        saveUninitialized: false,
        store,
        cookie: { maxAge: 60_000 },
        ...options,
      }),
    );
    for (const [path, handler] of Object.entries(routes)) app.all(path, handler);
    return [name, await serve(app)] as const;
  });
  return Object.fromEntries(await Promise.all(started)) as Record<"theirs" | "ours", string>;
}

/** The same person at another server. */
function at(origin: string, client: Client): Client {
  const other = new Client(origin);
  for (const [name, value] of client.cookies) other.cookies.set(name, value);
  return other;
}

const STORES: Readonly<Record<string, () => Promise<unknown>>> = {
  "the original MemoryStore": async () => new original.MemoryStore(),
  "our MemoryStore": async () => new session.MemoryStore(),
  "connect-redis": redisStore,
};

const closing: (() => unknown)[] = [];
after(async () => {
  for (const close of closing) await close();
});

async function redisStore(): Promise<unknown> {
  const { fromNpm } = (await import(new URL("../../scripts/from-npm.mjs", import.meta.url).href)) as Npm;
  const directory = fromNpm({ "connect-redis": "9.0.0", redis: "5.9.0", "express-session": "1.19.0" });
  const { RedisStore } = await import(`${directory}/node_modules/connect-redis/dist/connect-redis.js`);
  const { url } = await service("redis");
  const client = await createClient({ url }).connect();
  closing.push(() => client.close());
  return new RedisStore({ client, prefix: `beside-${process.pid}-${Math.random()}:` });
}

test("from express-session to a storage: who was logged in stays logged in, under the same cookie name", async () => {
  const store = new original.MemoryStore();
  const { theirs } = await servers(store);
  const client = new Client(theirs);
  await client.get("/put");
  await client.get("/add");
  const app = express();
  const adopt = [fromExpressSession({ secret: SECRET, store: store as never })];
  const options = { secret: SECRET, resave: false, saveUninitialized: false, storage: memoryStorage(), adopt };
  app.use(session({ ...options, cookie: { maxAge: 60_000 } }));
  for (const [path, handler] of Object.entries(routes)) app.all(path, handler);
  const moved = at(await serve(app), client);
  const user = { name: "ann", at: "1970-01-01T00:00:00.000Z" };
  const before = moved.cookies.get("connect.sid");
  assert.deepEqual((await moved.get("/get")).json(), { user, n: 1 });
  assert.notEqual(moved.cookies.get("connect.sid"), before);
  assert.deepEqual((await moved.get("/add")).json(), [2, user]);
  await moved.get("/out");
  assert.deepEqual((await moved.get("/get")).json(), {});
  assert.deepEqual((await at(moved.origin, client).get("/get")).json(), {}, "never adopted twice");
});

test("createSession of a store of express-session's own class makes a session of the drop-in", async () => {
  const { client, errors } = await stage(
    "store",
    {
      "/create": (req: Req, res: Res) => {
        const data = { cookie: { path: "/", originalMaxAge: 5000 }, n: 7 };
        const made = req.sessionStore.createSession(req, data);
        res.json([made === req.session, made instanceof session.Session, req.session.n]);
      },
      "/load": (req: Req, res: Res) =>
        req.sessionStore.load(req.sessionID, (_error: unknown, found: any) =>
          res.json([found instanceof original.Session, found.n]),
        ),
      "/get": (req: Req, res: Res) => res.json(req.session),
    },
    { store: new original.MemoryStore() as never, saveUninitialized: true },
  );
  await client.get("/get");
  assert.deepEqual((await client.get("/create")).json(), [true, true, 7], String(errors[0]));
  const { n, cookie } = (await client.get("/get")).json();
  assert.deepEqual([n, cookie.originalMaxAge], [7, 5000]);
  assert.deepEqual((await client.get("/load")).json(), [true, 7], "without a request it is the store's own");
});

for (const [name, make] of Object.entries(STORES))
  describe(name, () => {
    for (const [from, to] of [
      ["theirs", "ours"],
      ["ours", "theirs"],
    ] as const)
      test(`what ${from} wrote, ${to} reads, changes, renews and ends`, async () => {
        const origins = await servers(await make());
        const first = new Client(origins[from]);
        await first.get("/put");
        const second = at(origins[to], first);
        const user = { name: "ann", at: "1970-01-01T00:00:00.000Z" };
        assert.deepEqual((await second.get("/get")).json(), { user });
        for (let n = 1; n <= 6; n++) {
          const [count, found] = (await (n % 2 ? first : second).get("/add")).json();
          assert.deepEqual([count, found], [n, user]);
        }
        await second.get("/login");
        assert.deepEqual((await first.get("/get")).json(), {});
        const again = at(origins[from], second);
        assert.deepEqual((await again.get("/get")).json(), { in: true });
        await second.get("/remember");
        assert.equal((await again.get("/age")).body, "3600000");
        await again.get("/out");
        assert.deepEqual((await second.get("/get")).json(), {});
      });

    test("cookie and record are the same, byte for byte but for id and time", async () => {
      const options = {
        cookie: { maxAge: 60_000, sameSite: "strict", priority: "low", partitioned: true, domain: "localhost" },
      };
      const store = (await make()) as { get(id: string, done: (error: unknown, found: unknown) => void): void };
      const origins = await servers(store, options);
      const [theirs, ours] = await Promise.all(
        (["theirs", "ours"] as const).map(async (who) => {
          const { setCookies, body } = await new Client(origins[who]).get("/put");
          const record = await new Promise((resolve) => store.get(body, (_error, found) => resolve(found)));
          const shown = (text: string): string =>
            text.replace(/s%3A[^;]+/, "ID").replace(/\d\d:\d\d:\d\d(\.\d+)?/g, "TIME");
          return [shown(setCookies.join()), shown(JSON.stringify(record))];
        }),
      );
      // express-session reads the clock twice, and may store a millisecond less than was configured.
      assert.deepEqual(
        ours,
        theirs!.map((text) => text.replace(/"originalMaxAge":599\d\d,/, '"originalMaxAge":60000,')),
      );
    });
  });

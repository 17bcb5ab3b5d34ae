import assert from "node:assert/strict";
import { inspect } from "node:util";
import { afterEach, describe, test } from "node:test";
import { memoryStorage } from "holdfast/storage/memory";
import { signedValues } from "#dist/cookie/signed.js";
import { COOKIE, endAll, PLACES, SECRET, stage, type Handler, type Req, type Res } from "./world.js";

afterEach(endAll);

const { encode } = signedValues("secret", SECRET);

const routes: Record<string, Handler> = {
  "/put": (req: Req, res: Res) => ((req.session.user = "ann"), res.send(req.sessionID)),
  "/get": (req: Req, res: Res) => res.send(String(req.session.user)),
  "/admin": (req: Req, res: Res) => res.send(String(req.session.admin ?? ({} as any).admin)),
  "/out": (req: Req, res: Res) => req.session.destroy(() => res.send("")),
};

const HOSTILE = [
  "",
  "s:",
  "s%3A",
  "s%3A.",
  "undefined",
  "null",
  "[object Object]",
  "%",
  "s%3A%zz",
  "j%3A%7B%7D",
  "__proto__",
  `s%3A${"a".repeat(4000)}.b`,
  encodeURIComponent("s:../../etc/passwd.abc"),
  encode("unknown").slice(0, -1),
  `${encode("unknown")}=`,
  signedValues("secret", "another").encode("unknown"),
];

for (const place of PLACES)
  describe(place, () => {
    test("a cookie without a valid signature is no session: no error, no call, and another id", async () => {
      const { client, newClient, storage, store } = await stage(place, routes);
      const asked: unknown[] = [];
      const { get } = store;
      store.get = ((id: string, done: never) => (asked.push(id), get.call(store, id, done))) as never;
      for (const value of HOSTILE) {
        const one = newClient();
        one.cookies.set(COOKIE, value);
        const { status, body, setCookies } = await one.get("/get");
        assert.deepEqual([status, body, setCookies], [200, "undefined", []], value);
      }
      assert.deepEqual([asked, storage.calls], [[], []]);
      assert.equal((await client.get("/put")).status, 200);
    });

    test("fixation: an id that nothing is stored for is never the id of a new session, even if it is signed", async () => {
      for (const id of ["fixed", "%", "__proto__", "a".repeat(300), "user:42/%é="]) {
        const { client } = await stage(place, routes);
        client.cookies.set(COOKIE, encode(id));
        const { status, body } = await client.get("/put");
        assert.equal(status, 200);
        assert.notEqual(body, id);
        assert.equal((await client.get("/get")).body, "ann");
      }
    });

    test("of two cookies with the name the first counts", async () => {
      const { client } = await stage(place, routes);
      await client.get("/put");
      const own = client.cookies.get(COOKIE)!;
      client.cookies.clear();
      const other = encode("unknown");
      const ask = async (header: string): Promise<string> =>
        (await client.get("/get", { headers: { cookie: header } })).body;
      assert.equal(await ask(`${COOKIE}=${own}; ${COOKIE}=${other}`), "ann");
      assert.equal(await ask(`${COOKIE}=${other}; ${COOKIE}=${own}`), "undefined");
    });

    test("attack 99: no event, no error and no printed session contains the id of a session", (t) =>
      t.test("express-session", async () => {
        const seen: unknown[] = [];
        const { client, events, errors } = await stage(place, {
          ...routes,
          "/bad": (req: Req) => {
            const { cookie: _cookie, ...data } = req.session;
            seen.push(inspect(req.session), JSON.stringify(req.session), inspect(data));
            req.session.self = req.session;
            throw new Error("bad");
          },
        });
        const id = (await client.get("/put")).body;
        await client.get("/bad");
        await client.get("/out");
        const all = [...seen, inspect(events, { depth: 9 }), inspect(errors, { depth: 9 })].join("\n");
        assert.equal(all.includes(id), false);
      }));

    test("attributes of a cookie that would end it are an error, and not sent", async () => {
      for (const cookie of [{ path: "/; Domain=evil" }, { domain: "a\r\nb" }, { sameSite: "x" }, { priority: ";" }]) {
        const { client } = await stage(place, routes, { cookie: cookie as never, name: "own.sid" });
        const { status, setCookies } = await client.get(cookie.path ? "/; Domain=evil" : "/put");
        if (!cookie.path) assert.equal(status, 500, JSON.stringify(cookie));
        assert.deepEqual(setCookies, []);
      }
    });
  });

test("no row of a storage contains the id of a session", async () => {
  const rows: string[] = [];
  const inner = memoryStorage();
  const noted = (...args: any[]): any[] => (rows.push(JSON.stringify(args.slice(0, 2))), args);
  const storage = Object.fromEntries(
    (["get", "create", "update", "touch", "delete"] as const).map((name) => [
      name,
      (...args: any[]) => (inner[name] as (...args: any[]) => unknown)(...noted(...args)),
    ]),
  ) as unknown as typeof inner;
  const { client } = await stage("storage", routes, { storage });
  const id = (await client.get("/put")).body;
  await client.get("/get");
  await client.get("/out");
  assert.ok(rows.length >= 3);
  assert.equal(rows.join("\n").includes(id), false);
});

test("a stored record with names of prototypes is inert", async () => {
  const { client, store } = await stage("store", routes);
  const id = (await client.get("/put")).body;
  const cookie = { originalMaxAge: null, path: "/" };
  const text = `{"cookie":${JSON.stringify(cookie)},"__proto__":{"admin":true},"constructor":{"admin":true},"save":1}`;
  (store as any).sessions[id] = text;
  assert.equal((await client.get("/admin")).body, "undefined");
  assert.equal((await client.get("/put")).status, 200);
  assert.equal(({} as any).admin, undefined);
});

test("with a storage, req.sessionStore cannot restore a session that was ended", async () => {
  const { client } = await stage("storage", {
    ...routes,
    "/copy": (req: Req, res: Res) => {
      const { sessionStore, sessionID } = req;
      sessionStore.get(sessionID, (_error: unknown, found: unknown) =>
        req.session.destroy(() =>
          sessionStore.set(sessionID, found, () =>
            sessionStore.get(sessionID, (_failed: unknown, left: unknown) => res.json([found !== null, left])),
          ),
        ),
      );
    },
    "/seed": (req: Req, res: Res) =>
      req.sessionStore.set("seeded", { cookie: { originalMaxAge: null }, user: "bob" }, () => res.send("")),
  });
  await client.get("/put");
  assert.deepEqual((await client.get("/copy")).json(), [true, null]);
  assert.equal((await client.get("/get")).body, "undefined");
  await client.get("/seed");
  client.cookies.set(COOKIE, encode("seeded"));
  assert.equal((await client.get("/get")).body, "bob");
});

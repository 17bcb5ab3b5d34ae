import assert from "node:assert/strict";
import { chain, fromCookie, fromForm, type Storage } from "holdfast";
import { watched } from "../../support/storages.js";
import { basic, codeOf, COOKIE, parameter, type Case } from "../world.js";

const TWO = [
  { extractor: fromCookie("outer"), namespace: "outside" },
  { extractor: fromCookie("inner"), namespace: "inside" },
];

export const mounting: readonly Case[] = [
  {
    name: "two session middlewares in sequence: both sessions are kept, both cookies sent; the free functions use the innermost",
    async run(world) {
      const { client } = await world.stage(
        {
          "/put": (h) => {
            const [outer, inner] = h.sessions;
            outer.get(h.context).set("who", "outer");
            inner.get(h.context).set("who", "inner");
            return h.answer({ body: "put", headers: { "set-cookie": "own=1" } });
          },
          "/who": async (h) => {
            const [outer, inner] = h.sessions;
            const { session } = h;
            const seen = [
              session,
              h.getSession(),
              await h.loadSession(),
              h.findSession(),
              inner.get(h.context),
              await outer.load(h.context),
              outer.find(h.context),
            ];
            return h.json(seen.map((one) => one?.get("who")));
          },
          "/out": async (h) => {
            await h.sessions[0].get(h.context).destroy();
            return h.answer({ body: "out" });
          },
        },
        { each: TWO },
      );
      const put = await client.get("/put");
      assert.deepEqual(put.setCookies.map((line) => line.split("=")[0]).sort(), ["inner", "outer", "own"]);
      assert.deepEqual((await client.get("/who")).json(), [
        "inner",
        "inner",
        "inner",
        "inner",
        "inner",
        "outer",
        "outer",
      ]);
      const out = await client.get("/out");
      assert.match(out.cookie("outer")!, /Max-Age=0/);
      assert.equal(out.setCookies.length, 1);
      assert.deepEqual((await client.get("/who")).json(), ["inner", "inner", "inner", "inner", "inner", null, null]);
    },
  },
  {
    name: "two session middlewares, one of them failing: a 503, and a cookie only if its session was stored",
    async run(world) {
      const outside = watched();
      const inside = watched();
      const { newClient, app } = await world.stage(
        {
          "/put": (h) => {
            for (const sessions of h.sessions) sessions.get(h.context).set("who", "ann");
            return parameter(h, "as") === "stream" ? h.stream((write) => write("put")) : h.answer({ body: "put" });
          },
          "/who": (h) => h.json(h.sessions.map((sessions) => sessions.get(h.context).get("who"))),
        },
        {
          each: [
            { ...TWO[0], storage: outside },
            { ...TWO[1], storage: inside },
          ],
        },
      );
      const failures = ["text", "stream"].flatMap((as) =>
        [outside, inside].map((failing, i) => ({ as, failing, i })),
      );
      for (const { as, failing, i } of failures) {
        const client = newClient();
        failing.fail("create");
        const answer = await client.get(`/put?as=${as}`);
        failing.heal();
        assert.equal(answer.status, 503);
        assert.doesNotMatch(answer.body, /put/);
        assert.equal((app.errors.at(-1) as { code?: string }).code, "storage");
        const stored = ["outer", "inner"].map((name) => (answer.cookie(name) ? "ann" : null));
        assert.equal(stored[i], null);
        assert.deepEqual((await client.get("/who")).json(), stored);
      }
      const client = newClient();
      assert.equal((await client.get("/put")).setCookies.length, 2);
      assert.deepEqual((await client.get("/who")).json(), ["ann", "ann"]);
    },
  },
  {
    name: "two session middlewares with the same cookie: an error that names both, on the first request",
    async run(world) {
      const { app, client } = await world.stage(basic, {
        each: [{ namespace: "first-one" }, { namespace: "second-one" }],
      });
      const answer = await client.get("/plain");
      assert.equal(answer.status, 500);
      const error = app.errors.at(-1) as Error;
      assert.ok(error instanceof TypeError, String(error));
      assert.match(error.message, /cookie session_id.*first-one.*second-one/);
    },
  },
  {
    name: "the same middleware twice: the second run does nothing",
    async run(world) {
      const { app, client, storage } = await world.stage(
        {
          ...basic,
          "/login": async (h) => {
            await h.session.regenerate();
            return h.redirect("/who");
          },
          "/same": async (h) =>
            h.json(
              [h.session, h.getSession(), await h.loadSession(), h.findSession()].map(
                (one) => one === h.sessions[0].get(h.context),
              ),
            ),
        },
        { times: 2 },
      );
      assert.equal((await client.get("/put")).setCookies.length, 1);
      assert.deepEqual(storage.counts, { create: 1 });
      storage.forget();
      assert.equal((await client.get("/who")).body, "ann");
      assert.deepEqual(storage.counts, { get: 1 });
      assert.deepEqual((await client.get("/same")).json(), [true, true, true, true]);
      assert.equal((await client.follow("/login")).body, "ann");
      storage.fail("get");
      assert.equal((await client.get("/who")).status, 503);
      assert.deepEqual(
        app.errors.map((error) => (error as { code?: string }).code),
        ["storage"],
      );
    },
  },
  {
    name: "two middlewares, each run twice: each loads its session once, the free functions use the inner one",
    async run(world) {
      const { client, storage } = await world.stage(
        {
          "/put": (h) => {
            for (const [i, sessions] of h.sessions.entries()) sessions.get(h.context).set("who", i);
            return h.answer({ body: "put" });
          },
          "/who": (h) =>
            h.json([h.session.get("who"), ...h.sessions.map((sessions) => sessions.get(h.context).get("who"))]),
        },
        { each: TWO, times: 2 },
      );
      assert.equal((await client.get("/put")).setCookies.length, 2);
      assert.deepEqual(storage.counts, { create: 2 });
      assert.deepEqual((await client.get("/who")).json(), [1, 0, 1]);
    },
  },
  {
    name: "a token in a form with the same middleware twice: the form is read once",
    async run(world) {
      const { app, client, storage } = await world.stage(basic, {
        times: 2,
        session: { extractor: chain(fromForm("sid"), fromCookie()) },
      });
      const { token } = await app.sessions[0].store.create({ user: "eve" });
      storage.forget();
      assert.equal((await client.post("/who", { form: { sid: token } })).body, "eve");
      assert.deepEqual(storage.counts, { get: 1 });
    },
  },
  {
    name: "skip: the request has no session (get throws `no-session`, load rejects with it, find returns undefined)",
    async run(world) {
      const { adapter } = world;
      const { client, storage } = await world.stage(
        {
          ...basic,
          "/skipped": async (h) => {
            const [sessions] = h.sessions;
            const codes = [
              () => h.getSession(),
              () => h.loadSession(),
              () => sessions.get(h.context),
              () => sessions.load(h.context),
            ].map(codeOf);
            return h.json([
              ...(await Promise.all(codes)),
              h.findSession() === undefined,
              sessions.find(h.context) === undefined,
            ]);
          },
        },
        { session: { skip: (...context: any[]) => adapter.pathOf(context).startsWith("/skipped") } },
      );
      await client.get("/put");
      storage.forget();
      const skipped = await client.get("/skipped");
      assert.deepEqual(skipped.json(), ["no-session", "no-session", "no-session", "no-session", true, true]);
      assert.deepEqual(skipped.setCookies, []);
      assert.deepEqual(storage.counts, {});
      assert.equal((await client.get("/who")).body, "ann");
    },
  },
  {
    name: "no middleware mounted: get throws `no-session`, find returns undefined",
    async run(world) {
      const { client } = await world.stage(
        {
          "/none": async (h) =>
            h.json([
              await codeOf(() => h.getSession()),
              await codeOf(() => h.loadSession()),
              h.findSession() === undefined,
            ]),
        },
        { isMounted: false },
      );
      assert.deepEqual((await client.get("/none")).json(), ["no-session", "no-session", true]);
    },
  },
  {
    name: "a guard with findSession accepts only signed-in users",
    async run(world) {
      const { client } = await world.stage(basic, {
        guard: (h) => h.url.startsWith("/put") || h.findSession()?.get("user") !== undefined,
      });
      const refused = await client.get("/who");
      assert.equal(refused.status, 401);
      assert.deepEqual(refused.setCookies, []);
      await client.get("/put");
      assert.equal((await client.get("/who")).body, "ann");
    },
  },
  {
    name: "lazy: get throws `not-loaded` until the session is loaded; a request that does not use it makes no storage call",
    async run(world) {
      const { client, storage } = await world.stage(
        {
          "/put": async (h) => {
            (await h.loadSession()).set("user", "ann");
            return h.answer({ body: "put" });
          },
          "/who": async (h) => {
            const before = [
              await codeOf(() => h.getSession()),
              await codeOf(() => h.sessions[0].get(h.context)),
              h.findSession() === undefined,
            ];
            const [loaded, again] = await Promise.all([h.loadSession(), h.sessions[0].load(h.context)]);
            return h.json([
              ...before,
              loaded === again,
              h.getSession() === loaded,
              h.findSession() === loaded,
              h.session.get("user"),
            ]);
          },
          "/unasked": (h) => h.answer({ body: "unasked" }),
        },
        { session: { load: "lazy" } },
      );
      assert.ok((await client.get("/put")).cookie(COOKIE));
      storage.forget();
      assert.equal((await client.get("/unasked")).status, 200);
      assert.equal((await client.get("/nosuch")).status, 404);
      assert.deepEqual(storage.counts, {});
      assert.deepEqual((await client.get("/who")).json(), [
        "not-loaded",
        "not-loaded",
        true,
        true,
        true,
        true,
        "ann",
      ]);
      assert.deepEqual(storage.counts, { get: 1 });
    },
  },
  {
    name: "lazy: a storage that is down is an error of the load; a request that does not load is not affected",
    async run(world) {
      const { app, client, storage } = await world.stage(
        {
          "/put": async (h) => {
            (await h.loadSession()).set("user", "ann");
            return h.answer({ body: "put" });
          },
          "/unasked": (h) => h.answer({ body: "unasked" }),
          "/tolerant": async (h) => h.answer({ body: await codeOf(() => h.loadSession()) }),
        },
        { session: { load: "lazy" } },
      );
      await client.get("/put");
      storage.fail();
      assert.equal((await client.get("/unasked")).body, "unasked");
      assert.equal((await client.get("/tolerant")).body, "storage");
      assert.equal((await client.get("/put")).status, 503);
      assert.equal((app.errors.at(-1) as { code?: string }).code, "storage");
    },
  },
  {
    name: "storage as a function of the context: each tenant its own",
    async run(world) {
      const { adapter } = world;
      const tenants: Record<string, Storage> = { a: watched(), b: watched() };
      const tenantOf = (context: any[]): string => adapter.pathOf(context).split("/")[1]!;
      const routes = Object.fromEntries(
        ["a", "b"].flatMap((tenant) => [
          [`/${tenant}/put`, basic["/put"]!],
          [`/${tenant}/who`, basic["/who"]!],
        ]),
      );
      const { app, client } = await world.stage(routes, {
        session: { storage: (...context: any[]) => tenants[tenantOf(context)]! },
      });
      await client.get("/a/put?user=ann");
      assert.equal((await client.get("/a/who")).body, "ann");
      assert.equal((await client.get("/b/who")).body, "undefined");
      assert.equal(await codeOf(() => app.sessions[0].store), "unsupported");
    },
  },
];

import assert from "node:assert/strict";
import { testClock } from "holdfast/testing";
import type { Routes } from "../../support/apps.js";
import { basic, COOKIE, parameter, type Case } from "../world.js";

/** What an application writes into an answer that everybody may have. */
const FOR_EVERYBODY: readonly Readonly<Record<string, string>>[] = [
  { "cache-control": "public" },
  { "cache-control": "public, max-age=31536000, immutable" },
  { "cache-control": "max-age=60" },
  { "cache-control": "s-maxage=60" },
  { expires: "Tue, 01 Jan 2999 00:00:00 GMT" },
  { "cache-control": "no-store", "cdn-cache-control": "max-age=60" },
];

const PAGES: Routes = {
  ...basic,
  ...Object.fromEntries(
    FOR_EVERYBODY.flatMap(
      (headers, i) =>
        [
          [`/text/${i}`, (h) => h.answer({ body: "page", headers })],
          [`/stream/${i}`, (h) => h.stream((write) => write("page"), { headers })],
          [`/304/${i}`, (h) => h.answer({ status: 304, headers: { ...headers, etag: '"1"' } })],
          [`/404/${i}`, (h) => h.answer({ status: 404, body: "none", headers })],
        ] satisfies [string, Routes[string]][],
    ),
  ),
  "/asked": (h) => h.answer({ body: String(h.session.get("user")), headers: FOR_EVERYBODY[0]! }),
  "/login": async (h) => (await h.session.regenerate(), h.answer({ body: "in", headers: FOR_EVERYBODY[0]! })),
};

export const caches: readonly Case[] = [
  {
    name: "attack 96: caches: no-store with a token, private and Vary where the session was asked, untouched otherwise",
    async run(world) {
      const { client } = await world.stage({
        ...basic,
        "/public": (h) => h.answer({ body: "page", headers: { "cache-control": "public, max-age=60" } }),
        "/asked": (h) =>
          h.answer({
            body: String(h.session.get("user")),
            headers: { "cache-control": "public, max-age=60", vary: "Accept" },
          }),
        "/write": (h) => {
          h.session.set("user", parameter(h, "user"));
          return h.answer({ body: "written", headers: { "cache-control": "public, max-age=60" } });
        },
      });
      const written = await client.get("/write?user=ann");
      assert.equal(written.headers["cache-control"], "no-store");
      const unasked = await client.get("/public");
      assert.equal(unasked.headers["cache-control"], "public, max-age=60");
      assert.equal(unasked.headers.vary, undefined);
      const asked = await client.get("/asked");
      assert.equal(asked.headers["cache-control"], "private, max-age=60");
      assert.match(asked.headers.vary!, /^Accept, ?Cookie$/i);
      const again = await client.get("/write?user=bob");
      assert.equal(again.headers["cache-control"], "private, max-age=60");
      assert.equal(again.headers.vary, "Cookie");
    },
  },
  {
    name: "attack 96: caches: headers that target a CDN alone are no-store with a token and where the session was asked, untouched otherwise",
    async run(world) {
      const targeted = {
        "cdn-cache-control": "max-age=600",
        "vercel-cdn-cache-control": "public, max-age=600",
        "surrogate-control": "max-age=600",
        "cache-control": "private",
      };
      const { client } = await world.stage({
        ...basic,
        "/public": (h) => h.answer({ body: "page", headers: targeted }),
        "/asked": (h) => h.answer({ body: String(h.session.get("user")), headers: targeted }),
        "/asked-stream": (h) => (h.session.get("user"), h.stream((write) => write("page"), { headers: targeted })),
        "/out": async (h) => (await h.session.destroy(), h.answer({ body: "out", headers: targeted })),
        "/write": (h) => {
          h.session.set("user", "ann");
          return h.answer({ body: "written", headers: targeted });
        },
      });
      for (const [path, control] of [
        ["/public"],
        ["/write", "no-store"],
        ["/public"],
        ["/asked", "private"],
        ["/asked-stream", "private"],
        ["/out", "no-store"],
      ] as const) {
        const { headers } = await client.get(path);
        for (const [name, value] of Object.entries(targeted))
          assert.equal(
            headers[name],
            control === undefined ? value : name === "cache-control" ? control : "no-store",
            `${path} ${name}`,
          );
      }
    },
  },
  {
    name: "a response that shared caches may store, whose handler did not use the session: unchanged; the refresh waits for the next other response",
    async run(world) {
      const clock = testClock();
      const { client, storage } = await world.stage(PAGES, { session: { clock } });
      await client.get("/put");
      clock.advance("10m");
      storage.forget();
      const paths = Object.keys(PAGES).filter((path) => /\d$/.test(path));
      for (const path of paths) {
        for (const method of ["GET", "HEAD"]) {
          const answer = await client.send(path, { method });
          assert.deepEqual(answer.setCookies, [], `${method} ${path}`);
          for (const [name, value] of Object.entries(FOR_EVERYBODY[Number(path.at(-1))]!))
            assert.equal(answer.headers[name], value, `${method} ${path}`);
          assert.equal(answer.headers.vary, undefined);
        }
      }
      assert.deepEqual(storage.counts, { get: 2 * paths.length });
      const other = await client.get("/plain");
      assert.ok(other.cookie(COOKIE));
      assert.equal(other.headers["cache-control"], "no-store");
      assert.deepEqual(storage.counts, { get: 2 * paths.length + 1, touch: 1 });
    },
  },
  {
    name: "a response that shared caches may store, whose handler used the session: moves deadline and cookie, and carries the token of a login",
    async run(world) {
      const clock = testClock();
      const { client, storage } = await world.stage(PAGES, { session: { clock } });
      await client.get("/put");
      clock.advance("10m");
      storage.forget();
      for (const path of ["/asked", "/login"]) {
        const answer = await client.get(path);
        assert.ok(answer.cookie(COOKIE), path);
        assert.equal(answer.headers["cache-control"], "no-store", path);
      }
      assert.deepEqual(storage.counts, { get: 2, touch: 1, create: 1, update: 1 });
    },
  },
  {
    name: "only responses that shared caches may store: the session expires",
    async run(world) {
      const clock = testClock();
      const { client } = await world.stage(PAGES, { session: { clock } });
      await client.get("/put");
      for (let minutes = 0; minutes < 30; minutes += 10) {
        clock.advance("10m");
        await client.get("/text/0");
      }
      assert.equal((await client.get("/who")).body, "undefined");
    },
  },
  {
    name: "storeNew always: a response that shared caches may store starts no session, the next other one does",
    async run(world) {
      const { client, storage } = await world.stage(PAGES, { session: { storeNew: "always" } });
      for (const path of ["/text/1", "/stream/1", "/304/1"])
        assert.deepEqual((await client.get(path)).setCookies, [], path);
      assert.deepEqual(storage.counts, {});
      assert.ok((await client.get("/plain")).cookie(COOKIE));
      assert.deepEqual(storage.counts, { create: 1 });
    },
  },
];

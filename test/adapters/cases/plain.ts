import assert from "node:assert/strict";
import { overHttp2 } from "../../support/client.js";
import { aWhile } from "../../support/within.js";
import { makeGate } from "../../support/storages.js";
import { basic, COOKIE, parameter, type Case } from "../world.js";

export const plain: readonly Case[] = [
  {
    name: "a plain response carries the cookie of a first write, and the next request reads the value",
    async run(world) {
      const { client, storage } = await world.stage(basic);
      const first = await client.get("/put");
      assert.equal(first.status, 200);
      assert.equal(first.body, "put");
      assert.match(first.cookie(COOKIE)!, /^session_id=[\w-]{43}; Max-Age=1800; Path=\/; HttpOnly; SameSite=Lax$/);
      const second = await client.get("/who");
      assert.equal(second.body, "ann");
      assert.deepEqual(second.setCookies, []);
      assert.deepEqual(storage.counts, { create: 1, get: 1 });
    },
  },
  {
    name: "attack 106: a visitor who writes nothing costs nothing and gets nothing",
    async run(world) {
      const { client, storage } = await world.stage(basic);
      for (const path of ["/plain", "/who"]) assert.deepEqual((await client.get(path)).setCookies, []);
      assert.deepEqual(storage.counts, {});
    },
  },
  {
    name: "HEAD: the cookie comes without a body",
    async run(world) {
      const { client } = await world.stage(basic);
      const head = await client.send("/put", { method: "HEAD" });
      assert.equal(head.status, 200);
      assert.equal(head.body, "");
      assert.ok(head.cookie(COOKIE));
      assert.equal((await client.get("/who")).body, "ann");
    },
  },
  {
    name: "a JSON response in the way of the framework",
    async run(world) {
      const { client } = await world.stage({
        ...basic,
        "/json": (h) => {
          h.session.update("n", (n = 0) => n + 1);
          return h.json({ n: h.session.get("n") });
        },
      });
      for (const n of [1, 2]) {
        const answer = await client.get("/json");
        assert.match(answer.headers["content-type"]!, /^application\/json/);
        assert.deepEqual(answer.json(), { n });
      }
    },
  },
  {
    name: "redirect after a write: the request it leads to sees the write, however slow the storage",
    async run(world) {
      const { client, storage } = await world.stage({
        ...basic,
        "/go": (h) => {
          h.session.set("user", parameter(h, "user"));
          return h.redirect("/who");
        },
      });
      storage.delay(30, "create", "update");
      for (const user of ["ann", "bob"]) {
        const answer = await client.follow(`/go?user=${user}`);
        assert.equal(answer.body, user);
      }
    },
  },
  {
    name: "404 of the framework: with and without a session",
    async run(world) {
      const { client } = await world.stage(basic);
      assert.equal((await client.get("/nosuch")).status, 404);
      await client.get("/put");
      const missing = await client.get("/nosuch");
      assert.equal(missing.status, 404);
      assert.deepEqual(missing.setCookies, []);
    },
  },
  {
    name: "responses without a body (304, 204) carry the cookie of a write",
    async run(world) {
      const { newClient } = await world.stage({
        ...basic,
        "/empty": (h) => {
          h.session.set("user", "ann");
          return h.answer({ status: Number(parameter(h, "status")) });
        },
      });
      for (const status of [304, 204]) {
        const client = newClient();
        const answer = await client.get(`/empty?status=${status}`);
        assert.equal(answer.status, status);
        assert.equal(answer.body, "");
        assert.ok(answer.cookie(COOKIE), `${status}`);
        assert.equal((await client.get("/who")).body, "ann");
      }
    },
  },
  {
    name: "attack 94: concurrent requests never get the cookie or data of another",
    async run(world) {
      const { newClient, storage } = await world.stage({
        "/add": async (h) => {
          await aWhile(Math.random() * 5);
          h.session.update("me", (me = parameter(h, "me")) => me);
          h.session.update("n", (n = 0) => n + 1);
          return h.json(h.session);
        },
      });
      storage.delay(1);
      const clients = Array.from({ length: 12 }, newClient);
      for (const [i, client] of clients.entries()) await client.get(`/add?me=${i}`);
      await Promise.all(clients.flatMap((client, i) => [0, 1, 2].map(() => client.get(`/add?me=${i}`))));
      const answers = await Promise.all(clients.map((client, i) => client.get(`/add?me=${i}`)));
      assert.deepEqual(
        answers.map((answer) => answer.json()),
        clients.map((_, i) => ({ me: String(i), n: 5 })),
      );
      assert.equal(new Set(clients.map((client) => client.cookies.get(COOKIE))).size, clients.length);
    },
  },
  {
    name: "pipelined requests on one connection: responses in order, each with its own session",
    async run(world) {
      const first = makeGate();
      const { newClient, raw } = await world.stage({
        ...basic,
        "/slow": async (h) => {
          await first.pass();
          h.session.set("seen", true);
          return h.answer({ body: `slow ${h.session.get("user")}` });
        },
        "/new": (h) => {
          h.session.set("user", "nobody");
          return h.answer({ body: "new" });
        },
      });
      const [ann, bob] = [newClient(), newClient()];
      await ann.get("/put?user=ann");
      await bob.get("/put?user=bob");
      const connection = raw();
      connection.pipeline(
        { path: "/slow", cookie: ann.cookieHeader },
        { path: "/who", cookie: bob.cookieHeader },
        { path: "/new" },
        { path: "/who", cookie: ann.cookieHeader },
      );
      await first.reached;
      await aWhile();
      first.release();
      const answers = await connection.answers(4);
      assert.deepEqual(
        answers.map(({ body }) => body),
        ["slow ann", "bob", "new", "ann"],
      );
      const ours = answers.map(({ lines }) => lines.filter((line) => /^set-cookie: session_id=/i.test(line)).length);
      assert.deepEqual(ours, [0, 0, 1, 0]);
    },
  },
  {
    name: "HTTP/2: plain, HEAD and streamed responses, with the cookies of the session and the handler",
    async run(world) {
      const { app, storage } = await world.stage(
        {
          ...basic,
          "/stream": (h) => {
            h.session.set("user", "bob");
            return h.stream(async (write) => {
              for (const piece of ["a", "b", "c"]) await write(piece);
            });
          },
          "/own": (h) => {
            h.session.set("user", "ann");
            return h.answer({ body: "own", headers: { "set-cookie": "own=1; Path=/" } });
          },
        },
        { isHttp2: true },
      );
      const first = await overHttp2(app.port, "/own");
      assert.equal(first.status, 200);
      assert.equal(first.body, "own");
      assert.ok(first.cookie("own"));
      const cookie = first.cookie(COOKIE)!.split(";")[0]!;
      assert.equal((await overHttp2(app.port, "/who", { cookie })).body, "ann");
      const head = await overHttp2(app.port, "/own", { ":method": "HEAD" });
      assert.equal(head.status, 200);
      assert.equal(head.body, "");
      assert.ok(head.cookie(COOKIE));
      storage.delay(5);
      assert.equal((await overHttp2(app.port, "/stream", { cookie })).body, "abc");
      assert.equal((await overHttp2(app.port, "/who", { cookie })).body, "bob");
    },
  },
];

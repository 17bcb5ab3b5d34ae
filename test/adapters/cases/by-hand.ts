import assert from "node:assert/strict";
import type { Duplex } from "node:stream";
import type { IncomingMessage } from "node:http";
import type { Routes } from "../../support/apps.js";
import { until } from "../../support/within.js";
import { basic, codeOf, COOKIE, type Case, type World } from "../world.js";

const STORE_PATTERN: Routes = {
  "/put": async (h) => {
    const session = await h.open();
    session.set("user", "ann");
    await session.save();
    return h.answer({ body: "put", headers: { "x-handler": "1" } });
  },
  "/unsaved": async (h) => {
    (await h.open()).set("user", "eve");
    return h.answer({ body: "unsaved" });
  },
  "/who": async (h) => h.answer({ body: String((await h.open()).get("user")) }),
  "/twice": async (h) => {
    const session = await h.open();
    session.set("user", "bob");
    const again = await h.open();
    session.release();
    const anew = await h.open();
    return h.json([again === session, anew === session, anew.get("user"), await codeOf(() => session.get("user"))]);
  },
  "/login": async (h) => {
    const session = await h.open();
    await session.regenerate();
    session.set("user", "bob");
    await session.save();
    return h.redirect("/who");
  },
  "/out": async (h) => {
    await (await h.open()).destroy();
    return h.answer({ body: "out" });
  },
};

export const byHand: readonly Case[] = [
  {
    name: "sessions.open: store pattern with an explicit save, nothing mounted",
    async run(world) {
      const { client, newClient, storage } = await world.stage(STORE_PATTERN, { isMounted: false });
      const put = await client.get("/put");
      assert.ok(put.cookie(COOKIE));
      assert.equal(put.headers["x-handler"], "1");
      assert.equal(put.headers["cache-control"], "no-store");
      assert.deepEqual((await client.get("/unsaved")).setCookies, []);
      assert.equal((await client.get("/who")).body, "ann");
      assert.deepEqual((await newClient().get("/unsaved")).setCookies, []);
      assert.equal(storage.counts.create, 1);
      assert.equal(storage.counts.update, undefined);
    },
  },
  {
    name: "sessions.open: a second open in one request is the same session, after release a new one",
    async run(world) {
      const { client } = await world.stage(STORE_PATTERN, { isMounted: false });
      await client.get("/put");
      assert.deepEqual((await client.get("/twice")).json(), [true, false, "ann", "released"]);
    },
  },
  {
    name: "sessions.open: regenerate and save set the new token in the response, destroy removes the cookie",
    async run(world) {
      const { client, newClient } = await world.stage(STORE_PATTERN, { isMounted: false });
      await client.get("/put");
      const old = newClient();
      old.cookies.set(COOKIE, client.cookies.get(COOKIE)!);
      const login = await client.get("/login");
      assert.equal(login.status, 303);
      assert.ok(login.cookie(COOKIE));
      assert.equal((await client.get("/who")).body, "bob");
      assert.equal((await old.get("/who")).body, "undefined");
      const out = await client.get("/out");
      assert.match(out.cookie(COOKIE)!, /Max-Age=0/);
      assert.equal((await client.get("/who")).body, "undefined");
    },
  },
  {
    name: "sessions.open under the middleware is the session of the request",
    async run(world) {
      const { client, storage } = await world.stage({
        ...basic,
        "/same": async (h) => h.json((await h.open()) === h.session),
      });
      await client.get("/put");
      storage.forget();
      assert.equal((await client.get("/same")).body, "true");
      assert.deepEqual(storage.counts, { get: 1 });
    },
  },
  {
    name: "sessions.read: an upgrade request opens its session, may change it, and cannot get a token",
    async run(world) {
      const { app, client, raw } = await world.stage(basic);
      await client.get("/put");
      app.server.on(
        "upgrade",
        (request: IncomingMessage, socket: Duplex) => void greet(world, app.sessions[0], request, socket),
      );
      const upgrades: readonly [cookie: string, said: string][] = [
        [client.cookieHeader, "ann answered none"],
        ["session_id=" + "x".repeat(43), "undefined answered answered"],
      ];
      for (const [cookie, said] of upgrades) {
        const connection = raw();
        connection.write(
          `GET /socket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: test\r\nCookie: ${cookie}\r\n\r\n`,
        );
        await until(`"${said}" on the socket, which said "${connection.received}"`, () =>
          connection.received.endsWith("\n"),
        );
        assert.equal(connection.received.split("\r\n\r\n")[1], `${said}\n`);
      }
      assert.equal((await client.get("/who")).body, "changed");
    },
  },
];

async function greet({ adapter }: World, sessions: unknown, request: IncomingMessage, socket: Duplex): Promise<void> {
  const session = await adapter.read(sessions, request);
  const user = session.get("user");
  const renewed = await codeOf(() => session.regenerate());
  const saved = await codeOf(async () => {
    session.set("user", "changed");
    await session.save();
  });
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n${user} ${renewed} ${saved}\n`,
  );
}

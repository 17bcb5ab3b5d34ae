import assert from "node:assert/strict";
import { testClock } from "holdfast/testing";
import type { Routes } from "../../support/apps.js";
import { basic, codeOf, COOKIE, type Case } from "../world.js";

const ROUTES: Routes = {
  ...basic,
  "/login": async (h) => {
    await h.session.regenerate();
    h.session.set("user", "bob");
    return h.redirect("/who");
  },
  "/out": async (h) => {
    await h.session.destroy();
    return h.answer({ body: "bye" });
  },
  "/out-unawaited": (h) => {
    void h.session.destroy();
    return h.answer({ body: "bye", headers: { "x-handler": "1" } });
  },
  "/login-unawaited": (h) => {
    void h.session.regenerate();
    h.session.set("user", "bob");
    return h.answer({ body: "in" });
  },
  "/sign-in-unawaited": (h) => {
    void h.session.authenticate("bob");
    h.session.set("user", "bob");
    return h.answer({ body: "in" });
  },
};

export const verbs: readonly Case[] = [
  {
    name: "login and logout: a new token, the old one is invalid; then the cookie is removed with its attributes",
    async run(world) {
      const { client, newClient } = await world.stage(ROUTES);
      await client.get("/put");
      const thief = newClient();
      thief.cookies.set(COOKIE, client.cookies.get(COOKIE)!);
      assert.equal((await client.follow("/login")).body, "bob");
      assert.equal((await thief.get("/who")).body, "undefined");
      thief.cookies.set(COOKIE, client.cookies.get(COOKIE)!);
      const out = await client.get("/out");
      assert.match(
        out.cookie(COOKIE)!,
        /^session_id=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=\/; HttpOnly; SameSite=Lax$/,
      );
      assert.equal(client.cookies.has(COOKIE), false);
      assert.equal((await thief.get("/who")).body, "undefined");
    },
  },
  {
    name: "session methods without await: the end of the request waits for them",
    async run(world) {
      const { client, newClient, storage } = await world.stage(ROUTES);
      await client.get("/put");
      const thief = newClient();
      thief.cookies.set(COOKIE, client.cookies.get(COOKIE)!);
      storage.delay(20);
      assert.ok((await client.get("/login-unawaited")).cookie(COOKIE));
      assert.equal((await thief.get("/who")).body, "undefined");
      assert.equal((await client.get("/who")).body, "bob");
      thief.cookies.set(COOKIE, client.cookies.get(COOKIE)!);
      assert.match((await client.get("/out-unawaited")).cookie(COOKIE)!, /Max-Age=0/);
      assert.equal((await thief.get("/who")).body, "undefined");
    },
  },
  {
    name: "authenticate without await: the end of the request waits for it, for a visitor and for a session",
    async run(world) {
      const { app, client, newClient, storage } = await world.stage(ROUTES);
      storage.delay(5);
      const visitor = newClient();
      await client.get("/put");
      const thief = newClient();
      thief.cookies.set(COOKIE, client.cookies.get(COOKIE)!);
      for (const one of [visitor, client]) {
        const answer = await one.get("/sign-in-unawaited");
        assert.deepEqual([answer.status, answer.body], [200, "in"]);
        assert.ok(answer.cookie(COOKIE));
        assert.equal((await one.get("/who")).body, "bob");
      }
      assert.equal((await thief.get("/who")).body, "undefined");
      assert.equal((await app.sessions[0].store.listByOwner("bob")).length, 2);
      storage.fail("create");
      assert.equal((await newClient().get("/sign-in-unawaited")).status, 503);
    },
  },
  {
    name: "a destroy that fails without await is a 503, and the session is not ended",
    async run(world) {
      const { app, client, storage } = await world.stage(ROUTES);
      await client.get("/put");
      storage.fail("delete");
      const answer = await client.get("/out-unawaited");
      assert.equal(answer.status, 503);
      assert.deepEqual(answer.setCookies, []);
      assert.equal(answer.headers["x-handler"], undefined);
      assert.equal((app.errors.at(-1) as { code?: string }).code, "storage");
      storage.heal();
      assert.equal((await client.get("/who")).body, "ann");
    },
  },
  {
    name: "assigning to the session throws and says what to write",
    async run(world) {
      const { client } = await world.stage({
        ...basic,
        "/wrong": async (h) => {
          const assigned = [null, undefined, {}, { user: "eve" }].map((value) =>
            codeOf(() => h.assignSession(value)),
          );
          return h.json(await Promise.all(assigned));
        },
      });
      await client.get("/put");
      assert.deepEqual((await client.get("/wrong")).json(), Array(4).fill("wrong-call"));
      assert.equal((await client.get("/who")).body, "ann");
    },
  },
  {
    name: "a callback passed to a session method throws immediately; so does assigning to an unknown property of a session",
    async run(world) {
      const { client } = await world.stage({
        ...basic,
        "/wrong": async (h) => {
          const session = h.session as any;
          const attempts = [
            () => session.regenerate(() => {}),
            () => session.destroy(() => {}),
            () => session.save(() => {}),
            () => session.reset(() => {}),
            () => (session.user = "eve"),
            () => (session.cookie = {}),
          ];
          const codes: string[] = [];
          for (const attempt of attempts) codes.push(await codeOf(attempt));
          return h.json(codes);
        },
      });
      await client.get("/put");
      const codes = (await client.get("/wrong")).json() as string[];
      assert.deepEqual(codes, Array(6).fill("wrong-call"));
      assert.equal((await client.get("/who")).body, "ann");
    },
  },
  {
    name: "an explicit save in the handler is stored before the response, which carries its cookie",
    async run(world) {
      const routes: Routes = {
        ...basic,
        "/save": async (h) => {
          await h.session.save();
          return h.answer({ body: h.session.token });
        },
      };
      // Some milliseconds later the answer would look whether the session is still there.
      const { client, storage } = await world.stage(routes, { session: { clock: testClock() } });
      const answer = await client.get("/save");
      assert.ok(answer.cookie(COOKIE)!.startsWith(`${COOKIE}=${answer.body};`));
      assert.deepEqual(storage.counts, { create: 1 });
    },
  },
];

import assert from "node:assert/strict";
import type { AdapterName, Handle, Routes } from "../../support/apps.js";
import { parsed } from "../../support/client.js";
import { aWhile } from "../../support/within.js";
import { basic, COOKIE, type Case, type Stage, type World } from "../world.js";

/**
 * Their own answer to an error drops or never had the headers that a token needs: what needs one is then not stored.
 */
const CANNOT_CARRY: readonly AdapterName[] = ["fetch"];

class Oops extends Error {
  override readonly name = "Oops";
}

const THROWING: Routes = {
  "/sync": () => {
    throw new Oops("sync");
  },
  "/async": async () => {
    await aWhile(1);
    throw new Oops("async");
  },
  "/put-sync": (h) => {
    h.session.set("user", "ann");
    throw new Oops("sync");
  },
  "/put-async": async (h) => {
    h.session.set("user", "ann");
    await aWhile(1);
    throw new Oops("async");
  },
};

export const errors: readonly Case[] = [
  {
    name: "an error thrown before any write (sync and async): the framework's page, no session",
    async run(world) {
      const { app, client, storage } = await world.stage({ ...basic, ...THROWING });
      for (const path of ["/sync", "/async"]) {
        const answer = await client.get(path);
        assert.equal(answer.status, 500);
        assert.deepEqual(answer.setCookies, []);
      }
      assert.deepEqual(names(app.errors), ["Oops", "Oops"]);
      assert.deepEqual(storage.counts, {});
    },
  },
  {
    name: "an error thrown after a write to a stored session (sync and async): the write is kept",
    async run(world) {
      const { client } = await world.stage({ ...basic, ...THROWING });
      for (const path of ["/put-sync", "/put-async"]) {
        await client.get("/put?user=eve");
        const answer = await client.get(path);
        assert.equal(answer.status, 500);
        assert.equal((await client.get("/who")).body, "ann");
      }
    },
  },
  {
    name: "an error thrown after a first write (sync and async): the session is stored and its cookie sent, or neither",
    async run(world) {
      const stage = await world.stage({ ...basic, ...THROWING });
      for (const path of ["/put-sync", "/put-async"])
        await firstWriteThenError(world, stage, path, !CANNOT_CARRY.includes(world.adapter.name));
    },
  },
  {
    name: "an error page of the application's own, after a first write: it sees the session and carries its cookie",
    async run(world) {
      const stage = await world.stage(
        { ...basic, ...THROWING },
        { errorPage: (h, error) => `sorry, ${h.findSession()?.get("user")}: ${(error as Error).message}` },
      );
      assert.equal((await stage.newClient().get("/put-sync")).body, "sorry, ann: sync");
      for (const path of ["/put-sync", "/put-async"]) await firstWriteThenError(world, stage, path, true);
    },
  },
  {
    name: "an error thrown after regenerate: the new token is stored and sent, or the old session continues",
    async run(world) {
      const { client, newClient } = await world.stage({
        ...basic,
        "/login": async (h) => {
          await h.session.regenerate();
          throw new Oops("after login");
        },
      });
      await client.get("/put");
      const before = client.cookies.get(COOKIE)!;
      assert.equal((await client.get("/login")).status, 500);
      assert.equal((await client.get("/who")).body, "ann");
      const old = newClient();
      old.cookies.set(COOKIE, before);
      const isRenewed = client.cookies.get(COOKIE) !== before;
      assert.equal((await old.get("/who")).body, isRenewed ? "undefined" : "ann");
    },
  },
  {
    name: "an error thrown after the response was ended and before it was sent: the response is as without a session, and the session is stored",
    async run(world) {
      const routes: Routes = { ...basic, "/late": (h) => answerThenThrow(h) };
      // A listener of bare node:http has no error path: what it throws ends the process.
      const thrown = world.adapter.name !== "node";
      const bare = await world.stage(
        { ...routes, "/late": thrown ? (h) => answerThenThrow(h, false) : (h) => h.answer({ body: "given" }) },
        { isMounted: false },
      );
      const { app, client, storage, raw } = await world.stage(routes);
      await client.get("/put");
      storage.delay(20, "update");
      const [expected, actual] = [bare.raw(), raw()];
      for (const connection of [expected, actual]) {
        connection.pipeline({ path: "/late", cookie: client.cookieHeader });
        await connection.answers(1);
        connection.pipeline({ path: "/plain", cookie: client.cookieHeader });
        await connection.answers(2);
      }
      const shown = ({ received }: { received: string }): readonly string[] =>
        parsed(received).map(({ status, body }) => `${status} ${body}`);
      if (world.adapter.name === "fastify") return; // A17: a later send still overtakes the commit there
      assert.deepEqual(shown(actual), shown(expected));
      if (thrown) assert.deepEqual(names(app.errors), names(bare.app.errors));
      assert.equal((await client.get("/who")).body, "bob");
    },
  },
];

function answerThenThrow(h: Handle, isMounted: boolean = true): never {
  if (isMounted) h.session.set("user", "bob");
  h.answer({ body: "given" });
  throw new Oops("late");
}

async function firstWriteThenError(
  world: World,
  { newClient, storage }: Stage,
  path: string,
  mustCarry: boolean,
): Promise<void> {
  const client = newClient();
  storage.forget();
  const answer = await client.get(path);
  const carries = answer.cookie(COOKIE) !== undefined;
  assert.equal(answer.status, 500);
  assert.equal(storage.counts.create, carries ? 1 : undefined, `${path}: cookie and record`);
  if (mustCarry) assert.ok(carries, `${path}: the error answer of ${world.adapter.name} can carry the cookie`);
  assert.equal((await client.get("/who")).body, carries ? "ann" : "undefined");
}

function names(all: readonly unknown[]): string[] {
  return all.map((error) => (error as Error).name);
}

import assert from "node:assert/strict";
import type { Handle, Routes } from "../../support/apps.js";
import { begin } from "../../support/client.js";
import { makeGate } from "../../support/storages.js";
import { aWhile, until, within } from "../../support/within.js";
import { basic, codeOf, COOKIE, type Case } from "../world.js";

const EVENTS = { "content-type": "text/event-stream", "cache-control": "no-cache" };

export const streams: readonly Case[] = [
  {
    name: "a streamed response arrives completely, with the cookie of a first write in its head",
    async run(world) {
      const piece = "x".repeat(16_384);
      const { client } = await world.stage({
        ...basic,
        "/big": (h) => {
          h.session.set("user", "ann");
          return h.stream(async (write) => {
            for (let i = 0; i < 100; i++) await write(piece);
          });
        },
      });
      const answer = await client.get("/big");
      assert.equal(answer.body.length, 100 * piece.length);
      assert.ok(answer.cookie(COOKIE));
      assert.equal((await client.get("/who")).body, "ann");
    },
  },
  {
    name: "server-sent events: the first arrives while the stream is open, the cookie in the head",
    async run(world) {
      const more = makeGate();
      const { client } = await world.stage({
        ...basic,
        "/events": (h) => {
          h.session.set("user", "ann");
          return h.stream(
            async (write) => {
              await write("data: 1\n\n");
              await more.pass();
              await write("data: 2\n\n");
            },
            { headers: EVENTS },
          );
        },
      });
      const answer = await client.open("/events");
      await answer.holds("data: 1\n\n");
      assert.ok(answer.setCookies.some((line) => line.startsWith(`${COOKIE}=`)));
      assert.equal((await client.get("/who")).body, "ann");
      more.release();
      assert.equal(await answer.end(), "data: 1\n\ndata: 2\n\n");
    },
  },
  {
    name: "a change during the stream is there for a request that starts after the end of the body, however slow the storage",
    async run(world) {
      const more = makeGate();
      const { client, storage } = await world.stage({
        ...basic,
        "/stream": (h) =>
          h.stream(async (write) => {
            h.session.get("user");
            await write("begun ");
            await more.pass();
            h.session.set("user", "changed");
            await write("done");
          }),
      });
      await client.get("/put");
      const answer = await client.open("/stream");
      await answer.holds("begun");
      storage.delay(40, "update");
      more.release();
      assert.equal(await answer.end(), "begun done");
      assert.equal((await client.get("/who")).body, "changed");
    },
  },
  {
    name: "attack 72: regenerate, reset and a first write during the stream throw `answered`; destroy works",
    async run(world) {
      const codes: string[] = [];
      const more = [makeGate(), makeGate()];
      const route =
        (i: number, act: (session: any) => Promise<void>): Routes[string] =>
        (h) => {
          const { session } = h;
          session.get("user");
          return h.stream(async (write) => {
            await write("begun ");
            await more[i]!.pass();
            await act(session);
            await write("done");
          });
        };
      const { client, newClient, storage } = await world.stage({
        ...basic,
        "/stored": route(0, async (session) => {
          codes.push(
            await codeOf(() => session.regenerate()),
            await codeOf(() => session.reset()),
            await codeOf(() => session.destroy()),
          );
        }),
        "/visitor": route(1, async (session) => {
          codes.push(await codeOf(() => session.set("user", "eve")));
        }),
      });
      await client.get("/put");
      const stored = await client.open("/stored");
      await stored.holds("begun");
      more[0]!.release();
      await stored.end();
      assert.equal((await client.get("/who")).body, "undefined");
      storage.forget();
      const visitor = await newClient().open("/visitor");
      await visitor.holds("begun");
      more[1]!.release();
      assert.equal(await visitor.end(), "begun done");
      assert.deepEqual(codes, ["answered", "answered", "none", "answered"]);
      assert.deepEqual(storage.counts, {});
    },
  },
  {
    name: "attack 72: a save that fails at the end of the body aborts the response, with an event",
    async run(world) {
      const more = makeGate();
      const { client, storage, events } = await world.stage({
        ...basic,
        "/stream": (h) =>
          h.stream(async (write) => {
            h.session.get("user");
            await write("begun ");
            await more.pass();
            h.session.set("user", "changed");
            await write("done");
          }),
      });
      await client.get("/put");
      const answer = await client.open("/stream");
      await answer.holds("begun");
      storage.fail("update");
      more.release();
      await assert.rejects(answer.end());
      await until("the event", () => events.some(({ type }) => type === "unsaved"));
      storage.heal();
      assert.equal((await client.get("/who")).body, "ann");
    },
  },
  {
    name: "attack 95: the client disconnects while the save is pending: the save is completed",
    async run(world) {
      const { app, client, storage } = await world.stage(basic);
      await client.get("/put");
      const gate = storage.park("update");
      const { req } = begin(app.origin, "/put?user=bob", { headers: { cookie: client.cookieHeader } });
      await within(2000, "update", gate.reached);
      req.destroy();
      await aWhile();
      storage.heal();
      gate.release();
      await aWhile();
      assert.equal((await client.get("/who")).body, "bob");
    },
  },
  {
    name: "changes by the producer of a body during the last save are saved too, or refused",
    async run(world) {
      const begun = makeGate();
      const later = makeGate();
      let late = "";
      const { client, storage } = await world.stage({
        ...basic,
        "/stream": (h) =>
          h.stream(async (write) => {
            await write("begun ");
            await begun.pass();
            h.session.set("user", "changed");
            await later.pass();
            late = await codeOf(() => h.session.set("user", "later"));
          }),
      });
      await client.get("/put");
      const answer = await client.open("/stream");
      await answer.holds("begun");
      begun.release();
      await later.reached;
      const gate = storage.park("update");
      answer.abort();
      await within(2000, "the last save", gate.reached);
      later.release();
      await until("the late change", () => late !== "");
      storage.heal();
      gate.release();
      await aWhile();
      assert.equal((await client.get("/who")).body, late === "none" ? "later" : "changed");
    },
  },
  {
    name: "attack 95: the client disconnects during the response: earlier changes are saved, and nothing crashes",
    async run(world) {
      const changed = makeGate();
      let writes = 0;
      const { client, storage, events } = await world.stage({
        ...basic,
        "/endless": (h) =>
          h.stream(async (write) => {
            await write("begun ");
            h.session.set("user", "changed");
            changed.pass().catch(() => {});
            for (; writes < 50; writes++) {
              await aWhile(2);
              await Promise.race([write("more "), aWhile(20)]);
            }
          }),
      });
      await client.get("/put");
      storage.forget();
      const answer = await client.open("/endless");
      await answer.holds("begun");
      await changed.reached;
      answer.abort();
      await until("the save", () => storage.counts.update !== undefined);
      await aWhile();
      assert.deepEqual(storage.counts, { get: 1, update: 1 });
      assert.deepEqual(events, []);
      assert.equal((await client.get("/who")).body, "changed");
    },
  },
  {
    name: "a client that disconnects before the handler responds: changes of the handler before and after are stored",
    async run(world) {
      for (const [when, act] of [
        ["a write before", async (h, gone) => (h.session.set("user", "bob"), gone())],
        ["a write after", async (h, gone) => (await gone(), h.session.set("user", "bob"))],
        [
          "a login after",
          async (h, gone) => (await gone(), await h.session.regenerate(), h.session.set("user", "bob")),
        ],
        ["a logout after", async (h, gone) => (await gone(), await h.session.destroy())],
      ] as readonly [string, (h: Handle, gone: () => Promise<void>) => Promise<unknown>][]) {
        const door = makeGate();
        const { app, client, storage } = await world.stage({
          ...basic,
          "/act": async (h) => (await act(h, () => door.pass()), h.answer({ body: "done" })),
        });
        await client.get("/put");
        const token = client.cookies.get(COOKIE)!;
        const { req, response } = begin(app.origin, "/act", { headers: { cookie: client.cookieHeader } });
        await within(2000, when, door.reached);
        req.destroy();
        await response.catch(() => {});
        await aWhile(10);
        storage.delay(3);
        door.release();
        const stored = async (): Promise<unknown> => (await app.sessions[0].store.getByToken(token))?.get("user");
        const expected = when.startsWith("a write") ? "bob" : undefined;
        await until(`${when} to be stored`, async () => (await stored()) === expected);
      }
    },
  },
];

import assert from "node:assert/strict";
import type { AdapterName, Handle, Routes } from "../../support/apps.js";
import type { CallName } from "../../support/storages.js";
import { aWhile, within } from "../../support/within.js";
import { basic, COOKIE, type Case } from "../world.js";

const ROUTES: Routes = {
  ...basic,
  "/login": async (h) => {
    await h.session.regenerate();
    return h.answer({ body: "in" });
  },
  "/reset": async (h) => {
    await h.session.reset();
    h.session.set("user", "new");
    return h.answer({ body: "anew" });
  },
  "/out": async (h) => {
    void h.session.destroy();
    return h.answer({ body: "out" });
  },
  "/stream": (h) => {
    h.session.set("user", "bob");
    return h.stream((write) => write("streamed"));
  },
  "/redirect": (h) => {
    h.session.set("user", "bob");
    return h.redirect("/who");
  },
  "/empty": (h) => {
    h.session.set("user", "bob");
    return h.answer({ status: 304 });
  },
  "/error": (h) => {
    h.session.set("user", "bob");
    throw new Error("oops");
  },
};

/** What is on its way, and the storage calls its first byte must wait for. */
const WAITING: readonly (readonly [path: string, call: CallName])[] = [
  ["/put", "update"],
  ["/login", "create"],
  ["/login", "update"],
  ["/reset", "create"],
  ["/reset", "update"],
  ["/out", "delete"],
  ["/stream", "update"],
  ["/redirect", "update"],
  ["/empty", "update"],
  ["/error", "update"],
];

/** Whose own answer goes out after the handler is done. */
const SENDS_LATER: readonly AdapterName[] = ["koa", "hono"];

export const firstByte: readonly Case[] = [
  {
    name: "attack 72: the first byte never leaves before the save: write, login, reset, logout, stream, redirect, 304, error page",
    async run(world) {
      const { newClient, storage, raw } = await world.stage(ROUTES);
      for (const [path, call] of WAITING) {
        const client = newClient();
        await client.get("/put");
        const gate = storage.park(call);
        const connection = raw();
        connection.pipeline({ path, cookie: client.cookieHeader });
        await within(2000, `${path} reaches ${call}`, gate.reached);
        await aWhile(8);
        assert.equal(connection.received, "", `${path}: bytes before ${call}`);
        storage.heal();
        gate.release();
        const [answer] = await connection.answers(1);
        assert.ok(answer, path);
      }
    },
  },
  {
    name: "the first byte of a visitor's first write never leaves before its record is created",
    async run(world) {
      const { storage, raw } = await world.stage(ROUTES);
      const gate = storage.park("create");
      const connection = raw();
      connection.pipeline({ path: "/put" });
      await within(2000, "create", gate.reached);
      await aWhile(8);
      assert.equal(connection.received, "");
      gate.release();
      const [answer] = await connection.answers(1);
      assert.equal(answer!.body, "put");
      assert.ok(answer!.lines.some((line) => /^set-cookie: session_id=/i.test(line)));
    },
  },
  {
    name: "the first byte of a response that only refreshes the session is never sent before the deadline was moved",
    async run(world) {
      const { client, storage, raw } = await world.stage(ROUTES, { session: { refreshInterval: 0 } });
      await client.get("/put");
      const gate = storage.park("touch");
      const connection = raw();
      connection.pipeline({ path: "/plain", cookie: client.cookieHeader });
      await within(2000, "touch", gate.reached);
      await aWhile(8);
      assert.equal(connection.received, "");
      gate.release();
      const [answer] = await connection.answers(1);
      assert.equal(answer!.body, "plain");
      assert.ok(answer!.lines.some((line) => /^set-cookie: session_id=/i.test(line)));
    },
  },
  {
    name: "headersSent is what it is without a session, while the save is pending and afterwards",
    async run(world) {
      let handle: Handle | undefined;
      const { client, storage } = await world.stage({
        ...basic,
        "/put": (h) => {
          handle = h;
          h.session.set("user", "ann");
          return h.answer({ body: "put" });
        },
      });
      const gate = storage.park("create");
      const answering = client.get("/put");
      await gate.reached;
      assert.equal(handle!.headersSent(), !SENDS_LATER.includes(world.adapter.name));
      gate.release();
      assert.ok((await answering).cookie(COOKIE));
      assert.equal(handle!.headersSent(), true);
    },
  },
];

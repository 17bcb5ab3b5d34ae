import assert from "node:assert/strict";
import { SessionError } from "holdfast";
import type { Answer } from "../../support/client.js";
import type { Routes } from "../../support/apps.js";
import { aWhile } from "../../support/within.js";
import { basic, COOKIE, type Case, type Stage } from "../world.js";

const LEAKING: Routes = {
  ...basic,
  "/put": (h) => {
    h.session.set("user", "bob");
    return h.answer({
      status: 201,
      body: "leaked body",
      headers: {
        "x-leak": "1",
        "set-cookie": "leak=1; Path=/",
        "cache-control": "public, max-age=60",
        etag: '"leak"',
      },
    });
  },
  "/stream": (h) => {
    h.session.set("user", "bob");
    return h.stream((write) => write("leaked body"), {
      status: 201,
      headers: { "x-leak": "1", "set-cookie": "leak=1; Path=/" },
    });
  },
  "/redirect": (h) => {
    h.session.set("user", "bob");
    return h.redirect("/who");
  },
  "/known": (h) => {
    h.session.set("user", "ann");
    return h.answer({ body: "known" });
  },
};

export const failing: readonly Case[] = [
  {
    name: "attack 70: storage down at load: 503 through the framework's error path, the handler is not reached",
    async run(world) {
      const stage = await world.stage(LEAKING);
      await stage.client.get("/known");
      stage.storage.fail("get");
      for (const path of ["/who", "/put"]) assertFailed(stage, await stage.client.get(path), "storage");
      stage.storage.heal();
      assert.equal((await stage.client.get("/who")).body, "ann");
    },
  },
  {
    name: "attack 71: storage down at save: 503 through the framework's error path, no part of the handler's response is sent",
    async run(world) {
      const stage = await world.stage(LEAKING);
      await stage.client.get("/known");
      stage.storage.fail("create", "update");
      for (const path of ["/put", "/stream", "/redirect"]) {
        assertFailed(stage, await stage.client.get(path), "storage");
        assertFailed(stage, await stage.newClient().get(path), "storage");
      }
      stage.storage.heal();
      assert.equal((await stage.client.get("/who")).body, "ann");
    },
  },
  {
    name: "saved in the handler, and then the save at the end fails: a 503 that carries nothing",
    async run(world) {
      const stage = await world.stage({
        ...LEAKING,
        "/twice": async (h) => {
          await h.session.save();
          h.session.set("user", "bob");
          return h.answer({ body: "leaked body", headers: { "x-leak": "1" } });
        },
      });
      stage.storage.fail("update");
      assertFailed(stage, await stage.client.get("/twice"), "storage");
      assert.equal(stage.storage.counts.create, 1);
    },
  },
  {
    name: "a connection can be used again after a 503: at load (with an unread form), at save, and in a stream",
    async run(world) {
      const { client, storage, raw } = await world.stage(LEAKING);
      await client.get("/known");
      const connection = raw();
      const cookie = `Cookie: ${client.cookieHeader}`;
      for (const [call, path] of [
        ["get", "/who"],
        ["update", "/put"],
        ["update", "/stream"],
      ] as const) {
        storage.fail(call);
        connection.write(
          `POST ${path} HTTP/1.1\r\nHost: localhost\r\n${cookie}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 8\r\n\r\nfield=ok`,
        );
        const failed = (await connection.answers(connection.count + 1)).at(-1)!;
        assert.equal(failed.status, 503, path);
        storage.heal();
        connection.pipeline({ path: "/who", cookie: client.cookieHeader });
        const next = (await connection.answers(connection.count + 1)).at(-1)!;
        assert.deepEqual([next.status, next.body], [200, "ann"], `after ${path}`);
      }
    },
  },
  {
    name: "attack 71: storage down at login: 503, no cookie, the old session continues",
    async run(world) {
      const stage = await world.stage({
        ...LEAKING,
        "/login": async (h) => {
          await h.session.regenerate();
          return h.answer({ body: "in" });
        },
      });
      await stage.client.get("/known");
      stage.storage.fail("create");
      assertFailed(stage, await stage.client.get("/login"), "storage");
      stage.storage.heal();
      assert.equal((await stage.client.get("/who")).body, "ann");
    },
  },
  {
    name: "an application's own error page gets the storage's error, and carries no cookie of ours",
    async run(world) {
      const stage = await world.stage(LEAKING, { errorPage: (_h, error) => `page: ${(error as SessionError).code}` });
      await stage.client.get("/known");
      stage.storage.fail("update");
      assertFailed(stage, await stage.client.get("/put"), "storage");
      stage.storage.fail("get");
      assertFailed(stage, await stage.client.get("/who"), "storage");
    },
  },
  {
    name: "attacks 70, 71: storage hanging: cut off after storageTimeout with a 503, at load and at save",
    async run(world) {
      const stage = await world.stage(LEAKING, { session: { storageTimeout: 40 } });
      await stage.client.get("/known");
      stage.storage.hang("get");
      assertFailed(stage, await stage.client.get("/who"), "timeout");
      stage.storage.heal();
      stage.storage.hang("update");
      assertFailed(stage, await stage.client.get("/put"), "timeout");
      stage.storage.heal();
      assert.equal((await stage.client.get("/who")).body, "ann");
    },
  },
  {
    name: "a slow storage within the timeout: the response is as usual",
    async run(world) {
      const { client, storage } = await world.stage(basic, { session: { storageTimeout: 500 } });
      storage.delay(30);
      assert.equal((await client.get("/put")).status, 200);
      assert.equal((await client.get("/who")).body, "ann");
    },
  },
  {
    name: "errorHandler sends the response itself, at load and at save",
    async run(world) {
      const seen: unknown[] = [];
      const { adapter } = world;
      const stage = await world.stage(LEAKING, {
        session: {
          errorHandler: (error, ...context) => {
            seen.push((error as SessionError).code, adapter.pathOf(context));
            return adapter.answerError(context, 418, "tea instead");
          },
        },
      });
      await stage.client.get("/known");
      stage.storage.fail("get");
      assertTea(await stage.client.get("/who"));
      stage.storage.heal();
      stage.storage.fail("update");
      for (const path of ["/put", "/stream"]) assertTea(await stage.client.get(path));
      assert.deepEqual(seen, ["storage", "/who", "storage", "/put", "storage", "/stream"]);
      assert.deepEqual(stage.app.errors, []);
    },
  },
  {
    name: "errorHandler sends no response, or a late one: the framework's error path responds, or waits",
    async run(world) {
      const { adapter } = world;
      const quiet = await world.stage(LEAKING, { session: { errorHandler: () => undefined } });
      await quiet.client.get("/known");
      quiet.storage.fail("update");
      assertFailed(quiet, await quiet.client.get("/put"), "storage");
      quiet.storage.fail("get");
      assertFailed(quiet, await quiet.client.get("/who"), "storage");
      const slow = await world.stage(LEAKING, {
        session: {
          errorHandler: async (_error, ...context) => {
            await aWhile(10);
            return adapter.answerError(context, 418, "tea instead");
          },
        },
      });
      slow.storage.fail("create");
      assertTea(await slow.client.get("/put"));
    },
  },
  {
    name: "errorHandler throws: its error goes to the framework's error path",
    async run(world) {
      const stage = await world.stage(LEAKING, {
        session: {
          errorHandler: (error) => {
            throw new SessionError("conflict", "the handler's own", { cause: error });
          },
        },
      });
      stage.storage.fail("create");
      assertFailed(stage, await stage.client.get("/put"), "conflict");
    },
  },
];

/** A 503 that the framework's error path saw, with nothing of the handler's and no cookie. */
function assertFailed({ app }: Stage, answer: Answer, code: string): void {
  assert.equal(answer.status, 503);
  const error = app.errors.at(-1);
  assert.ok(error instanceof SessionError, `the framework's error path saw ${String(error)}`);
  assert.equal(error.code, code);
  assert.deepEqual(answer.setCookies, []);
  for (const name of ["x-leak", "location"]) assert.equal(answer.headers[name], undefined, name);
  assert.notEqual(answer.headers.etag, '"leak"');
  assert.doesNotMatch(answer.headers["cache-control"] ?? "", /public/);
  assert.doesNotMatch(answer.body, /leaked/);
}

function assertTea(answer: Answer): void {
  assert.equal(answer.status, 418);
  assert.equal(answer.body, "tea instead");
  assert.equal(answer.cookie(COOKIE), undefined);
  assert.equal(answer.headers["x-leak"], undefined);
  assert.equal(answer.cookie("leak"), undefined);
}

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Client } from "../support/client.js";
import { start } from "./running.js";

suite("three lines on each framework count a visitor's visits", { concurrency: 2 }, () => {
  for (const name of ["express", "connect", "fastify", "fastify-plain", "koa", "hono", "node", "fetch"]) {
    test(name, async (t) => {
      const { origin } = await start(t, `adapters/${name}.js`);
      const [visitor, other] = [new Client(origin), new Client(origin)];
      const first = await visitor.get("/");
      assert.deepEqual(first.json(), { visits: 1 });
      assert.match(
        first.cookie("session_id") ?? "",
        /^session_id=[\w-]{43}; Max-Age=1800; Path=\/; HttpOnly; SameSite=Lax$/,
      );
      assert.deepEqual((await visitor.get("/")).json(), { visits: 2 });
      assert.deepEqual((await other.get("/")).json(), { visits: 1 });
    });
  }
});

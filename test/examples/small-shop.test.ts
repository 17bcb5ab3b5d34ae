import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { Client } from "../support/client.js";
import { root, start } from "./running.js";

const HELPERS = ["pages", "node-http"];

const shops = readdirSync(join(root, "examples", "small-shop"))
  .map((file) => file.replace(/\.ts$/, ""))
  .filter((name) => !HELPERS.includes(name));

/** Posts a form, as a browser does from a page of the same origin. */
function form(client: Client, path: string, fields: Record<string, string>): ReturnType<Client["post"]> {
  return client.post(path, {
    headers: { "content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin" },
    body: new URLSearchParams(fields).toString(),
  });
}

suite("the small shop sells on every framework, and a logout is final", { concurrency: 2 }, () => {
  for (const name of shops) {
    test(name, async (t) => {
      const { origin } = await start(t, `small-shop/${name}.js`);
      const ann = new Client(origin);
      assert.equal((await ann.get("/account")).headers["location"], "/login");
      await form(ann, "/add", { item: "rope <5 m>" });
      assert.match((await ann.get("/")).body, /<li>rope &#60;5 m&#62;<\/li>/);
      const login = await form(ann, "/login", { user: "ann" });
      assert.deepEqual([login.status, login.headers["location"]], [303, "/account"]);
      assert.match((await ann.get("/account")).body, /account of ann/);
      assert.match((await ann.get("/")).body, /<li>rope/, "the cart is kept at login");
      const copied = { headers: { cookie: ann.cookieHeader } };
      await Promise.all(["nail", "saw"].map((item) => form(ann, "/add", { item })));
      assert.match((await ann.get("/")).body, /nail.*saw|saw.*nail/, "neither of two requests at once is lost");
      assert.equal((await form(ann, "/logout", {})).status, 303);
      assert.match((await ann.get("/")).body, /nobody/);
      assert.match((await new Client(origin).get("/", copied)).body, /nobody/, "the copied cookie opens nothing");
      const foreign = { headers: { "sec-fetch-site": "cross-site" }, body: "item=bomb" };
      assert.equal((await ann.post("/add", foreign)).status, 403);
      assert.equal((await ann.get("/no-such-page")).status, 404);
    });
  }
});

test("a framework that is not there, and a storage for one, are refused with what to write instead", () => {
  const says = (...args: string[]): string =>
    spawnSync(process.execPath, ["scripts/start.mjs", ...args], { cwd: root, encoding: "utf8" }).stderr;
  assert.match(
    says("--framework", "rails"),
    /^The shop does not open: there is no framework "rails"; write one of astro, connect, .*\bexpress, /,
  );
  assert.match(says("--framework", "express", "--storage", "redis://localhost"), /leave it out with --framework/);
});

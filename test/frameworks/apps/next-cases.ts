import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { browserStory } from "../browser-story.js";
import type { OwnCase, RunningApp } from "../framework.js";
import { WebClient } from "../web-client.js";

async function loggedIn(app: RunningApp): Promise<WebClient> {
  const client = new WebClient(app.origin);
  await client.post("/login", { user: "ann" });
  return client;
}

/** A page without what React puts between two strings. */
const shown = (text: string): string => text.replaceAll("<!-- -->", "").replaceAll("&#x27;", "'");

async function ownerOf(client: WebClient): Promise<unknown> {
  return (JSON.parse((await client.get("/data")).text) as { owner: unknown }).owner;
}

/** What only Next has. */
export const NEXT_CASES: readonly OwnCase[] = [
  {
    name: "a page and its components load the session once",
    async run(app) {
      const client = await loggedIn(app);
      await client.get("/pages/reads"); // A development server loads a page more than once when it compiles it.
      const reads = async (): Promise<number> => Number((await client.get("/storage?do=reads")).text);
      const before = await reads();
      const { text } = await client.get("/pages/reads");
      assert.match(shown(text), /true <b>ann<\/b> <b>ann<\/b>/);
      assert.equal((await reads()) - before, 1);
    },
  },
  {
    name: "a page that changes the session, or calls an action while it is rendered, is told where that works",
    async run(app) {
      const { text } = await (await loggedIn(app)).get("/pages/writes");
      assert.match(shown(text), /unsupported: session\.set\(\) cannot be called here; a page is only rendered/);
      assert.match(shown(text), /unsupported: withSession\(\): a page is being rendered/);
    },
  },
  {
    name: "reading the session in something that is prerendered is an error that says so",
    async run(app) {
      const { text } = await (await loggedIn(app)).get("/pages/static");
      assert.match(text, /^unsupported: getSession\(\): this page is rendered without a request/);
    },
  },
  {
    name: "what is prerendered has no cookie for visitors, and is not cached with the cookie that proxy sends",
    async run(app) {
      const visitor = await new WebClient(app.origin).get("/pages/plain");
      assert.equal(visitor.text, "plain");
      assert.deepEqual(visitor.headers.getSetCookie(), []);
      const own = await (await loggedIn(app)).get("/pages/plain");
      assert.equal(own.text, "plain");
      assert.equal(own.headers.getSetCookie().length, 1);
      assert.match(own.headers.get("cache-control") ?? "", /no-store/);
    },
  },
  {
    name: "proxy refreshes the session of a page that only reads it",
    async run(app) {
      const client = await loggedIn(app);
      const token = client.cookie("suite_id");
      const { headers } = await client.get("/account");
      assert.equal(headers.getSetCookie().filter((line) => line.startsWith(`suite_id=${token};`)).length, 1);
    },
  },
  {
    name: "the token of a login by GET counts, although proxy has refreshed the old one in the same request",
    async run(app) {
      const client = new WebClient(app.origin);
      await client.post("/set", { key: "cart", value: "rope" });
      const before = client.cookie("suite_id");
      assert.ok([302, 303, 307].includes((await client.get("/login?user=ann")).status));
      assert.notEqual(client.cookie("suite_id"), before);
      assert.equal(await ownerOf(client), "ann");
    },
  },
  {
    name: "notFound() in a route leaves with the cookie of what was written",
    async run(app) {
      const client = new WebClient(app.origin);
      assert.equal((await client.get("/missing")).status, 404);
      assert.match((await client.get("/data")).text, /"missed":"yes"/);
    },
  },
  {
    name: "a guard in proxy",
    async run(app) {
      const refused = await new WebClient(app.origin).get("/pages/guarded");
      assert.match(refused.headers.get("location") ?? "", /\/suite\/untouched$/);
      assert.match((await (await loggedIn(app)).get("/pages/guarded")).text, /guarded/);
    },
  },
  {
    name: "an action without script: the page in its response has the new session",
    async run(app) {
      const client = new WebClient(app.origin);
      const page = await client.get("/pages/form");
      assert.match(shown(page.text), /owner undefined/);
      const after = await client.submit("/pages/form", page, "here");
      assert.equal(after.status, 200);
      assert.match(shown(after.text), /owner ann/);
      assert.equal(await ownerOf(client), "ann");
    },
  },
  {
    name: "actions that one action calls have the session that those before them have left",
    async run(app) {
      const client = new WebClient(app.origin);
      const after = await client.submit("/pages/form", await client.get("/pages/form"), "steps");
      assert.match(shown(after.text), /owner bob, steps 2/);
      assert.match(shown((await client.get("/pages/form")).text), /owner bob, steps 2/);
    },
  },
  {
    name: "notFound() in an action leaves with the cookie of what was written",
    async run(app) {
      const client = new WebClient(app.origin);
      const after = await client.submit("/pages/form", await client.get("/pages/form"), "leave");
      assert.equal(after.status, 404);
      assert.match((await client.get("/data")).text, /"left":"yes"/);
    },
  },
  {
    name: "a storage that is down is an error of the page, not an anonymous visitor",
    async run(app) {
      const client = await loggedIn(app);
      await client.get("/account"); // compiled now, in a development server
      await client.get("/storage?do=down");
      try {
        assert.ok((await client.get("/account")).status >= 500);
      } finally {
        await client.get("/storage?do=up");
      }
    },
  },
  {
    name: "the example in Chromium: log in, redirect, back, two tabs, log out",
    run: (app) => browserStory(new URL(app.origin).origin.replace("127.0.0.1", "localhost")),
  },
];

/** What only the development server does. */
export const DEV_CASES: readonly OwnCase[] = [
  {
    name: "sessions without a storage outlive a reload of the module that makes them",
    async run(app) {
      const origin = new URL(app.origin).origin;
      const client = new WebClient(origin);
      const add = { method: "POST", body: '{"item":"rope"}', headers: { "Content-Type": "application/json" } };
      const first = await fetch(`${origin}/api/cart`, add);
      const [cookie = ""] = first.headers.getSetCookie()[0]!.split(";");
      appendFileSync(join((app as RunningApp & { directory: string }).directory, "lib/session.ts"), "\nexport {};\n");
      await wait(1500); // until the server has seen the change
      assert.equal((await client.get("/")).status, 200);
      const second = await fetch(`${origin}/api/cart`, { headers: { cookie } });
      assert.deepEqual(await second.json(), { cart: ["rope"] });
    },
  },
];

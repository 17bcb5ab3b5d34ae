import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { browserStory } from "../browser-story.js";
import type { OwnCase, RunningApp } from "../framework.js";
import { arrives, withBrowser } from "../walk.js";
import { WebClient } from "../web-client.js";
import type { NuxtApp } from "./nuxt.js";

async function loggedIn(app: RunningApp, user: string = "ann"): Promise<WebClient> {
  const client = new WebClient(app.origin);
  await client.post("/login", { user });
  return client;
}

const localhost = (app: RunningApp): string => new URL(app.origin).origin.replace("127.0.0.1", "localhost");

/** A page without what Vue puts between two strings. */
const shown = (text: string): string => text.replaceAll("<!--[-->", "").replaceAll("<!--]-->", "");

async function dataOf(client: WebClient): Promise<{ owner: string | null; data: Record<string, unknown> }> {
  return JSON.parse((await client.get("/data")).text) as { owner: string | null; data: Record<string, unknown> };
}

async function storage(client: WebClient, command: string): Promise<string> {
  return (await client.get(`/storage?do=${command}`)).text;
}

/** Responses that go to everybody: no cookie, and nothing of the visitor who came first. */
async function isForEverybody(app: RunningApp, path: string): Promise<void> {
  for (const client of [await loggedIn(app), await loggedIn(app, "bob"), new WebClient(app.origin)]) {
    const { status, headers, text } = await client.get(path);
    assert.equal(status, 200);
    assert.deepEqual(headers.getSetCookie(), [], path);
    assert.doesNotMatch(text, /\bann\b|\bbob\b/, path);
  }
}

/** What only Nuxt has. */
export const NUXT_CASES: readonly OwnCase[] = [
  {
    name: "a page shows what payload() has chosen, and its HTML does not contain the token",
    async run(app) {
      const client = await loggedIn(app);
      await client.post("/increment");
      const { text } = await client.get("/pages/reads");
      assert.match(shown(text), /owner ann, n 1/);
      const token = client.cookie("suite_id")!;
      assert.ok(token.length >= 40);
      assert.ok(!text.includes(token), "the token is in the page");
      assert.ok(text.includes('"ann"'), "the payload does not have the owner");
    },
  },
  {
    name: "requests of a page to the server have its session: one load, one cookie, and all changes are kept",
    async run(app) {
      const client = new WebClient(app.origin);
      const page = await client.get("/pages/inner");
      assert.match(shown(page.text), /found 3, n 3/);
      assert.equal(page.headers.getSetCookie().length, 1);
      assert.equal((await dataOf(client)).data["n"], 3);
      const before = Number(await storage(client, "reads"));
      assert.match(shown((await client.get("/pages/inner")).text), /found 6, n 6/);
      assert.equal(Number(await storage(client, "reads")) - before, 1);
    },
  },
  {
    name: "a server route calls others by event.$fetch with its own session",
    async run(app) {
      const client = new WebClient(app.origin);
      const response = await client.get("/calls");
      assert.deepEqual(JSON.parse(response.text), { n: 2 });
      assert.equal(response.headers.getSetCookie().length, 1);
      assert.equal((await dataOf(client)).data["n"], 2);
    },
  },
  {
    name: "a request without the event is one of nobody, and its whole response arrives",
    async run(app) {
      const client = await loggedIn(app);
      const response = await client.get("/alone");
      assert.deepEqual(JSON.parse(response.text), { text: "set", cookies: 1 });
      assert.equal((await dataOf(client)).data["alone"], undefined);
    },
  },
  {
    name: "what a page writes while it is rendered is stored before it is sent",
    async run(app) {
      const client = new WebClient(app.origin);
      assert.equal((await client.get("/pages/writes")).headers.getSetCookie().length, 1);
      assert.equal((await dataOf(client)).data["page"], "yes");
    },
  },
  {
    name: "pages and routes of swr and isr have no cookie, and nothing of the visitor who came first",
    async run(app) {
      for (const path of ["/pages/swr", "/pages/isr", "/shared", "/shared-isr", "/kept"])
        await isForEverybody(app, path);
    },
  },
  {
    name: "a page that lets caches keep it is private if it shows the session, and has nothing of it if not",
    async run(app) {
      const client = await loggedIn(app);
      const plain = await client.get("/pages/public");
      assert.equal(plain.headers.get("cache-control"), "public, max-age=60");
      assert.doesNotMatch(plain.text, /\bann\b/);
      const own = await client.get("/pages/public?shows=session");
      assert.match(shown(own.text), /owner ann/);
      assert.match(own.headers.get("cache-control") ?? "", /private/);
      assert.doesNotMatch(own.headers.get("cache-control") ?? "", /public/);
      assert.match(own.headers.get("vary") ?? "", /cookie/i);
    },
  },
  {
    name: "the session in a cached route is an error that says where it can be read",
    async run(app) {
      const client = await loggedIn(app);
      for (const path of ["/shared", "/shared-isr"]) {
        const { text } = await client.get(path);
        const [first = "", second = ""] = text.split("\n");
        assert.match(first, /^unsupported: the response of this route is kept and sent to every visitor/);
        assert.match(first, /a server route that is neither cached nor prerendered/);
        assert.equal(second, first);
      }
    },
  },
  {
    name: "a prerendered page has no cookie, and reading the session in it is an error that says why",
    async run(app) {
      await isForEverybody(app, "/pages/prerendered");
      const { text } = await (await loggedIn(app)).get("/pages/prerendered");
      assert.match(text, /unsupported: this page is rendered when the application is built/);
    },
  },
  {
    name: "a login after the first byte is an error that says so",
    async run(app) {
      const client = new WebClient(app.origin);
      assert.match((await client.get("/late")).text, /^begun\nanswered: /);
      assert.equal((await dataOf(client)).owner, null);
    },
  },
  {
    name: "a guard redirects on the server, and lets users pass",
    async run(app) {
      const refused = await new WebClient(app.origin).get("/pages/guarded");
      assert.equal(refused.status, 302);
      assert.match(refused.headers.get("location") ?? "", /\/suite\/pages\/reads$/);
      assert.match((await (await loggedIn(app)).get("/pages/guarded")).text, /guarded/);
    },
  },
  {
    name: "the error page knows who is logged in, and is sent while the storage is down, too",
    async run(app) {
      const client = await loggedIn(app);
      const html = { accept: "text/html" };
      const thrown = await client.get("/pages/throws", html);
      assert.equal(thrown.status, 418);
      assert.match(shown(thrown.text), /error 418, owner ann/);
      await storage(client, "down");
      try {
        const down = await client.get("/pages/reads", html);
        assert.equal(down.status, 503);
        assert.match(shown(down.text), /error 503, owner unknown/);
        assert.deepEqual(down.headers.getSetCookie(), []);
      } finally {
        await storage(client, "up");
      }
      assert.match(shown((await client.get("/pages/reads")).text), /owner ann/);
    },
  },
  {
    name: "a form of another site is refused, and what a page fetches while it is rendered is not",
    async run(app) {
      const client = new WebClient(app.origin);
      const foreign = { "Sec-Fetch-Site": "cross-site" };
      assert.equal((await client.post("/increment", {}, foreign)).status, 403);
      assert.match(shown((await client.get("/pages/inner", foreign)).text), /found 3/);
    },
  },
  {
    name: "the example in Chromium: log in, redirect, back, two tabs, log out",
    run: (app) => browserStory(localhost(app)),
  },
  {
    name: "in the browser a guard asks the server: a logout in another tab counts",
    async run(app) {
      await withBrowser(async (context) => {
        const [page, other] = [await context.newPage(), await context.newPage()];
        const origin = localhost(app);
        for (const one of [page, other]) one.setDefaultTimeout(40_000);
        await page.goto(`${origin}/login`, { waitUntil: "networkidle" });
        await page.getByLabel("User").fill("ann");
        await page.getByRole("button", { name: "Log in" }).click();
        await arrives(page, "/account");
        await other.goto(`${origin}/`, { waitUntil: "networkidle" });
        await other.locator("#owner", { hasText: "ann" }).waitFor();
        await page.getByRole("button", { name: "Log out" }).click();
        await page.locator("#owner", { hasText: "nobody" }).waitFor();
        const loads: string[] = [];
        other.on("request", (request) => void (request.isNavigationRequest() && loads.push(request.url())));
        await other.getByRole("link", { name: "Account" }).click();
        await arrives(other, "/login");
        assert.deepEqual(loads, [], "the browser has loaded a page");
      });
    },
  },
  {
    name: "a page that goes to every visitor shows the owner when it is in the browser",
    async run(app) {
      const client = await loggedIn(app);
      await withBrowser(async (context) => {
        const url = localhost(app);
        await context.addCookies([{ name: "suite_id", value: client.cookie("suite_id")!, url }]);
        const page = await context.newPage();
        page.setDefaultTimeout(40_000);
        for (const name of ["swr", "prerendered"]) {
          await page.goto(`${url}/suite/pages/${name}`);
          await page.locator("#page", { hasText: "owner ann" }).waitFor();
        }
      });
    },
  },
];

/** What only the development server does. */
export const DEV_CASES: readonly OwnCase[] = [
  {
    name: "sessions without a storage survive reloads of the development server",
    async run(app) {
      const { directory, origin } = app as NuxtApp;
      const client = new WebClient(new URL(origin).origin);
      await client.post("/api/login", { user: "ann" });
      // While the thread is replaced, requests fail.
      const begin = async (): Promise<string | undefined> =>
        (await client.get("/suite/began").catch(() => null))?.text;
      const began = await begin();
      appendFileSync(join(directory, "server/api/login.post.ts"), "\n// changed\n");
      for (let i = 0; ; i++) {
        assert.ok(i < 200, "the development server has not reloaded");
        const now = await begin();
        if (now !== began && /^\d/.test(now ?? "")) break;
        await wait(100);
      }
      assert.match((await client.get("/account")).text, /Account of ann/);
    },
  },
];

import assert from "node:assert/strict";
import { appendFileSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { browserStory } from "../browser-story.js";
import type { OwnCase, RunningApp } from "../framework.js";
import { withBrowser } from "../walk.js";
import { WebClient, type Page } from "../web-client.js";
import type { StartApp } from "./tanstack-start.js";

/** Calls server functions as a browser does, in one session. */
class Caller extends WebClient {
  readonly #urls: Promise<Record<string, string>>;

  constructor(app: RunningApp) {
    super(new URL(app.origin).origin);
    this.#urls = fetch(`${app.origin}/urls`).then((response) => response.json() as Promise<Record<string, string>>);
  }

  async call(name: string, headers: Readonly<Record<string, string>> = {}): Promise<Page> {
    const path = (await this.#urls)[name]!;
    const all = { "x-tsr-serverfn": "true", "x-suite": "1", accept: "application/json", ...headers };
    return name === "read" || name === "owner" ? this.get(path, all) : this.post(path, {}, all);
  }

  async data(): Promise<Record<string, unknown>> {
    const { text } = await this.get("/suite/data");
    return (JSON.parse(text) as { data: Record<string, unknown> }).data;
  }

  async storage(state: string): Promise<void> {
    await this.get(`/suite/storage?do=${state}`);
  }
}

/** Programs get whole pages, browsers get streams. */
const BROWSER = { "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0" };

const cookiesOf = ({ headers }: Page): string[] =>
  headers
    .getSetCookie()
    .map((line) => line.split("=")[0]!)
    .toSorted();

const assertNotCached = ({ headers }: Page): void => assert.match(headers.get("cache-control") ?? "", /no-store/);

/** What only TanStack Start has. */
export const START_CASES: readonly OwnCase[] = [
  {
    name: "server functions that are called at the same time lose no change of one session",
    async run(app) {
      const caller = new Caller(app);
      await caller.call("increment");
      const all = await Promise.all(Array.from({ length: 30 }, () => caller.call("increment")));
      for (const { status, text } of all) assert.equal(status, 200, text);
      assert.equal((await caller.data())["n"], 31);
    },
  },
  {
    name: "a server function that logs in and redirects carries the cookie, and its redirect reaches the browser's code",
    async run(app) {
      const caller = new Caller(app);
      await caller.call("increment");
      const before = caller.cookie("suite_id");
      const page = await caller.call("login");
      assert.equal(page.status, 200);
      assert.equal((JSON.parse(page.text) as { href: string }).href, "/suite/account");
      assert.notEqual(caller.cookie("suite_id"), before);
      assertNotCached(page);
      assert.match((await caller.get("/suite/account")).text, /account of (<!-- -->)?ann/);
      assert.deepEqual(await caller.data(), { n: 1 });
    },
  },
  {
    name: "a guard in beforeLoad redirects while a page is rendered, and as a server function on navigation",
    async run(app) {
      const visitor = new Caller(app);
      const page = await visitor.get("/suite/account");
      assert.equal(page.status, 307);
      assert.equal(page.headers.get("location"), "/suite/untouched");
      assert.match((await visitor.call("owner")).text, /"href":"\/suite\/untouched"/);
    },
  },
  {
    name: "notFound() and errors of server functions keep what was written, with the cookie of a new session",
    async run(app) {
      for (const [name, key] of Object.entries({ missing: "missing", failing: "failed" })) {
        const caller = new Caller(app);
        const page = await caller.call(name);
        assert.match(page.text, /"error"/);
        assert.deepEqual(cookiesOf(page), ["suite_id"]);
        assert.deepEqual(await caller.data(), { [key]: "yes" });
      }
    },
  },
  {
    name: "an error or notFound() while a page is rendered is the framework's page, with the cookie",
    async run(app) {
      for (const [how, status] of Object.entries({ missing: 404, failing: 500 })) {
        const caller = new Caller(app);
        const page = await caller.get(`/suite/failing?how=${how}`);
        assert.equal(page.status, status);
        assert.deepEqual(cookiesOf(page), ["suite_id"]);
      }
    },
  },
  {
    name: "cookies and headers of the framework's helpers do not replace those of the session",
    async run(app) {
      const called = await new Caller(app).call("helpers");
      assert.deepEqual(cookiesOf(called), ["other", "own", "suite_id"]);
      assertNotCached(called);
      const route = await new Caller(app).get("/suite/helpers");
      assert.deepEqual(cookiesOf(route), ["own", "suite_id", "third"]);
      assertNotCached(route);
      const redirected = await new Caller(app).get("/suite/replacing");
      assert.equal(redirected.status, 303);
      assert.deepEqual(cookiesOf(redirected), ["own", "suite_id"]);
      const replacing = await new Caller(app).call("replacing");
      assert.match(replacing.text, /"href":"\/suite\/untouched"/);
      assert.deepEqual(cookiesOf(replacing), ["own", "suite_id"]);
      assert.equal(replacing.headers.get("x-own"), "1");
      assertNotCached(replacing);
    },
  },
  {
    name: "one redirect for all requests carries nobody else's cookie",
    async run(app) {
      const [ann, bob] = [new Caller(app), new Caller(app)];
      const first = await ann.get("/suite/shared?as=ann");
      assert.deepEqual(cookiesOf(first), ["suite_id"]);
      for (const page of [await bob.get("/suite/shared"), await bob.get("/suite/shared")]) {
        assert.equal(page.status, 307);
        assert.deepEqual(cookiesOf(page), []);
      }
    },
  },
  {
    name: "what is changed while a page is streamed is stored, and a new session is refused then",
    async run(app) {
      const caller = new Caller(app);
      await caller.call("increment");
      const { text } = await caller.get("/suite/late", BROWSER);
      assert.match(text, /late 2/);
      assert.equal((await caller.data())["n"], 2);
      const visitor = new Caller(app);
      const page = await visitor.get("/suite/late", BROWSER);
      assert.match(page.text, /refused: update: the response (has begun|is complete)/);
      assert.deepEqual(cookiesOf(page), []);
    },
  },
  {
    name: "the token is in no page and in no result, also if a function returns the session",
    async run(app) {
      const caller = new Caller(app);
      await caller.call("login");
      const token = caller.cookie("suite_id")!;
      const pages = [
        await caller.get("/suite/account"),
        await caller.get("/suite/late"),
        await caller.call("read"),
        await caller.call("leaking"),
      ];
      for (const { text } of pages) assert.ok(!text.includes(token), text);
    },
  },
  {
    name: "a server function while the storage is down is a 503 without a cookie",
    async run(app) {
      const caller = new Caller(app);
      await caller.call("increment");
      await caller.storage("down");
      try {
        const page = await caller.call("increment");
        assert.equal(page.status, 503);
        assert.deepEqual(cookiesOf(page), []);
      } finally {
        await caller.storage("up");
      }
      await caller.storage("read-only");
      try {
        assert.equal((await caller.call("increment")).status, 503);
        assert.equal((await caller.call("replacing")).status, 503);
        // The error of authenticate() is one of the function, so the framework sends it to the function's caller.
        const page = await caller.call("login");
        assert.match(page.text, /"error"/);
        assert.doesNotMatch(page.text, /href/);
        assert.ok(!cookiesOf(page).includes("suite_id"));
      } finally {
        await caller.storage("up");
      }
    },
  },
  {
    name: "a session in a middleware of a server function is told where it belongs",
    async run(app) {
      const { text } = await new Caller(app).call("inFunction");
      assert.match(text, /write the session into requestMiddleware of createStart\(\)/);
    },
  },
  {
    name: "server functions, routes and forms that another site calls are refused",
    async run(app) {
      const caller = new Caller(app);
      const foreign = { "sec-fetch-site": "cross-site" };
      assert.equal((await caller.call("increment", foreign)).status, 403);
      assert.equal((await caller.post("/suite/increment", {}, foreign)).status, 403);
      assert.equal((await caller.call("increment", { "sec-fetch-site": "same-origin" })).status, 200);
    },
  },
  {
    name: "the example in Chromium: log in, redirect, back, two tabs, log out",
    run: (app) => browserStory(new URL(app.origin).origin),
  },
  {
    name: "a guard in Chromium: a link to a page behind it leads to the login",
    run: (app) =>
      withBrowser(async (context) => {
        context.setDefaultTimeout(40_000);
        const page = await context.newPage();
        await page.goto(`${new URL(app.origin).origin}/`, { waitUntil: "networkidle" });
        const asked = page.waitForRequest((request) => request.url().includes("_serverFn"));
        await page.getByRole("link", { name: "Account" }).click();
        await asked;
        await page.waitForURL("**/login");
      }),
  },
];

/** What only the built application has. */
export const BUILD_CASES: readonly OwnCase[] = [
  {
    name: "the browser's bundle contains neither the sessions nor their storage",
    async run(app) {
      const assets = join((app as StartApp).directory, "dist/client/assets");
      const scripts = readdirSync(assets).filter((name) => name.endsWith(".js"));
      assert.ok(scripts.length > 0);
      for (const name of scripts)
        assert.doesNotMatch(readFileSync(join(assets, name), "utf8"), /keeps sessions in memory|suite_id|serverFn_/);
    },
  },
  {
    name: "a page that is rendered at build time has no session, and says so",
    async run(app) {
      const page = await new WebClient(app.origin).get("/static");
      assert.equal(page.status, 200);
      assert.match(page.text, /id="static">this page is rendered when the application is built/);
      assert.deepEqual(page.headers.getSetCookie(), []);
    },
  },
];

/** What only the development server does. */
export const DEV_CASES: readonly OwnCase[] = [
  {
    name: "sessions without a storage outlive a reload of the module that makes them",
    async run(app) {
      const { directory, origin } = app as StartApp;
      const sessions = join(directory, "src/sessions.server.ts");
      const caller = new Caller(app);
      const example = { "x-suite": "" };
      await caller.call("increment", example);
      assert.ok(caller.cookie("session_id") ?? caller.cookie("suite_id"), origin);
      const before = await caller.call("read", example);
      appendFileSync(sessions, "\nexport const reloaded = true;\n");
      await wait(1500); // until the server has seen the change
      assert.equal((await caller.call("read", example)).text, before.text);
    },
  },
];

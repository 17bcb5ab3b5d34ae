/** What Chromium sends, and `crossOriginProtection` lets through. */
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type { BrowserContext, Page } from "playwright-core";
import { startApp, type AdapterName, type App, type Handle, type Routes } from "../support/apps.js";
import { until } from "../support/within.js";
import { Web, type Scope, type Site } from "./web.js";

let web: Web;

before(async () => {
  web = await Web.open({ embedded: true });
});
after(() => web.close());

const NO_REFERRER = { "content-type": "text/html", "referrer-policy": "no-referrer" };

const routes: Routes = {
  "/": (h) => h.answer({ body: form("/count"), headers: { "content-type": "text/html" } }),
  "/secretive": (h) => h.answer({ body: form("/count"), headers: NO_REFERRER }),
  "/who": (h) => h.answer({ body: `visits: ${h.session.get("visits") ?? 0}` }),
  "/count": (h) => {
    h.session.update("visits", (visits: number = 0) => visits + 1);
    return h.answer({ body: `visits: ${h.session.get("visits")}` });
  },
  "/login": async (h) => {
    await h.session.authenticate("mallory");
    return h.answer({ body: "welcome" });
  },
  "/state": (h) => {
    h.session.set("state", "s-1");
    return h.answer({ body: "asked" });
  },
  "/callback": (h) => h.redirect("/finish?state=s-1"),
  "/finish": (h) => h.answer({ body: `state: ${String(h.session.get("state"))}` }),
};

function form(action: string): string {
  return `<!doctype html><form method="post" action="${action}"><button>Send</button></form>`;
}

/** Somebody who has counted to 1 at a.test, and what the application says. */
interface Visit {
  readonly app: App;
  readonly site: Site;
  readonly context: BrowserContext;
  readonly page: Page;
  readonly token: string;
  /** Sends a form of a page of another host to a path of a.test; returns the status that came back. */
  sendFrom(from: string, path: string): Promise<number>;
}

async function visit(t: Scope, adapter: AdapterName, trustedOrigins: readonly string[] = []): Promise<Visit> {
  const app = await startApp(adapter, { crossOrigin: { trustedOrigins } }, routes);
  t.after(() => app.close());
  const site = await web.front(t, [app]);
  const context = await web.person(t);
  const page = await context.newPage();
  await page.goto(`${site.at("a.test")}/count`);
  const sendFrom = async (from: string, path: string): Promise<number> => {
    await page.goto(from);
    return send(page, site.at("a.test") + path);
  };
  return { app, site, context, page, token: await tokenOf(context), sendFrom };
}

/** Makes a form in the page that is open, of another host, and sends it; returns the status that came back first. */
async function send(page: Page, action: string): Promise<number> {
  const { host } = new URL(action);
  const script = `setTimeout(() => {
    document.body.innerHTML = '<form method="post" action="${action}"><input name="x" value="1"></form>';
    document.querySelector("form").submit();
  }), undefined`;
  const [answered] = await Promise.all([
    page.waitForResponse((response) => response.url() === action),
    page.waitForURL((url) => url.host === host),
    page.evaluate(script),
  ]);
  return answered.status();
}

async function tokenOf(context: BrowserContext): Promise<string> {
  return (await context.cookies()).find(({ name, domain }) => name === "session_id" && domain === "a.test")!.value;
}

const codes = ({ app }: Visit): unknown[] => app.errors.map((error) => (error as { code?: string }).code);

for (const adapter of ["express", "fastify", "fetch"] as const) {
  suite(adapter, () => {
    test("a form of another site is refused: the user's cookie is kept, and nobody is logged in as another user", async (t) => {
      const one = await visit(t, adapter);
      for (const path of ["/count", "/login"]) {
        assert.equal(await one.sendFrom(`${one.site.at("elsewhere.test")}/`, path), 403);
        assert.equal(await tokenOf(one.context), one.token, `${path} replaced the cookie`);
      }
      assert.deepEqual(codes(one), ["cross-origin", "cross-origin"]);
      await one.page.goto(`${one.site.at("a.test")}/who`);
      assert.equal(await one.page.locator("body").innerText(), "visits: 1");
    });

    test("a form of a subdomain comes with the cookie, and is refused", async (t) => {
      const one = await visit(t, adapter);
      assert.equal(await one.sendFrom(`${one.site.at("sub.a.test")}/`, "/count"), 403);
      assert.equal(one.site.cookieAt("/count"), `session_id=${one.token}`);
      assert.deepEqual(codes(one), ["cross-origin"]);
      await one.page.goto(`${one.site.at("a.test")}/who`);
      assert.equal(await one.page.locator("body").innerText(), "visits: 1");
    });

    test("a form of the same site works, also with a referrer policy that hides the page", async (t) => {
      const { page, site, app } = await visit(t, adapter);
      for (const [i, path] of ["/", "/secretive"].entries()) {
        await page.goto(site.at("a.test") + path);
        await page.getByRole("button").click();
        await page.waitForURL("**/count");
        assert.equal(await page.locator("body").innerText(), `visits: ${i + 2}`);
      }
      assert.deepEqual(app.errors, []);
    });
  });
}

test("a form_post callback of a trusted provider arrives, without the cookie; the page it redirects to has the session", async (t) => {
  const provider = await web.serve(t, "node", { sessions: [] }, { "/": blank });
  const other = await web.serve(t, "node", { sessions: [] }, { "/": blank });
  const one = await visit(t, "express", [provider.at("login.test")]);
  await one.page.goto(`${one.site.at("a.test")}/state`);
  assert.equal(await one.sendFrom(`${other.at("login.test")}/`, "/callback"), 403, "the same name, another port");
  assert.equal(await one.sendFrom(`${provider.at("sub.login.test")}/`, "/callback"), 403, "a subdomain of it");
  assert.equal(await one.sendFrom(`${provider.at("login.test")}/`, "/callback"), 303);
  assert.equal(one.site.cookieAt("/callback"), "");
  assert.equal(await one.page.locator("body").innerText(), "state: s-1");
  assert.equal(await tokenOf(one.context), one.token);
});

test("without TLS browsers send no Sec-Fetch-Site: Origin decides", async (t) => {
  const { page, site, app } = await visit(t, "express");
  await page.goto(`${site.plain("a.test")}/`);
  await page.getByRole("button").click();
  await page.waitForURL("**/count");
  assert.deepEqual(app.errors, []);
  for (const from of ["elsewhere.test", "sub.a.test"]) {
    await page.goto(`${site.plain(from)}/`);
    assert.equal(await send(page, `${site.plain("a.test")}/count`), 403, from);
  }
  assert.equal(app.errors.length, 2);
});

test("a WebSocket of another site is refused at its handshake, by the headers of Chromium", async (t) => {
  const one = await visit(t, "express");
  const shake = (): Promise<void> =>
    one.page.evaluate(
      `new Promise((done) => (new WebSocket("${one.site.at("a.test").replace("https:", "wss:")}/who").onerror = () => done()))`,
    );
  const asked = (): number => one.site.sent.filter(({ url }) => url === "/who").length;
  await one.page.goto(`${one.site.at("a.test")}/`);
  await shake();
  await until("the handshake of the own page", () => asked() === 1);
  assert.deepEqual(codes(one), []);
  for (const from of ["elsewhere.test", "sub.a.test"]) {
    await one.page.goto(`${one.site.at(from)}/`);
    await shake();
  }
  await until("both handshakes", () => asked() === 3);
  assert.deepEqual(codes(one), ["cross-origin", "cross-origin"]);
});

function blank(h: Handle): unknown {
  return h.answer({ body: "<!doctype html><body>a page</body>", headers: { "content-type": "text/html" } });
}

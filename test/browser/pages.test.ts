import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type { BrowserContext, Page } from "playwright-core";
import { createStore, fromCookie } from "holdfast";
import type { AdapterName, Handle, Routes } from "../support/apps.js";
import { until } from "../support/within.js";
import { ask, Web, type Scope } from "./web.js";

const ADAPTERS: readonly AdapterName[] = ["express", "fetch", "hono"];
const LONG = 60_000;

let web: Web;

before(async () => {
  web = await Web.open({ embedded: false });
});
after(() => web.close());

suite("the back button after logout", () => {
  for (const adapter of ["express", "hono"] as const) {
    test(`${adapter}: a page with no-store is requested again after logout, and shows no user`, async (t) => {
      const { page, at } = await visit(t, adapter);
      await logIn(page);
      for (const path of ["/account", "/account?2", "/account?3"]) await page.goto(at(path));
      assert.equal(await who(page), "Ines");
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.waitForURL(at("/out"));
      assert.deepEqual(await wayBack(page, 3), [
        `${at("/account?3")} nobody`,
        `${at("/account?2")} nobody`,
        `${at("/account")} nobody`,
      ]);
    });
  }

  test("a page that does not say so comes back as it was, where the browser froze it", async (t) => {
    const { page, at } = await visit(t, "express");
    await logIn(page);
    await page.goto(at("/page"));
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL(at("/out"));
    const [seen] = await wayBack(page, 1);
    const wasFrozen = await page.evaluate("document.body.dataset.frozen");
    assert.equal(seen, `${at("/page")} ${wasFrozen === "true" ? "Ines" : "nobody"}`);
  });
});

suite("a login while other requests are on their way", () => {
  for (const adapter of ADAPTERS) {
    test(`${adapter}: a request whose response comes after a login does not replace the login's cookie`, async (t) => {
      const { page, context, turnstile } = await visit(t, adapter, { refreshInterval: 0 });
      assert.equal(await ask(page, "/count"), "visits: 1");
      const before = await tokenOf(context);
      for (const [i, path] of ["/slow/read", "/slow/write", "/slow/save"].entries()) {
        await page.evaluate(`void (window.late${i} = fetch("${path}").then((answer) => answer.status))`);
        await turnstile.holds(i + 1);
      }
      await ask(page, "/login", { method: "POST" });
      const now = await tokenOf(context);
      assert.notEqual(now, before);
      while (turnstile.count > 0) turnstile.release();
      const statuses = await page.evaluate("Promise.all([late0, late1, late2])");
      assert.equal(await tokenOf(context), now, `${String(statuses)}: one of them replaced the cookie`);
      assert.equal(await ask(page, "/who"), "Ines");
    });
  }

  test("without an earlier session, a late first write is a separate session, and its cookie is the one that stays", async (t) => {
    const { page, context, store, turnstile } = await visit(t, "express");
    await page.evaluate(`void (window.late = fetch("/slow/write").then(() => {}))`);
    await turnstile.holds(1);
    await ask(page, "/login", { method: "POST" });
    const login = await tokenOf(context);
    turnstile.release();
    await page.evaluate("late");
    assert.notEqual(await tokenOf(context), login);
    assert.equal(await ask(page, "/who"), "nobody");
    assert.equal((await store.getByToken(login))?.get("user"), "Ines", "the login's own session is as it was");
  });
});

suite("a login form that is sent twice", () => {
  test("a double click logs in", async (t) => {
    const { page, context, at } = await visit(t, "express");
    await page.getByRole("button", { name: "Sign in" }).dblclick();
    await page.getByText("Ines").waitFor();
    assert.equal(page.url(), at("/welcome"));
    assert.equal((await context.cookies()).length, 1);
  });

  test("two concurrent logins without a session are two sessions, of which the browser keeps the second", async (t) => {
    const { page, at, context, turnstile, sendTwice } = await visit(t, "express");
    await sendTwice();
    turnstile.release();
    turnstile.release();
    await page.getByText("Ines").waitFor();
    assert.equal(page.url(), at("/welcome"));
    assert.equal((await context.cookies()).length, 1);
  });

  for (const adapter of ["express", "fetch"] as const) {
    test(`attack 89: ${adapter}: two concurrent logins of one session: one renews it, the other gets an error, and the user can log in again`, async (t) => {
      const { page, at, context, store, turnstile, sendTwice } = await visit(t, adapter);
      const statuses: number[] = [];
      page.on("response", (response) => statuses.push(response.status()));
      await ask(page, "/count");
      const before = await tokenOf(context);
      await sendTwice();
      turnstile.release();
      await until(
        "the first of them to renew the session",
        async () => (await store.getByToken(before)) === undefined,
        LONG,
      );
      turnstile.release();
      await until(
        "the other's 409 to be shown",
        () => statuses.includes(409) && page.url() === at("/slow/login"),
        LONG,
      );
      await page.goto(at("/"));
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.waitForURL(at("/welcome"));
      assert.equal(await who(page), "Ines");
    });
  }
});

/** Requests that stand in their handlers until the test lets them go on. */
class Turnstile {
  #waiting: (() => void)[] = [];

  get count(): number {
    return this.#waiting.length;
  }

  wait(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  holds(count: number): Promise<void> {
    return until(`${count} requests in their handlers`, () => this.count >= count, LONG);
  }

  /** Lets the one go that came first. */
  release(): void {
    this.#waiting.shift()!();
  }
}

interface Visit {
  readonly context: BrowserContext;
  readonly page: Page;
  readonly store: ReturnType<typeof createStore<Record<string, any>>>;
  readonly turnstile: Turnstile;
  at(path: string): string;
  /** Sends the login form, and again while the first one is in its handler. */
  sendTwice(): Promise<void>;
}

/** Somebody on the front page of a site with a login. */
async function visit(
  t: Scope,
  adapter: AdapterName,
  options: Parameters<typeof createStore>[0] = {},
): Promise<Visit> {
  const store = createStore<Record<string, any>>(options);
  const turnstile = new Turnstile();
  const site = await web.serve(
    t,
    adapter,
    { sessions: { store, extractor: fromCookie("__Host-session_id") } },
    routes(turnstile),
  );
  const at = (path: string): string => site.at("a.test") + path;
  const context = await web.person(t);
  const page = await context.newPage();
  await page.goto(at("/"));
  return { context, page, store, turnstile, at, sendTwice: () => sendTwice(page, at("/?slow"), turnstile) };
}

function routes(turnstile: Turnstile): Routes {
  const logIn: Routes[string] = async (h) => {
    await h.session.regenerate();
    h.session.set("user", "Ines");
    return h.redirect("/welcome");
  };
  return {
    "/": (h) => page(h, button(h.url === "/?slow" ? "/slow/login" : "/login", "Sign in")),
    "/out": (h) => page(h, "Good bye"),
    "/who": (h) => h.answer({ body: String(h.session.get("user") ?? "nobody") }),
    "/welcome": (h) => page(h, ""),
    "/account": (h) => page(h, button("/logout", "Sign out"), { "cache-control": "no-store" }),
    "/page": (h) => page(h, button("/logout", "Sign out")),
    "/count": (h) => {
      h.session.update("visits", (visits: number = 0) => visits + 1);
      return h.answer({ body: `visits: ${h.session.get("visits")}` });
    },
    "/login": logIn,
    "/slow/login": async (h) => {
      await turnstile.wait();
      return logIn(h);
    },
    "/logout": async (h) => {
      await h.session.destroy();
      return h.redirect("/out");
    },
    "/slow/read": async (h) => {
      const visits: unknown = h.session.get("visits");
      await turnstile.wait();
      return h.answer({ body: `visits: ${visits}` });
    },
    "/slow/write": async (h) => {
      await turnstile.wait();
      h.session.set("seen", true);
      return h.answer({ body: "seen" });
    },
    "/slow/save": async (h) => {
      h.session.set("saved", true);
      await turnstile.wait();
      await h.session.save();
      return h.answer({ body: "saved" });
    },
  };
}

/** A page that says who is logged in, and notes whether it was brought back frozen. */
function page(h: Handle, body: string, headers: Record<string, string> = {}): unknown {
  const script = `<script>addEventListener("pageshow", (event) => (document.body.dataset.frozen = event.persisted))</script>`;
  return h.answer({
    body: `<!doctype html><body><p id="who">${h.session.get("user") ?? "nobody"}</p>${body}${script}`,
    headers: { "content-type": "text/html", ...headers },
  });
}

const button = (action: string, text: string): string =>
  `<form method="post" action="${action}"><button>${text}</button></form>`;

async function logIn(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL("**/welcome");
}

function who(page: Page): Promise<string> {
  return page.locator("#who").innerText();
}

/** Goes back so many times: each address, and who the page is for. */
async function wayBack(page: Page, steps: number): Promise<string[]> {
  const seen: string[] = [];
  for (let i = 0; i < steps; i++) {
    await page.goBack({ waitUntil: "commit" });
    seen.push(`${page.url()} ${await who(page)}`);
  }
  return seen;
}

async function sendTwice(page: Page, url: string, turnstile: Turnstile): Promise<void> {
  await page.goto(url);
  const { x, y } = (await page.getByRole("button").boundingBox())!;
  for (const count of [1, 2]) {
    await page.mouse.click(x + 5, y + 5);
    await turnstile.holds(count);
  }
}

async function tokenOf(context: BrowserContext): Promise<string> {
  return (await context.cookies()).find(({ name }) => name === "__Host-session_id")?.value ?? "none";
}

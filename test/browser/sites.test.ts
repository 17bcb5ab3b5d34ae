import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type { BrowserContext, Page } from "playwright-core";
import { createStore, fromCookie, type SessionEvent } from "holdfast";
import type { AdapterName, Routes } from "../support/apps.js";
import { ask, Web, type Scope, type Site } from "./web.js";
import { incidents } from "../support/incidents.js";

let web: Web;

before(async () => {
  web = await Web.open({ embedded: true });
});
after(() => web.close());

const routes: Routes = {
  "/": (h) => h.answer({ body: "a page" }),
  "/who": (h) => h.answer({ body: `visits: ${h.session.get("visits") ?? 0}` }),
  "/count": (h) => {
    h.session.update("visits", (visits: number = 0) => visits + 1);
    return h.answer({ body: `visits: ${h.session.get("visits")}` });
  },
  "/login": async (h) => {
    await h.session.regenerate();
    h.session.set("user", "Ines");
    return h.answer({ body: "welcome" });
  },
  "/account": (h) => h.answer({ body: `user: ${h.session.get("user") ?? "nobody"}` }),
  "/by-hand": (h) => h.answer({ body: "set", headers: { "set-cookie": "bare=v; Path=/; Secure" } }),
};

/** What a page of one site does to be answered by another. */
const WAYS: Readonly<Record<string, (page: Page, url: string) => Promise<unknown>>> = {
  fetch: (page, url) => page.evaluate(`fetch("${url}", { mode: "no-cors", credentials: "include" }).then(() => {})`),
  "POST by fetch": (page, url) =>
    page.evaluate(
      `fetch("${url}", { method: "POST", body: "x", mode: "no-cors", credentials: "include" }).then(() => {})`,
    ),
  image: (page, url) =>
    page.evaluate(
      `new Promise((done) => Object.assign(new Image(), { onload: done, onerror: done, src: "${url}" })).then(() => {})`,
    ),
  frame: (page, url) => framed(page, url),
  link: (page, url) => left(page, url, `Object.assign(document.createElement("a"), { href: "${url}" }).click()`),
  "POST form": (page, url) =>
    left(
      page,
      url,
      `document.body.append(Object.assign(document.createElement("form"), { method: "post", action: "${url}", id: "form" })), document.getElementById("form").submit()`,
    ),
  typed: (page, url) => page.goto(url),
};

async function framed(page: Page, url: string): Promise<unknown> {
  return page.evaluate(
    `new Promise((done) => document.body.append(Object.assign(document.createElement("iframe"), { onload: done, src: "${url}" }))).then(() => {})`,
  );
}

async function left(page: Page, url: string, script: string): Promise<void> {
  await Promise.all([page.waitForURL(url), page.evaluate(`setTimeout(() => { ${script} }), undefined`)]);
}

/** In which of these ways a page of `from` has the browser send the cookie to `path` of `to`. */
async function waysWithCookie(page: Page, site: Site, from: string, to: string, path: string): Promise<string[]> {
  const found: string[] = [];
  for (const [way, go] of Object.entries(WAYS)) {
    if (new URL(page.url()).host !== new URL(site.at(from)).host) await page.goto(`${site.at(from)}/`);
    const url = `${path}?${way.replaceAll(" ", "-")}`;
    await go(page, site.at(to) + url);
    if (site.cookieAt(url)) found.push(way);
  }
  return found;
}

suite("requests from another site", () => {
  test("SameSite=Lax is sent when a user follows a link, Strict when the user typed the address, None always, a partitioned cookie only for its top-level site", async (t) => {
    const { page } = await visit(t);
    const came: Record<string, readonly string[]> = {};
    const kinds = {
      lax: { sameSite: "lax" },
      strict: { sameSite: "strict" },
      none: { sameSite: "none" },
      partitioned: { sameSite: "none", partitioned: true },
    } as const;
    for (const [kind, cookie] of Object.entries(kinds)) {
      const site = await web.serve(t, "express", { sessions: { cookie } }, routes);
      const host = `${kind}.test`;
      await page.goto(`${site.at(host)}/count`);
      came[kind] = await waysWithCookie(page, site, "elsewhere.test", host, "/who");
      if (kind === "strict")
        came["strict, from a subdomain"] = await waysWithCookie(page, site, `sub.${host}`, host, "/who");
    }
    const all = Object.keys(WAYS);
    assert.deepEqual(came, {
      lax: ["link", "typed"],
      strict: ["typed"],
      "strict, from a subdomain": all,
      none: all,
      partitioned: ["link", "POST form", "typed"],
    });
  });

  test("a cookie without SameSite is sent with a POST for two minutes; ours always has SameSite", async (t) => {
    const site = await web.serve(t, "express", {}, routes);
    const { context, page } = await visit(t);
    await page.goto(`${site.at("a.test")}/count`);
    await ask(page, "/by-hand");
    assert.equal((await context.cookies()).length, 2);
    await page.goto(`${site.at("b.test")}/`);
    await WAYS["POST form"]!(page, `${site.at("a.test")}/who`);
    assert.equal(site.cookieAt("/who"), "bare=v");
  });

  for (const adapter of ["express", "fetch"] as const) {
    test(`${adapter}: a POST from elsewhere cannot use a session; where the handler writes, it replaces the cookie of one`, async (t) => {
      const { page, context, site, token } = await loggedIn(t, adapter);
      for (const way of ["fetch", "POST by fetch", "image", "frame"]) {
        await page.goto(`${site.at("b.test")}/`);
        await WAYS[way]!(page, `${site.at("a.test")}/count`);
        assert.equal(site.cookieAt("/count"), "", way);
        assert.equal(await tokenOf(context), token, `${way} replaced the cookie`);
      }
      await WAYS["POST form"]!(page, `${site.at("a.test")}/who`);
      assert.equal(await tokenOf(context), token);
      await page.goto(`${site.at("b.test")}/`);
      await WAYS["POST form"]!(page, `${site.at("a.test")}/count`);
      assert.equal(await page.locator("body").innerText(), "visits: 1");
      assert.notEqual(await tokenOf(context), token);
    });
  }
});

/** What a neighbour can set under a name that only looks like the other. */
const LOOKALIKES = (name: string): string[] => [
  `\u00a0${name}`,
  `\u2000${name}`,
  `\ufeff${name}`,
  name.toUpperCase(),
  name.replace("_", "%5F"),
  `${name}[]`,
  `"${name}"`,
];

suite("a subdomain that tosses cookies", () => {
  test("attack 30: it can neither fix nor break a session whose cookie is a __Host- one", async (t) => {
    const { context, page, site, store, events, toss } = await tossed(t, "__Host-session_id");
    const { token } = await store.create({ visits: 40 });
    const tossAll = async (): Promise<void> => {
      for (const name of [
        "__Host-session_id",
        "session_id",
        "=__Host-session_id",
        ...LOOKALIKES("__Host-session_id"),
      ]) {
        for (const path of ["/", "/who", "/account"])
          await toss(`${name}=${token}; Domain=a.test; Path=${path}; Secure`);
      }
    };
    await tossAll();
    await page.goto(`${site.at("a.test")}/`);
    assert.ok(
      (await ask(page, "/who")) === "visits: 0" && site.cookieAt("/who")!.includes(token),
      "it was sent, and opened nothing",
    );
    assert.equal(await ask(page, "/count"), "visits: 1");
    const first = await tokenOf(context, "a.test", "__Host-session_id");
    await tossAll();
    await page.goto(`${site.at("a.test")}/`);
    assert.equal(await ask(page, "/who"), "visits: 1");
    await ask(page, "/login");
    const second = await tokenOf(context, "a.test", "__Host-session_id");
    assert.equal(new Set([token, first, second]).size, 3);
    assert.equal(await ask(page, "/account"), "user: Ines");
    assert.deepEqual([await visitsOf(store, token), await visitsOf(store, first), events], [40, undefined, []]);
  });

  test("attack 7: without the prefix a tossed session is taken, yet a login does not fix it: it is refused instead", async (t) => {
    const { context, page, site, store, events, toss } = await tossed(t, "session_id");
    const { token } = await store.create({ visits: 40 });
    await toss(`session_id=${token}; Domain=a.test; Path=/; Secure`);
    await page.goto(`${site.at("a.test")}/`);
    assert.equal(
      await ask(page, "/count"),
      "visits: 41",
      "what the visitor does goes into the session of somebody else",
    );
    await ask(page, "/login");
    assert.equal((await context.cookies()).length, 2);
    assert.deepEqual([await visitsOf(store, token), await ask(page, "/account")], [undefined, "user: nobody"]);
    assert.equal(await visitsOf(store, await tokenOf(context, "a.test")), 41);
    assert.ok(events.some(({ type }) => type === "duplicate"));
  });

  test("attack 29: without the prefix a tossed cookie with a longer path comes first, and replaces the user's session there", async (t) => {
    const { page, site, store, events, toss } = await tossed(t, "session_id");
    const { token } = await store.create({ user: "Mallory" });
    await page.goto(`${site.at("a.test")}/login`);
    await toss(`session_id=${token}; Domain=a.test; Path=/account; Secure`);
    await page.goto(`${site.at("a.test")}/`);
    assert.deepEqual(
      [await ask(page, "/account"), await ask(page, "/count"), events.map(({ type }) => type)],
      ["user: Mallory", "visits: 1", ["duplicate"]],
    );
  });

  test("attack 116: it can crowd the cookie out, which ends nothing and lets nothing else in", async (t) => {
    const { context, page, site, store, toss } = await tossed(t, "__Host-session_id");
    await page.goto(`${site.at("a.test")}/count`);
    const own = await tokenOf(context, "a.test", "__Host-session_id");
    const { token } = await store.create({ visits: 40 });
    for (let i = 0; i < 400; i += 100)
      await toss(...Array.from({ length: 100 }, (_, n) => `n${i + n}=v; Domain=a.test; Path=/; Secure`));
    await toss(
      `__Host-session_id=${token}; Domain=a.test; Path=/; Secure`,
      `session_id=${token}; Domain=a.test; Path=/; Secure`,
    );
    await page.goto(`${site.at("a.test")}/`);
    const left = await tokenOf(context, "a.test", "__Host-session_id");
    assert.ok([own, "none"].includes(left));
    assert.equal(await ask(page, "/who"), left === own ? "visits: 1" : "visits: 0");
    assert.equal(await visitsOf(store, own), 1);
  });
});

interface Visit {
  readonly context: BrowserContext;
  readonly page: Page;
}

async function visit(t: Scope): Promise<Visit> {
  const context = await web.person(t);
  return { context, page: await context.newPage() };
}

interface LoggedIn extends Visit {
  readonly site: Site;
  readonly token: string;
}

async function loggedIn(t: Scope, adapter: AdapterName): Promise<LoggedIn> {
  const site = await web.serve(t, adapter, {}, routes);
  const { context, page } = await visit(t);
  await page.goto(`${site.at("a.test")}/login`);
  return { context, page, site, token: await tokenOf(context) };
}

/** The value of the cookie that was set for this host alone. */
async function tokenOf(
  context: BrowserContext,
  host: string = "a.test",
  name: string = "session_id",
): Promise<string> {
  return (await context.cookies()).find((cookie) => cookie.domain === host && cookie.name === name)?.value ?? "none";
}

interface Tossed extends Visit {
  readonly site: Site;
  readonly store: ReturnType<typeof createStore<Record<string, any>>>;
  readonly events: SessionEvent[];
  /** Sets these cookies by a script of evil.a.test. */
  toss(...lines: string[]): Promise<void>;
}

/** Somebody who visits a.test, and now and then evil.a.test. */
async function tossed(t: Scope, name: string): Promise<Tossed> {
  const events: SessionEvent[] = [];
  const store = createStore<Record<string, any>>({ onEvent: incidents((event) => void events.push(event)) });
  const site = await web.serve(t, "express", { sessions: { store, extractor: fromCookie(name) } }, routes);
  const { context, page } = await visit(t);
  const evil = await context.newPage();
  await evil.goto(`${site.at("evil.a.test")}/`);
  return {
    context,
    page,
    site,
    store,
    events,
    toss: (...lines) => evil.evaluate(`for (const line of ${JSON.stringify(lines)}) document.cookie = line`),
  };
}

async function visitsOf(store: Tossed["store"], token: string): Promise<number | undefined> {
  return (await store.getByToken(token))?.get("visits");
}

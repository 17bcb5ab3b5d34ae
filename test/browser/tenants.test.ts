/** Attributes of the cookie for each request, in Chromium: two tenants, and a domain that subdomains share. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { BrowserContext, Page } from "playwright-core";
import type { CookieOptions } from "holdfast";
import type { AdapterName, Routes } from "../support/apps.js";
import { ask, Web, type Scope, type Site } from "./web.js";

let web: Web;

before(async () => {
  web = await Web.open({ embedded: true });
});
after(() => web.close());

const TENANTS: Readonly<Record<string, CookieOptions>> = {
  "one.test": { domain: "one.test" },
  "two.test": { sameSite: "strict", path: "/app" },
  "a.localhost": { path: "/app" },
  "b.localhost": { domain: "b.localhost", sameSite: "strict" },
};

const routes: Routes = {
  "/": (h) => h.answer({ body: "a page" }),
  "/app/who": (h) => h.answer({ body: `visits: ${h.session.get("visits") ?? 0}` }),
  "/app/count": (h) => {
    h.session.update("visits", (visits: number = 0) => visits + 1);
    return h.answer({ body: `visits: ${h.session.get("visits")}` });
  },
  "/app/login": async (h) => {
    await h.session.authenticate("ann");
    return h.answer({ body: "welcome" });
  },
  "/app/out": async (h) => {
    await h.session.destroy();
    return h.answer({ body: "out" });
  },
};

/** What each framework calls its host. */
const HOSTS: Partial<Record<AdapterName, (context: any) => string>> = {
  express: (req) => req.hostname,
  hono: (c) => new URL(c.req.url).hostname,
  fetch: (request) => new URL(request.url).hostname,
  fastify: (request) => request.hostname,
};

function cookie(host: string): CookieOptions {
  return TENANTS[Object.keys(TENANTS).find((name) => host === name || host.endsWith(`.${name}`))!]!;
}

interface Visit {
  readonly site: Site;
  readonly context: BrowserContext;
  readonly page: Page;
  /** Asks from a page of a host, over https. */
  at(host: string, path: string): Promise<string>;
  /** Where the cookies are: `domain path sameSite`. */
  jar(): Promise<string[]>;
}

async function visit(t: Scope, adapter: AdapterName): Promise<Visit> {
  const hostOf = HOSTS[adapter]!;
  const sessions = { refreshInterval: 0, cookie: (context: unknown) => cookie(hostOf(context)) };
  const site = await web.serve(t, adapter, { sessions }, routes);
  const context = await web.person(t);
  const page = await context.newPage();
  return {
    site,
    context,
    page,
    async at(host, path) {
      await page.goto(`${site.at(host)}/`);
      return ask(page, path);
    },
    async jar() {
      return (await context.cookies()).map(({ domain, path, sameSite }) => `${domain} ${path} ${sameSite}`).sort();
    },
  };
}

for (const adapter of ["express", "fastify", "hono", "fetch"] as const) {
  test(`${adapter}: two tenants, each with its own cookie; that of a parent domain is shared by its subdomains, and removed from any of them`, async (t) => {
    const { at, jar } = await visit(t, adapter);
    assert.equal(await at("app.one.test", "/app/count"), "visits: 1");
    assert.equal(await at("help.one.test", "/app/count"), "visits: 2");
    assert.equal(await at("one.test", "/app/count"), "visits: 3");
    assert.equal(await at("two.test", "/app/count"), "visits: 1");
    assert.equal(await at("sub.two.test", "/app/who"), "visits: 0");
    assert.deepEqual(await jar(), [".one.test / Lax", "two.test /app Strict"]);
    assert.equal(await at("help.one.test", "/app/login"), "welcome");
    assert.equal(await at("app.one.test", "/app/count"), "visits: 4");
    assert.deepEqual(await jar(), [".one.test / Lax", "two.test /app Strict"]);
    assert.equal(await at("help.one.test", "/app/out"), "out");
    assert.deepEqual(await jar(), ["two.test /app Strict"]);
    assert.equal(await at("app.one.test", "/app/who"), "visits: 0");
    assert.equal(await at("two.test", "/app/count"), "visits: 2");
    assert.equal(await at("two.test", "/app/out"), "out");
    assert.deepEqual(await jar(), []);
  });
}

test("two tenants on names below localhost, over plain http", async (t) => {
  const { site, page, jar } = await visit(t, "express");
  for (const host of ["a.localhost", "b.localhost", "sub.b.localhost"]) {
    await page.goto(`${site.plain(host)}/`);
    await ask(page, "/app/count");
  }
  assert.equal(await ask(page, "/app/who"), "visits: 2");
  assert.deepEqual(await jar(), [".b.localhost / Strict", "a.localhost /app Lax"]);
  await ask(page, "/app/out");
  assert.deepEqual(await jar(), ["a.localhost /app Lax"]);
});

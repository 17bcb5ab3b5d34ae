import assert from "node:assert/strict";
import { after, before, beforeEach, suite, test } from "node:test";
import type { BrowserContext, Cookie, Frame, Page } from "playwright-core";
import { createStore, fromCookie } from "holdfast";
import { cookieLine, cookieName, cookieSettings, type CookieOptions } from "#dist/cookie/cookie.js";
import { startApp, type AdapterName, type Routes } from "../support/apps.js";
import { ask, Web, type Scope, type Site } from "./web.js";
import { incidents } from "../support/incidents.js";

const ADAPTERS: readonly AdapterName[] = ["express", "fetch", "hono"];
const TOKEN = /^[\w-]{43}$/;
const MOST_SECONDS = 400 * 24 * 3600;

let web: Web;

before(async () => {
  web = await Web.open({ embedded: false });
});
after(() => web.close());

/** Counts visits, and ends; wherever it is asked. */
const counting: Routes = Object.fromEntries(
  ["", "/app"].flatMap((path): [string, Routes[string]][] => [
    [`${path}/`, (h) => h.answer({ body: `visits: ${h.session.get("visits") ?? 0}` })],
    [
      `${path}/count`,
      (h) => {
        h.session.update("visits", (visits: number = 0) => visits + 1);
        return h.answer({ body: `visits: ${h.session.get("visits")}` });
      },
    ],
    [
      `${path}/login`,
      async (h) => {
        await h.session.regenerate();
        return h.answer({ body: "welcome" });
      },
    ],
    [
      `${path}/end`,
      async (h) => {
        await h.session.destroy();
        return h.answer({ body: "ended" });
      },
    ],
  ]),
);

suite("a session in a browser", () => {
  for (const adapter of ADAPTERS) {
    test(`${adapter}: over http on localhost the default cookie is kept and sent back, and no script sees it`, async (t) => {
      const site = await web.serve(t, adapter, {}, counting);
      const cookie = await lives(t, site, site.local, "session_id");
      assert.deepEqual(attributes(cookie), {
        domain: "localhost",
        path: "/",
        httpOnly: true,
        secure: false,
        sameSite: "Lax",
      });
      assert.ok(
        Math.abs(cookie.expires - Date.now() / 1000 - 1800) < 120,
        `it expires in ${cookie.expires - Date.now() / 1000} s`,
      );
    });

    test(`${adapter}: over https the cookie for production is kept and sent back, and no script sees it`, async (t) => {
      const site = await web.serve(
        t,
        adapter,
        { sessions: { extractor: fromCookie("__Host-session_id"), absoluteTimeout: "24h" } },
        counting,
      );
      const cookie = await lives(t, site, site.at("a.test"), "__Host-session_id");
      assert.deepEqual(attributes(cookie), {
        domain: "a.test",
        path: "/",
        httpOnly: true,
        secure: true,
        sameSite: "Lax",
      });
    });
  }

  test("the cookie for production works over http on localhost as well: Chromium trusts that name", async (t) => {
    const site = await web.serve(
      t,
      "express",
      { sessions: { extractor: fromCookie("__Host-session_id") } },
      counting,
    );
    assert.equal((await lives(t, site, site.local, "__Host-session_id")).secure, true);
  });
});

interface Kind {
  readonly name?: string;
  readonly cookie: CookieOptions;
  /** What differs from the cookie that is kept by default. */
  readonly kept?: Partial<Cookie>;
}

const KINDS: readonly Kind[] = [
  { cookie: {} },
  { cookie: { path: "/app" }, kept: { path: "/app" } },
  { cookie: { domain: "a.test" }, kept: { domain: ".a.test" } },
  { cookie: { domain: ".a.test", path: "/app/" }, kept: { domain: ".a.test", path: "/app/" } },
  { cookie: { httpOnly: false }, kept: { httpOnly: false } },
  { cookie: { sameSite: "strict" }, kept: { sameSite: "Strict" } },
  { cookie: { sameSite: "none" }, kept: { sameSite: "None" } },
  { cookie: { partitioned: true }, kept: { partitionKey: "https://a.test" } },
  {
    cookie: { partitioned: true, sameSite: "none", domain: "a.test", path: "/app" },
    kept: { partitionKey: "https://a.test", sameSite: "None", domain: ".a.test", path: "/app" },
  },
  { cookie: { priority: "high" } },
  { cookie: { sessionOnly: true } },
  { name: "__Host-sid", cookie: {} },
  { name: "__Host-sid", cookie: { partitioned: true, sessionOnly: true }, kept: { partitionKey: "https://a.test" } },
  { name: "__Secure-sid", cookie: {} },
  { name: "__Secure-sid", cookie: { domain: "a.test", path: "/app" }, kept: { domain: ".a.test", path: "/app" } },
  { name: "__Http-sid", cookie: { domain: "a.test" }, kept: { domain: ".a.test" } },
  { name: "__Host-Http-sid", cookie: { sameSite: "strict" }, kept: { sameSite: "Strict" } },
];

suite("attack 40: the browser keeps the cookie with the attributes it was given, and destroy removes it", () => {
  let context: BrowserContext;
  let page: Page;
  let site: Site;

  before(async () => {
    const apps = await Promise.all(
      KINDS.map(({ name = "sid", cookie }) =>
        startApp("express", { sessions: { extractor: fromCookie(name), cookie } }, counting),
      ),
    );
    web.after(() => Promise.all(apps.map((app) => app.close())));
    site = await web.front(web, apps);
    context = await web.person(web);
    page = await context.newPage();
    await page.goto(`${site.at("a.test")}/app/`);
  });

  for (const [app, { name = "sid", cookie, kept: differs = {} }] of KINDS.entries()) {
    test(`${name} ${JSON.stringify(cookie)}`, async () => {
      assert.equal(await ask(page, "/app/count", { app }), "visits: 1");
      const [one, ...others] = await context.cookies();
      assert.equal(one!.name, name);
      assert.deepEqual(
        [attributes(one!), others],
        [{ domain: "a.test", path: "/", httpOnly: true, secure: true, sameSite: "Lax", ...differs }, []],
      );
      assert.equal(one!.expires === -1, cookie.sessionOnly === true);
      assert.equal(await ask(page, "/app/count", { app }), "visits: 2");
      assert.equal(site.cookieAt("/app/count"), `${name}=${one!.value}`);
      assert.equal(await page.evaluate("document.cookie"), cookie.httpOnly === false ? `sid=${one!.value}` : "");
      assert.equal(await ask(page, "/app/end", { app }), "ended");
      assert.deepEqual(await context.cookies(), [], "it is still there");
      assert.equal(await ask(page, "/app/", { app }), "visits: 0");
      assert.equal(site.cookieAt("/app/"), "");
    });
  }
});

suite("where the browser sends it", () => {
  test("attack 42: a cookie for /app goes to /app and below, and nowhere that only looks like it", async (t) => {
    const site = await web.serve(t, "express", { sessions: { cookie: { path: "/app" } } }, counting);
    const { page } = await visit(t);
    await page.goto(`${site.local}/app/count`);
    const sends = async (path: string): Promise<boolean> => {
      await ask(page, path);
      return site.sent.at(-1)!.cookie !== "";
    };
    for (const path of ["/app", "/app/", "/app?x=1", "/app/deep/er", "/x/../app/", "/app//x"])
      assert.equal(await sends(path), true, path);
    for (const path of [
      "/",
      "/application",
      "/app.html",
      "/APP/",
      "/app%2f",
      "/app/../x",
      "/app/%2e%2e/x",
      `${site.local}//app`,
      "/x/app/",
      "/app;x",
    ])
      assert.equal(await sends(path), false, path);
  });

  test("without a domain the cookie is sent to its host only, with one also to every subdomain", async (t) => {
    const { page } = await visit(t);
    for (const [cookie, name, below] of [
      [{}, "mine", ""],
      [{ domain: "a.test" }, "ours", "ours="],
    ] as const) {
      const site = await web.serve(t, "express", { sessions: { extractor: fromCookie(name), cookie } }, counting);
      await page.goto(`${site.at("a.test")}/count`);
      const got: Record<string, string | undefined> = {};
      for (const host of ["a.test", "sub.a.test", "deep.sub.a.test", "not-a.test", "b.test"]) {
        await page.goto(`${site.at(host)}/`);
        got[host] = new RegExp(`${name}=`).exec(site.cookieAt("/")!)?.[0] ?? "";
      }
      assert.deepEqual(got, {
        "a.test": `${name}=`,
        "sub.a.test": below,
        "deep.sub.a.test": below,
        "not-a.test": "",
        "b.test": "",
      });
    }
  });

  test("one kept over https is not sent over plain http, and plain http cannot replace it", async (t) => {
    const site = await web.serve(
      t,
      "express",
      { sessions: { extractor: fromCookie("sid"), cookie: { domain: "a.test" } } },
      counting,
    );
    const { context, page } = await visit(t);
    await page.goto(`${site.at("a.test")}/count`);
    const before = await context.cookies();
    assert.equal(before.length, 1);
    await page.goto(`${site.plain("a.test")}/count`);
    assert.equal(site.cookieAt("/count"), "");
    await page.evaluate(
      "document.cookie = 'sid=tossed'; document.cookie = 'sid=tossed; domain=a.test'; document.cookie = 'sid=tossed; secure'",
    );
    assert.deepEqual(await context.cookies(), before);
  });
});

suite("what the writer lets through, the browser keeps as it is", () => {
  let jar: Jar;

  before(async () => {
    jar = await newJar();
  });
  beforeEach(() => jar.context.clearCookies());

  test("every name of the characters a name may have", async () => {
    const odd = [..."!#$%&'*+-.^_`|~09azAZ"].flatMap((character) => [character, `a${character}b`]);
    const names = [...odd, "__proto__", "constructor", "toString", "hasOwnProperty", "$Version", "x".repeat(256)];
    const prefixed = [
      "__Host-a",
      "__Secure-a",
      "__Http-a",
      "__Host-Http-a",
      "__host-b",
      "__SECURE-b",
      "__http-b",
      "__HTTP-c",
    ];
    const all = [...names, ...prefixed].map((name) => cookieName("fromCookie", name));
    const expected = all.map((name) => `${name}=v`).sort();
    assert.deepEqual(await jar.keeps(all.map((name) => line(name, "v", {}, [name]))), expected);
    assert.deepEqual(await jar.sends("/"), expected);
  });

  test("every value a token can be", async () => {
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-";
    const values = [
      alphabet,
      [...alphabet].reverse().join(""),
      "-".repeat(16),
      ".".repeat(256),
      "~".repeat(256),
      "0".repeat(43),
    ];
    const expected = values.map((value, i) => `n${i}=${value}`).sort();
    assert.deepEqual(await jar.keeps(values.map((value, i) => line(`n${i}`, value))), expected);
    assert.deepEqual(await jar.sends("/"), expected);
  });

  test("attacks 37, 39: name and value up to 4096 bytes, and no longer than 400 days", async () => {
    assert.deepEqual(await jar.keeps([line("n", "v".repeat(4095))]), [`n=${"v".repeat(4095)}`]);
    assert.throws(() => line("n", "v".repeat(4096)), RangeError);
    await jar.context.clearCookies();
    assert.deepEqual(
      await jar.keeps([`n=${"v".repeat(4096)}; Path=/; Secure`]),
      [],
      "a byte more, and the browser drops it",
    );
    await jar.keeps([cookieLine("long", "v", Number.MAX_SAFE_INTEGER, true, cookieSettings({}, []))]);
    const [{ expires }] = (await jar.context.cookies()) as [Cookie];
    assert.ok(Math.abs(expires - Date.now() / 1000 - MOST_SECONDS) < 120);
  });

  test("every path is one that the browser sends the cookie to; with characters it would never match it is refused, with steps back it is kept in vain", async () => {
    for (const path of [
      "/",
      "/a",
      "/a/",
      "/a%20b",
      "/A~1",
      "/a,b=c",
      "/a'b",
      "/!@$&*()+:b",
      "/a//b",
      "/.well-known/x",
      "/a..b/...",
      `/${"x".repeat(1023)}`,
    ]) {
      assert.deepEqual(await jar.keeps([line("n", "v", { path })]), ["n=v"], path);
      assert.deepEqual(await jar.sends(path), ["n=v"], path);
      await jar.context.clearCookies();
    }
    for (const path of ["/a b", '/a"b', "/a\\b", "/a|b", "/a<b", "/a{b", "/a^b", "/a`b", "/a/../b", "/./a"]) {
      if (!path.includes("./"))
        assert.throws(() => cookieSettings({ path }, []), { name: "TypeError", message: /cookie\.path/ }, path);
      assert.deepEqual(await jar.keeps([`n=v; Path=${path}; Secure`]), ["n=v"], path);
      assert.deepEqual(await jar.sends(path), [], `${path}: it would have come back`);
      await jar.context.clearCookies();
    }
  });

  test("every domain that holds the host; one that does not is dropped by the browser", async () => {
    for (const domain of ["a.test", ".a.test", "A.Test"]) {
      assert.deepEqual(await jar.keeps([line("n", "v", { domain })]), ["n=v"], domain);
      await jar.context.clearCookies();
    }
    for (const domain of ["test", "sub.a.test", "b.test", "127.0.0.1"])
      assert.deepEqual(await jar.keeps([line("n", "v", { domain })]), [], domain);
  });

  test("what breaks the rule of a prefix the writer refuses, since the browser drops it", async () => {
    const broken: [string, CookieOptions, string][] = [
      ["__Host-n", { path: "/app" }, "__Host-n=v; Path=/app; Secure"],
      ["__Host-n", { domain: "a.test" }, "__Host-n=v; Path=/; Domain=a.test; Secure"],
      ["__Host-n", { secure: false }, "__Host-n=v; Path=/"],
      ["__Secure-n", { secure: false }, "__Secure-n=v; Path=/"],
      ["__secure-n", { secure: false }, "__secure-n=v; Path=/"],
      ["__Http-n", { secure: false }, "__Http-n=v; Path=/; HttpOnly"],
      ["__Http-n", { httpOnly: false }, "__Http-n=v; Path=/; Secure"],
      ["__Host-Http-n", { httpOnly: false }, "__Host-Http-n=v; Path=/; Secure"],
      ["n", { partitioned: true, secure: false }, "n=v; Path=/; Partitioned"],
    ];
    for (const [name, options, text] of broken) {
      assert.deepEqual(await jar.keeps([text]), [], text);
      assert.throws(() => cookieSettings(options, [name]), { name: "TypeError", message: /cookie\./ }, text);
    }
    assert.deepEqual(await jar.keeps(["n=v; Path=/; SameSite=None"]), []);
    assert.equal(cookieSettings({ sameSite: "none", secure: false }, ["n"]).secure, true);
  });

  test("a removal that names another path, domain or partition is one of another cookie", async () => {
    const own: CookieOptions = { domain: "a.test", path: "/app", partitioned: true };
    const removal = (options: CookieOptions): string =>
      cookieLine("sid", "", undefined, true, cookieSettings(options, ["sid"]));
    for (const other of [
      {},
      { domain: "a.test" },
      { path: "/app", partitioned: true },
      { domain: "a.test", path: "/app" },
      { domain: "a.test", partitioned: true },
    ]) {
      assert.deepEqual(await jar.keeps([line("sid", "v", own), removal(other)]), ["sid=v"], JSON.stringify(other));
    }
    assert.deepEqual(await jar.keeps([removal(own)]), []);
  });

  test("the priority is what the browser keeps, too", async () => {
    await jar.keeps(
      (["low", "medium", "high"] as const)
        .map((priority) => line(priority, "v", { priority }))
        .concat(line("none", "v")),
    );
    const devtools = await jar.context.newCDPSession(jar.page);
    const { cookies } = await devtools.send("Network.getCookies");
    assert.deepEqual(Object.fromEntries(cookies.map(({ name, priority }) => [name, priority])), {
      low: "Low",
      medium: "Medium",
      high: "High",
      none: "Medium",
    });
  });
});

suite("in a frame of somebody else's page, in a browser that keeps no cookies for those", () => {
  test("an ordinary cookie is not kept there, whatever its SameSite", async (t) => {
    const site = await web.serve(t, "express", { sessions: { cookie: { sameSite: "none" } } }, counting);
    const { context, page } = await visit(t);
    const frame = await framed(page, site, "b.test");
    assert.deepEqual(
      [await ask(frame, "/count"), await ask(frame, "/count"), await context.cookies()],
      ["visits: 1", "visits: 1", []],
    );
  });

  for (const adapter of ["express", "hono"] as const) {
    test(`${adapter}: a partitioned cookie is a separate session for each top-level site, and destroy removes only that one`, async (t) => {
      const site = await web.serve(
        t,
        adapter,
        { sessions: { extractor: fromCookie("__Host-session_id"), cookie: { sameSite: "none", partitioned: true } } },
        counting,
      );
      const { context, page } = await visit(t);
      const jars = async (): Promise<(string | undefined)[]> =>
        (await context.cookies()).map(({ partitionKey }) => partitionKey).sort();
      const b = await framed(page, site, "b.test");
      assert.deepEqual(
        [await ask(b, "/count"), await ask(b, "/count"), await b.evaluate("document.cookie")],
        ["visits: 1", "visits: 2", ""],
      );
      assert.equal(await ask(await framed(page, site, "c.test"), "/count"), "visits: 1");
      await page.goto(`${site.at("a.test")}/`);
      assert.equal(await ask(page, "/count"), "visits: 1");
      assert.deepEqual(await jars(), ["https://a.test", "https://b.test", "https://c.test"]);
      const again = await framed(page, site, "b.test");
      assert.deepEqual(
        [await ask(again, "/count"), await ask(again, "/end"), await ask(again, "/")],
        ["visits: 3", "ended", "visits: 0"],
      );
      assert.deepEqual(await jars(), ["https://a.test", "https://c.test"]);
      assert.equal(await ask(await framed(page, site, "c.test"), "/count"), "visits: 2");
    });
  }

  test("attack 120: two cookies of one name, with and without partition: the older one counts until it is removed, so a changed cookie needs another name", async (t) => {
    const store = createStore<Record<string, any>>({ onEvent: incidents(({ type }) => void events.push(type)) });
    const events: string[] = [];
    const apps = await Promise.all(
      [{}, { partitioned: true }].map((cookie) => startApp("express", { sessions: { store, cookie } }, counting)),
    );
    t.after(() => Promise.all(apps.map((app) => app.close())));
    const site = await web.front(t, apps);
    const { context, page } = await visit(t);
    await page.goto(`${site.at("a.test")}/`);
    assert.deepEqual([await ask(page, "/count"), await ask(page, "/count", { app: 1 })], ["visits: 1", "visits: 2"]);
    const [older] = await context.cookies();
    await ask(page, "/login", { app: 1 });
    assert.equal(await ask(page, "/", { app: 1 }), "visits: 0", "the login's cookie comes second");
    assert.equal(site.cookieAt("/")!.split("; ")[0], `session_id=${older!.value}`);
    assert.deepEqual([(await context.cookies()).length, events], [2, ["duplicate"]]);
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

/** A visitor counts twice, with one cookie that no script sees, and ends it; answers the cookie. */
async function lives(t: Scope, site: Site, origin: string, name: string): Promise<Cookie> {
  const { context, page } = await visit(t);
  await page.goto(`${origin}/`);
  assert.deepEqual(await context.cookies(), [], "who writes nothing gets no cookie");
  assert.equal(await (await page.goto(`${origin}/count`))!.text(), "visits: 1");
  const [cookie, ...others] = await context.cookies();
  assert.deepEqual([cookie!.name, others], [name, []]);
  assert.match(cookie!.value, TOKEN);
  assert.equal(await ask(page, "/count"), "visits: 2");
  assert.equal(site.cookieAt("/count"), `${name}=${cookie!.value}`);
  assert.equal(await page.evaluate("document.cookie"), "");
  assert.equal(await ask(page, "/end"), "ended");
  assert.deepEqual(await context.cookies(), []);
  return cookie!;
}

/** A frame of a.test in a page of another host. */
async function framed(page: Page, site: Site, around: string): Promise<Frame> {
  await page.goto(`${site.at(around)}/`);
  await page.evaluate(
    `new Promise((done) => document.body.append(Object.assign(document.createElement("iframe"), { onload: done, src: "${site.at("a.test")}/" }))).then(() => {})`,
  );
  return page.frame({ url: `${site.at("a.test")}/` })!;
}

/** What a browser says of a cookie, apart from its name, value and end. */
function attributes(cookie: Cookie): Partial<Cookie> {
  const { domain, path, httpOnly, secure, sameSite, partitionKey } = cookie;
  return { domain, path, httpOnly, secure, sameSite, ...(partitionKey === undefined ? {} : { partitionKey }) };
}

function line(name: string, value: string, options: CookieOptions = {}, names: readonly string[] = []): string {
  return cookieLine(name, value, 60_000, true, cookieSettings(options, names));
}

interface Jar extends Visit {
  /** Answers the lines over https from a.test: `name=value` of all that is kept then. */
  keeps(lines: readonly string[]): Promise<string[]>;
  /** What the browser sends to a path of that host. */
  sends(path: string): Promise<string[]>;
}

/** A browser at a site that sets cookies as it is told, without sessions. */
async function newJar(): Promise<Jar> {
  let lines: readonly string[] = [];
  const set: Routes[string] = (h) => {
    h.native.res.setHeader("Set-Cookie", lines);
    return h.answer({ body: "set" });
  };
  const site = await web.serve(web, "node", { sessions: [] }, { "/set": set });
  const { context, page } = await visit(web);
  await page.goto(`${site.at("a.test")}/`);
  return {
    context,
    page,
    async keeps(told) {
      lines = told;
      await ask(page, "/set");
      return (await context.cookies()).map(({ name, value }) => `${name}=${value}`).sort();
    },
    async sends(path) {
      await ask(page, path);
      return site.sent.at(-1)!.cookie.split("; ").filter(Boolean).sort();
    },
  };
}

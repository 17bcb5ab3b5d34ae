import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, suite, test, type TestContext } from "node:test";
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from "playwright-core";
import type { Clock, Storage } from "holdfast";
import { memoryStorage } from "holdfast/storage/memory";
import { testClock, type TestClock } from "holdfast/testing";
import { start } from "../examples/running.js";
import { Client } from "../support/client.js";
import { assertAccessible } from "./axe.js";

const TOKEN = /^[\w-]{43}$/;
/** One of the people; only she sees the street. */
const INES = { name: "Ines", password: "tidewater", street: "14 Quay Lane" };

/** As people use it: a page that was left is frozen, and may come back as it was. */
let browser: Browser;
/** As playwright starts it: a page that was left is fetched again, or comes from the cache. */
let forgetful: Browser;

before(async () => {
  const { ensureChromium, chromiumFlags } = await import(
    new URL("../../scripts/ensure-chromium.mjs", import.meta.url).href
  );
  const options = { executablePath: ensureChromium(), args: chromiumFlags };
  browser = await chromium.launch({ ...options, ignoreDefaultArgs: ["--disable-back-forward-cache"] });
  forgetful = await chromium.launch(options);
});
after(() => Promise.all([browser.close(), forgetful.close()]));

suite("the shop in a browser", { concurrency: 2 }, () => {
  test("a cart is filled, changed and emptied without an account", async (t) => {
    const { page } = await visit(t);
    assert.equal(await inCart(page), "0");
    await add(page, "rope");
    await add(page, "rope");
    await add(page, "anchor");
    assert.equal(new URL(page.url()).hash, "#anchor");
    await page.goto("/cart");
    assert.equal(await page.locator("[data-total]").innerText(), "€77.00");
    await page.getByRole("button", { name: "One less: Manila rope" }).click();
    await page.getByRole("button", { name: "One more: Small anchor" }).click();
    assert.equal(await page.locator("[data-total]").innerText(), "€97.00");
    for (const name of ["Manila rope", "Small anchor", "Small anchor"])
      await page.getByRole("button", { name: `One less: ${name}` }).click();
    assert.match(await page.locator("main").innerText(), /Nothing in it yet/);
  });

  test("login keeps the cart and renews the token: the earlier cookie is invalid", async (t) => {
    const { page, context, origin } = await visit(t);
    await add(page, "twine");
    await add(page, "clip");
    const before = await tokenOf(context);
    await logIn(page);
    assert.match(await page.locator("main").innerText(), /Hello, Ines\.[^]*2 things, €11\.50/);
    const now = await tokenOf(context);
    assert.match(now, TOKEN);
    assert.notEqual(now, before);

    const thief = holderOf(origin, before);
    assert.equal((await thief.get("/account")).headers.location, "/login");
    assert.match((await thief.get("/cart")).body, /Nothing in it yet/);
    assert.match((await holderOf(origin, now).get("/account")).body, /14 Quay Lane/);
  });

  test("a wrong password is refused, and the typed name is shown as text", async (t) => {
    const { page, context } = await visit(t);
    const typed = `"><script>document.title = "stolen"</script>'&`;
    await page.goto("/login");
    await page.getByLabel("Name").fill(typed);
    await page.getByLabel("Password").fill("guess");
    const [answer] = await Promise.all([
      page.waitForResponse((response) => response.request().method() === "POST"),
      page.getByRole("button", { name: "Sign in" }).click(),
    ]);
    assert.equal(answer.status(), 401);
    await page.getByRole("alert").waitFor();
    assert.equal(await page.getByLabel("Name").inputValue(), typed);
    assert.match(await page.title(), /^Sign in/);
    assert.deepEqual(await context.cookies(), []);
  });

  test("logout ends the session: the cookie is removed, the old token is invalid", async (t) => {
    const { page, context, origin } = await visit(t);
    await add(page, "carabiner");
    await logIn(page);
    const token = await tokenOf(context);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL("/");
    assert.equal(await inCart(page), "0");
    assert.deepEqual(await context.cookies(), []);
    assert.equal((await holderOf(origin, token).get("/account")).headers.location, "/login");
  });

  for (const [how, which] of [
    ["frozen pages", () => browser],
    ["no frozen pages", () => forgetful],
  ] as const) {
    test(`after logout the back button shows nothing private (${how})`, async (t) => {
      const { page } = await visit(t, {}, which());
      await logIn(page);
      assert.ok((await page.content()).includes(INES.street));
      for (const path of ["/session", "/account", "/"]) await page.goto(path);
      await page.goBack({ waitUntil: "commit" });
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.waitForURL("/");
      const seen: string[] = [];
      for (let steps = 0; steps < 4; steps++) {
        await page.goBack({ waitUntil: "commit" });
        await page.getByRole("link", { name: "Sign in" }).waitFor();
        seen.push(new URL(page.url()).pathname);
        assert.ok(!(await page.content()).includes(INES.street), `${page.url()} shows what was private`);
        assert.equal(await page.locator("[data-id]").count(), 0);
      }
      assert.deepEqual(seen, ["/login", "/session", "/login", "/login"]);
    });
  }

  test("the page right after login is not brought back either: Chromium freezes it although it is no-store", async (t) => {
    const { page } = await visit(t);
    await logIn(page);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL("/");
    await page.goBack({ waitUntil: "commit" });
    await page.getByRole("link", { name: "Sign in" }).waitFor();
    assert.ok(!(await page.content()).includes(INES.street));
    assert.equal(new URL(page.url()).pathname, "/login");
  });

  test("two tabs race on one session: every increment of both is counted", async (t) => {
    const { page, context } = await visit(t);
    await add(page, "pegs");
    const tabs = [page, await context.newPage()];
    for (const tab of tabs) await tab.goto("/race");
    const lanes = tabs.map((tab) => tab.locator('[data-lane="update"]'));
    await Promise.all(lanes.map((lane) => lane.getByRole("button").click()));
    for (const lane of lanes) await lane.getByText(/^50 of 50 counted/).waitFor();
    await page.reload();
    assert.equal(await lanes[0]!.locator("[data-count]").innerText(), "100");
    await page.getByRole("button", { name: "Back to zero" }).click();
    assert.equal(await lanes[0]!.locator("[data-count]").innerText(), "0");
    assert.equal(await inCart(page), "1");
  });

  test("a first visitor's race is one session, not fifty", async (t) => {
    const { page } = await visit(t);
    await page.goto("/race");
    const lane = page.locator('[data-lane="update"]');
    await lane.getByRole("button").click();
    await lane.getByText("50 of 50 counted.").waitFor();
    assert.equal(await lane.locator(".counted").count(), 50);
  });

  test("the browser keeps the cookie with the attributes it was given, and scripts do not see it", async (t) => {
    const { page, context } = await visit(t);
    assert.deepEqual(await context.cookies(), [], "a visitor who writes nothing gets no cookie");
    await add(page, "rope");
    const cookies = await context.cookies();
    assert.equal(cookies.length, 1);
    const { name, value, domain, path, httpOnly, secure, sameSite, expires } = cookies[0]!;
    assert.match(value, TOKEN);
    assert.deepEqual(
      { name, domain, path, httpOnly, secure, sameSite },
      { name: "session_id", domain: "127.0.0.1", path: "/", httpOnly: true, secure: false, sameSite: "Lax" },
    );
    assert.ok(Math.abs(expires - Date.now() / 1000 - 1800) < 60, `it expires in ${expires - Date.now() / 1000} s`);
    assert.equal(await page.evaluate("document.cookie"), "");
  });

  test("the session page shows id, age, deadlines and keys; no page and no response shows the token", async (t) => {
    const { page, context } = await visit(t);
    await page.goto("/session");
    assert.match(await page.locator("main").innerText(), /You have none/);
    const received: Promise<string>[] = [];
    page.on("response", (response) => received.push(textOf(response.url(), response.text())));
    await add(page, "rope");
    const tokens = [await tokenOf(context)];
    await logIn(page);
    tokens.push(await tokenOf(context));
    for (const path of ["/", "/cart", "/race", "/account", "/login", "/nosuch", "/session"]) await page.goto(path);
    const before = await factsOf(page);
    await page.getByRole("button", { name: "Renew the token" }).click();
    tokens.push(await tokenOf(context));
    const renewed = await factsOf(page);

    assert.match(before.id, /^id_[\w-]{43}$/);
    assert.match(before.age, /^\d+ s\nsince \d{4}-\d\d-\d\d, /);
    assert.match(before.idle, /^in (30 min 0|29 min \d+) s\n/);
    assert.match(before.absolute, /^in (24 h 0|23 h 59) min\n/);
    assert.equal(before.keys, "cart");
    assert.deepEqual([renewed.keys, renewed.absolute.split("\n")[1]], [before.keys, before.absolute.split("\n")[1]]);
    assert.notEqual(renewed.id, before.id);

    assert.equal(new Set(tokens).size, 3);
    const everything = [...(await Promise.all(received)), await page.content()].join("\n");
    for (const token of tokens) assert.ok(!everything.includes(token), "a token was shown");
  });

  test("your devices: signed out everywhere else, the other browser is a stranger at its next click", async (t) => {
    const here = await visit(t);
    const another = await browser.newContext({ baseURL: here.origin });
    t.after(() => another.close());
    const elsewhere = await another.newPage();
    for (const page of [here.page, elsewhere]) await logIn(page);
    await here.page.goto("/devices");
    assert.match(
      await here.page.locator("main").innerText(),
      /here, and in one other place[^]*Chrome on Linux this one/,
    );
    await here.page.getByRole("button", { name: "Sign out everywhere else" }).click();
    assert.match(await here.page.locator("main").innerText(), /nowhere else/);
    await elsewhere.goto("/account");
    assert.match(elsewhere.url(), /\/login$/);
    await here.page.goto("/account");
    assert.match(await here.page.locator("main").innerText(), /Hello/);
  });

  test("who asks to be remembered has a cookie for 30 days, and is told so once; who does not, until the end", async (t) => {
    const { page, context } = await visit(t);
    const expires = async (): Promise<number> => (await context.cookies())[0]!.expires;
    await logIn(page);
    assert.equal(await expires(), -1);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.goto("/login");
    await page.getByLabel("Remember me").check();
    await logIn(page, false);
    const days = (await expires()) / 86_400 - Date.now() / 86_400_000;
    assert.ok(days > 29.9 && days < 30.1, `${days} days`);
    assert.match(await page.getByRole("status").innerText(), /stays signed in for 30 days/);
    await page.reload();
    assert.equal(await page.getByRole("status").count(), 0);
  });

  test("signed out everywhere: each browser is signed out at its next request, this one immediately", async (t) => {
    const here = await visit(t);
    const another = await browser.newContext({ baseURL: here.origin });
    t.after(() => another.close());
    const elsewhere = await another.newPage();
    for (const page of [here.page, elsewhere]) await logIn(page);
    const token = await tokenOf(here.context);
    await here.page.goto("/devices");
    await here.page.getByRole("button", { name: "Sign out everywhere", exact: true }).click();
    await here.page.getByRole("link", { name: "Sign in" }).waitFor();
    assert.deepEqual(await here.context.cookies(), []);
    await elsewhere.goto("/account");
    assert.match(elsewhere.url(), /\/login$/);
    assert.equal((await holderOf(here.origin, token).get("/account")).headers.location, "/login");
  });

  test("an order asks for the password again if the login is ten minutes old", async (t) => {
    const clock = testClock(Date.now());
    const { page } = await visit(t, {}, browser, await openedShop(t, clock));
    await add(page, "anchor");
    await logIn(page);
    clock.advance("9m");
    await order(page);
    assert.match(page.url(), /\/thanks$/, "nine minutes are not long");
    await add(page, "rope");
    clock.advance("2m");
    await order(page);
    assert.match(page.url(), /\/confirm$/);
    assert.match(await page.getByRole("status").innerText(), /needs your password again/);
    await page.getByLabel("Password").fill("guess");
    await page.getByRole("button", { name: "Confirm" }).click();
    await page.getByRole("alert").waitFor();
    await page.getByLabel("Password").fill(INES.password);
    await page.getByRole("button", { name: "Confirm" }).click();
    await page.waitForURL("/cart");
    assert.equal(await inCart(page), "1", "the cart is still there");
    await order(page);
    assert.match(page.url(), /\/thanks$/);
  });

  test("axe-core finds nothing on any page, and buttons that do different things have different names", async (t) => {
    const here = await visit(t);
    const { page } = here;
    for (const slug of ["rope", "anchor"]) await add(page, slug);
    for (const path of ["/", "/cart", "/race", "/login", "/session", "/nosuch"]) {
      await page.goto(path);
      await assertAccessible(page, path);
    }
    for (let devices = 0; devices < 2; devices++) {
      const another = await browser.newContext({ baseURL: here.origin });
      t.after(() => another.close());
      await logIn(await another.newPage());
    }
    await logIn(page);
    await assertAccessible(page, "/account");
    await page.goto("/devices");
    await assertAccessible(page, "/devices");
    const buttons = await page.locator("main").getByRole("button").all();
    const names = await Promise.all(buttons.map(async (button) => (await button.textContent())!.trim()));
    assert.ok(names.length >= 4, names.join());
    assert.equal(new Set(names).size, names.length, names.join());
  });

  test("after a race the focus is where it was, and during it a second press does nothing", async (t) => {
    const { page } = await visit(t);
    await page.goto("/race");
    const button = page.locator('[data-lane="update"]').getByRole("button");
    await button.focus();
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter");
    await page.getByText("50 of 50 counted.").waitFor();
    assert.equal(await page.evaluate("document.activeElement.closest('[data-lane=update] button') !== null"), true);
    assert.equal(await page.locator('[data-lane="update"] [data-count]').innerText(), "50");
  });

  test("on a phone the header is gone through in the order in which it is seen", async (t) => {
    const { page } = await visit(t, { viewport: { width: 360, height: 700 } });
    const places: { x: number; y: number }[] = [];
    for (const link of await page.locator("header a").all()) places.push((await link.boundingBox())!);
    const rows = places.map(({ x, y }) => Math.round(y / 20) * 1000 + x);
    assert.deepEqual(
      rows,
      rows.toSorted((a, b) => a - b),
    );
  });

  test("a page that cannot reach the storage does not say who one is, and can be tried again", async (t) => {
    const storage: Storage = memoryStorage();
    let isDown = false;
    const get: Storage["get"] = (key, call) => {
      if (isDown) throw new Error("unplugged");
      return storage.get(key, call);
    };
    const faulty = { ...methodsOf(storage), get };
    const silenced = t.mock.method(console, "error", () => {});
    const { page, complaints } = await visit(t, {}, browser, await openedShop(t, testClock(Date.now()), faulty));
    await add(page, "rope");
    await logIn(page);
    isDown = true;
    await page.goto("/cart?from=here");
    await page.getByRole("heading", { name: "Service Unavailable" }).waitFor();
    assert.equal(await page.getByRole("link", { name: "Sign in" }).count(), 0, "nobody knows whether one is");
    assert.equal(await page.locator("[data-cart]").count(), 0);
    await assertAccessible(page, "503");
    isDown = false;
    await page.getByRole("link", { name: "Try again" }).click();
    await page.waitForURL("**/cart?from=here");
    assert.equal(await inCart(page), "1");
    assert.ok(await page.getByRole("link", { name: "Ines" }).isVisible());
    isDown = true;
    await page.getByRole("button", { name: "Order as Ines" }).click();
    await page.getByRole("heading", { name: "Service Unavailable" }).waitFor();
    assert.equal(await page.getByRole("link", { name: "Try again" }).count(), 0, "a form is not sent by a link");
    assert.match(await page.locator("main").innerText(), /Go back/);
    assert.ok(silenced.mock.callCount() > 0);
    complaints.splice(0, complaints.length, ...complaints.filter((text) => !/status of 503/.test(text)));
  });

  test("all but the race works without JavaScript", async (t) => {
    const { page } = await visit(t, { javaScriptEnabled: false });
    await add(page, "anchor");
    await page.goto("/cart");
    await page.getByRole("button", { name: "Sign in and order" }).click();
    await page.getByRole("button", { name: "Be Mara" }).click();
    assert.match(await page.locator("main").innerText(), /Hello, Mara\.[^]*1 thing, €39\.00/);
    await page.getByRole("link", { name: "To the cart" }).click();
    await page.getByRole("button", { name: "Order as Mara" }).click();
    assert.match(await page.locator("main").innerText(), /Thank you\.[^]*empty again/);
    await page.goto("/race");
    assert.match(await page.locator("main").innerText(), /takes JavaScript/);
    await page.goto("/account");
    await page.getByRole("button", { name: "Sign out" }).click();
    assert.ok(await page.getByRole("link", { name: "Sign in" }).isVisible());
  });
});

interface Visit {
  /** What its pages have complained of so far. */
  readonly complaints: string[];
  readonly page: Page;
  readonly context: BrowserContext;
  readonly origin: string;
}

/**
 * A person with a fresh browser, in a shop just opened. Whatever a page complains of, or asks of others, fails the
 * test.
 */
async function visit(
  t: TestContext,
  options: BrowserContextOptions = {},
  chosen: Browser = browser,
  opened?: { readonly origin: string },
): Promise<Visit> {
  const complaints: string[] = [];
  let visiting: BrowserContext | undefined;
  // Before the shop is ended: what a page still loads then fails, and that is no fault of it.
  t.after(async () => {
    const told = complaints.filter((text) => !/status of 40[14]/.test(text));
    await visiting?.close();
    assert.deepEqual(told, []);
  });
  const { origin } = opened ?? (await start(t, "shop/main.js"));
  const context = (visiting = await chosen.newContext({
    baseURL: origin,
    viewport: { width: 900, height: 700 },
    reducedMotion: "reduce",
    ...options,
  }));
  context.setDefaultTimeout(20_000);
  context.on("console", (message) => complaints.push(message.text()));
  context.on("weberror", ({ error }) => complaints.push(String(error())));
  context.on(
    "request",
    (request) => new URL(request.url()).origin === origin || complaints.push(`asked ${request.url()}`),
  );
  const page = await context.newPage();
  await page.goto("/");
  return { page, context, origin, complaints };
}

async function add(page: Page, slug: string): Promise<void> {
  if (new URL(page.url()).pathname !== "/") await page.goto("/");
  const count = Number(await inCart(page));
  await page.locator(`#${slug}`).getByRole("button").click();
  await page.locator("[data-cart]", { hasText: new RegExp(`^${count + 1}$`) }).waitFor();
}

/** A shop in this process, whose hours pass when the test says so. */
async function openedShop(
  t: TestContext,
  clock: TestClock,
  storage: Storage = memoryStorage(),
): Promise<{ origin: string }> {
  const { shop } = (await import(new URL("../../examples/dist/shop/app.js", import.meta.url).href)) as {
    shop(options: { storage: Storage; clock: Clock }): RequestListener;
  };
  const server = createServer(shop({ storage, clock })).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function methodsOf(storage: Storage): Storage {
  return {
    get: (...args) => storage.get(...args),
    create: (...args) => storage.create(...args),
    update: (...args) => storage.update(...args),
    touch: (...args) => storage.touch(...args),
    delete: (...args) => storage.delete(...args),
  };
}

async function order(page: Page): Promise<void> {
  await page.goto("/cart");
  await page.getByRole("button", { name: "Order as Ines" }).click();
  await page.waitForURL(/\/(thanks|confirm)$/);
}

async function logIn(page: Page, opens: boolean = true): Promise<void> {
  if (opens) await page.goto("/login");
  await page.getByLabel("Name").fill(INES.name);
  await page.getByLabel("Password").fill(INES.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL("/account");
}

function inCart(page: Page): Promise<string> {
  return page.locator("[data-cart]").innerText();
}

async function factsOf(page: Page): Promise<Record<"id" | "age" | "idle" | "absolute" | "keys", string>> {
  const text = (name: string): Promise<string> => page.locator(`[data-${name}]`).innerText();
  return {
    id: await text("id"),
    age: await text("age"),
    idle: await text("idle"),
    absolute: await text("absolute"),
    keys: await text("keys"),
  };
}

async function tokenOf(context: BrowserContext): Promise<string> {
  return (await context.cookies()).find(({ name }) => name === "session_id")?.value ?? "";
}

/** Somebody else with a token, over plain HTTP. */
function holderOf(origin: string, token: string): Client {
  const client = new Client(origin);
  client.cookies.set("session_id", token);
  return client;
}

/** The body of an answer; a redirect has none. */
async function textOf(url: string, text: Promise<string>): Promise<string> {
  return `${url} ${await text.catch(() => "")}`;
}

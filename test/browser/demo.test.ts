import assert from "node:assert/strict";
import { after, before, suite, test, type TestContext } from "node:test";
import { chromium, type Browser, type BrowserContextOptions, type Locator, type Page } from "playwright-core";
import { start } from "../examples/running.js";
import { until } from "../support/within.js";
import { assertAccessible } from "./axe.js";

const NAMES = ["increments", "logout", "login", "unplugged"];
const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 360, height: 740 };

let browser: Browser;
/** One server for all: experiments of several pages do not disturb each other. */
let origin: string;
const scope: (() => unknown)[] = [];
before(async () => {
  ({ origin } = await start({ after: (end: () => unknown) => void scope.push(end) }, "demo/main.js"));
  const { ensureChromium, chromiumFlags } = await import(
    new URL("../../scripts/ensure-chromium.mjs", import.meta.url).href
  );
  browser = await chromium.launch({ executablePath: ensureChromium(), args: chromiumFlags });
});
after(async () => {
  await browser.close();
  for (const end of scope) end();
});

suite("the demonstration in a browser", () => {
  for (const [name, options] of [
    ["on a desktop, light", { viewport: DESKTOP, colorScheme: "light" }],
    ["on a phone, dark", { viewport: PHONE, colorScheme: "dark", isMobile: true, hasTouch: true }],
  ] as const) {
    test(`${name}: the first experiment runs without a click, the others by one; nothing is cut off`, async (t) => {
      const page = await visit(t, options);
      await assertOver(page, "increments");
      for (const experiment of NAMES.slice(1)) await section(page, experiment).getByRole("button").click();
      for (const experiment of NAMES.slice(1)) await assertOver(page, experiment);
      assert.equal(await headline(page, "increments", "holdfast").innerText(), "50 of 50 counted");
      assert.match(await headline(page, "increments", "express-session").innerText(), /^[1-4]?\d of 50 counted$/);
      assert.equal(await headline(page, "logout", "holdfast").innerText(), "Signed out");
      assert.equal(await headline(page, "login", "express-session").innerText(), "Signed out by accident");
      assert.equal(await page.locator("svg[role=img]").count(), 8);
      const sizes = "[document.documentElement.scrollWidth, innerWidth]";
      const [content, window] = (await page.evaluate(sizes)) as [number, number];
      assert.ok(content <= window, `${content} px are wider than the window of ${window} px`);
      await assertAccessible(page, name);
    });
  }

  test("it is drawn while it happens: requests that have no response yet are on the page", async (t) => {
    const page = await visit(t, { viewport: DESKTOP });
    await assertOver(page, "increments");
    const login = section(page, "login");
    await login.getByRole("button").click();
    await login.getByText("Running …").first().waitFor();
    const bars = login.locator("[data-side=holdfast] svg rect.bar");
    await until("a first bar", async () => (await bars.count()) > 0);
    assert.equal(await headline(page, "login", "holdfast").innerText(), "Running …");
    await assertOver(page, "login");
    assert.equal(await bars.count(), 4);
  });

  test("with the keyboard alone: the focus stays on the button while it runs, and it cannot be pressed twice", async (t) => {
    const page = await visit(t, { viewport: DESKTOP });
    await assertOver(page, "increments");
    const runs: string[] = [];
    page.on("request", (request) => request.method() === "POST" && runs.push(request.url()));
    await page.keyboard.press("Tab");
    assert.equal(await focused(page), "To the first experiment");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    assert.equal(await focused(page), "Run again: 50 requests at once");
    for (let tabs = 0; !(await focused(page)).startsWith("Run: A logout"); tabs++) {
      assert.ok(tabs < 12, "the next button is near");
      await page.keyboard.press("Tab");
    }
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter");
    assert.match(await focused(page), /A logout/);
    await assertOver(page, "logout");
    assert.equal(await focused(page), "Run again: A logout beside a slow request");
    assert.equal(runs.length, 1);
  });

  test("a screen reader is told the result, and can read each request", async (t) => {
    const page = await visit(t, { viewport: DESKTOP });
    await assertOver(page, "increments");
    const side = section(page, "increments").locator("[data-side=holdfast]");
    await side.getByRole("status").getByText("50 of 50 counted").waitFor();
    assert.match((await side.getByRole("img").getAttribute("aria-label"))!, /52 requests.*50 of 50 counted/);
    await side.getByText("Each request in words").click();
    assert.equal(await side.getByRole("listitem").count(), 52);
    assert.match(await side.getByRole("listitem").last().innerText(), /GET \/count; cookie A; read A; status 200$/);
  });

  test("who wants no motion gets one drawing, when all is over", async (t) => {
    const page = await visit(t, { viewport: DESKTOP, reducedMotion: "reduce" });
    await section(page, "increments").getByText("Running …").first().waitFor();
    assert.equal(await page.locator("svg[role=img]").count(), 0);
    await assertOver(page, "increments");
    assert.ok((await page.locator("svg[role=img]").count()) > 0);
  });

  test("without script it says so, runs all at the press of a button, and shows them", async (t) => {
    const page = await visit(t, { viewport: PHONE, javaScriptEnabled: false });
    assert.equal(await page.getByRole("button").count(), 1);
    assert.ok(await page.getByRole("link", { name: "The same in an application" }).isVisible());
    await page.getByRole("button", { name: "Run all four" }).click();
    for (const name of NAMES) await assertOver(page, name);
    const box = await page.locator("svg[role=img]").first().boundingBox();
    assert.ok(box!.width <= PHONE.width);
  });

  test("two tabs at once: each is told the right results, and a window that changes its size draws them anew", async (t) => {
    const page = await visit(t, { viewport: DESKTOP });
    const other = await page.context().newPage();
    await other.goto("/");
    for (const tab of [page, other]) await section(tab, "logout").getByRole("button").click();
    for (const tab of [page, other]) {
      for (const name of ["increments", "logout"]) await assertOver(tab, name);
      assert.equal(await headline(tab, "increments", "holdfast").innerText(), "50 of 50 counted");
    }
    const drawing = section(page, "logout").locator("svg[role=img]").first();
    const wide = Number(await drawing.getAttribute("width"));
    await page.setViewportSize(PHONE);
    await until("a narrower drawing", async () => Number(await drawing.getAttribute("width")) < wide);
  });

  test("a server that is gone is said, and the button works again", async (t) => {
    const page = await visit(t, { viewport: DESKTOP }, [/ERR_FAILED|Failed to load/]);
    await assertOver(page, "increments");
    await page.route("**/run/login", (route) => route.abort());
    await section(page, "login").getByRole("button").click();
    await section(page, "login").getByText("Broken off").first().waitFor();
    await page.unroute("**/run/login");
    await section(page, "login").getByRole("button").click();
    await assertOver(page, "login");
  });
});

/** A person with a fresh browser. Whatever a page complains of, or asks of others, fails the test. */
async function visit(
  t: TestContext,
  options: BrowserContextOptions,
  expected: readonly RegExp[] = [],
): Promise<Page> {
  const complaints: string[] = [];
  const context = await browser.newContext({ baseURL: origin, ...options });
  t.after(async () => {
    await context.close();
    assert.deepEqual(
      complaints.filter((text) => !expected.some((pattern) => pattern.test(text))),
      [],
    );
  });
  context.setDefaultTimeout(30_000);
  context.on("console", (message) => complaints.push(message.text()));
  context.on("weberror", ({ error }) => complaints.push(String(error())));
  context.on("request", (request) => new URL(request.url()).origin === origin || complaints.push(request.url()));
  const page = await context.newPage();
  await page.goto("/");
  return page;
}

function section(page: Page, name: string): Locator {
  return page.locator(`#${name}`);
}

function headline(page: Page, name: string, side: string): Locator {
  return section(page, name).locator(`[data-side=${side}] [data-headline]`);
}

/** Waits for the end of an experiment; Holdfast must have kept its promise, express-session not. */
async function assertOver(page: Page, name: string): Promise<void> {
  await section(page, name).locator("[data-side=holdfast].good").waitFor();
  await section(page, name).locator("[data-side=express-session].bad").waitFor();
}

function focused(page: Page): Promise<string> {
  return page.evaluate<string>("document.activeElement?.textContent.trim() ?? ''");
}

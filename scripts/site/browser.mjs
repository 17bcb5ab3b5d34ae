/** Tries the built site in Chromium, as somebody with a phone and somebody at a desk do. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { chromiumFlags, ensureChromium } from "../ensure-chromium.mjs";
import { fromNpm } from "../from-npm.mjs";
import { AREAS, addressOf } from "./pages.mjs";
import { serve } from "./serve.mjs";

/** Only run here, never shipped: its licence (MPL-2.0) asks nothing of those who use it. */
const AXE = { "axe-core": "4.11.0" };

const WIDTHS = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 860 } };

/** What axe-core looks at: a page of each kind. All pages are looked at for their width. */
const SAMPLES = ["", "tasks/login", "storages/redis", "reference/errors/", "reference/options"];

/** Runs the checks by `check(name, work)`. */
export async function inBrowser(directory, pages, check) {
  const axe = readFileSync(join(fromNpm(AXE), "node_modules", "axe-core", "axe.min.js"), "utf8");
  const args = chromiumFlags.filter((flag) => flag !== "--headless");
  const { origin, stop } = await serve(directory);
  const browser = await chromium.launch({ executablePath: ensureChromium(), args });
  try {
    const addresses = ["", ...pages.map(({ path }) => addressOf(path)).filter(Boolean)];
    for (const [name, viewport] of Object.entries(WIDTHS)) {
      await check(`${name}: no page scrolls sideways`, () => narrow(browser, viewport, origin, addresses));
      const context = await browser.newContext({ viewport, hasTouch: name === "phone" });
      const page = await context.newPage();
      await check(`${name}: axe-core finds nothing, light and dark`, () => accessible(page, origin, axe));
      await check(`${name}: the search finds a page`, () => search(page, origin, name));
      await check(`${name}: the menu leads to each area`, () => menu(page, origin, name));
      await context.close();
    }
    await check("dark mode: the button changes it, and it stays", () => dark(browser, origin));
    await check("keyboard: the first key leads past the menu", () => keyboard(browser, origin));
  } finally {
    await browser.close();
    await stop();
  }
}

async function open(page, url) {
  const errors = [];
  const note = (error) => errors.push(`${url}: ${error.message}`);
  page.on("pageerror", note);
  await page.goto(url, { waitUntil: "load" });
  await page.waitForFunction(() => "__vue_app__" in document.querySelector("#app"));
  page.off("pageerror", note);
  if (errors.length > 0) throw new Error(errors.join("\n"));
}

/** Without scripts: what the styles make of a page is the same, and it takes a tenth of the time. */
async function narrow(browser, viewport, origin, addresses) {
  const context = await browser.newContext({ viewport, javaScriptEnabled: false });
  const page = await context.newPage();
  const wide = [];
  for (const address of addresses) {
    await page.goto(origin + address);
    const surplus = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    if (surplus > 0) wide.push(`/${address} is ${surplus} pixels too wide`);
  }
  await context.close();
  if (wide.length > 0) throw new Error(wide.join("\n"));
}

async function accessible(page, origin, axe) {
  const found = [];
  for (const address of SAMPLES) {
    await open(page, origin + address);
    await page.evaluate(axe);
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      const { violations } = await page.evaluate(() => window.axe.run());
      const examples = ({ nodes }) => nodes.slice(0, 3).map(({ html }) => `\n  ${html.slice(0, 160)}`);
      for (const one of violations) found.push(`/${address}, ${colorScheme}: ${one.help}${examples(one).join("")}`);
    }
  }
  if (found.length > 0) throw new Error(found.join("\n"));
}

async function search(page, origin, name) {
  await open(page, origin);
  await page.click(name === "phone" ? ".VPNavBarSearch button" : "#local-search button");
  await page.fill(".VPLocalSearchBox input", "log out everywhere");
  const result = page.locator(".VPLocalSearchBox .result").first();
  await result.waitFor({ timeout: 10_000 });
  await result.click();
  await page.waitForURL((url) => url.href.length > origin.length + 3);
  const text = await page.locator("main").innerText();
  if (!/everywhere|all sessions/i.test(text)) throw new Error(`it led to ${page.url()}`);
}

async function menu(page, origin, name) {
  await open(page, `${origin}tasks/login`);
  if (name === "phone") await page.click(".VPLocalNav .menu");
  const titles = await page.locator(".VPSidebar .level-0 > .item .text").allInnerTexts();
  const missing = AREAS.map(({ title }) => title).filter((title) => !titles.includes(title));
  if (missing.length > 0) throw new Error(`the menu lacks ${missing.join(", ")}; it has ${titles.join(", ")}`);
}

async function dark(browser, origin) {
  const context = await browser.newContext({ viewport: WIDTHS.desktop, colorScheme: "light" });
  const page = await context.newPage();
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await open(page, origin);
  const light = await background();
  await page.locator(".VPNavBarAppearance .VPSwitchAppearance").click();
  await page.waitForFunction((was) => getComputedStyle(document.body).backgroundColor !== was, light);
  await open(page, `${origin}tasks/login`);
  if ((await background()) === light) throw new Error("the next page is light again");
  await context.close();
}

async function keyboard(browser, origin) {
  const context = await browser.newContext({ viewport: WIDTHS.desktop });
  const page = await context.newPage();
  await open(page, `${origin}tasks/login`);
  await page.keyboard.press("Tab");
  const first = await page.evaluate(() => document.activeElement?.textContent?.trim());
  if (first !== "Skip to content") throw new Error(`the first key led to ${first}`);
  await context.close();
}

import assert from "node:assert/strict";
import { chromium, type Page } from "playwright-core";

const { ensureChromium, chromiumFlags } = (await import(
  new URL("../../scripts/ensure-chromium.mjs", import.meta.url).href
)) as { ensureChromium(): string; chromiumFlags: string[] };

/** For a page that a development server compiles first. */
const MOST_MS = 40_000;

/**
 * The story of the example applications in Chromium: a cart, login with the framework's redirect, the back button,
 * two tabs, logout. All of them have the same pages: `/` (`#cart`, a form with `item`), `/login` (a form with `user`),
 * `/account`, and in each page `#owner` and a button to log out.
 *
 * @param origin - of the application, on localhost
 */
export async function browserStory(origin: string): Promise<void> {
  const browser = await chromium.launch({ executablePath: ensureChromium(), args: chromiumFlags });
  try {
    const context = await browser.newContext({ baseURL: origin });
    context.setDefaultTimeout(MOST_MS);
    await play(await context.newPage(), await context.newPage());
    assert.deepEqual(
      (await context.cookies()).filter(({ name }) => name === "session_id"),
      [],
      "the cookie is still there after the logout",
    );
  } finally {
    await browser.close();
  }
}

async function play(page: Page, tab: Page): Promise<void> {
  await refused(page);
  await page.goto("/");
  await page.fill("[name=item]", "rope");
  await page.click("text=Add");
  await seen(page, "#cart", "rope");
  const visitor = await token(page);
  await page.goto("/login");
  await page.fill("[name=user]", "ann");
  await page.click("button:text('Log in')");
  await page.waitForURL("**/account");
  await seen(page, "#owner", "ann");
  assert.notEqual(await token(page), visitor, "the token is the one from before the login");
  await tab.goto("/");
  await seen(tab, "#owner", "ann");
  await seen(tab, "#cart", "rope");
  await page.goBack();
  await page.goto("/account");
  await seen(page, "#owner", "ann");
  await page.click("text=Log out");
  await seen(page, "#owner", "nobody");
  await refused(tab);
  await page.goBack();
  await refused(page);
}

/**
 * The guard leads from the account to the login page: on the server, or in the browser, also while the page is opened
 * that it has refused before.
 */
async function refused(page: Page): Promise<void> {
  await page.goto("/account").catch((error: Error) => {
    if (!/interrupted by another navigation to "[^"]*\/login"/.test(error.message)) throw error;
  });
  await page.waitForURL("**/login");
}

async function seen(page: Page, selector: string, text: string): Promise<void> {
  await page.locator(selector, { hasText: text }).waitFor();
}

async function token(page: Page): Promise<string | undefined> {
  return (await page.context().cookies()).find(({ name }) => name === "session_id")?.value;
}

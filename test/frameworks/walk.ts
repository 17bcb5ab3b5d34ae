import assert from "node:assert/strict";
import { chromium, type BrowserContext, type Page } from "playwright-core";
import type { RunningApp } from "./framework.js";

/** Opens a browser with a new profile, and closes it in the end. */
export async function withBrowser(act: (context: BrowserContext) => Promise<void>): Promise<void> {
  const { ensureChromium, chromiumFlags } = await import(
    new URL("../../scripts/ensure-chromium.mjs", import.meta.url).href
  );
  const browser = await chromium.launch({ executablePath: ensureChromium(), args: chromiumFlags });
  try {
    await act(await browser.newContext());
  } finally {
    await browser.close();
  }
}

/** The path of a page when it has come to rest there. */
export const arrives = (page: Page, path: string): Promise<void> => page.waitForURL((url) => url.pathname === path);

async function addToCart(page: Page, item: string): Promise<void> {
  await page.getByLabel("Item").fill(item);
  await page.getByRole("button", { name: "Add" }).click();
  await page.getByRole("listitem").filter({ hasText: item }).waitFor();
}

/**
 * What a person does with the pages of an example: a cart in two tabs, a login that keeps it, a logout that is final
 * in the other tab and behind the back button. A page listens to its forms when its scripts have run: until then they
 * are sent as without scripts, which works too.
 */
export async function walk({ origin }: RunningApp): Promise<void> {
  await withBrowser(async (context) => {
    const [first, second] = [await context.newPage(), await context.newPage()];
    await first.goto(`${origin}/account`);
    await arrives(first, "/login");

    await first.goto(`${origin}/cart`);
    await addToCart(first, "rope");
    await second.goto(`${origin}/cart`);
    await addToCart(second, "lamp");
    await addToCart(first, "knife");

    await first.goto(`${origin}/login`);
    await first.getByLabel("Name").fill("ann");
    await first.getByRole("button", { name: "Log in" }).click();
    await arrives(first, "/account");
    await first.getByText("account of ann").waitFor();

    await second.goto(`${origin}/cart`);
    assert.deepEqual(await second.getByRole("listitem").allTextContents(), ["rope", "lamp", "knife"]);
    await second.goto(`${origin}/account`);
    await second.getByText("account of ann").waitFor();

    await first.getByRole("button", { name: "Log out" }).click();
    await arrives(first, "/untouched");
    await first.goBack();
    await first.reload();
    await arrives(first, "/login");
    await second.reload();
    await arrives(second, "/login");
    assert.deepEqual(await context.cookies(), [], "no cookie is left");
  });
}

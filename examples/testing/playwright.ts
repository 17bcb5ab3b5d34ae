/** A browser that is signed in from its first page on: Playwright with a seeded session as its storage state. */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import express from "express";
import { session } from "holdfast/express";
import { seed, storageState } from "holdfast/testing";
import { chromium } from "playwright-core";

const sessions = session<{ name: string }>();
const app = express();
app.use(sessions);
app.get("/", (req, res) => void res.send(`Hello, ${sessions.get(req).get("name") ?? "stranger"}`));
app.get("/logout", async (req, res) => {
  await sessions.get(req).destroy();
  res.redirect("/");
});

const server = app.listen(0, "127.0.0.1");
await once(server, "listening");
const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const { CHROMIUM = "/usr/bin/chromium" } = process.env;
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
after(async () => {
  await browser.close();
  server.close();
});

test("a page without a session", async () => {
  const page = await browser.newPage({ baseURL });
  await page.goto("/");
  assert.equal(await page.innerText("body"), "Hello, stranger");
});

test("a page of somebody who is signed in, until they sign out", async () => {
  const headers = await seed(sessions, { name: "Ines" }, { owner: "user-1" });
  const context = await browser.newContext({ baseURL, storageState: storageState(headers, baseURL) });
  const page = await context.newPage();
  await page.goto("/");
  assert.equal(await page.innerText("body"), "Hello, Ines");
  await page.goto("/logout");
  assert.equal(await page.innerText("body"), "Hello, stranger");
  assert.deepEqual(await context.cookies(), []);
});

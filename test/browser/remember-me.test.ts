/** "Remember me" in Chromium: the browser is closed and opened again with the same profile. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createStore, fromCookie } from "holdfast";
import { startApp, type App, type Routes } from "../support/apps.js";
import { ask, Web, type Scope } from "./web.js";

const routes: Routes = {
  "/": (h) => h.answer({ body: "a page" }),
  "/remember": async (h) => {
    await h.session.authenticate("ann", { idleTimeout: "30d", absoluteTimeout: "90d" });
    return h.answer({ body: "welcome" });
  },
  "/once": async (h) => {
    await h.session.authenticate("ann", { sessionOnly: true });
    return h.answer({ body: "welcome" });
  },
  "/renew": async (h) => {
    await h.session.regenerate();
    return h.answer({ body: "renewed" });
  },
  "/who": (h) => h.answer({ body: h.session.owner ?? "nobody" }),
};

/** What a person does in a browser that is closed after it: the answers, and how many cookies are left. */
type Sitting = (paths: readonly string[]) => Promise<readonly [...string[], number]>;

async function sittings(t: Scope, app: App): Promise<Sitting> {
  const profile = Web.newProfile({ embedded: false });
  t.after(() => profile.remove());
  return async (paths) => {
    const web = await Web.open({ embedded: false, profile });
    try {
      const { at } = await web.front(web, [app]);
      const page = await web.profile.newPage();
      await page.goto(`${at("a.test")}/`);
      const said: string[] = [];
      for (const path of paths) said.push(await ask(page, path));
      return [...said, (await web.profile.cookies()).length] as [...string[], number];
    } finally {
      await web.close();
    }
  };
}

for (const adapter of ["express", "hono"] as const) {
  test(`${adapter}: the login is there after the browser was closed if it was to be remembered, and gone if not`, async (t) => {
    const store = createStore<Record<string, any>>();
    const app = await startApp(adapter, { sessions: { store, extractor: fromCookie("__Host-session_id") } }, routes);
    t.after(() => app.close());

    const remembered = await sittings(t, app);
    assert.deepEqual(await remembered(["/who", "/remember", "/who"]), ["nobody", "welcome", "ann", 1]);
    assert.deepEqual(await remembered(["/who", "/renew", "/who"]), ["ann", "renewed", "ann", 1]);
    assert.deepEqual(await remembered(["/who"]), ["ann", 1]);

    const once = await sittings(t, app);
    assert.deepEqual(await once(["/once", "/renew", "/who"]), ["welcome", "renewed", "ann", 1]);
    assert.deepEqual(await once(["/who"]), ["nobody", 0]);
    assert.equal((await store.listByOwner("ann")).length, 2, "the server ends it by its deadline");

    assert.deepEqual(await once(["/remember", "/once", "/who"]), ["welcome", "welcome", "ann", 1]);
    assert.deepEqual(await once(["/who"]), ["nobody", 0], "the later login has terms of its own");
  });
}

import assert from "node:assert/strict";
import { test } from "node:test";
import * as astro from "holdfast/astro";
import * as reactRouter from "holdfast/react-router";
import * as sveltekit from "holdfast/sveltekit";

/** What the builds of frameworks and requests of other sites come to, without a framework. */

const request = (init: RequestInit = {}): Request => new Request("http://localhost/page", init);
const answered = async (): Promise<Response> => new Response("page");

test("a page that SvelteKit renders at build time has no session, and reading it says why", async () => {
  const event = {
    request: request(),
    locals: {} as { session?: unknown },
    params: {},
    getClientAddress() {
      throw new Error("Cannot read clientAddress during prerendering");
    },
  };
  const response = await sveltekit.session()({ event, resolve: answered });
  assert.equal(await response.text(), "page");
  assert.throws(() => event.locals.session, {
    code: "unsupported",
    message: /rendered when the application is built/,
  });
});

test("an adapter of SvelteKit that knows no address is no build: there is a session", async () => {
  const event = {
    request: request(),
    locals: {} as { session?: { isStored: boolean } },
    params: {},
    getClientAddress() {
      throw new Error("adapter does not specify getClientAddress");
    },
  };
  await sveltekit.session()({ event, resolve: answered });
  assert.equal(event.locals.session?.isStored, false);
});

test("a page that Astro renders at build time has no session, and reading it says why", async () => {
  const context = { request: request(), locals: {} as { session?: unknown }, isPrerendered: true };
  const response = await astro.session()(context, answered);
  assert.equal(await response.text(), "page");
  assert.throws(() => context.locals.session, { code: "unsupported", message: /prerender = false/ });
});

const FOREIGN = { method: "POST", headers: { "Sec-Fetch-Site": "cross-site" } };
const PROTECTED: Readonly<Record<string, (asked: Request) => Promise<Response>>> = {
  sveltekit: (asked) =>
    sveltekit.crossOriginProtection()({ event: { request: asked, locals: {}, params: {} }, resolve: answered }),
  astro: (asked) => astro.crossOriginProtection()({ request: asked, locals: {} }, answered),
  "react-router": (asked) =>
    reactRouter.crossOriginProtection()({ request: asked, params: {}, context: {} }, answered),
};

for (const [name, ask] of Object.entries(PROTECTED)) {
  test(`${name}: a form of another site is refused, one of this site is not`, async (t) => {
    const printed = t.mock.method(console, "error", () => {});
    assert.equal((await ask(request(FOREIGN))).status, 403);
    assert.equal(printed.mock.callCount(), 1);
    assert.equal((await ask(request({ ...FOREIGN, headers: { "Sec-Fetch-Site": "same-origin" } }))).status, 200);
  });
}

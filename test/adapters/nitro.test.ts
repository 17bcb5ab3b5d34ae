import assert from "node:assert/strict";
import { before, suite, test } from "node:test";
import { nitroPlugin, session } from "holdfast/h3";
import { memoryStorage } from "holdfast/storage/memory";
import type { Storage } from "holdfast";
import { fromNpm, packageOf } from "../frameworks/packages.js";

/** The packages of Nitro 2: h3 1, and the responses that it makes on platforms without a server of Node. */
const PACKAGES = { h3: "1.15.11", "node-mock-http": "1.0.5" };

/** A storage that responds later, as databases do. */
function later(storage: Storage, isDown: () => boolean): Storage {
  const call =
    (name: "get" | "create" | "update" | "touch" | "delete") =>
    async (...args: unknown[]) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (isDown()) throw new Error("the storage is down");
      return (storage[name] as (...all: unknown[]) => unknown)(...args);
    };
  const names = ["get", "create", "update", "touch", "delete"] as const;
  return Object.fromEntries(names.map((name) => [name, call(name)])) as unknown as Storage;
}

suite("Nitro 2 reads a response when its handler has returned: the plugin lets it wait for the storage", () => {
  let isDown = false;
  let ask: (path: string) => Promise<Response>;

  before(async () => {
    const directory = fromNpm(PACKAGES);
    const { createApp, createRouter, eventHandler, sendRedirect, toNodeListener } = await packageOf(directory, "h3");
    const { fetchNodeRequestHandler } = await packageOf(directory, "node-mock-http");
    let afterResponse = async (_event: unknown): Promise<void> => {};
    nitroPlugin({ hooks: { hook: (_name, run) => void (afterResponse = run) } });
    const app = createApp({ onAfterResponse: (event: unknown) => afterResponse(event) });
    app.use(eventHandler(session<any>({ storage: later(memoryStorage(), () => isDown) })));
    const routes: Readonly<Record<string, (event: any) => unknown>> = {
      "/plain": () => "plain",
      "/set": (event) => (event.context.session.set("a", 1), "set"),
      "/redirect": (event) => (event.context.session.set("a", 1), sendRedirect(event, "/x")),
      "/throw"(event) {
        event.context.session.set("a", 1);
        throw new Error("own");
      },
    };
    const router = createRouter();
    for (const [path, route] of Object.entries(routes)) router.use(path, eventHandler(route));
    app.use(router);
    ask = (path) => fetchNodeRequestHandler(toNodeListener(app), path, {});
  });

  test("bodies, redirects and errors are whole, and have their cookie", async (t) => {
    t.mock.method(console, "error", () => {});
    const plain = await ask("/plain");
    assert.deepEqual([await plain.text(), plain.headers.getSetCookie()], ["plain", []]);
    for (const [path, status, body] of [
      ["/set", 200, /^set$/],
      ["/redirect", 302, /url=\/x/],
      ["/throw", 500, /"statusCode": 500/],
    ] as const) {
      const response = await ask(path);
      assert.equal(response.status, status, path);
      assert.match(await response.text(), body);
      assert.equal(response.headers.getSetCookie().length, 1, path);
    }
  });

  test("a storage that is down is a 503 without a cookie", async (t) => {
    t.mock.method(console, "error", () => {});
    isDown = true;
    t.after(() => (isDown = false));
    for (const path of ["/set", "/redirect"]) {
      const response = await ask(path);
      assert.deepEqual([response.status, response.headers.getSetCookie()], [503, []], path);
      assert.equal(await response.text(), "Service Unavailable");
    }
  });
});

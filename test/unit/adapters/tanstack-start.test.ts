import { memoryStorage } from "holdfast/storage/memory";
import { crossOriginProtection, loadSession, session } from "holdfast/tanstack-start";
import assert from "node:assert/strict";
import { test } from "node:test";

/** What TanStack Start comes to without the framework; `npm run adapters -- tanstack-start` runs it in its builds. */

const request = (init: RequestInit = {}): Request => new Request("http://localhost/page", init);
const page = async (): Promise<{ response: Response }> => ({ response: new Response("page") });

/** Runs a middleware as the framework does; returns what is behind it got as context. */
async function contextBehind(middleware: { options: { server: (input: any) => any } }): Promise<any> {
  let given: any;
  await middleware.options.server({
    request: request(),
    next: (options: any) => ((given = options?.context), page()),
  });
  return given;
}

test("what is behind the middleware has the session as context, and its response the cookie", async () => {
  const sessions = session<{ n: number }>();
  const response = await sessions.run(request(), async (own) => {
    own.set("n", 1);
    return new Response("set");
  });
  assert.match(response.headers.getSetCookie()[0]!, /^session_id=/);
  const own = (await contextBehind(sessions.middleware)).session;
  assert.equal(own.isStored, false);
});

test("what the framework returns is passed on as it is, if the session adds nothing to it", async () => {
  const result = await page();
  assert.equal(await session().run(request(), async () => result), result);
});

test("without a storage, sessions of one process share a memory", async () => {
  const [one, other] = [session<{ n: number }>(), session<{ n: number }>()];
  const first = await one.run(request(), async (own) => (own.set("n", 1), new Response()));
  const [cookie = ""] = first.headers.getSetCookie()[0]!.split(";");
  const read = await other.run(request({ headers: { cookie } }), async (own) => Response.json(own.get("n")));
  assert.equal(await read.json(), 1);
  const apart = session<{ n: number }>({ storage: memoryStorage() });
  const none = await apart.run(request({ headers: { cookie } }), async (own) => Response.json(own.get("n") ?? null));
  assert.equal(await none.json(), null);
});

test("a page that is rendered at build time has no session, and reading it says why", async (t) => {
  process.env["TSS_PRERENDERING"] = "true";
  t.after(() => delete process.env["TSS_PRERENDERING"]);
  const own = (await contextBehind(session().middleware)).session;
  assert.throws(() => own.owner, { code: "unsupported", message: /rendered when the application is built/ });
});

test("in lazy mode the context's session waits for loadSession()", async () => {
  const sessions = session<{ n: number }>({ load: "lazy" });
  const asked = request();
  await sessions.run(asked, async (own) => {
    assert.throws(() => own.owner, { code: "not-loaded" });
    await loadSession(asked);
    assert.equal(own.owner, undefined);
    assert.equal(own.has("n"), false);
    return new Response();
  });
});

test("a skipped request has no session", async () => {
  assert.equal(await contextBehind(session({ skip: () => true }).middleware), undefined);
});

test("a session inside a session of one request is the same", async () => {
  const sessions = session<{ n: number }>();
  const asked = request();
  const response = await sessions.run(asked, (outer) =>
    sessions.run(asked, async (inner) => {
      assert.equal(inner, outer);
      inner.set("n", 1);
      return new Response();
    }),
  );
  assert.equal(response.headers.getSetCookie().length, 1);
});

test("behind a server function, in another framework and with route parameters, the error says what to write", async () => {
  const functions = session().run(request(), async () => ({ result: 1 }));
  await assert.rejects(functions, { code: "wrong-place", message: /requestMiddleware of createStart\(\)/ });
  const call = session().run as (...args: unknown[]) => Promise<unknown>;
  await assert.rejects(call({ app: { handle() {} } }, {}), { code: "wrong-place", message: /called by Express/ });
  const { fromParam } = await import("holdfast");
  assert.throws(() => session({ extractor: fromParam("token") }), { code: "wrong-option", message: /fromParam/ });
});

test("other adapters in createMiddleware().server(…) say which entry is TanStack Start's", async () => {
  const message = /was called by TanStack Start; write requestMiddleware: \[session\(\)\.middleware\]/;
  const input = { request: request(), pathname: "/page", handlerType: "router", context: {}, next: page };
  const ours = "hono koa express connect fastify fetch node h3 sveltekit astro react-router nuxt elysia";
  for (const name of ours.split(" ")) {
    const { session: other } = (await import(`holdfast/${name}`)) as { session(): (app: unknown) => unknown };
    await assert.rejects(async () => other()(input), { code: "wrong-place", message }, name);
  }
});

test("a form of another site is refused, one of this site is not", async (t) => {
  const printed = t.mock.method(console, "error", () => {});
  const { options } = crossOriginProtection();
  const send = (site: string): any => {
    const headers = { "Sec-Fetch-Site": site };
    return options.server({ request: request({ method: "POST", headers }), next: page });
  };
  assert.equal((await send("cross-site")).status, 403);
  assert.equal(printed.mock.callCount(), 1);
  assert.equal(await (await send("same-origin")).response.text(), "page");
  assert.ok(Symbol.for("tanstack-start:csrf-middleware") in crossOriginProtection());
});

test("in a browser the middlewares do nothing, and everything else says where sessions are", async () => {
  const file = new URL("../../../dist/adapters/tanstack-start-browser.js", import.meta.url).href;
  const browser = (await import(file)) as Record<string, (...args: unknown[]) => any>;
  const sessions = browser["session"]!({});
  assert.deepEqual(sessions.middleware, { options: {} });
  assert.deepEqual(browser["crossOriginProtection"]!().options, {});
  for (const act of [() => sessions.get({}), () => sessions.store, () => browser["getSession"]!({})])
    assert.throws(act, { code: "wrong-place", message: /a browser has no session.*server function/s });
});

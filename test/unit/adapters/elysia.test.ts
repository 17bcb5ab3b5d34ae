import { fromParam } from "holdfast";
import { crossOriginProtection, session } from "holdfast/elysia";
import assert from "node:assert/strict";
import { test } from "node:test";

/** What Elysia comes to without the framework; `npm run adapters -- elysia` runs it on Bun and on Node. */

type Handler = (request: Request) => Promise<Response | undefined>;

/** What the plugins use of an application: functions around its requests, and hooks before its routes. */
class Application {
  readonly around: ((fetch: Handler) => Handler)[] = [];
  readonly hooks: ((context: object) => void)[] = [];
  readonly config: { aot?: boolean } = {};

  wrap(around: (fetch: Handler) => Handler): this {
    this.around.push(around);
    return this;
  }

  onRequest(hook: (context: object) => void): this {
    this.hooks.push(hook);
    return this;
  }

  /** Runs a handler as Elysia does, the last plugin outermost. */
  async run(
    handler: (context: any) => unknown,
    request: Request = new Request("http://localhost/"),
  ): Promise<Response> {
    const map = async (asked: Request): Promise<Response> => {
      const context = { request: asked };
      for (const hook of this.hooks) hook(context);
      return (await handler(context)) as Response;
    };
    return (await this.around.reduce((fetch, one) => one(fetch), map as Handler)(request))!;
  }
}

test("two sessions of one application are two, and one that is mounted twice is one", async () => {
  const { fromCookie } = await import("holdfast");
  const [first, second] = [session<{ n: number }>(), session<{ n: number }>({ extractor: fromCookie("other") })];
  const app = new Application();
  second(first(first(app)));
  assert.equal(new Set(app.around.map(String)).size, 3);
  const response = await app.run(({ request }) => {
    first.get(request).set("n", 1);
    second.get(request).set("n", 2);
    return new Response();
  });
  const names = response.headers.getSetCookie().map((line) => line.split("=")[0]);
  assert.deepEqual(names.toSorted(), ["other", "session_id"]);
});

test("in lazy mode the context's session waits, and a skipped request has none", async () => {
  const lazy = session<{ n: number }>({ load: "lazy" });
  await lazy(new Application()).run(async ({ request, session: own }) => {
    assert.throws(() => own.owner, { code: "not-loaded" });
    await lazy.load(request);
    assert.equal(own.has("n"), false);
    return new Response();
  });
  const skipped = session({ skip: () => true })(new Application());
  await skipped.run(({ session: own }) => {
    assert.equal(own, undefined);
    return new Response();
  });
});

test("a plugin in an application that is not compiled is told where it belongs", async () => {
  const app = session()(new Application());
  app.around.length = 0; // such an application has none
  await assert.rejects(
    app.run(() => new Response()),
    { code: "wrong-place", message: /write app\.use\(sessions\) on the application that listens/ },
  );
});

test("in another framework and with route parameters, the error says what to write", () => {
  assert.throws(() => session()({ app: { handle() {} } }), { code: "wrong-place", message: /called by Express/ });
  assert.throws(() => session({ extractor: fromParam("token") }), { code: "wrong-option", message: /fromParam/ });
});

test("other adapters in Elysia say which entry is its own", async () => {
  const message = /was called by Elysia; write new Elysia\(\)\.use\(session\(\)\), with session of holdfast\/elysia/;
  for (const name of ["hono", "koa", "express", "fastify", "fetch", "node", "h3", "sveltekit"]) {
    const { session: other } = (await import(`holdfast/${name}`)) as { session(): (app: unknown) => unknown };
    await assert.rejects(async () => other()(new Application()), { code: "wrong-place", message }, name);
  }
});

test("a form of another site is refused, one of this site is not", async (t) => {
  const printed = t.mock.method(console, "error", () => {});
  const app = crossOriginProtection()(new Application());
  const send = (site: string): Promise<Response> =>
    app.run(() => new Response("sent"), new Request("http://localhost/", init(site)));
  const init = (site: string): RequestInit => ({ method: "POST", headers: { "Sec-Fetch-Site": site } });
  assert.equal((await send("cross-site")).status, 403);
  assert.equal(printed.mock.callCount(), 1);
  assert.equal((await send("same-origin")).status, 200);
});

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import * as express from "holdfast/express";
import * as koa from "holdfast/koa";
import module, { pageSessions, session, useSession, type AnyEvent, type NuxtApp } from "holdfast/nuxt";
import { root } from "../../frameworks/packages.js";

/** What needs no Nuxt; test/frameworks has the application that Nuxt builds. */

interface Data {
  cart: string[];
}

/** An event of h3 1, as Nitro makes it. */
function eventOf(context: object = {}, req: object = {}): AnyEvent & { context: { session?: any } } {
  const res = { setHeader() {}, getHeader() {}, writeHead() {}, write() {}, end() {}, once() {}, on() {}, emit() {} };
  return { node: { req: { method: "GET", url: "/", headers: {}, ...req }, res }, context } as never;
}

/** Nuxt's functions, in a browser: `answers` are the responses of the server, in order. */
function browser(answers: readonly Promise<unknown>[], isHydrating = false): NuxtApp & { ready(): void } {
  const state = new Map<string, { value: any }>();
  const waiting: (() => unknown)[] = [];
  const left = [...answers];
  return {
    useState(key) {
      if (!state.has(key)) state.set(key, { value: undefined });
      return state.get(key)!;
    },
    useNuxtApp: () => ({ isHydrating }),
    useRequestEvent: () => undefined,
    onNuxtReady: (callback) => waiting.push(callback),
    fetch: () => left.shift() ?? Promise.reject(new Error("nothing more was expected")),
    ready: () => waiting.forEach((callback) => callback()),
  };
}

const onServer = (event: AnyEvent): NuxtApp => ({ ...browser([]), useRequestEvent: () => event });

for (const [name, context] of Object.entries({
  swr: { _nitro: { routeRules: { swr: 60, cache: { swr: true, maxAge: 60 } } } },
  isr: { _nitro: { routeRules: { isr: true } } },
  cache: { _nitro: { routeRules: { cache: { maxAge: 1 } } } },
  prerender: { _nitro: { routeRules: { prerender: true } } },
})) {
  test(`a route with the rule ${name} has no session, and a page of it is empty`, async () => {
    const event = eventOf(context);
    await session()(event);
    const error = { code: "unsupported", message: /^this page is rendered when|^the response of this route is kept/ };
    assert.throws(() => event.context.session, error);
    assert.throws(() => useSession(event), error);
    assert.equal(pageSessions(onServer(event))().data.value, undefined);
  });
}

test("a route that is taken out of a rule for all routes has a session", async () => {
  const event = eventOf({ _nitro: { routeRules: { swr: 60, cache: false, isr: false, prerender: false } } });
  await session()(event);
  assert.equal(useSession(event).isStored, false);
});

test("a request that a route for everybody makes has no session, either", async () => {
  const outer = eventOf({ nitro: {}, _nitro: { routeRules: { cache: { maxAge: 60 } } } });
  const sessions = session();
  await sessions(outer);
  const inner = eventOf({}, { __unenv__: outer.context });
  await sessions(inner);
  assert.throws(() => useSession(inner), { code: "unsupported" });
});

test("a form that is sent to a route with a rule has a session: its response is not kept", async () => {
  const event = eventOf({ _nitro: { routeRules: { cache: { maxAge: 60 } } } }, { method: "POST" });
  await session()(event);
  assert.equal(useSession(event).isStored, false);
});

test("a handler that Nitro has made a cached one cannot read the session of who came first", async () => {
  const event = eventOf();
  await session()(event);
  assert.equal(event.context.session.owner, undefined);
  Object.assign(event.context, { cache: { options: {} } });
  for (const read of [() => event.context.session, () => useSession({ ...event })])
    assert.throws(read, { code: "unsupported", message: /is kept and sent to every visitor/ });
});

test("payload() chooses what a page gets, and cannot give the token away, change the session, or wait", async () => {
  const page = async (choose: (own: any) => any): Promise<unknown> => {
    const event = eventOf();
    await session<Data>().payload(choose)(event);
    return pageSessions(onServer(event))().data.value;
  };
  assert.deepEqual(await page((own) => ({ cart: own.get("cart") ?? [] })), { cart: [] });
  await assert.rejects(
    page((own) => ({ token: own.token })),
    { code: "unsupported", message: /every script can/ },
  );
  await assert.rejects(
    page((own) => own.set("cart", [])),
    { code: "unsupported", message: /in a server route/ },
  );
  await assert.rejects(
    page(async () => ({})),
    { code: "wrong-call", message: /must be synchronous/ },
  );
  await assert.rejects(
    page(() => "ann"),
    { code: "wrong-call", message: /must return an object/ },
  );
  assert.throws(() => session().payload("owner" as never), { code: "wrong-call" });
});

test("the adapter of another framework in Nuxt names ours, and ours in another framework names theirs", () => {
  const inNuxt = { code: "wrong-place", message: /by h3, Nitro or Nuxt;.*holdfast\/nuxt, in server\/middleware/ };
  assert.throws(() => (express.session() as (...args: any[]) => void)(eventOf()), inNuxt);
  assert.throws(() => koa.session()(eventOf() as never, async () => {}), inNuxt);
  const call = session() as (req: unknown, res: unknown) => unknown;
  assert.throws(() => call({ app: { handle() {} } }, { setHeader() {} }), {
    code: "wrong-place",
    message: /by Express/,
  });
});

test("a page without the middleware is an error that says where to write it", () => {
  assert.throws(() => pageSessions(onServer(eventOf()))(), {
    code: "no-session",
    message: /server\/middleware\/session\.ts/,
  });
});

test("useSession() of the server without an event says what to write", () => {
  assert.throws(() => (useSession as () => unknown)(), { code: "wrong-call", message: /useSession\(event\)/ });
});

test("in the browser, a response that was overtaken does not replace a newer one", async () => {
  let end = (_answer: unknown): void => {};
  const slow = new Promise<unknown>((resolve) => (end = resolve));
  const { data, refresh } = pageSessions(browser([slow, Promise.resolve({ owner: "ann" })]))();
  const first = refresh();
  assert.deepEqual(await refresh(), { owner: "ann" });
  end({});
  await first;
  assert.deepEqual(data.value, { owner: "ann" });
});

test("a page that becomes alive uses what the server has sent; one that was sent to everybody asks", async () => {
  const alive = browser([], true);
  alive.useState<object>("holdfast").value = { owner: "ann" };
  assert.deepEqual(await pageSessions(alive)().refresh(), { owner: "ann" });

  const shared = browser([Promise.resolve({ owner: "bob" })], true);
  const { data } = pageSessions(shared)();
  shared.ready();
  await new Promise(setImmediate);
  assert.deepEqual(data.value, { owner: "bob" });
});

test("a page in the browser has no error if the server cannot say who the visitor is", async () => {
  const app = browser([Promise.reject(new Error("503"))]);
  const { data, refresh } = pageSessions(app)();
  app.ready();
  await new Promise(setImmediate);
  assert.equal(data.value, undefined);
  await assert.rejects(refresh());
});

test("the default export is a module of Nuxt", async () => {
  assert.deepEqual(await module.getMeta(), { name: "holdfast", compatibility: { nuxt: ">=4.0.0" } });
});

test("a page that imports a function of the server has an error in the browser that says so", () => {
  const program = `import { session, useSession } from "holdfast/nuxt";
    for (const one of [session, useSession]) try { one(); } catch (error) { console.log(error.code, error.message); }`;
  const args = ["--conditions=browser", "--input-type=module", "-e", program];
  const printed = execFileSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  assert.equal(
    printed.match(/^wrong-place holdfast: a page or a plugin imports a function of holdfast\/nuxt/gm)?.length,
    2,
  );
});

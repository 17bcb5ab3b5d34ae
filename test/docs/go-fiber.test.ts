import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test, type TestContext } from "node:test";
import { Client } from "../support/client.js";
import { withService, type Service } from "../support/services.js";
import { compiled, pages, root } from "./pages.js";
import { clientOf, originOf, programsOf, type Module } from "./running.js";

/** docs/migrate/go-fiber.md: each program of the page is run, and nothing that the model documents is missing there. */

const page = pages.find(({ name }) => name === "go-fiber")!;
const servers = new Map<string, Service>();
for (const name of ["redis", "postgres"]) await withService(name, (server) => servers.set(name, server));
const result = await compiled(
  {
    "redis://localhost:6379": servers.get("redis")?.url ?? "redis://localhost:6379",
    "postgres://localhost/app": servers.get("postgres")?.url ?? "postgres://localhost/app",
  },
  [page],
);
after(result.remove);
const programs = programsOf(page, result.directory);

const visits = async (client: Client, sent = {}): Promise<string> => (await client.get("/", sent)).body;
const JSON_BODY = { "content-type": "application/json" };
const json = (value: object): { headers: Record<string, string>; body: string } => ({
  headers: JSON_BODY,
  body: JSON.stringify(value),
});

/** A client that signed out a shop's or a site's user and keeps a copy of the cookie opens nothing with it. */
async function isRefused(client: Client, cookie: string, path: string): Promise<boolean> {
  return !(await client.get(path, { headers: { cookie } })).body.includes("user 1");
}

/** What each program of the page does, by its heading. */
const RUNS: Readonly<Record<string, (t: TestContext, program: Module) => Promise<void>>> = {
  async "What is different"(t, { app }) {
    const first = await (await clientOf(t, app)).get("/");
    assert.equal(first.body, "a session for every visitor: true");
    assert.match(first.cookie("session_id")!, /^session_id=[\w-]{43}; Max-Age=1800; Path=\/; SameSite=Lax$/);
  },
  async "A counter"(t, { app }) {
    const client = await clientOf(t, app);
    assert.deepEqual([await visits(client), await visits(client)], ["Visits: 1", "Visits: 2"]);
  },
  async "Settings for production"(t, { app, client: redis }) {
    t.after(() => redis.close());
    const client = await clientOf(t, app);
    const first = await client.get("/");
    assert.match(first.cookie("__Host-session_id")!, /; Max-Age=1800; Path=\/; HttpOnly; SameSite=Lax; Secure$/);
    assert.equal(await visits(client), "Visits: 2");
  },
  async "With the middleware"(t, { app }) {
    assert.equal((await (await clientOf(t, app)).follow("/login", { method: "POST" })).body, "user 123");
  },
  async "With the store, for background tasks"(_t, { store, backgroundTask, shorter }) {
    const { id } = await store.create();
    await backgroundTask(id);
    assert.ok((await store.getById(id)).get("lastTask") instanceof Date);
    assert.equal(await shorter(id), true);
    await store.delete(id);
    assert.equal(await shorter(id), false);
  },
  async "Basic login and logout"(t, { app }) {
    const client = await clientOf(t, app);
    assert.equal((await client.post("/login", { form: { email: "admin@example.com", password: "no" } })).status, 401);
    const form = { email: "admin@example.com", password: "secret" };
    assert.equal((await client.follow("/login", { method: "POST", form })).body, "user 1");
    const copy = client.cookieHeader;
    await client.post("/logout");
    assert.ok(await isRefused(client, copy, "/dashboard"));
  },
  async "A cart that survives login"(t, { app }) {
    const client = await clientOf(t, app);
    await client.post("/cart", json({ item: "rope" }));
    const before = client.cookieHeader;
    assert.deepEqual((await client.post("/login", json({ email: "x", password: "y" }))).json(), {
      error: "Invalid credentials",
    });
    assert.deepEqual(
      (await client.post("/login", json({ email: "user@example.com", password: "password" }))).json(),
      { status: "logged in", cart: ["rope"] },
    );
    assert.notEqual(client.cookieHeader, before);
  },
  async "The methods compared"(t, { app }) {
    const client = await clientOf(t, app);
    await client.post("/fill");
    assert.equal(`session_id=${(await client.post("/clear")).body}`, client.cookieHeader);
  },
  async "Common mistakes"(t, { app, sessions }) {
    const client = await clientOf(t, app);
    await client.post("/wrong");
    const fixed = client.cookieHeader;
    await client.post("/wrong");
    assert.equal(client.cookieHeader, fixed, "the mistake keeps the token");
    await client.post("/right");
    assert.equal(await sessions.store.getByToken(fixed.split("=")[1]), undefined);
  },
  async "A guard for protected routes"(t, { app }) {
    const client = await clientOf(t, app);
    assert.equal((await client.get("/dashboard")).headers.location, "/login");
    assert.equal((await client.get("/admin/health")).headers.location, "/login", "no session at all");
    assert.equal((await client.follow("/login", { method: "POST" })).body, "user 1");
  },
  async "Automatic expiry"(t, { app, clock }) {
    const client = await clientOf(t, app);
    await visits(client);
    clock.advance("29m");
    assert.equal(await visits(client), "Visits: 2");
    clock.advance("31m");
    assert.equal(await visits(client), "Visits: 1");
    for (let hours = 0; hours < 24; hours += 0.25) {
      clock.advance("15m");
      if (hours < 23.5) await client.get("/");
    }
    assert.equal(await visits(client), "Visits: 1", "the absolute deadline");
  },
  async "The built-in extractors"(_t, { extractors }) {
    const sources = Object.values<{ source: string }>(extractors).map(({ source }) => source);
    assert.deepEqual(sources, ["cookie", "header", "auth-header", "form", "query", "param"]);
  },
  async "Several sources"(t, { app }) {
    const client = await clientOf(t, app);
    const first = await client.get("/");
    const token = String(first.headers["x-session-id"]);
    assert.equal(first.cookie("session_id")!.split(";")[0], `session_id=${token}`);
    const program = new Client(client.origin);
    assert.equal(await visits(program, { headers: { "x-session-id": token } }), "Visits: 2");
    assert.equal((await program.get(`/?session_id=${token}`)).body, "Visits: 3");
  },
  async "What a chain sends back"(t, { both, cookieOnly, readOnly }) {
    const { default: express } = await import("express");
    const { session } = await import("holdfast/express");
    const sent = async (extractor: typeof both): Promise<boolean[]> => {
      const app = express();
      const sessions = session<{ n: number }>({ extractor });
      app.use(sessions, (req, res) => {
        sessions.get(req).set("n", 1);
        res.end();
      });
      const answer = await (await clientOf(t, app)).get("/");
      return [answer.setCookies.length > 0, answer.headers["x-session-id"] !== undefined];
    };
    assert.deepEqual(
      [await sent(both), await sent(cookieOnly), await sent(readOnly)],
      [
        [true, true],
        [true, false],
        [false, false],
      ],
    );
  },
  async "A custom extractor that also writes"(t, { app }) {
    const client = await clientOf(t, app);
    const token = String((await client.get("/")).headers.authorization);
    assert.match(token, /^[\w-]{43}$/);
    assert.equal(await visits(client, { headers: { authorization: `Bearer ${token}` } }), "Visits: 2");
  },
  async "A custom extractor that only reads"(t, { app, sessions }) {
    const { token } = await sessions.store.create({ visits: 7 });
    const client = await clientOf(t, app);
    const answer = await client.get("/", { headers: { "x-custom-session": token } });
    assert.deepEqual([answer.body, answer.setCookies], ["Visits: 7", []]);
    assert.equal(await visits(client), "Visits: 0");
  },
  async "Storage options"(t, { app, client: redis, pool }) {
    t.after(() => Promise.all([redis.close(), pool.end()]));
    for (const path of ["/redis", "/postgres"]) {
      const client = await clientOf(t, app);
      assert.deepEqual(
        [(await client.get(path)).body, (await client.get(path)).body],
        ["Visits: 1", "Visits: 2"],
        path,
      );
    }
  },
  async "Security settings for production"(t, { app }) {
    const client = await clientOf(t, app);
    assert.match(
      (await client.get("/")).cookie("__Host-session_id")!,
      /^__Host-session_id=[0-9a-f-]{36}; Max-Age=1800; Path=\/; HttpOnly; SameSite=Lax; Secure$/,
    );
    const { session } = await import("holdfast/express");
    const { fromCookie } = await import("holdfast");
    const both = { extractor: fromCookie("__Host-session_id"), cookie: { domain: "example.com" } };
    assert.throws(() => session(both), TypeError, "as the page says of the combination in the model's page");
    session({ ...both, extractor: fromCookie("__Secure-session_id") });
  },
  async "Types of values"(_t, { values, read }) {
    assert.deepEqual(read, values);
  },
  async "Your own types: register on the middleware's store"(t, { app }) {
    const client = await clientOf(t, app);
    assert.deepEqual((await client.get("/")).json(), { user: null });
    assert.deepEqual((await client.get("/")).json(), { user: "John", role: "admin" });
  },
  async "Your own types: register on a separate store"(t, { app }) {
    const client = await clientOf(t, app);
    await client.post("/price");
    assert.deepEqual((await client.get("/price")).json(), { cents: 1250 });
  },
  "v2 code": storesAValue,
  "v3 code with the middleware": storesAValue,
  "v3 code with the store": storesAValue,
  async "KeyLookup strings"(_t, { pairs }) {
    assert.equal(pairs.length, 5);
    const shape = ({ source, key, members }: any): unknown => [source, key, members.map((one: any) => one.source)];
    for (const [old, own] of pairs) assert.deepEqual(shape(old), shape(own));
  },
  async "Methods of the session"(t, { app }) {
    const expected = { cart: ["rope"], keys: ["cart"], fresh: true, isNew: true, left: [], store: "object" };
    assert.deepEqual((await (await clientOf(t, app)).get("/")).json(), expected);
  },
  async "Methods of the store"(_t, { byId, byToken, wasThere, afterClear }) {
    assert.deepEqual([byId, byToken, wasThere, afterClear], [1, 2, true, undefined]);
  },
  async "Methods of a session from the store"(_t, { own, again }) {
    assert.equal(again.get("visits"), 2);
    assert.ok(again.idleExpiresAt - Date.now() > 7 * 3_600_000);
    assert.throws(() => own.get("visits"), { code: "released" });
  },
  async "A shop with a cart"(t, { app }) {
    const client = await clientOf(t, app);
    const add = async (item: string): Promise<unknown> =>
      (await client.post("/cart/add", { form: { item_id: item } })).json();
    assert.deepEqual([await add("rope"), await add("anchor")], [{ items: 1 }, { items: 2 }]);
    const wrong = await client.post("/login", { form: { email: "user@example.com", password: "no" } });
    assert.deepEqual([wrong.status, wrong.json()], [401, { error: "Invalid credentials" }]);
    const right = await client.post("/login", { form: { email: "user@example.com", password: "password" } });
    assert.deepEqual(right.json(), { status: "logged in" });
    assert.deepEqual(await add("wall-hook"), { items: 3 }, "the cart survives the login");
    assert.deepEqual((await client.post("/logout")).json(), { status: "logged out" });
    assert.deepEqual(await add("rope"), { items: 1 });
    assert.match(client.cookieHeader, /^__Host-cart_session=/);
  },
  async "An API with sessions in a header"(t, { app }) {
    const client = await clientOf(t, app);
    const first = await client.post("/api/data");
    const headers = { "x-session-token": String(first.headers["x-session-token"]) };
    assert.deepEqual(first.json(), { data: "some data", calls: 1 });
    assert.equal((await client.post("/api/data", { headers })).json().calls, 2);
  },
  async "The token from several sources"(t, { app }) {
    const origin = await originOf(t, app);
    const first = await new Client(origin).get("/");
    const token = String(first.headers["x-session-id"]);
    const { session_id: id, source } = first.json();
    assert.equal(source, "multi-source");
    assert.notEqual(id, token);
    for (const [path, headers] of [
      ["/", { cookie: `session_id=${token}` }],
      ["/", { "x-session-id": token }],
      [`/?session_id=${token}`, {}],
    ] as const)
      assert.equal((await new Client(origin).get(path, { headers })).json().session_id, id);
  },
};

async function storesAValue(t: TestContext, { app, sessions }: Module): Promise<void> {
  const client = await clientOf(t, app);
  assert.equal((await client.get("/")).body, "value");
  assert.equal((await sessions.store.getByToken(client.cookieHeader.split("=")[1])).get("key"), "value");
}

test("the page compiles, and each of its programs has a test", () => {
  assert.equal(result.says, "");
  assert.deepEqual(
    programs.map(({ heading }) => heading),
    Object.keys(RUNS),
  );
});

for (const { heading, run } of programs) {
  const needs = /^(Settings|Storage options)/.test(heading) && servers.size < 2;
  if (!needs) test(`coming from Go Fiber: ${heading}`, async (t) => RUNS[heading]!(t, await run()));
}

/** The headings of the model's own documentation, and what is beside each of them on the page. */
const MODEL: Readonly<Record<string, string>> = {
  Session: "Coming from Go Fiber",
  "Quick Start": "A counter",
  "Production Configuration": "Settings for production",
  "Usage Patterns": "Usage patterns",
  "Middleware Pattern (Recommended)": "With the middleware",
  "Store Pattern (Advanced)": "With the store, for background tasks",
  "Session Security": "Session security",
  "Authentication Flow": "Session security",
  "Basic Login/Logout": "Basic login and logout",
  "Cart Preservation During Login": "A cart that survives login",
  "Security Methods Comparison": "The methods compared",
  "Common Security Mistakes": "Common mistakes",
  "Authentication Middleware": "A guard for protected routes",
  "Automatic Session Expiration": "Automatic expiry",
  "Session ID Extractors": "Session ID extractors",
  "Built-in Extractors": "The built-in extractors",
  "Multiple Sources with Fallback": "Several sources",
  "Custom Extractor": "A custom extractor that also writes",
  Configuration: "Configuration",
  "Storage Options": "Storage options",
  "Production Security Settings": "Security settings for production",
  "Custom Types": "Types of values",
  "Migration Guide": "From v2",
  "Migration Examples": "v2 code",
  "KeyLookup to Extractor Migration": "KeyLookup strings",
  "API Reference": "API reference",
  "Middleware Methods (Recommended)": "Methods of the session",
  "Store Methods": "Methods of the store",
  "Session Methods (Store Pattern)": "Methods of a session from the store",
  "Extractor Functions": "Functions for extractors",
  "Config Properties": "Properties of Config",
  Examples: "Complete examples",
  "E-commerce with Cart Persistence": "A shop with a cart",
  "API with Header-based Sessions": "An API with sessions in a header",
  "Multi-source Session ID Support": "The token from several sources",
};

/** A piece of each snippet of that documentation, by which it is found there, and what is beside it on the page. */
const SNIPPETS: readonly (readonly [piece: string, heading: string])[] = [
  ["visits++", "A counter"],
  ['FromCookie("__Host-session_id")', "Settings for production"],
  ['Set("user_id", 123)', "With the middleware"],
  ["func backgroundTask(", "With the store, for background tasks"],
  ['email == "admin@example.com"', "Basic login and logout"],
  ['Set("user_id", getUserID(email))', "A cart that survives login"],
  ["Attacker can hijack", "Common mistakes"],
  ["Prevents session fixation", "Common mistakes"],
  ["func RequireAuth(", "A guard for protected routes"],
  ["Auto-expire after", "Automatic expiry"],
  ['FromParam("id")', "The built-in extractors"],
  ["Try cookie first", "Several sources"],
  ["set both cookie and header", "What a chain sends back"],
  ["set only cookie", "What a chain sends back"],
  ["set nothing in response", "What a chain sends back"],
  ["func FromAuthorization(", "A custom extractor that also writes"],
  ["func FromCustomParam(", "A custom extractor that only reads"],
  ["postgres.New(", "Storage options"],
  ["utils.UUIDv4,", "Security settings for production"],
  ["Method 1", "Your own types: register on the middleware's store"],
  ["Method 2", "Your own types: register on a separate store"],
  ['fmt.Printf("User: ', "Your own types: register on the middleware's store"],
  ['KeyLookup: "cookie:session_id"', "v2 code"],
  ["v3 Middleware Pattern", "v3 code with the middleware"],
  ["v3 Store Pattern", "v3 code with the store"],
  ["sess.Keys()", "Methods of the session"],
  ["store.Reset(c fiber.Ctx)", "Methods of the store"],
  ["sess.SetIdleTimeout(", "Methods of a session from the store"],
  ["session.Chain(extractors", "Functions for extractors"],
  ['FromCookie("__Host-cart_session")', "A shop with a cart"],
  ['FromHeader("X-Session-Token")', "An API with sessions in a header"],
  ["1st: Cookie", "The token from several sources"],
];

/** What the model's documentation names of its middleware: functions, methods, types and options. */
const NAMES = `
  New NewStore NewWithStore FromContext FromCookie FromHeader FromForm FromQuery FromParam Chain Config
  Extractor SourceHeader SourceOther SourceCookie ErrMissingSessionIDInHeader Get Set Delete Keys ID
  Fresh Regenerate Reset Destroy Store Save Release SetIdleTimeout GetByID RegisterType UUIDv4 Storage
  KeyGenerator IdleTimeout AbsoluteTimeout CookieSecure CookieHTTPOnly CookieSameSite CookiePath
  CookieDomain CookieSessionOnly ErrorHandler KeyLookup Expiration
`
  .trim()
  .split(/\s+/);

test("every heading and every name of the model's documentation is on the page", () => {
  const headings = [...page.text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading!);
  const beside = [...Object.values(MODEL), ...SNIPPETS.map(([, heading]) => heading)];
  assert.deepEqual(
    beside.filter((own) => !headings.includes(own)),
    [],
  );
  assert.deepEqual(
    NAMES.filter((name) => !new RegExp(`\\b${name}\\b`).test(page.text)),
    [],
  );
});

/** The documentation itself is beside a checkout that was made for it; a clone has the two lists above. */
const DOCUMENTATION = join(root, "..", "shared", "fiber", "documentation.txt");

if (existsSync(DOCUMENTATION)) {
  const text = readFileSync(DOCUMENTATION, "utf8");

  test("the lists have every heading and every name that the documentation has", () => {
    /** Lines that look like headings and are words of a sentence or of code. */
    const others = ["Table of Contents", "IdleTimeout", "AbsoluteTimeout", "KeyLookup", "Expiration", "The Source"];
    const lines = text.split("\n").filter((line) => /^[A-Z][\w()/ -]{3,}$/.test(line) && !/^\w+\(\)$/.test(line));
    const unknown = lines.filter((line) => !Object.hasOwn(MODEL, line) && !others.includes(line));
    assert.deepEqual(unknown, ["SourceCookie"]);
    assert.deepEqual(
      Object.keys(MODEL).filter((heading) => !lines.includes(heading)),
      [],
    );
    const pieces = SNIPPETS.filter(([piece]) => !text.toLowerCase().includes(piece.toLowerCase()));
    assert.deepEqual(pieces, [], "a snippet that is not there");
    const named = [...text.matchAll(/\b(?:session|sess|store|utils)\.([A-Z]\w+)/g)].map(([, name]) => name!);
    const options = [...text.matchAll(/^(\w+) \| /gm)].map(([, name]) => name!).filter((name) => name !== "Property");
    const missing = [...new Set([...named, ...options])].filter((name) => !NAMES.includes(name));
    assert.deepEqual(
      missing,
      ["Session", "Method", "Name"].filter((name) => missing.includes(name)),
    );
  });
}

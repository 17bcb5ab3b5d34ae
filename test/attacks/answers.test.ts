import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { chain, fromCookie, type Extractor } from "holdfast";
import { testClock } from "holdfast/testing";
import { randomToken } from "#dist/store/token.js";
import { parameter, type Stage, type World } from "../adapters/world.js";
import type { Handle, Routes } from "../support/apps.js";
import { acting, exchange, everywhere, onEveryAdapter, PLACES, saidBy, valuesOf, type Bytes, type Place, type WireAnswer } from "./everywhere.js";
import { SharedCache } from "./shared-cache.js";

/** What answers tell, over real HTTP on every adapter: to caches between, to attackers who compare, to pages that are rendered. */

const cookie = (token: string): Bytes => ({ lines: [`Cookie: session_id=${token}`] });

const ACCESSORS: Readonly<Record<string, (session: any) => unknown>> = {
  get: (s) => s.get("user"),
  has: (s) => s.has("user"),
  keys: (s) => s.keys(),
  "keys().length": (s) => s.keys().length,
  "for … of keys()": (s) => {
    for (const _ of s.keys()) break;
  },
  toJSON: (s) => s.toJSON(),
  "JSON.stringify": (s) => JSON.stringify(s),
  fresh: (s) => s.fresh,
  id: (s) => s.id,
  token: (s) => s.token,
  createdAt: (s) => s.createdAt,
  idleExpiresAt: (s) => s.idleExpiresAt,
  absoluteExpiresAt: (s) => s.absoluteExpiresAt,
  "delete of what is not there": (s) => s.delete("nothing"),
};

onEveryAdapter("attack 96: a page marked public that asks the session is private after all, by every accessor", async (world) => {
  const routes = Object.fromEntries(Object.entries(ACCESSORS).map(([name, ask]) => [`/${name.replaceAll(/\W/g, "")}`, (h: Handle) => (ask(h.session), h.answer({ body: "page", headers: { "cache-control": "public, max-age=60, s-maxage=3600" } }))]));
  const stage = await world.stage({ ...routes, "/unasked": (h) => h.answer({ body: "page", headers: { "cache-control": "public, max-age=60" } }) });
  const { token } = await stage.app.sessions[0].store.create({ user: "ann" });
  for (const bytes of [cookie(token), {}]) {
    for (const path of Object.keys(routes)) {
      const answer = await exchange(stage.app.port, { ...bytes, path });
      const control = valuesOf(answer, "Cache-Control").join();
      assert.match(control, /\b(private|no-store)\b/, path);
      assert.doesNotMatch(control, /public|s-maxage/, path);
      if (!control.includes("no-store")) assert.match(valuesOf(answer, "Vary").join().toLowerCase(), /cookie/, path);
    }
    assert.deepEqual(valuesOf(await exchange(stage.app.port, { ...bytes, path: "/unasked" }), "Cache-Control"), ["public, max-age=60"]);
  }
});

onEveryAdapter("attack 96: a page marked public whose answer refreshes, renews or removes the token is not stored at all", async (world) => {
  const pub = { "cache-control": "public, s-maxage=3600" };
  const stage = await world.stage(
    {
      "/refresh": (h) => h.answer({ body: "page", headers: pub }),
      "/login": async (h) => (await h.session.regenerate(), h.answer({ body: "page", headers: pub })),
      "/out": async (h) => (await h.session.destroy(), h.answer({ body: "page", headers: pub })),
    },
    { session: { refreshInterval: 0 } },
  );
  for (const path of ["/refresh", "/login", "/out"]) {
    const { token } = await stage.app.sessions[0].store.create({ user: "ann" });
    const answer = await exchange(stage.app.port, { ...cookie(token), path });
    assert.equal(valuesOf(answer, "Set-Cookie").length, 1);
    assert.deepEqual(valuesOf(answer, "Cache-Control"), ["no-store"], path);
  }
});

/** What applications write into Cache-Control, or nothing. */
const CONTROLS = ["", "public", "public, max-age=60", "max-age=60", "s-maxage=60", "max-age=60, immutable", "public, stale-while-revalidate=600, s-maxage=1", "PUBLIC", "must-revalidate, max-age=60"];
const STATUSES = [200, 206, 301, 308, 404, 410];

/** A page for whoever asks: says the name in the session, with what status and Cache-Control the query says. */
const pages: Routes = withRoutes(["/page", "/account/x.css", "/account/nothing.js"], async (h) => {
  const session = await h.loadSession();
  const act = parameter(h, "act");
  if (act === "visit") session.set("visited", true);
  if (act === "login") await session.regenerate();
  const control = parameter(h, "control");
  const status = Number(parameter(h, "status") ?? 200);
  const headers = { ...(control && { "cache-control": control }), ...(status > 300 && status < 400 && { location: `/of/${session.get("user")}` }), ...(status === 304 && { etag: '"1"' }), "content-type": "text/css" };
  return h.answer({ status, headers, ...(status !== 304 && { body: `page of ${session.get("user")}` }) });
});

function withRoutes(paths: readonly string[], handler: (h: Handle) => unknown): Routes {
  return Object.fromEntries(paths.map((path) => [path, handler]));
}

/** Ann and Bob behind one cache: neither is ever given what was made for the other. */
async function assertApart(stage: Stage, carry: (token: string) => Bytes, paths: readonly string[]): Promise<void> {
  const { store } = stage.app.sessions[0];
  for (const path of paths) {
    const cache = new SharedCache(stage.app.port);
    const [ann, bob] = [await store.create({ user: "ann" }), await store.create({ user: "bob" })];
    const given: [name: string, answer: WireAnswer][] = [];
    for (const [name, token] of [["ann", ann.token], ["bob", bob.token], ["nobody", undefined], ["ann", ann.token]] as const) {
      const bytes = token === undefined ? {} : carry(token);
      given.push([name, await cache.ask({ ...bytes, path: bytes.path?.startsWith("/page?") ? `${bytes.path}&${path.split("?")[1]}` : path })]);
    }
    assertOwn(given, { ann: ann.token, bob: bob.token }, path);
  }
}

function assertOwn(given: readonly [name: string, answer: WireAnswer][], tokens: Readonly<Record<string, string>>, path: string): void {
  const issued = new Map<string, string>();
  for (const [name, answer] of given) {
    assert.ok(answer.status >= 200 && answer.status < 500, answer.text);
    for (const other of ["ann", "bob"]) {
      if (other !== name) assert.ok(!answer.text.includes(`page of ${other}`) && !answer.text.includes(`/of/${other}`) && !answer.text.includes(tokens[other]!), `${name} is given what is ${other}'s: ${path}`);
    }
    for (const line of valuesOf(answer, "Set-Cookie")) {
      const [token] = line.split(";");
      assert.equal(issued.get(token!) ?? name, name, `${name} is given a cookie of ${issued.get(token!)}: ${path}`);
      issued.set(token!, name);
    }
  }
}

const PATHS = [
  ...CONTROLS.flatMap((control) => ["", "visit", "login"].map((act) => `/page?control=${encodeURIComponent(control)}&act=${act}`)),
  ...STATUSES.flatMap((status) => ["", "visit", "login"].map((act) => `/page?status=${status}&act=${act}&control=public`)),
  ...STATUSES.map((status) => `/page?status=${status}`),
];

onEveryAdapter("attack 97: a shared cache never hands one user's page or cookie to another, whatever the application says of caching", async (world) => {
  const stage = await world.stage(pages, { session: { load: "lazy" } });
  await assertApart(stage, cookie, PATHS);
});

onEveryAdapter("attack 97: a 304 carries no other user's cookie into a shared cache", async (world) => {
  const stage = await world.stage(pages, { session: { load: "lazy" } });
  await assertApart(stage, cookie, ["/page?status=304&act=visit", "/page?status=304&act=login&control=public", "/page?status=304"]);
  const { token } = await stage.app.sessions[0].store.create({ user: "ann" });
  const answer = await exchange(stage.app.port, { ...cookie(token), path: "/page?status=304&act=login&control=public" });
  assert.deepEqual([answer.status, valuesOf(answer, "Cache-Control")], [304, ["no-store"]]);
});

onEveryAdapter("attack 97: nor where the token comes by a header, a credential, the query, or a way of the application's own", async (world) => {
  for (const source of ["header", "auth-header", "query", "other"]) {
    const place = PLACES[source]!;
    const stage = await world.stage(pages, { session: { load: "lazy", extractor: chain(place.extractor, fromCookie("other")) } });
    const carry = (token: string): Bytes => (source === "query" ? { path: `/page?s=${token}` } : place.carry(token));
    await assertApart(stage, carry, CONTROLS.filter((_, i) => i % 2 === 1 || i === 0).map((control) => `/page?control=${encodeURIComponent(control)}`));
  }
});

test("attack 97: the simulated cache does hand on what it may: without the library's headers the attack succeeds", async () => {
  const { createServer } = await import("node:http");
  const server = createServer((req, res) => res.end(`page of ${/user=(\w+)/.exec(req.headers.cookie ?? "")?.[1]}`)).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const cache = new SharedCache((server.address() as { port: number }).port);
  await cache.ask({ path: "/page", lines: ["Cookie: user=ann"] });
  const { body } = await cache.ask({ path: "/page", lines: ["Cookie: user=bob"] });
  server.close();
  assert.deepEqual([cache.hits, body.includes("page of ann")], [1, true]);
});

onEveryAdapter("attack 98: a page with a session under the path of a stylesheet is answered as under any other", async (world) => {
  const stage = await world.stage(pages, { session: { load: "lazy" } });
  const styles = ["/account/x.css", "/account/nothing.js"];
  await assertApart(stage, cookie, styles.flatMap((path) => ["", "public, max-age=600", "public"].flatMap((control) => ["", "visit", "login"].map((act) => `${path}?control=${encodeURIComponent(control)}&act=${act}`))));
  for (const path of styles) {
    const { token } = await stage.app.sessions[0].store.create({ user: "ann" });
    const control = async (query: string): Promise<string> => valuesOf(await exchange(stage.app.port, { ...cookie(token), path: `${path}?${query}` }), "Cache-Control").join();
    assert.equal(await control("control=public,max-age=600"), "private, max-age=600");
    assert.equal(await control("control=no-store"), "no-store");
    assert.equal(await control("act=login&control=public"), "no-store");
  }
});

// refusals

type Refused = "unknown" | "expired" | "revoked" | "retired" | "malformed";

/** A token of each kind that opens nothing, and the calls of the storage that a request with it may cost. */
async function refused(stage: Stage, clock: ReturnType<typeof testClock>): Promise<Record<Refused, string>> {
  const { store } = stage.app.sessions[0];
  const expired = await store.create({ n: 1 });
  clock.advance("10m");
  const [revoked, retired, live] = [await store.create({ n: 1 }), await store.create({ n: 1 }), await store.create({ n: 1 })];
  await store.delete(revoked.id);
  const job = await store.getByToken(retired.token);
  await job.regenerate();
  await job.save();
  clock.advance("1m");
  assert.equal((await store.getByToken(live.token)).get("n"), 1);
  return { unknown: randomToken.draw(), expired: expired.token, revoked: revoked.token, retired: retired.token, malformed: `${live.token.slice(0, 42)}=` };
}

/** The length of an answer and everything it says, but for the token it brings, the id that is shown, and Express's hash of the page. */
function shape(answer: WireAnswer): unknown {
  const hide = (text: string): string => text.replaceAll(/id_[\w-]{43}|(?<==)[\w-]{43}(?=;)|(?<=X-Session: )[\w-]{43}|(?<=ETag: W\/"\w+-)[^"]+/gi, "(token)");
  return { status: answer.status, lines: answer.lines.map(hide), body: hide(answer.body), bytes: answer.text.length };
}

async function assertAlike(world: World, place: Place, extractor: Extractor): Promise<void> {
  const clock = testClock();
  const stage = await world.stage(acting, { session: { extractor, load: "lazy", clock, idleTimeout: "10m" } });
  const tokens = await refused(stage, clock);
  for (const method of [place.extractor.source === "form" ? "POST" : "GET", "PUT"]) {
    const shapes: unknown[] = [];
    for (const [kind, token] of Object.entries(tokens)) {
      stage.storage.forget();
      shapes.push(shape(await exchange(stage.app.port, { ...place.carry(token), method })));
      const expected = [...(kind === "malformed" ? [] : ["get"]), ...(method === "PUT" ? ["create"] : [])];
      assert.deepEqual(stage.storage.calls.map(({ name }) => name), expected, `${kind}, ${method}`);
    }
    for (const one of shapes) assert.deepEqual(one, shapes[0], `${method}, ${place.extractor.source}`);
  }
}

everywhere("attack 100: unknown, expired, revoked, retired and malformed tokens are answered alike: status, headers, body, bytes, storage calls", async (world, place) => {
  await assertAlike(world, place, place.extractor.source === "cookie" ? place.extractor : chain(place.extractor, fromCookie("other")));
});

onEveryAdapter("attack 100: the error of a storage that is down says nothing of the token that asked", async (world) => {
  const stage = await world.stage(acting);
  const { token } = await stage.app.sessions[0].store.create({ n: 1 });
  stage.storage.fail("get");
  const [one, two] = [await exchange(stage.app.port, cookie(token)), await exchange(stage.app.port, cookie(randomToken.draw()))];
  assert.equal(one.status, 503);
  assert.deepEqual(shape(one), shape(two));
});

onEveryAdapter("attack 103: a token that came in the query or path: no-store and no-referrer, whatever it is worth and whatever the answer is", async (world) => {
  const routes: Routes = { ...acting, "/out": (h) => h.redirect("https://elsewhere.example/"), "/page": (h) => h.answer({ body: "<a href=https://elsewhere.example/>", headers: { "cache-control": "public" } }) };
  const stage = await world.stage(routes, { session: { extractor: PLACES["query"]!.extractor } });
  const { token } = await stage.app.sessions[0].store.create({ n: 1 });
  for (const path of ["/out", "/page"]) {
    for (const sent of [token, randomToken.draw(), "malformed"]) {
      const answer = await exchange(stage.app.port, { path: `${path}?s=${sent}` });
      assert.deepEqual([valuesOf(answer, "Cache-Control"), valuesOf(answer, "Referrer-Policy")], [["no-store"], ["no-referrer"]], `${path} ${sent}`);
    }
  }
  assert.deepEqual(valuesOf(await exchange(stage.app.port, { path: "/page" }), "Referrer-Policy"), [], "an application that brings none keeps its own policy");
});

onEveryAdapter("attack 105: what an application renders of a session holds no token: redirects, pages, state, error pages", async (world) => {
  const tokens: string[] = [];
  const page = (h: Handle, text: string): unknown => h.answer({ body: `<script>window.state = ${text}</script>`, headers: { "content-type": "text/html" } });
  const stage = await world.stage(
    {
      "/json": (h) => (h.session.set("n", 1), tokens.push(h.session.token), h.json({ session: h.session, all: [h.session] })),
      "/state": (h) => (tokens.push(h.session.token), page(h, JSON.stringify({ session: h.session, spread: { ...h.session }, text: `${h.session}`, assigned: Object.assign({}, h.session) }))),
      "/inspect": (h) => page(h, JSON.stringify(inspect({ session: h.session, context: h.context && h.session }, { depth: 8, showHidden: true, getters: true }))),
      "/login": async (h) => (await h.session.regenerate(), tokens.push(h.session.token), h.redirect("/state")),
      "/fail": (h) => {
        h.session.set("n", 2);
        throw new Error(`mine: ${h.session} ${JSON.stringify(h.session)}`);
      },
    },
    { session: { extractor: chain(PLACES["query"]!.extractor, fromCookie()) } },
  );
  for (const path of ["/json", "/state", "/inspect", "/login", "/state", "/fail", "/missing"]) {
    const answer = await stage.client.get(path);
    if (path !== "/fail" && path !== "/missing") assert.ok(answer.status < 400, `${path}: ${answer.body}`);
    const shown = [answer.body, ...Object.entries(answer.headers).filter(([name]) => name !== "set-cookie").map(([, value]) => String(value))].join("\n");
    for (const token of tokens) assert.ok(!shown.includes(token), `${path}: ${shown}`);
  }
  assert.ok(tokens.length >= 4);
});

onEveryAdapter("attack 106: visitors without a cookie who write nothing leave no record and get no cookie", async (world) => {
  const stage = await world.stage(acting);
  const answers = await Promise.all(Array.from({ length: 100 }, () => exchange(stage.app.port)));
  for (const answer of answers) assert.deepEqual([answer.status, valuesOf(answer, "Set-Cookie"), saidBy(answer).keys], [200, [], []]);
  assert.deepEqual(stage.storage.calls, []);
});

onEveryAdapter("attack 107: random tokens of the right shape cost one read each, no record, no cookie", async (world) => {
  const stage = await world.stage(acting);
  const answers = await Promise.all(Array.from({ length: 100 }, () => exchange(stage.app.port, cookie(randomToken.draw()))));
  for (const answer of answers) assert.deepEqual([answer.status, valuesOf(answer, "Set-Cookie"), saidBy(answer).keys], [200, [], []]);
  assert.deepEqual(stage.storage.counts, { get: 100 });
});

onEveryAdapter("attack 122: nothing of CORS is ever answered, whatever origin asks", async (world) => {
  const stage = await world.stage(acting);
  const { token } = await stage.app.sessions[0].store.create({ n: 1 });
  for (const method of ["GET", "PUT", "OPTIONS"]) {
    const answer = await exchange(stage.app.port, { method, lines: [...cookie(token).lines!, "Origin: https://evil.example", "Access-Control-Request-Method: PUT"] });
    assert.deepEqual(answer.lines.filter((line) => /^access-control-/i.test(line)), [], method);
  }
});

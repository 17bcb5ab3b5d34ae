import assert from "node:assert/strict";
import { test } from "node:test";
import { chain, fromAuthHeader, fromCookie, fromHeader } from "holdfast";
import { forbidStoring, keepPrivate } from "#dist/http/caching.js";
import { FakeHeaders, viewOf, World, type Live } from "../world.js";

function headers(start: Record<string, string> = {}): FakeHeaders {
  const made = new FakeHeaders();
  for (const [name, value] of Object.entries(start)) made.set(name, value);
  return made;
}

/** What remains of the application's headers after a request that did this. */
async function after(
  world: World,
  start: Record<string, string>,
  handler: (session: Live) => unknown,
  asked: object = {},
): Promise<Record<string, string>> {
  const requestSession = world.requestSession(asked);
  await handler((await requestSession.open()) as Live);
  const answer = headers(start);
  await requestSession.commit(true, answer);
  requestSession.writeHeaders(answer);
  await requestSession.finish();
  return Object.fromEntries(answer.all);
}

test("attack 96: a response with a token is no-store, whatever the application set", async () => {
  const world = new World();
  for (const control of ["public, max-age=3600", "private", "no-cache", "s-maxage=60, stale-while-revalidate=5"]) {
    assert.equal(
      (await after(world, { "Cache-Control": control }, (session) => session.set("n", 1)))["cache-control"],
      "no-store",
    );
  }
});

test("a response that removes the cookie is no-store", async () => {
  const world = new World();
  const { token } = await world.store.create({ n: 1 });
  assert.equal(
    (
      await after(world, { "Cache-Control": "public" }, (session) => session.destroy(), {
        cookie: `session_id=${token}`,
      })
    )["cache-control"],
    "no-store",
  );
});

test("attack 96: a response that used the session and carries no token: private replaces public, for every accessor", async () => {
  const asks: ((session: Live) => unknown)[] = [
    (s) => s.get("n"),
    (s) => s.has("n"),
    (s) => s.keys(),
    (s) => s.toJSON(),
    (s) => JSON.stringify(s),
    (s) => s.fresh,
    (s) => s.id,
    (s) => s.createdAt,
    (s) => s.idleExpiresAt,
  ];
  for (const ask of asks) {
    const world = new World();
    const { token } = await world.store.create({ n: 1 });
    const result = await after(
      world,
      { "Cache-Control": "public, max-age=60, s-maxage=3600" },
      (session) => void ask(session),
      { cookie: `session_id=${token}` },
    );
    assert.deepEqual(result, { "cache-control": "private, max-age=60", vary: "Cookie" }, String(ask));
  }
});

test("attack 96: also for a visitor without a session: the page depends on there being none", async () => {
  assert.deepEqual(await after(new World(), { "Cache-Control": "public" }, (session) => void session.get("n")), {
    "cache-control": "private",
    vary: "Cookie",
  });
});

test("if the session was not used, headers are unchanged", async () => {
  const world = new World();
  const { token } = await world.store.create({ n: 1 });
  assert.deepEqual(
    await after(world, { "Cache-Control": "public, max-age=60" }, () => {}, { cookie: `session_id=${token}` }),
    { "cache-control": "public, max-age=60" },
  );
});

/**
 * Whether a page says that everybody may have it, by its headers: then a refresh that is due, and that nobody asked
 * for, waits.
 */
const EVERYBODYS: readonly (readonly [Record<string, string>, boolean])[] = [
  [{}, false],
  [{ "Cache-Control": "public" }, true],
  [{ "Cache-Control": "PUBLIC" }, true],
  [{ "Cache-Control": "public, max-age=0" }, true],
  [{ "Cache-Control": "public, no-cache" }, true],
  [{ "Cache-Control": "public, max-age=31536000, immutable" }, true],
  [{ "Cache-Control": "immutable" }, true],
  [{ "Cache-Control": "max-age=60" }, true],
  [{ "Cache-Control": 'max-age="60"' }, true],
  [{ "Cache-Control": "Max-Age = 60" }, true],
  [{ "Cache-Control": "must-revalidate,max-age=60" }, true],
  [{ "Cache-Control": "s-maxage=60, max-age=0" }, true],
  [{ "Cache-Control": "s-maxage=0, max-age=60" }, false],
  [{ "Cache-Control": "max-age=0" }, false],
  [{ "Cache-Control": "max-age=-1" }, false],
  [{ "Cache-Control": "max-age=soon" }, false],
  [{ "Cache-Control": "max-age" }, false],
  [{ "Cache-Control": "x-max-age=60" }, false],
  [{ "Cache-Control": "no-cache" }, false],
  [{ "Cache-Control": "no-store" }, false],
  [{ "Cache-Control": "private, max-age=60" }, false],
  [{ "Cache-Control": "public, private" }, false],
  [{ "Cache-Control": 'public, private="x-name"' }, false],
  [{ "Cache-Control": "public, no-store" }, false],
  [{ "Cache-Control": "" }, false],
  [{ Expires: "Tue, 01 Jan 2999 00:00:00 GMT" }, true],
  [{ Expires: "Thu, 01 Jan 1970 00:00:00 GMT" }, false],
  [{ Expires: "0" }, false],
  [{ Expires: "Tue, 01 Jan 2999 00:00:00 GMT", "Cache-Control": "private" }, false],
  [{ Expires: "Tue, 01 Jan 2999 00:00:00 GMT", "Cache-Control": "max-age=0" }, false],
  [{ Expires: "Tue, 01 Jan 2999 00:00:00 GMT", "Cache-Control": "must-revalidate" }, true],
  [{ "Cache-Control": "no-store", "CDN-Cache-Control": "max-age=60" }, true],
  [{ "Cache-Control": "no-store", "Own-CDN-Cache-Control": "public" }, true],
  [{ "Surrogate-Control": 'max-age=60, content="ESI/1.0"' }, true],
  [{ "Surrogate-Control": "no-store" }, false],
  [{ "CDN-Cache-Control": "private, max-age=60" }, false],
  [{ "X-Accel-Expires": "60" }, true],
  [{ "X-Accel-Expires": "0" }, false],
  [{ "X-CDN": "public" }, false],
];

for (const [start, isLeftAlone] of EVERYBODYS) {
  test(`attack 96: a refresh that no handler requested ${isLeftAlone ? "waits" : "is no-store"} if the response has ${JSON.stringify(start)}`, async () => {
    const world = new World();
    const { token } = await world.store.create({ n: 1 });
    world.clock.advance("10m");
    world.storage.forget();
    const result = await after(world, start, () => {}, { cookie: `session_id=${token}` });
    const lower = Object.fromEntries(Object.entries(start).map(([name, value]) => [name.toLowerCase(), value]));
    if (isLeftAlone) assert.deepEqual(result, lower);
    else assert.equal(result["cache-control"], "no-store");
    assert.deepEqual(world.storage.counts, isLeftAlone ? { get: 1 } : { get: 1, touch: 1 });
  });
}

test("Vary names every header that was read, once, in addition to existing names", async () => {
  const extractor = chain(fromCookie("a"), fromCookie("b"), fromHeader("X-Sid"), fromAuthHeader());
  const vary = async (start: Record<string, string>): Promise<string | undefined> =>
    (await after(new World({ extractor }), start, (session) => void session.get("n")))["vary"];
  assert.equal(await vary({}), "Cookie, X-Sid, Authorization");
  assert.equal(await vary({ Vary: "Accept-Encoding, cookie" }), "Accept-Encoding, cookie, X-Sid, Authorization");
  assert.equal(await vary({ Vary: "*" }), "*");
});

test("Cache-Control is changed only if it lets shared caches store the response", () => {
  const expected: [string, string][] = [
    ["public", "private"],
    ["PUBLIC, Max-Age=5", "private, Max-Age=5"],
    ["s-maxage=5", "private"],
    ["max-age=5,s-maxage = 9 ,immutable", "private, max-age=5, immutable"],
    ["private, s-maxage=9", "private"],
    ["private", "private"],
    ["no-store", "no-store"],
    ["no-cache", "no-cache"],
    ["max-age=5", "max-age=5"],
  ];
  for (const [before, result] of expected) {
    const answer = headers({ "Cache-Control": before });
    keepPrivate(answer, []);
    assert.equal(answer.get("Cache-Control"), result, before);
  }
  const bare = headers();
  keepPrivate(bare, []);
  assert.deepEqual([...bare.all], []);
  forbidStoring(bare);
  assert.equal(bare.get("Cache-Control"), "no-store");
});

/** What speaks to one kind of cache alone, and is followed there in place of Cache-Control. */
const TARGETED = [
  "CDN-Cache-Control",
  "Cloudflare-CDN-Cache-Control",
  "Vercel-CDN-Cache-Control",
  "Netlify-CDN-Cache-Control",
  "x-own-cdn-cache-control",
  "Surrogate-Control",
  "Edge-Control",
];

test("attack 96: caches with their own headers store no token either, and no page that used a session", async () => {
  const start = Object.fromEntries(TARGETED.map((name) => [name, "public, max-age=600"]));
  const forbidden = Object.fromEntries(TARGETED.map((name) => [name.toLowerCase(), "no-store"]));
  const written = await after(new World(), { ...start, "X-Accel-Expires": "600" }, (session) => session.set("n", 1));
  assert.deepEqual(written, { ...forbidden, "x-accel-expires": "0", "cache-control": "no-store" });
  const asked = await after(
    new World(),
    { ...start, "X-Accel-Expires": "600", "Cache-Control": "public" },
    (session) => void session.get("n"),
  );
  assert.deepEqual(asked, { ...forbidden, "x-accel-expires": "0", "cache-control": "private", vary: "Cookie" });
  const unasked = {
    ...Object.fromEntries(TARGETED.map((name) => [name.toLowerCase(), "public, max-age=600"])),
    "x-accel-expires": "600",
  };
  assert.deepEqual(await after(new World(), { ...start, "X-Accel-Expires": "600" }, () => {}), unasked);
});

test("a targeted header that already forbids storing is unchanged; similar names do not count", async () => {
  const start = {
    "CDN-Cache-Control": "no-store, max-age=5",
    "Surrogate-Control": 'no-store, content="ESI/1.0"',
    "CDN-Cache-Control-Debug": "max-age=5",
    "X-CDN": "max-age=5",
  };
  const lower = Object.fromEntries(Object.entries(start).map(([name, value]) => [name.toLowerCase(), value]));
  assert.deepEqual(await after(new World(), start, (session) => void session.get("n")), { ...lower, vary: "Cookie" });
  const remote = await after(
    new World(),
    { "Surrogate-Control": "no-store-remote, max-age=5" },
    (session) => void session.get("n"),
  );
  assert.equal(remote["surrogate-control"], "no-store");
});

test("the application's own cookies stay, before and after ours; ours is never there twice", async () => {
  const world = new World();
  const requestSession = world.requestSession();
  const session = await requestSession.open();
  session.set("n", 1);
  await requestSession.commit();
  const answer = headers();
  answer.setCookies(["theme=dark; Path=/", "session_id=forged", "session_id2=x", "xsession_id=y"]);
  requestSession.writeHeaders(answer);
  requestSession.writeHeaders(answer);
  assert.deepEqual(
    answer.cookies().map((line) => line.split(";")[0]),
    ["theme=dark", "session_id2=x", "xsession_id=y", `session_id=${session.token}`],
  );
});

test("attack 122: the library never sends CORS headers", async () => {
  const world = new World();
  const result = await after(world, {}, (session) => session.set("n", 1), {
    headers: { origin: "https://evil.example" },
  });
  assert.deepEqual(
    Object.keys(result).filter((name) => name.startsWith("access-control")),
    [],
  );
});

test("views return what was sent", () => {
  assert.deepEqual(viewOf({ headers: { "X-A": "1" } }).headers("x-a"), ["1"]);
});

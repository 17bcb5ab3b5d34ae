import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { chain, createStore, fromAuthHeader, fromCookie, fromHeader, fromQuery, type StoredSession } from "holdfast";
import { session, type Sessions } from "holdfast/node";
import { memoryStorage } from "holdfast/storage/memory";
import { seed, storageState, testClock } from "holdfast/testing";

interface Data {
  user: string;
}

async function whoAmI(sessions: Sessions<Data>, headers: Record<string, string>): Promise<string> {
  const server = createServer(sessions((req, res) => res.end(req.session.get("user") ?? "nobody"))).listen(
    0,
    "127.0.0.1",
  );
  await once(server, "listening");
  try {
    return await (await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { headers })).text();
  } finally {
    server.close();
  }
}

const EXTRACTORS = {
  "the default cookie": undefined,
  "a cookie with a name": fromCookie("__Host-sid"),
  "a header": fromHeader("X-Session-ID"),
  "an Authorization header": fromAuthHeader(),
  "a chain": chain(fromHeader("X-Session-ID"), fromCookie("sid"), fromCookie("sid2"), fromQuery("s")),
};

for (const [name, extractor] of Object.entries(EXTRACTORS)) {
  test(`a seeded session is opened by the returned headers: ${name}`, async () => {
    const sessions = session<Data>({ storage: memoryStorage(), ...(extractor && { extractor }) });
    assert.equal(await whoAmI(sessions, await seed(sessions, { user: "ada" })), "ada");
    assert.equal(await whoAmI(sessions, {}), "nobody");
  });
}

test("a store is seeded for the default cookie", async () => {
  const store = createStore<Data>({ storage: memoryStorage() });
  const { cookie, ...others } = await seed(store, { user: "ada" });
  assert.deepEqual(others, {});
  assert.match(cookie!, /^session_id=[\w-]{43}$/);
  assert.equal(await whoAmI(session<Data>({ store }), { cookie: cookie! }), "ada");
});

test("seed refuses what it cannot serve, and stores nothing then", async () => {
  const storage = memoryStorage();
  await assert.rejects(
    seed(session<Data>({ storage, extractor: fromQuery("s") }), { user: "ada" }),
    /reads no header/,
  );
  await assert.rejects(seed({ store: createStore<Data>({ storage }) }), TypeError);
  assert.equal(storage.size, 0);
});

const NOW = Date.UTC(2026, 5, 1);
const MINUTE = 60_000;

function atNoon(options: object = {}): Sessions<Data> {
  return session<Data>({ storage: memoryStorage(), clock: testClock(NOW), ...options });
}

async function opened(sessions: Sessions<Data>, headers: Record<string, string>): Promise<StoredSession<Data>> {
  return (await sessions.store.getByToken(headers["cookie"]!.split("=")[1]!))!;
}

test("a seeded session has the owner, is in the owner's list, and can be ended with all others", async () => {
  const sessions = atNoon();
  const headers = await seed(sessions, { user: "ada" }, { owner: "ann", info: { device: "a test" } });
  const { owner, authenticatedAt, id } = await opened(sessions, headers);
  assert.deepEqual([owner, authenticatedAt], ["ann", NOW]);
  assert.deepEqual(
    (await sessions.store.listByOwner("ann")).map((listed) => [listed.id, listed.info]),
    [[id, { device: "a test" }]],
  );
  assert.equal(await sessions.store.deleteByOwner("ann"), 1);
  assert.equal(await whoAmI(sessions, headers), "nobody");
});

test("authenticatedAt is when they authenticated: the absolute timeout counts from then, the idle one from now", async () => {
  const sessions = atNoon({ absoluteTimeout: "12h" });
  const authenticatedAt = NOW - 10 * MINUTE;
  const session = await opened(sessions, await seed(sessions, { user: "ada" }, { owner: "ann", authenticatedAt }));
  assert.deepEqual(
    [session.authenticatedAt, session.createdAt, session.idleExpiresAt, session.absoluteExpiresAt],
    [authenticatedAt, authenticatedAt, NOW + 30 * MINUTE, authenticatedAt + 720 * MINUTE],
  );
  assert.deepEqual([session.authenticatedWithin("5m"), session.authenticatedWithin("11m")], [false, true]);
  assert.equal(session.get("user"), "ada");
});

test("a moment that no session can have is refused, and nothing is stored then", async () => {
  const storage = memoryStorage();
  const sessions = atNoon({ storage, absoluteTimeout: "12h" });
  const seedAt = (authenticatedAt: unknown, more: object = { owner: "ann" }): Promise<unknown> =>
    seed(sessions, {}, { authenticatedAt: authenticatedAt as number, ...more });
  for (const at of ["yesterday", Number.NaN, new Date(NOW)]) await assert.rejects(seedAt(at), TypeError);
  await assert.rejects(seedAt(NOW, {}), /authenticatedAt without an owner.*write \{ owner/);
  await assert.rejects(seedAt(NOW, { owner: 7 }), /the account's id/);
  await assert.rejects(seedAt(NOW, { owner: "ann", cart: 1 }), /seed has no option "cart"/);
  await assert.rejects(seedAt(NOW + 6 * MINUTE), RangeError);
  await assert.rejects(seedAt(NOW - 720 * MINUTE), /the absolute timeout has ended it by now/);
  await assert.rejects(seedAt(NOW - 400 * 1440 * MINUTE, { owner: "ann", absoluteTimeout: "400d" }), RangeError);
  await assert.rejects(
    seed(atNoon(), {}, { owner: "ann", authenticatedAt: NOW - 401 * 1440 * MINUTE }),
    /the absolute timeout has ended it by now/,
  );
  assert.equal(storage.size, 0);
});

test("the state of a browser has each cookie of seeded headers, and refuses headers without one", async () => {
  const sessions = session<Data>({
    storage: memoryStorage(),
    extractor: chain(fromCookie("__Host-sid"), fromCookie("other")),
  });
  const headers = await seed(sessions, { user: "ada" });
  const { cookies, origins } = storageState(headers, "http://localhost:8080");
  const [token] = cookies.map(({ value }) => value);
  assert.match(token!, /^[\w-]{43}$/);
  const common = { value: token, domain: "localhost", path: "/", expires: -1, httpOnly: true, sameSite: "Lax" };
  assert.deepEqual(cookies, [
    { name: "__Host-sid", ...common, secure: true },
    { name: "other", ...common, secure: false },
  ]);
  assert.deepEqual(origins, []);
  assert.equal(storageState(headers, "https://shop.test").cookies[1]!.secure, true);
  assert.throws(() => storageState({ authorization: "Bearer x" }, "http://localhost"), TypeError);
  for (const origin of ["localhost", "localhost:8080", "", "file:///tmp"])
    assert.throws(() => storageState(headers, origin), TypeError, origin);
});

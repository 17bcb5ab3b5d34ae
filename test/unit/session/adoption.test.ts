import assert from "node:assert/strict";
import { test } from "node:test";
import * as v from "valibot";
import type { SessionEvent, SessionOptions } from "holdfast";
import { fromCookieSession, fromExpressSession, fromOtherCookie, type ExpressSessionOptions } from "holdfast/adopt";
import { signedValues } from "#dist/cookie/signed.js";
import { codeOf, opens, passing, turns, visitor, World, type Client, type Data } from "../world.js";

const SECRET = "a test secret, thirty-two characters or more";
const { encode } = signedValues("secret", SECRET);
const COOKIE = `connect.sid=${encode("sid-1")}`;

/** The store of express-session in memory: it says what it was asked. */
class OldStore {
  readonly records = new Map<string, Data>();
  readonly calls: string[] = [];
  /** What happens in place of an answer. */
  instead: ((done: (error: unknown, value?: unknown) => void) => unknown) | undefined;

  constructor(data: Data = { n: 1, cart: ["a"] }) {
    this.records.set("sid-1", { cookie: { originalMaxAge: null, expires: null }, ...data });
  }

  get(id: string, done: (error: unknown, value?: unknown) => void): unknown {
    this.calls.push(`get ${id}`);
    if (this.instead) return this.instead(done);
    return done(null, this.records.get(id) ?? null);
  }

  destroy(id: string, done: (error?: unknown) => void): unknown {
    this.calls.push(`destroy ${id}`);
    if (this.instead) return this.instead(done);
    this.records.delete(id);
    return done();
  }
}

function adopting(
  store: OldStore,
  more: Partial<ExpressSessionOptions> = {},
  options: SessionOptions = {},
): { world: World; all: SessionEvent[] } {
  const all: SessionEvent[] = [];
  const adopt = [fromExpressSession({ secret: SECRET, store, ...more })];
  return { world: new World({ adopt, onEvent: (event) => void all.push(event), ...options }), all };
}

/** A client with the old cookie in its jar. */
function oldClient(world: World): Client {
  const client = world.client();
  client.jar.set("connect.sid", COOKIE.slice("connect.sid=".length));
  return client;
}

test("an adoption takes four calls, and once more a look before its token is sent", async () => {
  const store = new OldStore();
  const { world, all } = adopting(store);
  const client = oldClient(world);
  const { calls, session } = await client.ask((one) => assert.equal(one.get("n"), 1));
  assert.deepEqual(calls, ["get", "create", "create", "get"]);
  assert.deepEqual(store.calls, ["get sid-1", "destroy sid-1"]);
  assert.equal(session!.fresh, false);
  assert.deepEqual([...client.jar.keys()], ["session_id"], "the old cookie is left");
  assert.deepEqual(
    all.map(({ type }) => type),
    ["absent", "adopted"],
  );
});

test("a request with a session of ours, and a visitor without an old cookie, cost nothing more", async () => {
  const store = new OldStore();
  const { world } = adopting(store);
  const client = await visitor(world);
  client.jar.set("connect.sid", COOKIE.slice("connect.sid=".length));
  assert.deepEqual((await client.ask((session) => session.get("n"))).calls, ["get"]);
  assert.deepEqual((await world.client().ask((session) => session.get("n"))).calls, []);
  assert.deepEqual((await world.client().ask(() => {}, { cookie: "connect.sid=s%3Asid-1.forged" })).calls, []);
  assert.deepEqual(store.calls, []);
});

test("a request without a session of ours has none that it did not have: our cookie is looked at first", async () => {
  const store = new OldStore();
  const { world } = adopting(store);
  const client = oldClient(world);
  client.jar.set("session_id", "A".repeat(43));
  await client.ask((session) => assert.equal(session.get("n"), 1));
  assert.ok(await opens(world, client.token));
});

test("a write and a login in the request that adopts", async () => {
  const { world } = adopting(new OldStore());
  const client = oldClient(world);
  await client.ask(async (session) => {
    session.update("n", (n: number) => n + 1);
    await session.authenticate("ann");
  });
  const found = await world.store.getByToken(client.token!);
  assert.deepEqual([found!.get("n"), found!.owner], [2, "ann"]);
  assert.equal((await world.store.listByOwner("ann")).length, 1);
});

test("a response that was lost: the old cookie alone opens the same session again", async () => {
  const store = new OldStore();
  const { world } = adopting(store);
  await oldClient(world).ask((session) => session.set("n", 5));
  const again = oldClient(world);
  await again.ask((session) => assert.equal(session.get("n"), 5));
  assert.ok(await opens(world, again.token));
});

test("after a renewal the old cookie opens nothing: at first as a late request, later as a visitor", async () => {
  const { world } = adopting(new OldStore());
  const client = oldClient(world);
  await client.ask((session) => session.regenerate());
  const late = await oldClient(world).ask((session) => assert.equal(session.get("n"), undefined));
  assert.deepEqual(late.cookies, []);
  world.clock.advance("20m");
  const { calls } = await oldClient(world).ask((session) => assert.equal(session.get("n"), undefined));
  assert.deepEqual(calls, ["get", "get"]);
});

test("an old server that was still writing: its record is not adopted again, also after the session expired", async () => {
  const store = new OldStore();
  const { world } = adopting(store);
  await oldClient(world).ask((session) => session.destroy());
  store.records.set("sid-1", { cookie: {}, n: 1 });
  for (const time of ["1s", "20m", "23h"] as const) {
    world.clock.advance(time);
    const { cookies } = await oldClient(world).ask((session) => assert.deepEqual(session.keys(), []));
    assert.deepEqual(cookies, []);
  }
});

test("the note is kept until `until`, and later nothing is adopted", async () => {
  const store = new OldStore();
  const { world } = adopting(store, { until: new Date(Date.UTC(2026, 0, 11)) });
  await oldClient(world).ask((session) => session.destroy());
  store.records.set("sid-1", { cookie: {}, n: 1 });
  for (let day = 0; day < 11; day++) {
    world.clock.advance("1d");
    await oldClient(world).ask((session) => assert.deepEqual(session.keys(), [], `day ${day}`));
  }
  const [, note] = [...world.storage.calls].filter(({ name }) => name === "create");
  assert.equal(note!.entry!.expiresAt, Date.UTC(2026, 0, 11, 0, 5));
});

const FAILURES: Readonly<Record<string, OldStore["instead"]>> = {
  "calls back an error": (done) => done(new Error("down")),
  "calls back a string": (done) => done("down"),
  rejects: () => Promise.reject(new Error("down")),
  throws: () => {
    throw new Error("down");
  },
  "calls back twice": (done) => (done(new Error("down")), done(null, { n: 1 })),
};

for (const [what, instead] of Object.entries(FAILURES)) {
  test(`an old store that ${what} is a 503, and nothing is stored`, async () => {
    const store = new OldStore();
    const { world } = adopting(store);
    store.instead = instead;
    const { error, cookies, calls } = await oldClient(world).ask(() => assert.fail("a session was opened"));
    assert.deepEqual([error.code, error.status, cookies, calls], ["storage", 503, [], []]);
    assert.match(error.message, /the old store of express-session failed at read/);
    assert.doesNotMatch(`${error.message} ${error.stack}`, /sid-1/);
    store.instead = undefined;
    await oldClient(world).ask((session) => assert.equal(session.get("n"), 1));
  });
}

test("an old store that calls back ENOENT has no record", async () => {
  const store = new OldStore();
  const { world } = adopting(store);
  store.instead = (done) => done(Object.assign(new Error("no such file"), { code: "ENOENT" }));
  const { error } = await oldClient(world).ask((session) => assert.deepEqual(session.keys(), []));
  assert.equal(error, undefined);
});

test("an old store that never calls back is a 503 in time", async () => {
  const store = new OldStore();
  const { world } = adopting(store);
  store.instead = () => undefined;
  const { error } = await passing(world.clock, oldClient(world).ask(), 100);
  assert.deepEqual([error.code, error.status], ["timeout", 503]);
  await turns();
});

test("an old record that cannot be removed: the session is served, an event says so, and it is tried again", async () => {
  const store = new OldStore();
  const { world, all } = adopting(store);
  const client = oldClient(world);
  const destroy = store.destroy.bind(store);
  store.destroy = (_id, done) => done(new Error("down"));
  await client.ask((session) => assert.equal(session.get("n"), 1));
  assert.ok(all.some(({ type, id, cause }) => type === "old-session-kept" && id && cause));
  store.destroy = destroy;
  await oldClient(world).ask((session) => assert.equal(session.get("n"), 1));
  assert.equal(store.records.size, 0);
});

test("our storage fails: a 503, the old session is there, and the next request adopts it", async () => {
  const store = new OldStore();
  const { world } = adopting(store);
  world.storage.fail("create");
  assert.equal((await oldClient(world).ask()).error.code, "storage");
  world.storage.heal();
  assert.equal(store.records.size, 1);
  const client = oldClient(world);
  await client.ask((session) => assert.equal(session.get("n"), 1));
  assert.ok(client.token);
});

class Money {
  readonly cents = 5;
}

test("an old value that cannot be stored says where it is; `map` converts it, and names the owner", async () => {
  const store = new OldStore({ total: new Money(), passport: { user: 7 }, at: Date.UTC(2025, 11, 1) });
  const { world } = adopting(store);
  const { error } = await oldClient(world).ask();
  assert.equal(error.code, "unserializable");
  assert.match(error.message, /total/);
  assert.equal(store.records.size, 1);
  const mapping = adopting(store, {
    map: ({ total, passport, at }) => ({
      data: { cents: total.cents },
      owner: String(passport.user),
      authenticatedAt: at,
    }),
  }).world;
  const client = oldClient(mapping);
  await client.ask((session) => assert.deepEqual(session.toJSON(), { cents: 5 }));
  const [listed] = await mapping.store.listByOwner("7");
  assert.equal(listed!.authenticatedAt, Date.UTC(2025, 11, 1));
  assert.equal(await mapping.store.deleteByOwner("7"), 1);
  await oldClient(mapping).ask((session) => assert.deepEqual(session.keys(), []));
});

test("a login that nobody knows the time of is not a fresh one", async () => {
  const { world } = adopting(new OldStore(), { map: (data) => ({ data, owner: "ann" }) });
  await oldClient(world).ask((session) => {
    assert.equal(session.owner, "ann");
    assert.equal(session.authenticatedAt, undefined);
    assert.equal(session.authenticatedWithin("1h"), false);
    assert.ok(session.absoluteExpiresAt! > world.clock.now());
  });
});

test("a session whose absolute timeout has passed since its login, or that `map` refuses, is not adopted", async () => {
  for (const [map, options] of [
    [(data: Data) => ({ data, owner: "ann", authenticatedAt: 0 }), { absoluteTimeout: "24h" }],
    [() => undefined, {}],
    [async () => null, {}],
  ] as const) {
    const store = new OldStore();
    const { world } = adopting(store, { map }, options);
    const { cookies } = await oldClient(world).ask((session) => assert.deepEqual(session.keys(), []));
    assert.deepEqual(cookies, []);
    assert.equal(store.records.size, 1);
  }
});

test("what `map` returns is checked", async () => {
  for (const [wrong, message] of [
    [{ n: 1 }, /has no option "n"/],
    [{ data: [] }, /data is an array/],
    [{ data: {}, owner: 7 }, /owner is 7/],
    [{ data: {}, owner: "a", authenticatedAt: "x" }, /authenticatedAt is "x"/],
  ] as const) {
    const { world } = adopting(new OldStore(), { map: () => wrong as any });
    const { error } = await oldClient(world).ask();
    assert.ok(error instanceof TypeError);
    assert.match(error.message, message);
  }
});

test("an owner with as many sessions as may be: not adopted if a login would be refused", async () => {
  const maxSessionsPerOwner = { max: 1, policy: "refuse" as const };
  const { world } = adopting(new OldStore(), { map: (data) => ({ data, owner: "ann" }) }, { maxSessionsPerOwner });
  await world.store.create({}, { owner: "ann" });
  await oldClient(world).ask((session) => assert.deepEqual(session.keys(), []));
});

test("an old value that does not fit the schema is left out, as when it is read", async () => {
  const { world } = adopting(new OldStore(), {}, { schema: { n: v.string() } });
  await oldClient(world).ask((session) => {
    assert.equal(session.get("n"), undefined);
    assert.deepEqual(session.get("cart"), ["a"]);
  });
});

test("no token and nothing of the old cookie is stored, in an event or in an error", async () => {
  const { world, all } = adopting(new OldStore());
  const client = oldClient(world);
  await client.ask((session) => session.get("n"));
  const written = JSON.stringify([world.storage.calls, all]);
  for (const secret of [client.token!, "sid-1", encode("sid-1"), decodeURIComponent(encode("sid-1"))])
    assert.ok(!written.includes(secret), secret);
});

test("a response for everybody gets no token: the next one has it", async () => {
  const { world } = adopting(new OldStore());
  const requestSession = world.requestSession({ cookie: COOKIE });
  await requestSession.load();
  const headers = new Map([["cache-control", "public, max-age=31536000, immutable"]]);
  const lines: string[] = [];
  const own = {
    names: () => [...headers.keys()],
    get: (name: string) => headers.get(name.toLowerCase()),
    set: (name: string, value: string) => void headers.set(name.toLowerCase(), value),
    cookies: () => lines,
    setCookies: (all: readonly string[]) => void lines.push(...all),
  };
  await requestSession.commit(true, own);
  requestSession.writeHeaders(own);
  assert.deepEqual(lines, []);
  await oldClient(world).ask((session) => assert.equal(session.get("n"), 1));
});

test("a cookie of the same name that the application sets is not removed", async () => {
  const { world } = adopting(new OldStore());
  const requestSession = world.requestSession({ cookie: COOKIE });
  await requestSession.open();
  const lines = ["connect.sid=own"];
  const own = {
    names: () => [],
    get: () => undefined,
    set: () => {},
    cookies: () => lines,
    setCookies: (all: readonly string[]) => void lines.splice(0, lines.length, ...all),
  };
  await requestSession.commit();
  requestSession.writeHeaders(own);
  assert.equal(lines.filter((line) => line.startsWith("connect.sid=")).length, 1);
});

const DATA = Buffer.from(JSON.stringify({ lang: "de" })).toString("base64");

test("two visitors with the same data have the same cookie: without an owner each gets a session of its own", async () => {
  const source = fromCookieSession({ signed: false, until: "2027-03-01", map: (data) => ({ data }) });
  const world = new World({ adopt: [source] });
  const [one, other] = [world.client(), world.client()];
  for (const client of [one, other])
    await client.ask((session) => session.set("n", 1), { cookie: `session=${DATA}` });
  assert.notEqual(one.token, other.token);
  await one.ask((session) => session.set("secret", "of one"));
  await other.ask((session) => assert.deepEqual(session.toJSON(), { lang: "de", n: 1 }));
});

test("an unsigned cookie has no owner", async () => {
  const source = fromCookieSession({ signed: false, until: "2027-03-01", map: (data) => ({ data, owner: "root" }) });
  const world = new World({ adopt: [source] });
  const { error } = await world.client().ask(() => {}, { cookie: `session=${DATA}` });
  assert.match(error.message, /every client can write an unsigned cookie/);
});

test("any other cookie: read and removed by functions of the application", async () => {
  const sessions = new Map([["abc", { user: "ann", until: Date.UTC(2026, 1, 1) }]]);
  const source = fromOtherCookie({
    name: "auth_session",
    read(id) {
      const found = sessions.get(id);
      return found && { data: { user: found.user }, expiresAt: found.until };
    },
    remove: (id) => sessions.delete(id),
    map: ({ user, ...data }) => ({ data, owner: user }),
  });
  const world = new World({ adopt: [source] });
  const client = world.client();
  await client.ask((session) => assert.equal(session.owner, "ann"), { cookie: "auth_session=abc" });
  assert.equal(sessions.size, 0);
  await world.client().ask((session) => assert.equal(session.owner, undefined), { cookie: "auth_session=abcd" });
});

test("wrong options are refused when the server starts", () => {
  const store = new OldStore();
  for (const [make, message] of [
    [() => fromExpressSession({ secret: "", store }), /secret/],
    [() => fromExpressSession({ secret: SECRET, store: {} as any }), /store is an object.*with get and destroy/],
    [() => fromExpressSession({ secret: SECRET, store, nmae: "x" } as any), /no option "nmae"/],
    [() => fromExpressSession({ secret: SECRET, store, path: "a;b" }), /path/],
    [() => fromExpressSession({ secret: SECRET, store, until: "soon" }), /until is "soon"/],
    [() => fromCookieSession({ keys: [SECRET], until: "2027-03-01" } as any), /map.*same cookie/],
    [() => fromCookieSession({ keys: [SECRET], map: () => undefined } as any), /until.*cannot be removed/],
    [() => fromCookieSession({ until: 5, map: () => undefined } as any), /keys.*signed: false/],
    [() => new World({ adopt: fromExpressSession({ secret: SECRET, store }) as any }), /adopt is an object/],
    [() => new World({ adopt: [{}] as any }), /adopt\[0\]/],
  ] as const)
    assert.throws(make, (error: Error) => error instanceof TypeError && message.test(error.message), String(make));
});

test("a failing read that was given up does no harm later", async () => {
  const store = new OldStore();
  const { world } = adopting(store);
  let late: (error: unknown) => void = () => {};
  store.instead = (done) => void (late = done);
  const { error } = await passing(world.clock, oldClient(world).ask(), 100);
  assert.equal(error.code, "timeout");
  late(new Error("much too late"));
  await turns();
  assert.equal(await codeOf(async () => {}), undefined);
});

/**
 * Faults of values and options that were found in the field; the numbers are those of the list they were reported in.
 */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { createStore } from "holdfast";
import { session as nodeSession } from "holdfast/node";
import { encrypted } from "holdfast/storage/encrypted";
import { memoryStorage } from "holdfast/storage/memory";
import { testClock } from "holdfast/testing";
import { World } from "../world.js";
import { incidents } from "../../support/incidents.js";

test("C10: a server without the newer key refuses the owner's list and overwrites nothing", async () => {
  const [old, next] = [randomBytes(32), randomBytes(32)];
  const [storage, clock] = [memoryStorage(), testClock()];
  const updated = createStore<any>({ storage: encrypted(storage, [next, old]), clock });
  const events: string[] = [];
  const outdated = createStore<any>({
    storage: encrypted(storage, [old]),
    clock,
    onEvent: incidents(({ type }) => void events.push(type)),
  });
  const first = await updated.create({}, { owner: "ann" });
  await assert.rejects(Promise.resolve(outdated.create({}, { owner: "ann" })), { code: "storage" });
  assert.deepEqual([...new Set(events)], ["unreadable"]);
  await assert.rejects(Promise.resolve(outdated.deleteByOwner("ann")), { code: "storage" });
  assert.equal(await updated.deleteByOwner("ann"), 1);
  assert.equal(await updated.getById(first.id), undefined);
});

test("C10: a session encrypted with the newer key is not available there, and nothing is written in its place", async () => {
  const [old, next] = [randomBytes(32), randomBytes(32)];
  const storage = memoryStorage();
  const [updated, outdated] = [
    new World({ storage: encrypted(storage, [next, old]) }),
    new World({ storage: encrypted(storage, [old]) }),
  ];
  const client = updated.client();
  await client.ask((session) => session.set("n", 1));
  const there = outdated.client();
  there.jar.set("session_id", client.token!);
  const { cookies, error } = await there.ask((session) => {
    assert.deepEqual(session.keys(), []);
    session.set("n", 2);
  });
  assert.deepEqual([cookies, error], [[], undefined]);
  assert.equal((await client.ask()).session!.get("n"), 1);
});

class Odd {
  readonly own = 1;
}

test("C15: additional properties of a value are refused, with the path", async () => {
  const session = await new World().store.create({});
  const hidden = Object.defineProperty({ a: 1 }, "b", { value: 2, enumerable: false });
  const inheriting = Object.create(Object.assign(Object.create(null), { inherited: 1 }), {
    own: { value: 1, enumerable: true },
  });
  const cases: [unknown, string][] = [
    [Object.assign(new Date(0), { zone: "UTC" }), "a Date"],
    [Object.assign(new Map(), { name: "x" }), "a Map"],
    [Object.assign(new Set(), { name: "x" }), "a Set"],
    [Object.assign(new URL("https://a.example"), { name: "x" }), "a URL"],
    [Object.assign(new Uint8Array(2), { name: "x" }), "bytes"],
    [hidden, "a hidden property"],
    [Object.defineProperty([1], "hidden", { value: 2, enumerable: false }), "a hidden property of an array"],
    [inheriting, "an inherited property"],
    [Object.create({ a: 1 }), "an inherited property of a plain object"],
    [new Odd(), "a class"],
  ];
  for (const [value, what] of cases) {
    assert.throws(
      () => session.set("cart", { at: [value] }),
      { code: "unserializable", message: /"cart"\.at\[0\]/ },
      what,
    );
  }
  session.set("plain", Object.assign(Object.create(null), { a: 1 }));
  assert.deepEqual({ ...session.get("plain") }, { a: 1 });
});

test("C16: whatever a value throws when it is read is `unserializable`, with the path and the cause", async () => {
  const session = await new World().store.create({});
  const bad = (): never => {
    throw new RangeError("no");
  };
  const inArray = Object.defineProperty([1, 2], 1, { get: bad, enumerable: true });
  const trap = (name: "get" | "ownKeys" | "getPrototypeOf" | "has" | "getOwnPropertyDescriptor"): object =>
    new Proxy({ a: 1 }, { [name]: bad });
  const cases: [unknown, RegExp][] = [
    [{ list: inArray }, /"k"\.list\[1\]/],
    [
      {
        deep: {
          get x(): never {
            return bad();
          },
        },
      },
      /"k"\.deep\.x/,
    ],
    [{ at: trap("get") }, /"k"\.at/],
    [{ at: trap("ownKeys") }, /"k"\.at/],
    [{ at: trap("getPrototypeOf") }, /"k"\.at/],
    [{ at: trap("getOwnPropertyDescriptor") }, /"k"\.at/],
    [{ at: new Proxy([1], { get: bad }) }, /"k"\.at/],
    [trap("ownKeys"), /"k"/],
    [new Map([[1, inArray]]), /"k"\.values\(\)\[0\]\[1\]/],
  ];
  for (const [value, path] of cases)
    assert.throws(
      () => session.set("k", value),
      (error: any) =>
        error.code === "unserializable" && path.test(error.message) && error.cause instanceof RangeError,
      String(path),
    );
});

test("C17: a skip that returns a promise is refused at the first one, by name", () => {
  const world = new World({ skip: (async () => false) as never });
  assert.throws(() => world.settings.skip!(), { name: "TypeError", message: /skip/ });
  const rejecting = new World({ skip: (async () => Promise.reject(new Error("x"))) as never });
  assert.throws(() => rejecting.settings.skip!(), TypeError);
});

test("C18: a polluted Object.prototype changes no option", async () => {
  const polluted: Record<string, unknown> = {
    secure: false,
    httpOnly: false,
    sameSite: "none",
    domain: "evil.example",
    skip: () => true,
    namespace: "evil",
    idleTimeout: "1s",
    keyGenerator: () => "a".repeat(43),
    info: { device: "evil" },
    except: "x",
    policy: "refuse",
    owner: "eve",
    storeNew: "always",
  };
  const everybodys = Object.prototype as object;
  for (const [name, value] of Object.entries(polluted))
    Object.defineProperty(everybodys, name, { value, configurable: true, enumerable: false, writable: true });
  try {
    const world = new World({ maxSessionsPerOwner: 3 });
    assert.deepEqual(
      [world.settings.skip, world.settings.namespace, world.settings.storesNew],
      [undefined, "holdfast", false],
    );
    const { cookie } = world.settings;
    assert.deepEqual([cookie.secure, cookie.tail], ["auto", "; Path=/; HttpOnly; SameSite=Lax"]);
    const session = await world.store.create({});
    assert.deepEqual([session.owner, session.idleExpiresAt], [undefined, world.clock.now() + 30 * 60_000]);
    await session.authenticate("ann");
    const listed = await world.store.listByOwner("ann");
    assert.deepEqual(
      listed.map(({ info }) => info),
      [undefined],
    );
    assert.equal(await world.store.deleteByOwner("ann", {}), 1);
    assert.ok(nodeSession({ storage: memoryStorage() }));
    assert.equal(
      createStore({ storage: memoryStorage(), maxSessionsPerOwner: { max: 2, policy: "end-oldest" } }) !== undefined,
      true,
    );
  } finally {
    for (const name of Object.keys(polluted)) delete (Object.prototype as Record<string, unknown>)[name];
  }
});

test("C24: reading a property that a session does not have warns once and names get()", async () => {
  const warnings: string[] = [];
  const warn = (warning: Error): void => void warnings.push(warning.message);
  process.on("warning", warn);
  const session: any = await new World().store.create({ user: 1 });
  assert.equal(session.user, undefined);
  assert.equal(session.user, undefined);
  assert.equal(session.then, undefined, "a session can be awaited");
  assert.equal(session.nodeType, undefined);
  await new Promise((resolve) => setImmediate(resolve));
  process.off("warning", warn);
  const told = warnings.filter((message) => message.includes('session.get("user")'));
  assert.equal(told.length, 1, warnings.join("\n"));
});

test("C24: the methods of every object work on a session", async () => {
  const session: any = await new World().store.create({ user: 1 });
  assert.equal(session.hasOwnProperty("user"), false);
  assert.equal(Object.hasOwn(session, "user"), false);
  assert.equal("get" in session, true);
  assert.equal(session.propertyIsEnumerable("x"), false);
  assert.equal(session.valueOf(), session);
  assert.equal(session instanceof Object, true);
  assert.match(`${session}`, /Session/);
  assert.match(session.toLocaleString(), /Session/);
});

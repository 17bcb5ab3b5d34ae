import assert from "node:assert/strict";
import { test } from "node:test";
import { chain, fromAuthHeader, fromCookie, fromHeader, fromQuery } from "holdfast";
import { codeOf, opens, turns, visitor, World, type Live } from "../world.js";

// after `destroy`

test("after destroy: empty, token and id unchanged, destroy again is fine", async () => {
  const world = new World();
  const client = await visitor(world);
  const before = client.token;
  const { cookies } = await client.ask(async (session) => {
    const { token, id } = session;
    await session.destroy();
    assert.deepEqual(
      [session.get("n"), session.has("n"), session.keys(), JSON.stringify(session)],
      [undefined, false, [], "{}"],
    );
    assert.deepEqual([session.token, session.id], [token, id]);
    await session.destroy();
  });
  assert.equal(cookies.length, 1);
  assert.match(cookies[0]!, /^session_id=; Max-Age=0; Expires=Thu, 01 Jan 1970/);
  assert.equal(client.token, undefined);
  assert.equal(await opens(world, before), false);
});

test("after destroy: set, update, delete, setIdleTimeout, regenerate and save throw `ended`", async () => {
  const client = await visitor(new World());
  await client.ask(async (session) => {
    await session.destroy();
    assert.equal(await codeOf(() => session.set("n", 2)), "ended");
    assert.equal(await codeOf(() => session.update("n", () => 2)), "ended");
    assert.equal(await codeOf(() => session.delete("n")), "ended");
    assert.equal(await codeOf(() => session.setIdleTimeout("1h")), "ended");
    assert.equal(await codeOf(() => session.regenerate()), "ended");
    assert.equal(await codeOf(() => session.save()), "ended");
  });
});

test("destroy of a visitor without a session ends it all the same: no cookie, no call", async () => {
  const world = new World();
  const answered = await world.client().ask(async (session) => {
    session.set("n", 1);
    await session.destroy();
    assert.equal(await codeOf(() => session.set("n", 2)), "ended");
  });
  assert.deepEqual([answered.error, answered.calls, answered.cookies], [undefined, [], []]);
});

test("after destroy, reset starts a new session, with another token", async () => {
  const world = new World();
  const client = await visitor(world);
  const before = client.token;
  const { calls } = await client.ask(async (session) => {
    await session.destroy();
    await session.reset();
    assert.equal(session.fresh, true);
    assert.notEqual(session.token, before);
    session.set("n", 2);
  });
  assert.deepEqual(calls, ["get", "delete", "create"]);
  assert.notEqual(client.token, before);
  assert.equal(await opens(world, before), false);
  assert.equal((await client.ask()).session?.get("n"), 2);
});

test("after destroy and reset with nothing written the cookie is removed", async () => {
  const world = new World();
  const client = await visitor(world);
  await client.ask(async (session) => {
    await session.destroy();
    await session.reset();
  });
  assert.equal(client.token, undefined);
});

test("destroy takes effect when it resolves, before the response", async () => {
  const world = new World();
  const client = await visitor(world);
  await client.ask(async (session) => {
    await session.destroy();
    assert.equal(await opens(world, client.token), false);
  });
});

test("writes before a destroy are dropped", async () => {
  const client = await visitor(new World());
  const { calls } = await client.ask(async (session) => {
    session.set("n", 2);
    session.update("m", () => 3);
    await session.destroy();
  });
  assert.deepEqual(calls, ["get", "delete"]);
});

// a failed `destroy`

test("a failed destroy: the session is not ended, nothing is written, no cookie sent", async () => {
  const world = new World();
  const client = await visitor(world);
  world.clock.advance("20m");
  const { calls, cookies, error } = await client.ask(async (session) => {
    world.storage.fail("delete");
    assert.equal(await codeOf(() => session.destroy()), "storage");
    world.storage.heal();
    assert.equal(session.get("n"), 1, "the session lives on");
  });
  assert.deepEqual([calls, cookies, error], [["get", "delete"], [], undefined]);
  assert.equal(await opens(world, client.token), true);
});

test("a save, then a destroy or a renewal with an unknown result: the response contains no token that may be invalid", async () => {
  for (const [call, verb] of [
    ["delete", (session: any) => session.destroy()],
    ["update", (session: any) => session.regenerate().then(() => session.save())],
  ] as const) {
    const world = new World();
    const client = await visitor(world);
    const { cookies, error } = await client.ask(async (session) => {
      await session.save();
      world.storage.failAfter(call);
      assert.equal(await codeOf(() => verb(session)), "storage");
      world.storage.heal();
    });
    assert.deepEqual([cookies.length, error?.code], [0, call === "update" ? "ended" : undefined], call);
  }
});

test("a save, and another login before the response: the late response does not restore the old cookie", async () => {
  const world = new World();
  const client = await visitor(world);
  const tab = world.client();
  tab.jar.set("session_id", client.token!);
  const { cookies, error } = await tab.ask(async (session) => {
    await session.save();
    await client.ask((other) => other.regenerate());
  });
  assert.deepEqual([cookies, error], [[], undefined]);
});

test("a failed destroy, then a write: that is saved", async () => {
  const world = new World();
  const client = await visitor(world);
  const { error } = await client.ask(async (session) => {
    world.storage.fail("delete");
    await session.destroy().catch(() => {});
    world.storage.heal();
    session.set("n", 2);
  });
  assert.equal(error, undefined);
  assert.equal((await client.ask()).session?.get("n"), 2);
});

test("a destroy that took effect although its response was lost: a second one succeeds, a write is dropped", async () => {
  const world = new World();
  const client = await visitor(world);
  const answered = await client.ask(async (session) => {
    world.storage.failAfter("delete");
    assert.equal(await codeOf(() => session.destroy()), "storage");
    world.storage.heal();
    await session.destroy();
  });
  assert.equal(answered.error, undefined);
  assert.match(answered.cookies[0]!, /Max-Age=0/);

  const other = await visitor(world);
  const { calls, cookies } = await other.ask(async (session) => {
    world.storage.failAfter("delete");
    await session.destroy().catch(() => {});
    world.storage.heal();
    session.set("n", 2);
  });
  assert.deepEqual([calls, cookies], [["get", "delete", "get"], []]);
  assert.equal(await opens(world, other.token), false);
  assert.ok(world.happened().includes("dropped"));
});

test("a destroy without await that fails is the failure of the request", async () => {
  const world = new World();
  const client = await visitor(world);
  const { error } = await client.ask((session) => {
    world.storage.fail("delete");
    void session.destroy();
  });
  assert.equal(error?.code, "storage");
});

test("a destroy without await fails the request, also if it failed long before the end, or is still in progress with a listener", async () => {
  const world = new World();
  const silent = await (
    await visitor(world)
  ).ask(async (session) => {
    world.storage.fail("delete");
    void session.destroy();
    await turns();
  });
  assert.equal(silent.error?.code, "storage");
  world.storage.heal();
  const pending = await (
    await visitor(world)
  ).ask((session) => {
    world.storage.fail("delete");
    session.destroy().catch(() => {});
  });
  assert.equal(pending.error?.code, "storage");
});

test("reset removes a cookie that opened nothing", async () => {
  const { cookies, calls } = await new World()
    .client()
    .ask((session) => session.reset(), { cookie: `session_id=${"A".repeat(43)}` });
  assert.deepEqual(calls, ["get"]);
  assert.match(cookies[0]!, /^session_id=; Max-Age=0/);
});

test("the end of the request waits for a method in progress", async () => {
  const world = new World();
  const client = await visitor(world);
  const before = client.token;
  const gate = world.storage.park("delete");
  const asking = client.ask((session) => void session.destroy());
  await gate.reached;
  let isOver = false;
  void asking.then(() => (isOver = true));
  await turns();
  assert.equal(isOver, false);
  gate.release();
  assert.match((await asking).cookies[0]!, /Max-Age=0/);
  assert.equal(await opens(world, before), false);
});

// reading `token` of a new session

test("reading the token of a new session draws it, once, and stores nothing", async () => {
  const world = new World();
  let token = "";
  const { calls, cookies } = await world.client().ask((session) => {
    token = session.token;
    assert.equal(session.token, token);
    assert.match(session.id, /^id_[\w-]{43}$/);
  });
  assert.deepEqual([calls, cookies], [[], []]);
  assert.match(token, /^[\w-]{43}$/);
});

test("the token that was read is the one that is stored and sent", async () => {
  const world = new World();
  const client = world.client();
  let token = "";
  await client.ask((session) => {
    ({ token } = session);
    session.set("n", 1);
  });
  assert.equal(client.token, token);
});

// `save()` in a handler

test("save() stores an empty new session and sends its cookie", async () => {
  const world = new World();
  const client = world.client();
  const { calls, cookies } = await client.ask((session) => session.save());
  assert.deepEqual([calls, cookies.length], [["create"], 1]);
  assert.equal(await opens(world, client.token), true);
});

test("save() always moves the idle deadline, and the cookie with it", async () => {
  const world = new World({ idleTimeout: "30m" });
  const client = await visitor(world);
  world.clock.advance(5000);
  const { cookies, session } = await client.ask((session) => session.save());
  assert.match(cookies[0]!, /Max-Age=1800;/);
  assert.equal(session?.idleExpiresAt, world.clock.now() + 1_800_000);
});

test("save() may be called again, and later writes follow", async () => {
  const world = new World();
  const client = world.client();
  const { calls } = await client.ask(async (session) => {
    session.set("a", 1);
    await session.save();
    session.set("b", 2);
    await session.save();
    await session.save();
    session.set("c", 3);
  });
  assert.deepEqual(calls, ["create", "update", "update", "update"]);
  assert.deepEqual((await client.ask()).session?.toJSON(), { a: 1, b: 2, c: 3 });
});

test("save() throws `ended` where the save was dropped; so does every write after it", async () => {
  const world = new World();
  const client = await visitor(world);
  const { cookies } = await client.ask(async (session) => {
    session.set("n", 2);
    await world.store.delete(session.id);
    assert.equal(await codeOf(() => session.save()), "ended");
    assert.equal(await codeOf(() => session.set("n", 3)), "ended");
  });
  assert.deepEqual(cookies, []);
  assert.deepEqual(world.happened(), ["dropped"]);
  assert.equal(await opens(world, client.token), false);
});

test("a save at the end of the request that is dropped: one event, no cookie, no error", async () => {
  const world = new World();
  const client = await visitor(world);
  const { cookies, error } = await client.ask(async (session) => {
    session.set("n", 2);
    await world.store.delete(session.id);
  });
  assert.deepEqual([cookies, error], [[], undefined]);
  assert.deepEqual(world.happened(), ["dropped"]);
});

test("a save() that failed can be called again", async () => {
  const world = new World();
  const client = await visitor(world);
  await client.ask(async (session) => {
    session.update("n", (n) => n + 1);
    world.storage.failAfter("update");
    assert.equal(await codeOf(() => session.save()), "storage");
    world.storage.heal();
    await session.save();
  });
  assert.equal((await client.ask()).session?.get("n"), 2, "written once, although the first answer was lost");
});

// `regenerate`

test("regenerate: fresh until the end of the request, all data kept, the old token is invalid", async () => {
  const world = new World();
  const client = await visitor(world);
  const before = client.token;
  await client.ask(async (session) => {
    assert.equal(session.fresh, false);
    await session.regenerate();
    assert.equal(session.fresh, true);
    assert.equal(session.get("n"), 1);
    assert.equal(await opens(world, before), true, "it takes effect with the save");
    await session.save();
    assert.equal(session.fresh, true);
    assert.equal(await opens(world, before), false);
  });
  assert.notEqual(client.token, before);
  assert.equal((await client.ask()).session?.fresh, false);
});

test("attack 13: regenerate keeps createdAt and the absolute deadline; reset starts again", async () => {
  const world = new World({ absoluteTimeout: "1h" });
  const client = await visitor(world);
  const { createdAt, absoluteExpiresAt } = (await client.ask()).session!;
  world.clock.advance("10m");
  await client.ask((session) => session.regenerate());
  const renewed = (await client.ask()).session!;
  assert.deepEqual([renewed.createdAt, renewed.absoluteExpiresAt], [createdAt, absoluteExpiresAt]);
  await client.ask(async (session) => {
    await session.reset();
    session.set("n", 2);
  });
  const anew = (await client.ask()).session!;
  assert.deepEqual([anew.createdAt, anew.absoluteExpiresAt], [world.clock.now(), world.clock.now() + 3_600_000]);
});

test("regenerate with keys keeps these and what is written after it, nothing else", async () => {
  const client = await visitor(new World(), { cart: [1], theme: "dark", guest: true });
  await client.ask(async (session) => {
    session.get("cart").push(2);
    session.set("later", 1);
    await session.regenerate(["cart", "none"]);
    session.set("user", 7);
  });
  assert.deepEqual((await client.ask()).session?.toJSON(), { cart: [1, 2], user: 7 });
});

test("regenerate of a new visitor with nothing in it stores nothing", async () => {
  const { calls, cookies } = await new World().client().ask((session) => session.regenerate());
  assert.deepEqual([calls, cookies], [[], []]);
});

test("regenerate, then destroy: ended, no new session", async () => {
  const world = new World();
  const client = await visitor(world);
  const before = client.token;
  const { calls } = await client.ask(async (session) => {
    await session.regenerate();
    await session.destroy();
  });
  assert.deepEqual(calls, ["get", "delete"]);
  assert.equal(client.token, undefined);
  assert.equal(await opens(world, before), false);
});

test("regenerate, then reset: nothing of the old one is kept", async () => {
  const world = new World();
  const client = await visitor(world);
  const before = client.token;
  await client.ask(async (session) => {
    session.set("m", 1);
    await session.regenerate();
    await session.reset();
    session.set("k", 1);
  });
  assert.deepEqual((await client.ask()).session?.toJSON(), { k: 1 });
  assert.equal(await opens(world, before), false);
});

test("reset, then regenerate: one new session", async () => {
  const world = new World();
  const client = await visitor(world);
  const before = client.token;
  const { calls } = await client.ask(async (session) => {
    await session.reset();
    session.set("k", 1);
    await session.regenerate();
  });
  assert.deepEqual(calls, ["get", "create", "update"]);
  assert.deepEqual((await client.ask()).session?.toJSON(), { k: 1 });
  assert.equal(await opens(world, before), false);
});

test("save, regenerate, save: two renewals in one request leave one live session", async () => {
  const world = new World();
  const client = await visitor(world);
  const tokens = [client.token];
  const { cookies } = await client.ask(async (session) => {
    await session.regenerate();
    await session.save();
    tokens.push(session.token);
    session.set("m", 1);
    await session.regenerate();
    await session.save();
  });
  assert.equal(cookies.length, 1, "the last token replaces the one before");
  for (const token of tokens) assert.equal(await opens(world, token), false);
  assert.deepEqual((await client.ask()).session?.toJSON(), { n: 1, m: 1 });
});

// the first byte went out

test("after the first byte: writes are saved when the body ends, if the client has a token already", async () => {
  const client = await visitor(new World());
  const { calls, cookies } = await client.ask(
    () => {},
    {},
    (session) => {
      session.set("n", 2);
      session.update("m", () => 3);
      session.delete("n");
    },
  );
  assert.deepEqual([calls, cookies], [["get", "update"], []]);
  assert.deepEqual((await client.ask()).session?.toJSON(), { m: 3 });
});

test("after the first byte: a write does not undo what another stored while the deadline was moved", async () => {
  const world = new World({ refreshInterval: 0 });
  const client = await visitor(world);
  world.clock.advance("1s");
  await client.ask(
    () => client.ask((session) => session.set("beside", 1)),
    {},
    (session) => session.update("n", (n) => n + 1),
  );
  assert.deepEqual((await client.ask()).session!.toJSON(), { n: 2, beside: 1 });
});

test("after the first byte: writes to a session created by this response are saved", async () => {
  const client = new World().client();
  const { calls } = await client.ask(
    (session) => session.set("a", 1),
    {},
    (session) => session.set("b", 2),
  );
  assert.deepEqual(calls, ["create", "update"]);
  assert.deepEqual((await client.ask()).session?.toJSON(), { a: 1, b: 2 });
});

test("after the first byte: regenerate, reset and a first write throw `answered` at the call", async () => {
  const world = new World();
  const client = await visitor(world);
  await client.ask(
    () => {},
    {},
    async (session) => {
      assert.equal(await codeOf(() => session.regenerate()), "answered");
      assert.equal(await codeOf(() => session.reset()), "answered");
      assert.equal(session.get("n"), 1);
    },
  );
  const { calls } = await world.client().ask(
    () => {},
    {},
    async (session) => {
      assert.equal(await codeOf(() => session.set("n", 1)), "answered");
      assert.equal(await codeOf(() => session.update("n", () => 1)), "answered");
      assert.equal(await codeOf(() => session.save()), "answered");
    },
  );
  assert.deepEqual(calls, []);
});

test("after the first byte: destroy works", async () => {
  const world = new World();
  const client = await visitor(world);
  const { calls, error } = await client.ask(
    () => {},
    {},
    (session) => session.destroy(),
  );
  assert.deepEqual([calls, error], [["get", "delete"], undefined]);
  assert.equal(await opens(world, client.token), false);
});

test("after the end: every write throws `answered` and says what to write", async () => {
  const client = await visitor(new World());
  const { session } = await client.ask();
  assert.throws(() => session!.set("n", 2), { code: "answered", message: /store\.edit/ });
  assert.equal(session!.get("n"), 1, "reading goes on");
});

test("a failing save at the end of the body: the request fails, one `unsaved` event", async () => {
  const world = new World();
  const client = await visitor(world);
  const { error } = await client.ask(
    () => {},
    {},
    (session) => {
      session.set("n", 2);
      world.storage.fail("update");
    },
  );
  assert.equal(error?.code, "storage");
  assert.deepEqual(world.happened(), ["unsaved"]);
});

test("while a new or renewed session is being stored a change may come at any moment, and is saved with the body", async () => {
  for (const verb of ["set", "regenerate"] as const) {
    const world = new World();
    const client = verb === "set" ? world.client() : await visitor(world);
    const requestSession = world.requestSession({ cookie: `session_id=${client.token}` });
    const session = await requestSession.open();
    await (verb === "set" ? session.set("n", 0) : session.regenerate());
    let isStored = false;
    let changes = 0;
    const committed = Promise.resolve(requestSession.commit()).then(() => (isStored = true));
    for (; !isStored; await Promise.resolve()) session.set("n", ++changes);
    await committed;
    await requestSession.finish();
    assert.ok(changes > 3, `${changes} moments`);
    assert.deepEqual((await world.store.getById(session.id))?.toJSON(), { n: changes });
  }
});

// the handler threw: what an adapter does then

test("a response that cannot carry a token: writes of a stored session are kept, a new one is not created", async () => {
  const world = new World();
  const client = await visitor(world);
  const stored = world.requestSession({ cookie: `session_id=${client.token}` });
  (await stored.open()).set("n", 2);
  await stored.commit(false);
  assert.equal((await client.ask()).session?.get("n"), 2);

  const visitorsFirst = world.requestSession();
  (await visitorsFirst.open()).set("n", 1);
  world.storage.forget();
  await visitorsFirst.commit(false);
  assert.deepEqual(world.storage.calls, []);
  assert.deepEqual(world.happened(), ["unsaved"]);
});

test("a response that cannot carry a token: a renewal is not committed, and the old token is still valid", async () => {
  const world = new World();
  const client = await visitor(world);
  const requestSession = world.requestSession({ cookie: `session_id=${client.token}` });
  const session = await requestSession.open();
  await session.regenerate();
  session.set("user", 1);
  await requestSession.commit(false);
  const { session: now } = await client.ask();
  assert.deepEqual(now?.toJSON(), { n: 1 }, "nothing that needs a token is committed");
  assert.deepEqual(world.happened(), ["unsaved"]);
});

test("a response that cannot carry a token: destroy and an empty reset still end the session", async () => {
  const world = new World();
  for (const verb of ["destroy", "reset"] as const) {
    const client = await visitor(world);
    const requestSession = world.requestSession({ cookie: `session_id=${client.token}` });
    await (await requestSession.open())[verb]();
    await requestSession.commit(false);
    assert.equal(await opens(world, client.token), false, verb);
  }
});

// release()

test("release() drops unsaved changes with one event; any method then throws `released`", async () => {
  const world = new World();
  const client = await visitor(world);
  const session = (await world.store.getByToken(client.token!))!;
  session.set("n", 2);
  session.release();
  assert.deepEqual(world.happened(), ["unsaved"]);
  const uses: ((s: Live) => unknown)[] = [
    (s) => s.get("n"),
    (s) => s.has("n"),
    (s) => s.keys(),
    (s) => s.set("n", 3),
    (s) => s.update("n", () => 3),
    (s) => s.delete("n"),
    (s) => s.token,
    (s) => s.id,
    (s) => s.fresh,
    (s) => s.createdAt,
    (s) => s.idleExpiresAt,
    (s) => s.absoluteExpiresAt,
    (s) => s.toJSON(),
    (s) => s.setIdleTimeout("1h"),
    (s) => s.save(),
    (s) => s.regenerate(),
    (s) => s.reset(),
    (s) => s.destroy(),
  ];
  for (const use of uses) assert.equal(await codeOf(() => use(session)), "released", String(use));
  session.release();
  assert.deepEqual(world.happened(), []);
  assert.equal((await client.ask()).session?.get("n"), 1);
});

test("release() with nothing unsaved is no event; `using` releases", async () => {
  const world = new World();
  const { id } = await world.store.create({ n: 1 });
  const job = (await world.store.getById(id))!;
  job.set("n", 2);
  await job.save();
  job[Symbol.dispose]();
  assert.deepEqual(world.happened(), []);
  assert.equal(await codeOf(() => job.get("n")), "released");
});

// misuse of verbs

test("a callback or other argument passed to a method without parameters throws immediately, without any effect", async () => {
  const world = new World();
  const client = await visitor(world);
  const { calls } = await client.ask((session) => {
    const any = session as any;
    for (const verb of ["save", "destroy", "reset", "regenerate"])
      assert.throws(() => any[verb](() => {}), { name: "TypeError", message: /no callback/ });
    assert.throws(() => any.regenerate("cart"), TypeError);
    assert.throws(() => any.update("n", 5), /update takes a function/);
    assert.throws(() => any.set(5, 1), /keys are strings/);
    assert.throws(() => any.get(Symbol("x")), TypeError);
  });
  assert.deepEqual(calls, ["get"]);
});

test("assigning to a property of a session throws and says what to write", async () => {
  await new World().client().ask((session) => {
    assert.throws(() => ((session as any).user = 1), { name: "TypeError", message: /session\.set\("user", value\)/ });
    assert.throws(() => ((session as any).token = "x"), TypeError);
    assert.throws(() => ((session as any).__proto__ = {}), TypeError);
    assert.equal((session as any).user, undefined);
  });
});

test("update with a function that returns a promise or undefined throws, and changes nothing", async () => {
  const client = await visitor(new World());
  await client.ask((session) => {
    assert.throws(() => session.update("n", async () => 1), /must be synchronous/);
    assert.throws(() => session.update("n", () => undefined), /returned undefined/);
    assert.throws(
      () =>
        session.update("n", () => {
          throw new RangeError("mine");
        }),
      RangeError,
    );
    assert.equal(session.get("n"), 1);
  });
});

// retired tokens

test("a retired token in the first 30 seconds: an empty session, plain writes dropped, no cookie", async () => {
  const world = new World();
  const client = await visitor(world);
  const cookie = `session_id=${client.token}`;
  await client.ask((session) => session.regenerate());
  world.clock.advance(29_999);
  const late = await world.client().ask(
    (session) => {
      assert.deepEqual([session.keys(), session.fresh], [[], true]);
      session.set("n", 9);
    },
    { cookie },
  );
  assert.deepEqual([late.calls, late.cookies, late.error], [["get"], [], undefined]);
  assert.deepEqual(world.happened(), ["dropped"]);
  const saved = await world.client().ask((session) => session.save(), { cookie });
  assert.equal(saved.error?.code, "ended");
  assert.deepEqual(saved.cookies, []);
});

test("attack 93: a retired token after 30 seconds: an ordinary visitor, and one event", async () => {
  const world = new World();
  const client = await visitor(world);
  const cookie = `session_id=${client.token}`;
  await client.ask((session) => session.regenerate());
  world.clock.advance(30_000);
  const thief = world.client();
  const { calls, session } = await thief.ask((session) => session.set("n", 9), { cookie });
  assert.deepEqual(calls, ["get", "create"]);
  assert.deepEqual(world.happened(), ["retired-token"]);
  assert.notEqual(session?.token, client.token);
  assert.equal((await client.ask()).session?.get("n"), 1, "the renewed session is untouched");
});

test("a retired token after retiredFor is simply unknown", async () => {
  const world = new World({ retiredFor: "2m" });
  const client = await visitor(world);
  const cookie = `session_id=${client.token}`;
  await client.ask((session) => session.regenerate());
  world.clock.advance("2m");
  await world.client().ask((session) => assert.deepEqual(session.keys(), []), { cookie });
  assert.deepEqual(world.happened(), []);
});

test("regenerate on a retired token starts a separate session at any time: the response of the login was lost", async () => {
  for (const wait of [0, 31_000]) {
    const world = new World();
    const client = await visitor(world);
    const cookie = `session_id=${client.token}`;
    await client.ask((session) => session.regenerate());
    world.clock.advance(wait);
    const again = world.client();
    const { cookies } = await again.ask(
      async (session) => {
        await session.regenerate();
        session.set("user", 1);
      },
      { cookie },
    );
    assert.equal(cookies.length, 1);
    assert.deepEqual((await again.ask()).session?.toJSON(), { user: 1 });
    assert.equal((await client.ask()).session?.get("n"), 1);
  }
});

test("destroy and reset on a retired token do not follow the marker: the successor is live", async () => {
  for (const verb of ["destroy", "reset"] as const) {
    const world = new World();
    const client = await visitor(world);
    const cookie = `session_id=${client.token}`;
    await client.ask((session) => session.regenerate());
    const { calls, cookies } = await world.client().ask((session) => session[verb](), { cookie });
    assert.deepEqual([calls, cookies], [["get"], []], `${verb}: nor is the new cookie replaced`);
    assert.equal(await opens(world, client.token), true, verb);
  }
});

test("destroy of a session that was opened before a concurrent renewal ends the successor, too", async () => {
  const world = new World();
  const client = await visitor(world);
  const old = world.requestSession({ cookie: `session_id=${client.token}` });
  const session = await old.open();
  await client.ask((beside) => beside.regenerate());
  await session.destroy();
  assert.equal(await opens(world, client.token), false);
});

// where the answer goes

test("a renewed token whose old one came from a read-only member goes to every writable member", async () => {
  const world = new World({
    extractor: chain(fromCookie(), fromHeader("X-Session-ID"), fromQuery("s"), fromAuthHeader()),
  });
  const { token } = await world.store.create({ n: 1 });
  for (const asked of [{ url: `/?s=${token}` }, { headers: { authorization: `Bearer ${token}` } }]) {
    const read = await world.client().ask((session) => assert.equal(session.get("n"), 1), asked);
    assert.deepEqual([read.cookies, read.headers.has("x-session-id")], [[], false]);
  }
  const { cookies, headers } = await world.client().ask((session) => session.regenerate(), { url: `/?s=${token}` });
  assert.equal(cookies.length, 1);
  assert.equal(headers.get("x-session-id"), /=([^;]+)/.exec(cookies[0]!)![1]);
});

test("a renewed or refreshed token is sent where it was read, and nowhere else", async () => {
  const world = new World({ extractor: chain(fromCookie(), fromHeader("X-Session-ID")) });
  const { token } = await world.store.create({ n: 1 });
  world.clock.advance("5m");
  const refreshed = await world.client().ask(() => {}, { headers: { "x-session-id": token } });
  assert.deepEqual([refreshed.cookies, refreshed.headers.get("x-session-id")], [[], token]);
  const renewed = await world.client().ask((session) => session.regenerate(), { headers: { "x-session-id": token } });
  assert.equal(renewed.cookies.length, 0);
  assert.match(renewed.headers.get("x-session-id")!, /^[\w-]{43}$/);
  assert.notEqual(renewed.headers.get("x-session-id"), token);
});

test("a new token is sent in every writable member", async () => {
  const world = new World({ extractor: chain(fromCookie("a"), fromHeader("X-Session-ID"), fromCookie("b")) });
  const { cookies, headers, session } = await world.client().ask((session) => session.set("n", 1));
  assert.deepEqual(
    cookies.map((line) => line.split(";")[0]),
    [`a=${session!.token}`, `b=${session!.token}`],
  );
  assert.equal(headers.get("x-session-id"), session!.token);
});

test("destroy removes the cookies that the request contains, and only those", async () => {
  const world = new World({ extractor: chain(fromCookie("a"), fromCookie("b")) });
  const { token } = await world.store.create({ n: 1 });
  const { cookies } = await world.client().ask((session) => session.destroy(), { cookie: `b=${token}` });
  assert.deepEqual(
    cookies.map((line) => line.split(";")[0]),
    ["b="],
  );
});

/**
 * Faults of lifecycle verbs that were found in the field, one story each; the numbers are those of the list they were
 * reported in.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createStore } from "holdfast";
import { memoryStorage } from "holdfast/storage/memory";
import { testClock } from "holdfast/testing";
import { openSession } from "#dist/session/lookup.js";
import { watched } from "../../support/storages.js";
import { codeOf, copyOf, FakeHeaders, opens, passing, turns, viewOf, visitor, World, type Client } from "../world.js";

/** Runs a request whose `first` verb waits at the gate of a storage call while the handler goes on with `then`. */
async function overlapped(
  client: Client,
  call: "create" | "update",
  first: (session: any) => Promise<unknown>,
  then: (session: any) => unknown,
) {
  const { storage } = client.world;
  const gate = storage.park(call);
  const asking = client.ask(async (session) => {
    const verb = first(session);
    verb.catch(() => {});
    await gate.reached;
    storage.heal();
    const next = then(session);
    gate.release();
    await next;
  });
  return asking;
}

test("C1: reset during a save means empty: neither data nor token of the old session is left", async () => {
  for (const first of ["a new session", "a stored one"] as const) {
    const world = new World();
    const client = first === "a stored one" ? await visitor(world, { secret: "alice" }) : world.client();
    const before = client.token;
    const { error, session } = await overlapped(
      client,
      first === "a stored one" ? "update" : "create",
      (own) => (own.set("secret", "alice"), own.save()),
      async (own) => {
        await own.reset();
        assert.deepEqual(own.keys(), [], first);
        own.set("fresh", true);
      },
    );
    assert.equal(error, undefined);
    assert.deepEqual(session!.toJSON(), { fresh: true }, first);
    assert.deepEqual((await client.ask()).session!.toJSON(), { fresh: true }, first);
    if (before) assert.equal(await opens(world, before), false, "the old token opens nothing");
    const live = [...new Set(world.storage.calls.filter(({ name }) => name === "create").map(({ key }) => key))];
    const left = await Promise.all(live.map((key) => world.store.getById(`id_${key.split(":")[1]}`)));
    assert.equal(left.filter(Boolean).length, 1, `${first}: only the new session is left`);
  }
});

test("C1: reset during a save, with nothing written after it, ends what that save stored", async () => {
  const world = new World();
  const client = world.client();
  const { error, cookies } = await overlapped(
    client,
    "create",
    (own) => (own.set("secret", "alice"), own.save()),
    (own) => own.reset(),
  );
  assert.equal(error, undefined);
  assert.deepEqual(
    cookies.filter((line) => !line.includes("Max-Age=0")),
    [],
  );
  const { key } = world.storage.calls.find(({ name }) => name === "create")!;
  assert.equal(await world.store.getById(`id_${key.split(":")[1]}`), undefined);
});

test("C1: reset during authenticate leaves nobody logged in", async () => {
  const world = new World();
  const client = await visitor(world, { cart: ["tea"] });
  await overlapped(
    client,
    "create",
    (own) => own.authenticate("bob"),
    async (own) => {
      await own.reset();
      own.set("fresh", true);
    },
  );
  const { session } = await client.ask();
  assert.deepEqual([session!.owner, session!.toJSON()], [undefined, { fresh: true }]);
  assert.deepEqual(await world.store.listByOwner("bob"), []);
});

test("C2: a renewal during a save, without the middleware: the cookie contains the stored token", async () => {
  const world = new World();
  const client = await visitor(world);
  for (const cookie of [undefined, `session_id=${client.token}`]) {
    const headers = new FakeHeaders();
    const session = await openSession<any>(
      world.settings,
      [],
      viewOf(cookie === undefined ? {} : { cookie }),
      {},
      headers,
    );
    const gate = world.storage.park(cookie === undefined ? "create" : "update");
    const saving = session.save();
    await gate.reached;
    world.storage.heal();
    const renewing = session.regenerate();
    void session.token;
    gate.release();
    await Promise.all([saving, renewing]);
    const told = /^session_id=([^;]+)/.exec(headers.lines[0] ?? "")?.[1];
    if (told !== undefined) assert.equal(await opens(world, told), true, `with ${cookie ? "a" : "no"} cookie`);
    await session.save();
    assert.equal(/^session_id=([^;]+)/.exec(headers.lines[0]!)![1], session.token);
    assert.equal(await opens(world, session.token), true);
  }
});

test("C3: an idle timeout set during a save is stored", async () => {
  const world = new World();
  const client = await visitor(world);
  await overlapped(
    client,
    "update",
    (own) => own.save(),
    (own) => own.setIdleTimeout("8h"),
  );
  world.clock.advance("7h");
  assert.equal((await client.ask()).session!.get("n"), 1);
});

test("C4: a failed login has no effect: later methods do not log in", async () => {
  const world = new World();
  const client = world.client();
  await client.ask((session) => session.authenticate("alice"));
  await client.ask((session) => session.set("cart", { items: ["tea"] }));
  await client.ask(async (session) => {
    session.get("cart").items.push(() => {});
    assert.equal(await codeOf(() => session.authenticate("bob")), "unserializable");
    session.get("cart").items.pop();
    await session.regenerate();
    await session.save();
  });
  const { session } = await client.ask();
  assert.deepEqual([session!.owner, session!.toJSON()], ["alice", { cart: { items: ["tea"] } }]);
});

test("C4: a refused login as another user changes nothing, including unsaved changes", async () => {
  const world = new World({ maxSessionsPerOwner: { max: 1, policy: "refuse" } });
  await world.client().ask((session) => session.authenticate("bob"));
  const client = world.client();
  await client.ask((session) => session.authenticate("alice"));
  await client.ask(async (session) => {
    const list = ["tea"];
    session.set("cart", list);
    const { token } = session;
    assert.equal(await codeOf(() => session.authenticate("bob")), "too-many-sessions");
    assert.deepEqual([session.owner, session.token, session.fresh], ["alice", token, false]);
    assert.equal(session.get("cart"), list, "the same object");
    list.push("milk");
  });
  assert.deepEqual((await client.ask()).session!.toJSON(), { cart: ["tea", "milk"] });
});

test("C6: a login form sent twice, with a late first response: it does not replace the cookie of the second", async () => {
  for (const start of ["a visitor's session", "nothing"] as const) {
    const world = new World({ maxSessionsPerOwner: 1 });
    const browser = start === "nothing" ? world.client() : await visitor(world);
    const second = start === "nothing" ? world.client() : await visitor(world);
    const { cookies, error } = await browser.ask(async (session) => {
      await session.authenticate("ann");
      assert.equal((await second.ask((other) => other.authenticate("ann"))).error, undefined);
    });
    assert.deepEqual([cookies, error], [[], undefined], start);
    assert.equal(await opens(world, second.token), true);
  }
});

test("C6: the same for a session that save() has begun or renewed", async () => {
  const world = new World();
  for (const isNew of [true, false]) {
    const client = isNew ? world.client() : await visitor(world);
    const { cookies, error } = await client.ask(async (session) => {
      if (!isNew) await session.regenerate();
      await session.save();
      await world.store.delete(session.id);
    });
    assert.deepEqual([cookies, error], [[], undefined]);
  }
});

test("C7: clocks up to five minutes apart around a login: a late request is late, gets no cookie and is no alarm", async () => {
  for (const ahead of [-300_000, -40_000, 40_000, 300_000]) {
    const storage = memoryStorage();
    const [here, there] = [new World({ storage, retiredFor: "1m" }), new World({ storage })];
    const client = await visitor(here);
    const cookie = `session_id=${client.token}`;
    await client.ask((session) => session.regenerate());
    there.clock.set(here.clock.now() + 1000 + ahead);
    const { cookies, error } = await there.client().ask((session) => session.set("late", 1), { cookie });
    assert.deepEqual([cookies, error, there.happened()], [[], undefined, ["dropped"]], `${ahead} ms`);
  }
});

test("C8: store.delete of a listed session that was renewed meanwhile ends what it was renewed to", async () => {
  const world = new World();
  const client = await visitor(world);
  await client.ask((session) => session.authenticate("ann"));
  const { id } = (await world.store.listByOwner("ann"))[0]!;
  await client.ask((session) => session.regenerate());
  assert.equal(await world.store.delete(id), true);
  assert.equal(await opens(world, client.token), false);
  assert.equal(await world.store.delete(id), false);
});

test("C9: an update that throws on the data of another request is reported once; the handler's response is kept", async () => {
  const world = new World();
  const client = await visitor(world, { stock: 1 });
  let runs = 0;
  const take = (stock: number): number => {
    runs++;
    if (stock === 0) throw new RangeError("sold out");
    return stock - 1;
  };
  const { error } = await client.ask(async (session) => {
    session.update("stock", take);
    session.set("seen", true);
    await copyOf(client).ask((other) => other.update("stock", take));
    await assert.rejects(Promise.resolve(session.save()), { message: "sold out" });
  });
  assert.equal(error, undefined);
  assert.equal(runs, 3);
  assert.deepEqual((await client.ask()).session!.toJSON(), { stock: 0, seen: true });
});

test("C12: an onEvent that rejects ends nothing", async () => {
  const rejections: unknown[] = [];
  const warnings: string[] = [];
  const [reject, warn] = [
    (reason: unknown): void => void rejections.push(reason),
    (warning: Error): void => void warnings.push(warning.message),
  ];
  process.on("unhandledRejection", reject).on("warning", warn);
  const store = createStore<any>({
    storage: memoryStorage(),
    clock: testClock(),
    onEvent: (async () => Promise.reject(new Error("the log is down"))) as () => void,
  });
  for (let i = 0; i < 3; i++) {
    const session = await store.create({ n: 1 });
    session.set("n", 2);
    session.release();
  }
  await turns();
  process.off("unhandledRejection", reject).off("warning", warn);
  assert.deepEqual(rejections, []);
  assert.equal(warnings.filter((message) => message.includes("the log is down")).length, 1, warnings.join());
});

test("C13: an idle timeout that could never be reached is refused, and says so", async () => {
  const world = new World({ absoluteTimeout: "24h" });
  const client = await visitor(world);
  await client.ask((session) => {
    assert.throws(() => session.setIdleTimeout("30d"), {
      name: "RangeError",
      message: /setIdleTimeout.*30d.*absolute/s,
    });
    session.setIdleTimeout("24h");
  });
  await assert.rejects(Promise.resolve(world.store.create({}, { idleTimeout: "25h" })), RangeError);
  await new World().client().ask((session) => session.setIdleTimeout("500d"));
  await world.client().ask(async (session) => {
    await session.authenticate("ann");
    assert.throws(() => session.setIdleTimeout("25h"), RangeError);
  });
});

test("C14: release() and edit() never throw themselves, and hide no error", async () => {
  const world = new World();
  const { id } = await world.store.create({ list: [1] });
  const session = (await world.store.getById(id))!;
  session.get("list").push(() => {});
  session.release();
  assert.deepEqual(world.happened(), ["unsaved"]);
  const editing = world.store.edit(id, (own) => {
    own.get("list").push(() => {});
    throw new Error("the first error");
  });
  await assert.rejects(Promise.resolve(editing), { message: "the first error" });
});

test("C14: an async function passed to update() is refused, and its rejection is not unhandled", async () => {
  const rejections: unknown[] = [];
  const reject = (reason: unknown): void => void rejections.push(reason);
  process.on("unhandledRejection", reject);
  const session = await new World().store.create({ n: 1 });
  assert.throws(() => session.update("n", (async () => Promise.reject(new Error("late"))) as never), {
    name: "TypeError",
    message: /synchronous/,
  });
  await turns();
  process.off("unhandledRejection", reject);
  assert.deepEqual(rejections, []);
});

test("C19: authenticatedWithin is never true for longer than asked and five minutes", async () => {
  const storage = memoryStorage();
  const world = new World({ storage });
  const ahead = new World({ storage });
  ahead.clock.set(world.clock.now() + 300_000);
  const client = world.client();
  client.jar.set("session_id", (await ahead.store.create({}, { owner: "ann" })).token);
  assert.equal(
    (await client.ask()).session!.authenticatedWithin("1m"),
    true,
    "five minutes are allowed between clocks",
  );
  world.clock.advance(300_000 + 60_001);
  assert.equal((await client.ask()).session!.authenticatedWithin("1m"), false);
  ahead.clock.set(world.clock.now() + 300_001);
  client.jar.set("session_id", (await ahead.store.create({}, { owner: "ann" })).token);
  assert.equal(
    (await client.ask()).session!.authenticatedWithin("1m"),
    false,
    "a moment further ahead is no moment to believe",
  );
});

test("C20: four hundred parallel writes with one cookie cost a bounded number of storage calls", async () => {
  const storage = watched();
  const clock = testClock();
  const world = new World({ storage, clock, commitTimeout: "1h" });
  const client = await visitor(world, { n: 0 });
  world.storage.forget();
  const slow = new World({ clock, commitTimeout: "1h", storage: delayed(storage, clock) });
  const asking = Array.from({ length: 400 }, () => {
    const window = slow.client();
    window.jar.set("session_id", client.token!);
    return window.ask((session) => session.update("n", (n: number) => n + 1));
  });
  const answers = await passing(clock, Promise.all(asking));
  assert.deepEqual(
    answers.filter(({ error }) => error),
    [],
  );
  assert.equal((await client.ask()).session!.get("n"), 400);
  const { length } = storage.calls;
  assert.ok(length < 6000, `${length} storage calls`);
  console.log(`400 parallel writes: ${length} storage calls`);
});

/** A storage whose calls take a millisecond of the clock, as a database on the network does. */
function delayed(storage: ReturnType<typeof watched>, clock: ReturnType<typeof testClock>): any {
  const late = <T>(work: () => Promise<T>): Promise<T> =>
    new Promise<void>((resolve) => clock.setTimer(1, resolve)).then(work);
  return {
    get: (...all: any[]) => late(() => (storage.get as any)(...all)),
    create: (...all: any[]) => late(() => (storage.create as any)(...all)),
    update: (...all: any[]) => late(() => (storage.update as any)(...all)),
    touch: (...all: any[]) => late(() => (storage.touch as any)(...all)),
    delete: (...all: any[]) => late(() => (storage.delete as any)(...all)),
  };
}

test("C21: a session that is held for long takes no more memory for each save", async () => {
  const used = (): number => {
    globalThis.gc?.();
    return process.memoryUsage().heapUsed;
  };
  const { setFlagsFromString } = await import("node:v8");
  const { runInNewContext } = await import("node:vm");
  setFlagsFromString("--expose-gc");
  globalThis.gc ??= runInNewContext("gc") as NonNullable<typeof globalThis.gc>;
  const store = createStore<any>({ storage: memoryStorage() });
  const held = await store.create({ n: 0 });
  for (let i = 0; i < 2000; i++) await held.save();
  const before = used();
  for (let i = 0; i < 20_000; i++) await held.save();
  const grown = (used() - before) / 20_000;
  assert.ok(grown < 20, `${grown} bytes for each save`);
  held.release();
});

test("C22: destroy on a token that was just renewed throws, because it ended nothing", async () => {
  const world = new World();
  const client = await visitor(world);
  const cookie = `session_id=${client.token}`;
  await client.ask((session) => session.regenerate());
  const { cookies, error } = await world
    .client()
    .ask(async (session) => assert.equal(await codeOf(() => session.destroy()), "ended"), { cookie });
  assert.deepEqual([cookies, error], [[], undefined]);
  assert.equal(await opens(world, client.token), true);
});

test("C23: idleExpiresAt in a request that moves the deadline is what will be stored", async () => {
  const world = new World();
  const client = await visitor(world);
  world.clock.advance("10m");
  let shown = 0;
  await client.ask((session) => void (shown = session.idleExpiresAt));
  assert.equal(shown, world.clock.now() + 30 * 60_000);
  assert.equal((await world.store.getByToken(client.token!))!.idleExpiresAt, shown);
  world.clock.advance("1m");
  await client.ask((session) => void (shown = session.idleExpiresAt));
  assert.equal(shown, (await world.store.getByToken(client.token!))!.idleExpiresAt);
});

test("C25: a session opened without the middleware and changed, but neither saved nor released, is an event at the end of the request", async () => {
  const world = new World();
  const client = await visitor(world);
  const ends: (() => void)[] = [];
  const session = await openSession<any>(
    world.settings,
    [],
    viewOf({ cookie: `session_id=${client.token}` }),
    {},
    new FakeHeaders(),
    (end: () => void) => void ends.push(end),
  );
  session.set("n", 2);
  for (const end of ends) end();
  assert.deepEqual(world.happened(), ["unsaved"]);
  assert.equal((await client.ask()).session!.get("n"), 1);
});

test("a session opened without the middleware, released and opened again: its save sets the cookie, too", async () => {
  const world = new World();
  const headers = new FakeHeaders();
  const context = {};
  const first = await openSession<any>(world.settings, [], viewOf(), context, headers);
  first.release();
  const second = await openSession<any>(world.settings, [], viewOf(), context, headers);
  second.set("n", 1);
  await second.save();
  assert.equal(/^session_id=([^;]+)/.exec(headers.lines[0]!)![1], second.token);
});

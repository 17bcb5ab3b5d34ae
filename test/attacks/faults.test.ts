import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryStorage } from "holdfast/storage/memory";
import type { CallName } from "../support/storages.js";
import { passing, World, type Client } from "../unit/world.js";

async function visitor(world: World): Promise<Client> {
  const client = world.client();
  await client.ask((session) => session.set("n", 1));
  return client;
}

const innerOf = (world: World): ReturnType<typeof memoryStorage> =>
  world.storage.inner as ReturnType<typeof memoryStorage>;
const keyOf = (id: string, namespace = "holdfast"): string => `${namespace}:${id.slice(3)}`;

test("attacks 68, 76: a record under another key is no session: by a copy, and by a storage that mixes keys up", async () => {
  const world = new World();
  const [mine, theirs] = [await world.store.create({ who: "mine" }), await world.store.create({ who: "theirs" })];
  const inner = innerOf(world);
  const { value, expiresAt } = inner.get(keyOf(theirs.id))!;
  inner.update(keyOf(mine.id), { value, expiresAt }, inner.get(keyOf(mine.id))!.version as number, {
    now: 0,
    signal: new AbortController().signal,
  });
  const { session } = await world.client().ask(() => {}, { cookie: `session_id=${mine.token}` });
  assert.deepEqual(session!.keys(), []);
  assert.deepEqual(world.happened(), ["unreadable"]);

  const mixed = new World({
    storage: Object.assign(Object.create(inner) as typeof inner, { get: () => inner.get(keyOf(theirs.id)) }),
  });
  assert.deepEqual((await mixed.client().ask(() => {}, { cookie: `session_id=${mine.token}` })).session!.keys(), []);
});

test("attack 69: two applications over one storage with the same cookie name do not accept each other's sessions", async () => {
  const storage = memoryStorage();
  const [shop, blog] = [new World({ storage, namespace: "shop" }), new World({ storage, namespace: "blog" })];
  const client = await visitor(shop);
  const { session } = await blog.client().ask(() => {}, { cookie: `session_id=${client.token}` });
  assert.deepEqual(session!.keys(), []);
  const { id } = (await client.ask()).session!;
  const record = storage.get(keyOf(id, "shop"))!;
  storage.create(keyOf(id, "blog"), record, { now: 0, signal: new AbortController().signal });
  assert.deepEqual(
    (await blog.client().ask(() => {}, { cookie: `session_id=${client.token}` })).session!.keys(),
    [],
    "nor when the record is copied over",
  );
});

for (const fault of ["fail", "hang"] as const) {
  test(`attack 70: reads that ${fault}: 503, never anonymous, never overwritten`, async () => {
    const world = new World();
    const client = await visitor(world);
    world.storage[fault]("get");
    let ran = false;
    const { error, cookies, calls } = await passing(
      world.clock,
      client.ask((session) => {
        ran = true;
        session.set("n", 2);
      }),
      50,
    );
    assert.equal(error?.status, 503);
    assert.deepEqual([ran, cookies, calls], [false, [], ["get"]]);
    world.storage.heal();
    assert.equal((await client.ask()).session!.get("n"), 1);
  });
}

test("attack 70: a storage that throws synchronously, rejects, or returns invalid promises causes a clear error", async () => {
  for (const get of [
    () => {
      throw new Error("now");
    },
    () => Promise.reject(new Error("later")),
    () => Promise.reject(undefined), // oxlint-disable-line prefer-promise-reject-errors
    () => ({ then: (_: unknown, reject: (error: Error) => void) => reject(new Error("thenable")) }), // oxlint-disable-line no-thenable
  ]) {
    const world = new World({ storage: Object.assign(memoryStorage(), { get }) });
    const { error } = await world.client().ask(() => {}, { cookie: `session_id=${"A".repeat(43)}` });
    assert.deepEqual([error?.code, error?.status], ["storage", 503]);
  }
});

const WRITES: Record<string, [call: CallName, act: (session: any) => unknown, stored: boolean]> = {
  "a first write": ["create", (s) => s.set("n", 2), false],
  "a write": ["update", (s) => s.set("n", 2), true],
  "a login": ["create", (s) => s.regenerate(), true],
  "a login's retirement": ["update", (s) => s.regenerate(), true],
  "a reset": ["create", (s) => (s.reset(), s.set("n", 2)), true],
  "a logout": ["delete", (s) => s.destroy(), true],
};

for (const [name, [call, act, stored]] of Object.entries(WRITES)) {
  for (const fault of ["fail", "failAfter", "hang"] as const) {
    test(`attack 71: ${name} whose outcome is unknown (${call}: ${fault}): an error, and no cookie for a session that may not exist`, async () => {
      const world = new World();
      const client = stored ? await visitor(world) : world.client();
      world.storage[fault](call);
      const { error, cookies } = await passing(world.clock, client.ask(act), 50);
      assert.equal(error?.status, 503);
      assert.deepEqual(cookies, []);
      assert.equal(world.clock.timers, 0);
    });
  }
}

test("attack 71: an increment whose response was lost is counted once, when the handler or the next attempt saves again", async () => {
  const world = new World();
  const client = await visitor(world);
  await client.ask(async (session) => {
    session.update("n", (n) => n + 1);
    world.storage.failAfter("update");
    await session.save().catch(() => {});
    world.storage.heal();
    session.update("n", (n) => n + 10);
    await session.save();
  });
  assert.equal((await client.ask()).session!.get("n"), 12);
});

test("attack 71: a login whose response was lost can be repeated with the old token", async () => {
  const world = new World();
  const client = await visitor(world);
  const login = async (session: any): Promise<void> => {
    await session.regenerate();
    session.set("user", 1);
  };
  world.storage.failAfter("update");
  assert.equal((await client.ask(login)).error?.status, 503);
  world.storage.heal();
  const { error } = await client.ask(login);
  assert.equal(error, undefined);
  assert.equal((await client.ask()).session!.get("user"), 1);
});

test("attacks 74, 73: a record that the storage lost is a visitor without a session, never an orphan that comes back", async () => {
  const world = new World();
  const client = await visitor(world);
  const { id } = (await client.ask()).session!;
  const { token } = client;
  const { cookies } = await client.ask((session) => {
    session.set("n", 2);
    innerOf(world).clear(keyOf(id));
  });
  assert.deepEqual([cookies, innerOf(world).size], [[], 0]);
  await client.ask((session) => session.set("n", 3));
  assert.notEqual(client.token, token);
});

test("attack 77: a listener that throws does not keep a session alive", async () => {
  const world = new World({
    onEvent() {
      throw new Error("mine");
    },
  });
  const client = await visitor(world);
  const { token } = client;
  await client.ask((session) => session.destroy());
  assert.equal(await world.store.getByToken(token!), undefined);
});

test("attack 110: a flood of logouts and empty resets creates nothing", async () => {
  const world = new World();
  for (let i = 0; i < 200; i++) {
    await world.client().ask((session) => session.destroy());
    await world.client().ask((session) => session.reset());
    await world.client().ask((session) => session.destroy(), { cookie: `session_id=${"A".repeat(43)}` });
  }
  assert.equal(innerOf(world).size, 0);
  assert.deepEqual(new Set(world.storage.calls.map(({ name }) => name)), new Set(["get"]));
});

test("attack 107: ten thousand unknown tokens: one read each, no record, no cookie", async () => {
  const world = new World();
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef";
  for (let i = 0; i < 10_000; i++) {
    const token = [...String(i).padStart(42, "0")].map((digit) => letters[Number(digit)]).join("") + "A";
    const requestSession = world.requestSession({ cookie: `session_id=${token}` });
    (await requestSession.open()).get("n");
    await requestSession.commit();
    assert.equal(requestSession.session!.keys().length, 0);
  }
  assert.equal(world.storage.counts.get, 10_000);
  assert.deepEqual(Object.keys(world.storage.counts), ["get"]);
});

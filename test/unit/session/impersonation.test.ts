/** `authenticate(user, { actor })` and the way back: one session, two persons, and nothing of one with the other. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SessionEvent } from "holdfast";
import { seal, unseal } from "#dist/codecs/encoded-data.js";
import { World, type Client, type Live } from "../world.js";

const MINUTE = 60_000;

/** The client of an administrator who is signed in, with something in the session. */
async function admin(world: World): Promise<Client> {
  const client = world.client();
  await client.ask(async (session) => {
    session.set("cart", ["rope"]);
    await session.authenticate("admin", { info: { device: "a desk" } });
  });
  return client;
}

const act = (session: Live): Promise<void> => session.authenticate("ann", { actor: "admin" });

async function acting(world: World): Promise<Client> {
  const client = await admin(world);
  await client.ask(act);
  return client;
}

async function seen(client: Client): Promise<unknown[]> {
  const { session } = await client.ask();
  return [session!.owner, session!.actor, session!.toJSON()];
}

test("an administrator acts as somebody, and returns to a session that has lost nothing", async () => {
  const world = new World({ absoluteTimeout: "12h" });
  const client = await admin(world);
  const before = (await client.ask()).session!;
  const own = [before.createdAt, before.authenticatedAt, before.absoluteExpiresAt];
  const tokens = [client.token];
  world.clock.advance("10m");
  await client.ask(async (session) => {
    session.set("note", "set before, and theirs");
    await act(session);
    assert.deepEqual([session.owner, session.actor, session.keys()], ["ann", "admin", []]);
    session.set("seen", 1);
  });
  tokens.push(client.token);
  assert.deepEqual(await seen(client), ["ann", "admin", { seen: 1 }]);
  world.clock.advance("10m");
  await client.ask(async (session) => {
    session.set("seen", 2);
    await session.endImpersonation();
    assert.equal(session.has("seen"), false);
  });
  tokens.push(client.token);
  assert.deepEqual(await seen(client), ["admin", undefined, { cart: ["rope"], note: "set before, and theirs" }]);
  const after = (await client.ask()).session!;
  assert.deepEqual([after.createdAt, after.authenticatedAt, after.absoluteExpiresAt], own);
  assert.equal(new Set(tokens).size, 3);
  for (const old of tokens.slice(0, 2)) assert.equal(await world.store.getByToken(old!), undefined);
});

test("both lists have it, with who acts; it takes no place of the person's own sessions", async () => {
  const world = new World({ maxSessionsPerOwner: 1 });
  const ann = world.client();
  await ann.ask((session) => session.authenticate("ann", { info: { device: "her phone" } }));
  const client = await admin(world);
  await client.ask((session) => session.authenticate("ann", { actor: "admin", info: { device: "support" } }));
  const { id } = (await client.ask()).session!;
  const shown = async (owner: string): Promise<unknown[]> =>
    (await world.store.listByOwner(owner)).map(({ actor, info }) => [info?.["device"], actor]);
  assert.deepEqual(await shown("ann"), [
    ["her phone", undefined],
    ["support", "admin"],
  ]);
  assert.deepEqual(await shown("admin"), [["a desk", "admin"]]);
  assert.equal((await world.store.listByOwner("admin"))[0]!.id, id);
  await world.client().ask((session) => session.authenticate("ann"));
  assert.equal(await world.store.getByToken(ann.token!), undefined, "her oldest made room, as always");
  assert.deepEqual(await seen(client), ["ann", "admin", {}], "the impersonation did not");
  await client.ask((session) => session.endImpersonation());
  assert.deepEqual(await shown("admin"), [["a desk", undefined]]);
  assert.equal((await world.store.listByOwner("ann")).length, 1);
});

for (const [what, end] of [
  ["all sessions of the person", (world: World) => world.store.deleteByOwner("ann")],
  ["all sessions of who acts", (world: World) => world.store.deleteByOwner("admin")],
  [
    "the session by its id",
    async (world: World) => world.store.delete((await world.store.listByOwner("ann"))[0]!.id),
  ],
] as const) {
  test(`to end ${what} ends the impersonation and what was set aside`, async () => {
    const world = new World();
    const client = await acting(world);
    await end(world);
    assert.deepEqual(await seen(client), [undefined, undefined, {}]);
    for (const owner of ["ann", "admin"]) assert.deepEqual(await world.store.listByOwner(owner), []);
  });

  test(`… also after it was renewed, and one that was given back is ended with its own owner only: ${what}`, async () => {
    const world = new World();
    const client = await acting(world);
    await client.ask((session) => session.regenerate());
    await end(world);
    assert.deepEqual(await seen(client), [undefined, undefined, {}]);
  });
}

test("once it is over, the person's log out everywhere leaves the administrator alone", async () => {
  const world = new World();
  const client = await acting(world);
  await client.ask((session) => session.endImpersonation());
  await world.store.deleteByOwner("ann");
  assert.equal((await seen(client))[0], "admin");
  await world.store.deleteByOwner("admin");
  assert.equal((await seen(client))[0], undefined);
});

test("logout while acting logs out the one who acts", async () => {
  const world = new World();
  const client = await acting(world);
  await client.ask((session) => session.destroy());
  assert.equal(client.token, undefined);
  assert.deepEqual(await world.store.listByOwner("admin"), []);
});

test("it ends with the session that was set aside, whatever its login asks for", async () => {
  const world = new World({ idleTimeout: "8h", absoluteTimeout: "12h" });
  const client = await admin(world);
  const { absoluteExpiresAt } = (await client.ask()).session!;
  world.clock.advance("2h");
  await client.ask((session) => session.authenticate("ann", { actor: "admin", absoluteTimeout: "90d" }));
  assert.equal((await client.ask()).session!.absoluteExpiresAt, absoluteExpiresAt);
  await client.ask((session) => session.endImpersonation());
  await client.ask((session) => session.authenticate("ann", { actor: "admin", absoluteTimeout: "10m" }));
  const { absoluteExpiresAt: sooner } = (await client.ask()).session!;
  assert.equal(sooner, world.clock.now() + 10 * MINUTE);
  world.clock.advance("11m");
  assert.equal((await seen(client))[0], undefined, "who lets it expire logs in again");
});

test("authenticatedWithin asks about the one who acts", async () => {
  const world = new World();
  const client = await admin(world);
  world.clock.advance("10m");
  await client.ask(act);
  const { session } = await client.ask();
  assert.deepEqual([session!.authenticatedWithin("5m"), session!.authenticatedWithin("11m")], [false, true]);
});

test("what makes no sense is refused, and changes nothing", async () => {
  const world = new World();
  const client = await admin(world);
  const refusal = async (handler: (session: Live) => unknown): Promise<any> => (await client.ask(handler)).error;
  const token = client.token;
  for (const actor of [undefined, "", 7, "mallory"]) {
    const error = await refusal((session) => session.authenticate("ann", { actor: actor as string }));
    assert.ok(error instanceof TypeError, String(actor));
    assert.match(error.message, /authenticate\.actor is .*session\.owner/);
  }
  assert.match((await refusal((session) => session.authenticate("admin", { actor: "admin" }))).message, /as oneself/);
  const tooLong = await refusal((session) =>
    session.authenticate("ann", { actor: "admin", idleTimeout: "2h", absoluteTimeout: "1h" }),
  );
  assert.ok(tooLong instanceof RangeError);
  assert.equal(client.token, token);
  assert.deepEqual(await seen(client), ["admin", undefined, { cart: ["rope"] }]);

  await client.ask(act);
  const nested = await refusal((session) => session.authenticate("bob", { actor: "ann" }));
  assert.deepEqual([nested.code, nested.status], ["unsupported", 500]);
  assert.deepEqual(await seen(client), ["ann", "admin", {}]);

  const visitor = world.client();
  const { error } = await visitor.ask((session) => session.authenticate("ann", { actor: session.owner as string }));
  assert.ok(error instanceof TypeError, "a visitor without an owner does not become somebody");
  assert.equal(visitor.token, undefined);
  await assert.rejects(world.store.create({}, { owner: "ann", actor: "admin" } as object), /no option "actor"/);
});

test("where nobody is impersonated, the way back is no way: nothing happens, and nothing is stored", async () => {
  const world = new World();
  const client = await admin(world);
  const { token } = client;
  const { calls, error } = await client.ask((session) => session.endImpersonation());
  assert.deepEqual([error, calls, client.token], [undefined, ["get"], token]);
});

test("a plain login over an impersonation is a new login: nothing of either person is left", async () => {
  for (const owner of ["ann", "admin", "bob"]) {
    const world = new World();
    const client = await acting(world);
    await client.ask(async (session) => {
      session.set("seen", 1);
      await session.authenticate(owner);
    });
    assert.deepEqual(await seen(client), [owner, undefined, {}], owner);
  }
});

test("it goes on through renewals, saves, and stores without a request", async () => {
  const world = new World();
  const client = await acting(world);
  await client.ask((session) => session.regenerate());
  await world.store.edit((await client.ask()).session!.id, (session) => session.set("job", 1));
  assert.deepEqual(await seen(client), ["ann", "admin", { job: 1 }]);
  const stored = (await world.store.getByToken(client.token!))!;
  await stored.endImpersonation();
  assert.deepEqual([stored.owner, stored.toJSON()], ["admin", { cart: ["rope"] }]);
});

test("what fails leaves the session as it was", async () => {
  const world = new World();
  const client = await admin(world);
  const { storage } = world;
  const create = storage.inner.create.bind(storage.inner);
  storage.inner.create = () => Promise.reject(new Error("no space"));
  const { error } = await client.ask(async (session) => {
    await act(session).catch(() => {});
    assert.deepEqual([session.owner, session.get("cart")], ["admin", ["rope"]]);
    session.set("after", 1);
  });
  assert.equal(error, undefined);
  storage.inner.create = create;
  assert.deepEqual(await seen(client), ["admin", undefined, { cart: ["rope"], after: 1 }]);
  await client.ask(act);
  storage.inner.create = () => Promise.reject(new Error("no space"));
  await client.ask(async (session) => {
    await session.endImpersonation().catch(() => {});
    assert.deepEqual([session.owner, session.actor, session.has("cart")], ["ann", "admin", false]);
  });
  storage.inner.create = create;
  assert.deepEqual(await seen(client), ["ann", "admin", {}]);
});

test("a late request of before finds nothing, and a second way back says that it comes too late", async () => {
  const world = new World();
  const client = await acting(world);
  const late = world.client();
  late.jar.set("session_id", client.token!);
  await client.ask((session) => session.endImpersonation());
  const { error, cookies } = await late.ask((session) => session.endImpersonation());
  assert.deepEqual([error?.code, cookies], ["ended", []]);
  assert.deepEqual(await seen(late), [undefined, undefined, {}]);
});

test("each step is an event that names both", async () => {
  const events: SessionEvent[] = [];
  const world = new World({ onEvent: (event) => void events.push(event) });
  const client = await admin(world);
  const ids = [(await client.ask()).session!.id];
  const told = async (handler: (session: Live) => unknown): Promise<SessionEvent[]> => {
    events.length = 0;
    const { session } = await client.ask(handler);
    ids.push(session!.id);
    return events;
  };
  const both = { owner: "ann", actor: "admin" };
  assert.deepEqual(await told(act), [
    { type: "renewed", id: ids[1], ...both, from: ids[0] },
    { type: "authenticated", id: ids[1], ...both },
  ]);
  assert.deepEqual(await told((session) => session.endImpersonation()), [
    { type: "renewed", id: ids[2], owner: "admin", from: ids[1] },
    { type: "impersonation-ended", id: ids[2], ...both, from: ids[1] },
  ]);
  await told(act);
  assert.deepEqual(await told((session) => session.destroy()), [
    { type: "ended", id: ids[3], ...both, reason: "destroy" },
  ]);
});

test("records that are damaged where the other session is set aside are no session", async () => {
  const world = new World();
  const client = await acting(world);
  const { inner } = world.storage;
  const honest = inner.get.bind(inner);
  for (const [from, to] of [
    ['"v":{"o":"admin"', '"v":{"o":7'],
    ['"v":{', '"v":7,"y":{'],
    ['"d":"', '"d":"broken '],
  ] as const) {
    inner.get = async (key, call) => {
      const entry = await honest(key, call);
      if (!entry) return entry;
      const { body } = unseal(entry.value) as { body: string };
      assert.ok(body.includes(from), body);
      return { ...entry, value: seal(body.replace(from, to)) };
    };
    assert.equal(await world.store.getByToken(client.token!), undefined, to);
  }
  inner.get = honest;
  assert.ok(await world.store.getByToken(client.token!));
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { createStore, type Storage } from "holdfast";
import { memoryStorage } from "holdfast/storage/memory";
import { watched } from "../../support/storages.js";
import { codeOf, passing, turns, World, type Client } from "../world.js";

const login = (owner: string, info?: Record<string, string>) => (session: any) =>
  session.authenticate(owner, info && { info });

/** A client that has shopped and then logged in. */
async function member(world: World, owner = "ann", info?: Record<string, string>): Promise<Client> {
  const client = world.client();
  await client.ask((session) => session.set("cart", ["tea"]));
  assert.equal((await client.ask(login(owner, info))).error, undefined);
  return client;
}

const opens = async (world: World, token: string | undefined): Promise<boolean> =>
  (await world.store.getByToken(token!)) !== undefined;
const ids = async (world: World, owner = "ann"): Promise<string[]> =>
  (await world.store.listByOwner(owner)).map(({ id }) => id);

test("a login: a new token, the cart kept, owner and time set, a new absolute deadline", async () => {
  const world = new World({ absoluteTimeout: "8h" });
  const client = world.client();
  await client.ask((session) => session.set("cart", ["tea"]));
  const before = client.token!;
  world.clock.advance("10m");
  const { session } = await client.ask(login("ann"));
  assert.notEqual(client.token, before);
  assert.equal(await opens(world, before), false);
  assert.deepEqual(
    [session!.owner, session!.authenticatedAt, session!.absoluteExpiresAt],
    ["ann", world.clock.now(), world.clock.now() + 8 * 3_600_000],
  );
  const next = await client.ask();
  assert.deepEqual([next.session!.owner, next.session!.toJSON()], ["ann", { cart: ["tea"] }]);
});

test("what is written after authenticate in the same request is saved under the new token", async () => {
  const world = new World();
  const client = world.client();
  await client.ask(async (session) => {
    await session.authenticate("ann");
    session.set("theme", "dark");
  });
  const { session } = await client.ask();
  assert.deepEqual([session!.owner, session!.toJSON()], ["ann", { theme: "dark" }]);
});

test("attack 13: re-authentication rotates the token and starts a new absolute deadline; an ordinary renewal does not", async () => {
  const world = new World({ absoluteTimeout: "8h", idleTimeout: "8h" });
  const client = await member(world);
  const first = (await client.ask()).session!.absoluteExpiresAt!;
  world.clock.advance("1h");
  await client.ask((session) => session.regenerate());
  const renewed = (await client.ask()).session!;
  assert.deepEqual(
    [renewed.absoluteExpiresAt, renewed.authenticatedAt, renewed.owner],
    [first, first - 8 * 3_600_000, "ann"],
  );
  const old = client.token;
  await client.ask(login("ann"));
  const again = (await client.ask()).session!;
  assert.deepEqual([again.absoluteExpiresAt, again.authenticatedAt], [first + 3_600_000, world.clock.now()]);
  assert.equal(await opens(world, old), false);
});

test("attack 12: impersonation and its end rotate the token, and neither user sees the other's data", async () => {
  const world = new World();
  const admin = await member(world, "admin");
  const tokens = [admin.token];
  await admin.ask(async (session) => {
    session.set("secret", "of the admin");
    await session.authenticate("ann");
  });
  tokens.push(admin.token);
  assert.deepEqual((await admin.ask()).session!.toJSON(), {});
  await admin.ask(async (session) => {
    session.set("note", "of ann");
    await session.authenticate("admin");
  });
  tokens.push(admin.token);
  const { session } = await admin.ask();
  assert.deepEqual([session!.owner, session!.toJSON(), new Set(tokens).size], ["admin", {}, 3]);
  assert.deepEqual([await ids(world, "ann"), (await ids(world, "admin")).length], [[], 1]);
});

test("attack 11: an owner cannot be set or changed but by authenticate", async () => {
  const { session } = await (await member(new World())).ask();
  assert.throws(() => ((session as any).owner = "eve"), TypeError);
  assert.throws(() => ((session as any).authenticatedAt = 1), TypeError);
});

test("authenticatedWithin: asked before what matters most", async () => {
  const world = new World();
  const client = await member(world);
  world.clock.advance("5m");
  assert.equal((await client.ask()).session!.authenticatedWithin("5m"), true);
  world.clock.advance(1);
  assert.equal((await client.ask()).session!.authenticatedWithin("5m"), false);
  assert.equal((await world.client().ask()).session!.authenticatedWithin("5m"), false);
  const { error } = await client.ask((session) => session.authenticatedWithin("soon" as any));
  assert.match(error.message, /authenticatedWithin/);
});

test("a list of devices: newest last, with the login's description and the time of the last use; never a token", async () => {
  const world = new World();
  const [phone, laptop] = [
    await member(world, "ann", { device: "phone" }),
    await member(world, "ann", { device: "laptop" }),
  ];
  await member(world, "bob");
  const began = world.clock.now();
  world.clock.advance("10m");
  await phone.ask();
  const listed = await world.store.listByOwner("ann");
  assert.deepEqual(
    listed.map(({ info }) => info),
    [{ device: "phone" }, { device: "laptop" }],
  );
  assert.deepEqual(
    listed.map(({ lastSeenAt }) => lastSeenAt - began),
    [600_000, 0],
  );
  assert.deepEqual(
    listed.map(({ createdAt, authenticatedAt }) => [createdAt, authenticatedAt]),
    [
      [began, began],
      [began, began],
    ],
  );
  assert.deepEqual(
    listed.map(({ id }) => id),
    [(await phone.ask()).session!.id, (await laptop.ask()).session!.id],
  );
  const text = JSON.stringify(listed);
  for (const { token } of [phone, laptop]) assert.ok(!text.includes(token!));
});

test("one device is ended by its id, all others by their owner", async () => {
  const world = new World();
  const [here, phone, laptop, bob] = [
    await member(world),
    await member(world),
    await member(world),
    await member(world, "bob"),
  ];
  await world.store.delete((await phone.ask()).session!.id);
  assert.equal((await ids(world)).length, 2);
  const { session } = await here.ask();
  assert.equal(await world.store.deleteByOwner("ann", { except: session!.id }), 1);
  assert.deepEqual(await Promise.all([here, phone, laptop, bob].map(({ token }) => opens(world, token))), [
    true,
    false,
    false,
    true,
  ]);
  assert.equal(await world.store.deleteByOwner("ann"), 1);
  assert.deepEqual([await opens(world, here.token), await ids(world)], [false, []]);
  assert.equal(await world.store.deleteByOwner("nobody"), 0);
});

test("a new password: rotate, and end all others, in one request", async () => {
  const world = new World();
  const [here, other] = [await member(world), await member(world)];
  const { error } = await here.ask(async (session) => {
    await session.authenticate("ann");
    await session.store.deleteByOwner("ann", { except: session.id });
  });
  assert.equal(error, undefined);
  assert.deepEqual([await opens(world, here.token), await opens(world, other.token)], [true, false]);
});

test("attack 86: all sessions ended while a login is in flight: that login is ended too, with no cookie; one begun later lives", async () => {
  const world = new World();
  const client = world.client();
  await client.ask((session) => session.set("cart", ["tea"]));
  const before = client.token;
  const gate = world.storage.park("create");
  const loggingIn = client.ask(login("ann"));
  await gate.reached;
  world.storage.heal();
  assert.equal(await world.store.deleteByOwner("ann"), 0);
  gate.release();
  const { error, cookies } = await loggingIn;
  assert.deepEqual([error.code, cookies], ["ended", []]);
  assert.deepEqual([await ids(world), client.token], [[], before]);
  assert.deepEqual(
    (await client.ask()).session!.toJSON(),
    { cart: ["tea"] },
    "who failed to log in still has the cart",
  );
  assert.equal((await client.ask(login("ann"))).error, undefined);
});

test("attack 86: all sessions ended while one of them is being renewed: what it becomes is ended too", async () => {
  for (const call of ["create", "update"] as const) {
    const world = new World();
    const client = await member(world);
    const old = client.token;
    const gate = world.storage.park(call);
    const renewing = client.ask((session) => session.regenerate());
    await gate.reached;
    world.storage.heal();
    assert.equal(await world.store.deleteByOwner("ann"), 1);
    gate.release();
    const { error, cookies } = await renewing;
    assert.deepEqual([error?.code, cookies], ["ended", []], call);
    assert.deepEqual([await opens(world, old), await ids(world)], [false, []], call);
  }
});

test("all others ended by an id from before a renewal: what it was renewed to is spared", async () => {
  const world = new World();
  const [here, other] = [await member(world), await member(world)];
  const earlier = (await here.ask()).session!.id;
  await here.ask((session) => session.regenerate());
  assert.equal(await world.store.deleteByOwner("ann", { except: earlier }), 1);
  assert.deepEqual([await opens(world, here.token), await opens(world, other.token)], [true, false]);
});

test("a session that went over to another owner is not ended with the sessions of the first", async () => {
  const world = new World();
  const client = await member(world, "ann");
  await client.ask(login("bob"));
  assert.equal(await world.store.deleteByOwner("ann"), 0);
  assert.equal(await opens(world, client.token), true);
});

test("after a renewal the list names the new token's session, with its info; logged out, it is off the list", async () => {
  const world = new World();
  const client = await member(world, "ann", { device: "phone" });
  for (let i = 0; i < 5; i++) await client.ask((session) => session.regenerate());
  const [only, ...rest] = await world.store.listByOwner("ann");
  assert.deepEqual([only!.id, only!.info, rest], [(await client.ask()).session!.id, { device: "phone" }, []]);
  await client.ask((session) => session.destroy());
  assert.deepEqual(await ids(world), []);
});

test("attack 74: the list is forgotten by the database: the sessions live, and the next renewal puts theirs back", async () => {
  const storage: Storage = memoryStorage();
  const world = new World({ storage });
  const store = createStore({ storage, clock: world.clock });
  const made = await store.create({}, { owner: "ann" });
  const seen = watched(storage);
  await createStore({ storage: seen, clock: world.clock }).listByOwner("ann");
  const { key } = seen.calls.find((one) => one.key.includes("owner."))!;
  const call = { now: world.clock.now(), signal: AbortSignal.timeout(1000) };
  await storage.delete(key, (await storage.get(key, call))!.version, call);
  assert.deepEqual(await store.listByOwner("ann"), []);
  await made.regenerate();
  await made.save();
  assert.deepEqual(
    (await store.listByOwner("ann")).map(({ id }) => id),
    [made.id],
  );
});

test("attack 67: a damaged list: no login fails, and deleteByOwner does not report success", async () => {
  const storage: Storage = memoryStorage();
  const world = new World({ storage });
  const damaging: Storage = {
    ...watched(storage),
    async get(key, call) {
      const entry = await storage.get(key, call);
      return key.includes("owner.") && entry ? { ...entry, value: "<html>502</html>" } : entry;
    },
  };
  await createStore({ storage, clock: world.clock }).create({}, { owner: "ann" });
  const store = createStore({ storage: damaging, clock: world.clock });
  assert.equal(await codeOf(() => store.deleteByOwner("ann")), "storage");
  assert.equal(await codeOf(() => store.listByOwner("ann")), "storage");
  const made = await store.create({}, { owner: "ann" });
  assert.deepEqual(
    (await createStore({ storage, clock: world.clock }).listByOwner("ann")).map(({ id }) => id),
    [made.id],
  );
});

test("attack 92: at most so many sessions: a login beyond ends the oldest", async () => {
  const world = new World({ maxSessionsPerOwner: 2 });
  const [first, second, third] = [await member(world), await member(world), await member(world)];
  assert.deepEqual(await Promise.all([first, second, third].map(({ token }) => opens(world, token))), [
    false,
    true,
    true,
  ]);
  await second.ask((session) => session.regenerate());
  assert.equal(await opens(world, third.token), true, "a renewal is no further session");
  await second.ask(login("ann"));
  assert.equal(await opens(world, third.token), true, "nor is a step-up");
});

test("attack 92: at most so many sessions: a login beyond is refused, and the visitor stays what he was", async () => {
  const world = new World({ maxSessionsPerOwner: { max: 1, policy: "refuse" } });
  const first = await member(world);
  const second = world.client();
  await second.ask((session) => session.set("cart", ["tea"]));
  const before = second.token;
  let refused: string | undefined;
  const { error, cookies } = await second.ask(async (session) => {
    refused = await codeOf(() => session.authenticate("ann"));
    session.set("cart", ["tea", "cake"]);
  });
  assert.deepEqual([refused, error, cookies, second.token], ["too-many-sessions", undefined, [], before]);
  assert.deepEqual((await second.ask()).session!.toJSON(), { cart: ["tea", "cake"] });
  assert.equal(await opens(world, first.token), true);
  await first.ask((session) => session.destroy());
  assert.equal((await second.ask(login("ann"))).error, undefined, "a session that ended makes room");
});

test("attack 92: sessions that expired make room too", async () => {
  const world = new World({ maxSessionsPerOwner: { max: 1, policy: "refuse" } });
  await member(world);
  world.clock.advance("31m");
  assert.equal((await world.client().ask(login("ann"))).error, undefined);
  assert.equal((await ids(world)).length, 1);
});

test("attack 92: fifty concurrent logins: the limit is kept, with either policy", async () => {
  for (const policy of ["end-oldest", "refuse"] as const) {
    const world = new World({ maxSessionsPerOwner: { max: 5, policy }, commitTimeout: "1h" });
    const clients = Array.from({ length: 50 }, () => world.client());
    const answers = await passing(world.clock, Promise.all(clients.map((client) => client.ask(login("ann")))));
    const live = await Promise.all(clients.map(({ token }) => opens(world, token)));
    assert.equal(live.filter(Boolean).length, 5, policy);
    assert.equal((await ids(world)).length, 5, policy);
    const codes = new Set(answers.map(({ error }) => error?.code));
    if (policy === "refuse") assert.deepEqual([...codes].sort(), ["too-many-sessions", undefined]);
    else
      assert.ok(
        [...codes].every((code) => code === undefined || code === "ended"),
        [...codes].join(),
      );
    for (const { cookies, error } of answers) assert.equal(cookies.length, error ? 0 : 1);
  }
});

test("attack 108: a list of logins that were never logged out stays short", async () => {
  const world = new World();
  for (let i = 0; i < 200; i++) {
    await world.client().ask(login("ann"));
    world.clock.advance("31m");
  }
  const entry = [...world.storage.calls]
    .reverse()
    .find(({ name, key }) => name === "update" && key.includes("owner."))!.entry!;
  assert.ok((JSON.parse(entry.value.split("\n")[1]!) as { l: unknown[] }).l.length <= 17);
});

test("a failing storage at the list: the login is an error and no cookie, the visitor keeps the session", async () => {
  const world = new World();
  const client = world.client();
  await client.ask((session) => session.set("cart", ["tea"]));
  const before = client.token;
  world.storage.fail("create");
  const { error, cookies } = await client.ask(login("ann"));
  world.storage.heal();
  assert.deepEqual([error.code, cookies, client.token], ["storage", [], before]);
  assert.deepEqual((await client.ask()).session!.toJSON(), { cart: ["tea"] });
  assert.equal((await client.ask()).session!.owner, undefined);
});

test("a login that fails for another owner leaves the data of the one before, but for what was not saved", async () => {
  const world = new World({ maxSessionsPerOwner: { max: 1, policy: "refuse" } });
  await member(world, "bob");
  const ann = await member(world, "ann");
  await ann.ask(async (session) =>
    assert.equal(await codeOf(() => session.authenticate("bob")), "too-many-sessions"),
  );
  const { session } = await ann.ask();
  assert.deepEqual([session!.owner, session!.toJSON()], ["ann", { cart: ["tea"] }]);
});

test("authenticate in the odd orders", async () => {
  const world = new World();
  const client = await member(world);
  const ended = await client.ask(async (session) => {
    await session.destroy();
    await session.authenticate("ann");
  });
  assert.equal(ended.error.code, "ended");
  const anew = await world.client().ask(async (session) => {
    await session.reset();
    await session.authenticate("ann");
  });
  assert.equal(anew.error, undefined);
  const late = await (
    await member(world)
  ).ask(
    () => {},
    {},
    async (session) => assert.equal(await codeOf(() => session.authenticate("ann")), "answered"),
  );
  assert.equal(late.error, undefined);
  const twice = world.client();
  await twice.ask(async (session) => {
    await session.authenticate("ann");
    await session.authenticate("ann");
  });
  assert.equal((await twice.ask()).session!.owner, "ann");
  const replaced = await member(world, "ann");
  await replaced.ask(async (session) => {
    session.set("x", 1);
    await session.reset();
    session.set("y", 1);
    await session.authenticate("bob");
  });
  assert.deepEqual((await replaced.ask()).session!.toJSON(), { y: 1 });
});

test("a login without a request: store.create with an owner", async () => {
  const world = new World();
  const made = await world.store.create({ a: 1 }, { owner: "ann", info: { app: "phone" } });
  assert.deepEqual(
    (await world.store.listByOwner("ann")).map(({ id, info }) => [id, info]),
    [[made.id, { app: "phone" }]],
  );
  assert.equal((await world.store.getByToken(made.token))!.owner, "ann");
});

test("an owner and an info that cannot be are refused, and never repeated whole", async () => {
  const world = new World();
  const session = await world.store.create();
  for (const owner of ["", 7, null, undefined, {}, ["ann"], "\ud800"])
    assert.throws(() => void session.authenticate(owner as any), TypeError);
  assert.throws(() => void session.authenticate("a".repeat(257)), RangeError);
  for (const info of [null, "phone", ["phone"], { at: new Date() }, { n: NaN }, { nested: {} }])
    assert.throws(() => void session.authenticate("ann", { info } as any), TypeError);
  assert.throws(() => void session.authenticate("ann", { info: { text: "x".repeat(600) } }), RangeError);
  assert.throws(() => void session.authenticate("ann", { device: "phone" } as any), TypeError);
  assert.equal(await codeOf(() => world.store.listByOwner("")), "wrong-call");
  assert.equal(await codeOf(() => world.store.deleteByOwner("ann", { except: session.token })), "wrong-option");
});

test("sessions without an owner may have a shorter idle timeout; the owner's is the usual one", async () => {
  const world = new World({ idleTimeout: "30m", anonymousIdleTimeout: "5m" });
  const client = world.client();
  await client.ask((session) => session.set("cart", ["tea"]));
  const { session } = await client.ask();
  assert.equal(session!.idleExpiresAt - world.clock.now(), 300_000);
  world.clock.advance("4m");
  await client.ask();
  world.clock.advance("4m");
  assert.deepEqual((await client.ask()).session!.toJSON(), { cart: ["tea"] }, "in use it lives on");
  await client.ask(login("ann"));
  world.clock.advance("29m");
  assert.equal((await client.ask()).session!.owner, "ann");
  const other = world.client();
  await other.ask((session) => session.set("cart", ["tea"]));
  world.clock.advance("5m");
  assert.deepEqual((await other.ask()).session!.toJSON(), {});
  assert.throws(() => createStore({ idleTimeout: "5m", anonymousIdleTimeout: "6m" }), RangeError);
});

test("a session with an owner ends after 400 days at the latest, however active", async () => {
  const world = new World({ idleTimeout: "200d" });
  const client = await member(world);
  for (const days of [150, 150] as const) {
    world.clock.advance(`${days}d`);
    assert.equal((await client.ask()).session!.owner, "ann");
  }
  world.clock.advance("100d");
  assert.equal((await client.ask()).session!.owner, undefined);
});

test("nothing is left hanging by a login that waits while others take turns", async () => {
  const world = new World();
  await member(world);
  await turns();
  assert.equal(world.clock.timers, 0);
});

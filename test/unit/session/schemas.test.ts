/** Schemas of a session's keys: what is put into a key is checked, and what is read again, too. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { createStore, SessionError, type SessionOptions, type StandardSchema } from "holdfast";
import { memoryStorage } from "holdfast/storage/memory";
import { asynchronous, LIBRARIES } from "../../support/schema-packages.js";
import { codeOf, copyOf, visitor, World, type Client, type Live } from "../world.js";

const { cart, count, trimmed, settings, word } = LIBRARIES[1]!;

/** Two versions of an application over one storage: the first without schemas, unless it is given some. */
function beside(world: World, options: SessionOptions): World {
  const { storage, clock } = world;
  return Object.assign(new World({ storage, clock, ...options }), { storage });
}

/** The same client at another server. */
function at(world: World, client: Client): Client {
  const copy = world.client();
  for (const [name, value] of client.jar) copy.jar.set(name, value);
  return copy;
}

/** What a handler throws. */
async function thrown(client: Client, handler: (session: Live) => unknown): Promise<any> {
  return (await client.ask(handler)).error;
}

for (const library of LIBRARIES) {
  const schema = { cart: library.cart, word: library.word };

  test(`${library.name}: what fits is stored and read, what does not is refused with key and paths`, async () => {
    const world = new World({ schema });
    const client = await visitor(world, { cart: [{ id: "tea", count: 1 }] });
    const { session } = await client.ask((own) =>
      own.update("cart", (all: any) => [...all, { id: "mug", count: 2 }]),
    );
    assert.deepEqual(session!.get("cart"), [
      { id: "tea", count: 1 },
      { id: "mug", count: 2 },
    ]);
    const error = await thrown(client, (own) => own.set("cart", [{ id: "s3cret", count: "s3cret" }]));
    assert.ok(error instanceof SessionError);
    assert.deepEqual([error.code, error.status, error.key, error.paths], ["invalid", 500, "cart", ["[0].count"]]);
    assert.match(error.message, /^the value of "cart" does not fit its schema at \[0\]\.count; see /);
    const other = await thrown(client, (own) => own.update("word", () => "s3cret"));
    assert.deepEqual([other.key, other.paths], ["word", [""]]);
    for (const one of [error, other]) assert.doesNotMatch(inspect(one, { depth: 9 }), /s3cret/);
  });

  test(`${library.name}: what a schema converts is stored, and the same when it is read`, async () => {
    const { trimmed: text, settings: own, date: joined } = library;
    const world = new World({ schema: { text, own, joined } });
    const client = await visitor(world, { text: " Ann ", own: { theme: "dark" }, joined: 5000 });
    const { session, calls } = await client.ask((one) => void one.toJSON());
    const expected = { text: "Ann", own: { theme: "dark", size: 1 }, joined: new Date(5000) };
    assert.deepEqual(session!.toJSON(), expected);
    assert.deepEqual(calls, ["get"], "reading writes nothing");
    assert.deepEqual((await beside(world, {}).store.getByToken(client.token!))!.toJSON(), expected);
  });

  test(`${library.name}: a schema that does not take what it returns is refused before anything is stored`, async () => {
    const world = new World({ schema: { n: library.length } });
    const error = await thrown(world.client(), (session) => session.set("n", "four"));
    assert.ok(error instanceof TypeError);
    assert.match(error.message, /the schema of "n" must take what it returns and return the same again/);
  });
}

test("a value that converts further each time is refused: it would change with every write", async () => {
  const more = of((value: number) => ({ value: value + 1 }));
  const world = new World({ schema: { n: more } });
  const error = await thrown(world.client(), (session) => session.set("n", 1));
  assert.match(error.message, /must take what it returns/);
});

test("an asynchronous schema is refused when it first returns a promise, on writing and on reading", async () => {
  const late = of(() => Promise.resolve({ value: 1 }));
  const rejecting = of(() => Promise.reject(new Error("late")));
  for (const schema of [late, rejecting, asynchronous]) {
    const world = new World();
    const client = await visitor(world, { n: "x" });
    const checked = beside(world, { schema: { n: schema } });
    for (const use of [(s: Live) => s.set("n", "y"), (s: Live) => s.get("n"), (s: Live) => s.take("n")]) {
      const error = await thrown(at(checked, client), use);
      assert.ok(error instanceof TypeError, inspect(error));
      assert.match(error.message, /the schema of "n" is asynchronous; .*validate before set\(\)/);
    }
    assert.equal((await at(checked, client).ask((s) => void s.keys())).error, undefined);
  }
});

test("a schema that throws: the value does not fit, and what was thrown is not repeated", async () => {
  const throwing = of((value) => {
    throw new RangeError(`never ${String(value)}`);
  });
  const world = new World();
  const client = await visitor(world, { n: "s3cret", m: 1 });
  const checked = beside(world, { schema: { n: throwing } });
  const error = await thrown(at(checked, client), (session) => session.set("n", "s3cret"));
  assert.match(error.message, /^the value of "n" made its schema throw a RangeError; see /);
  assert.doesNotMatch(inspect(error, { depth: 9 }), /s3cret/);
  assert.deepEqual((await at(checked, client).ask()).session!.toJSON(), { m: 1 });
});

test("a change in place is checked when it is saved; a wrong one fails the request and is not stored", async () => {
  const world = new World({ schema: { cart, settings } });
  const client = await visitor(world, { cart: [], settings: { theme: "dark" } });
  await client.ask((session) => void session.get("cart").push({ id: "tea", count: 1 }));
  const wrong = await client.ask((session) => void session.get("cart").push("tea"));
  assert.deepEqual([wrong.error.code, wrong.error.paths], ["invalid", ["[1]"]]);
  await client.ask((session) => void delete session.get("settings").size);
  assert.deepEqual((await client.ask()).session!.toJSON(), {
    cart: [{ id: "tea", count: 1 }],
    settings: { theme: "dark", size: 1 },
  });
});

test("an object that its schema did not convert stays the handler's own; one that it did is the schema's", async () => {
  const world = new World({ schema: { cart, settings } });
  const client = world.client();
  const list: unknown[] = [];
  const mine = { theme: "dark" };
  await client.ask((session) => {
    session.set("cart", list);
    assert.equal(session.get("cart"), list);
    list.push({ id: "tea", count: 1 });
    session.set("settings", mine);
    assert.deepEqual(session.get("settings"), { theme: "dark", size: 1 });
    assert.equal(session.get("settings"), session.get("settings"));
    session.get("settings").theme = "light";
  });
  const { session } = await client.ask();
  assert.deepEqual(session!.toJSON(), { cart: [{ id: "tea", count: 1 }], settings: { theme: "light", size: 1 } });
});

test("drop: a value that does not match is ignored by get, has, keys, toJSON and take, with one event, and stays stored", async () => {
  const world = new World();
  const client = await visitor(world, { cart: ["s3cret"], count: 1, free: "as it is" });
  const checked = beside(world, { schema: { cart, count } });
  const { calls, error } = await at(checked, client).ask(async (session) => {
    assert.equal(session.has("cart"), false);
    assert.equal(session.get("cart"), undefined);
    assert.deepEqual(session.keys(), ["count", "free"]);
    assert.deepEqual(session.toJSON(), { count: 1, free: "as it is" });
    assert.equal(await session.take("cart"), undefined);
    assert.equal(String(session), 'Session { keys: ["count", "free"] }');
  });
  assert.deepEqual([error, calls], [undefined, ["get"]]);
  assert.equal(checked.events.length, 1);
  const [event] = checked.events;
  const { id } = (await world.store.getByToken(client.token!))!;
  assert.deepEqual({ type: event!.type, key: event!.key, id: event!.id }, { type: "invalid", key: "cart", id });
  assert.deepEqual((event!.cause as SessionError).paths, ["[0]"]);
  assert.doesNotMatch(inspect(event, { depth: 9 }), /s3cret/);
  await at(checked, client).ask((session) => session.set("count", 2));
  assert.deepEqual((await client.ask()).session!.toJSON(), { cart: ["s3cret"], count: 2, free: "as it is" });
});

test("drop: what was left out is replaced by set and update, and removed by delete", async () => {
  const world = new World();
  const client = await visitor(world, { cart: "a", count: "b", word: 1 });
  const checked = beside(world, { schema: { cart, count, word } });
  await at(checked, client).ask((session) => {
    session.set("cart", []);
    session.update("count", (n = 10) => n + 1);
    session.delete("word");
    assert.deepEqual(session.keys(), ["cart", "count"]);
  });
  assert.deepEqual((await client.ask()).session!.toJSON(), { cart: [], count: 11 });
});

test("throw: a value that does not match throws when it is read, and has and keys include it", async () => {
  const world = new World();
  const client = await visitor(world, { cart: "a", count: 1 });
  const checked = beside(world, { schema: { cart, count }, invalid: "throw" });
  await at(checked, client).ask(async (session) => {
    for (const read of [
      () => session.get("cart"),
      () => session.toJSON(),
      () => session.take("cart"),
      () => session.update("cart", () => []),
    ])
      assert.equal(await codeOf(read), "invalid");
    assert.deepEqual([session.has("cart"), session.keys(), session.get("count")], [true, ["cart", "count"], 1]);
    assert.equal(String(session), 'Session { keys: ["cart", "count"] }');
    session.set("cart", []);
    assert.deepEqual(session.get("cart"), []);
  });
  assert.deepEqual(checked.events, [], "who reads it is told");
  assert.deepEqual((await client.ask()).session!.toJSON(), { cart: [], count: 1 });
});

test("a missing key stays missing, whatever its schema would return for undefined", async () => {
  const world = new World({ schema: { n: of((value) => ({ value: value ?? 7 })) } });
  const client = await visitor(world, { m: 1 });
  await client.ask((session) => {
    assert.deepEqual([session.get("n"), session.has("n"), session.keys()], [undefined, false, ["m"]]);
    session.set("n", undefined);
    assert.equal(session.get("n"), 7);
  });
});

test("update is replayed on what another version has stored meanwhile, and its result is checked again", async () => {
  const world = new World({ schema: { count, text: trimmed } });
  const client = await visitor(world, { count: 1, text: "a" });
  const plain = beside(world, {});
  const { error } = await client.ask(async (session) => {
    session.update("count", (n = 100) => n + 1);
    session.update("text", (text = "") => `${text} b `);
    session.update("text", (text = "") => `${text}c`);
    await at(plain, client).ask((other) => (other.set("count", "unfit"), other.set("text", "z")));
  });
  assert.equal(error, undefined);
  assert.deepEqual((await client.ask()).session!.toJSON(), { count: 101, text: "z bc" });
});

test("an update whose replay does not fit fails its save, once, and stores nothing", async () => {
  const world = new World({ schema: { count: of((n: number) => (n < 10 ? { value: n } : { issues: [issue()] })) } });
  const client = await visitor(world, { count: 1 });
  const { error } = await client.ask(async (session) => {
    session.update("count", (n = 0) => n + 5);
    await copyOf(client).ask((other) => other.set("count", 8));
  });
  assert.deepEqual([error.code, error.key], ["invalid", "count"]);
  assert.equal((await client.ask()).session!.get("count"), 8);
});

test("take: a value replaced in the meantime by one that does not match is not taken, and stays stored", async () => {
  const world = new World({ schema: { cart } });
  const client = await visitor(world, { cart: [] });
  const plain = beside(world, {});
  await client.ask(async (session) => {
    await at(plain, client).ask((other) => other.set("cart", "of the other version"));
    assert.equal(await session.take("cart"), undefined);
  });
  assert.equal((await at(plain, client).ask()).session!.get("cart"), "of the other version");
});

test("reload reads what another version has stored: what fits, and not what does not", async () => {
  const world = new World({ schema: { cart, count } });
  const client = await visitor(world, { cart: [], count: 1 });
  const plain = beside(world, {});
  await client.ask(async (session) => {
    const own = session.get("cart");
    await at(plain, client).ask((other) => other.set("count", 2));
    await session.reload();
    assert.deepEqual([session.get("count"), session.get("cart")], [2, own]);
    own.push({ id: "tea", count: 1 });
    assert.equal(session.get("cart"), own, "still the handler's own");
    await at(plain, client).ask((other) => other.set("count", "unfit"));
    await session.reload();
    assert.equal(session.has("count"), false);
  });
  assert.deepEqual((await at(plain, client).ask()).session!.toJSON(), {
    cart: [{ id: "tea", count: 1 }],
    count: "unfit",
  });
});

test("two versions side by side: a renamed, an added and a changed key; nothing of the other one is lost", async () => {
  const storage = new World();
  // The first version has `name` and a list of names; the second calls it `fullName`, adds `size`, keeps objects.
  const first = beside(storage, { schema: { name: trimmed, cart: strings(), visits: count } });
  const second = beside(storage, { schema: { fullName: trimmed, size: count, cart, visits: count } });
  const client = await visitor(first, { name: "Ann", cart: ["tea"], visits: 1 });

  const atSecond = await at(second, client).ask((session) => {
    assert.deepEqual(session.keys(), ["name", "visits"], "unknown keys are there, cart is not");
    session.update("visits", (n = 0) => n + 1);
    session.set("fullName", session.get("name"));
    session.set("size", 3);
  });
  assert.deepEqual(atSecond.calls, ["get", "update"]);

  const back = await client.ask((session) => {
    assert.deepEqual(session.toJSON(), { name: "Ann", cart: ["tea"], visits: 2, fullName: "Ann", size: 3 });
    session.update("visits", (n = 0) => n + 1);
    session.get("cart").push("mug");
  });
  assert.equal(back.error, undefined);

  // Overlapping: both change what they know.
  const slow = await at(second, client).ask(async (session) => {
    session.update("visits", (n = 0) => n + 1);
    session.update("size", (n = 0) => n + 1);
    await client.ask((other) => {
      other.update("visits", (n = 0) => n + 1);
      other.set("name", "Ann B.");
    });
  });
  assert.equal(slow.error, undefined);
  const login = await at(second, client).ask((session) => session.authenticate("ann"));
  assert.equal(login.error, undefined);
  const token = /session_id=([^;]+)/.exec(login.cookies[0]!)![1]!;
  assert.deepEqual((await storage.store.getByToken(token))!.toJSON(), {
    name: "Ann B.",
    cart: ["tea", "mug"],
    visits: 5,
    fullName: "Ann",
    size: 4,
  });
});

test("store.create, edit and seed check, too; reset and a renewed session keep their schemas", async () => {
  const world = new World({ schema: { count } });
  await assert.rejects(world.store.create({ count: "1" }), { code: "invalid", key: "count" });
  const made = await world.store.create({ count: 1 });
  await assert.rejects(
    world.store.edit(made.id, (session) => session.set("count", "2")),
    { code: "invalid" },
  );
  await world.client().ask(async (session) => {
    session.set("count", 1);
    await session.reset();
    assert.equal(await codeOf(() => session.set("count", "1")), "invalid");
    await session.regenerate();
    assert.equal(await codeOf(() => session.set("count", "1")), "invalid");
  });
});

test("a storage that is known only inside a request, and a store made before, have schemas, too", async () => {
  const storage = memoryStorage();
  const perRequest = new World({ storage: () => storage, schema: { count } });
  assert.equal((await thrown(perRequest.client(), (session) => session.set("count", "1"))).code, "invalid");
  await assert.rejects(createStore({ storage, schema: { count } }).create({ count: "1" }), { code: "invalid" });
});

test("keys like those of Object.prototype are keys as any other", async () => {
  const schema = Object.fromEntries(["__proto__", "constructor"].map((key) => [key, count]));
  const world = new World({ schema });
  await world.client().ask(async (session) => {
    for (const key of ["__proto__", "constructor"]) {
      assert.equal(await codeOf(() => session.set(key, "1")), "invalid");
      session.set(key, 1);
    }
    session.set("toString", "free");
    assert.deepEqual(session.keys(), ["__proto__", "constructor", "toString"]);
  });
});

test("without a schema nothing is checked, and the storage calls are the same with one", async () => {
  for (const options of [{}, { schema: { n: count } }]) {
    const client = await visitor(new World(options), { n: 1 });
    const counts = [
      await client.ask((session) => void session.get("n")),
      await client.ask((session) => session.update("n", (n = 0) => n + 1)),
      await client.ask((session) => session.authenticate("ann")),
      await client.ask((session) => session.destroy()),
    ].map(({ calls }) => calls.length);
    assert.deepEqual(counts, [1, 2, 6, 2]);
  }
});

function of(validate: (value: any) => unknown): StandardSchema<any, any> {
  return { "~standard": { version: 1, vendor: "own", validate: validate as never } };
}

function issue(): { message: string } {
  return { message: "too much" };
}

function strings(): StandardSchema<string[]> {
  const isList = (value: unknown): boolean => Array.isArray(value) && value.every((one) => typeof one === "string");
  return of((value) => (isList(value) ? { value } : { issues: [issue()] }));
}

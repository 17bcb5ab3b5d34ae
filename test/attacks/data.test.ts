import assert from "node:assert/strict";
import { test } from "node:test";
import { createStore, type SessionError } from "holdfast";
import { memoryStorage } from "holdfast/storage/memory";
import { checksum } from "#dist/codecs/encoded-data.js";
import { codeOf, World, type Data } from "../unit/world.js";

const NASTY = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "valueOf", "__defineGetter__"];
const VERBS = [
  "id",
  "token",
  "save",
  "destroy",
  "regenerate",
  "cookie",
  "toJSON",
  "then",
  "get",
  "set",
  "store",
  "fresh",
];

test("attacks 59, 61: keys named like properties of every object, or like session methods, are ordinary keys", async () => {
  const world = new World();
  const client = world.client();
  const keys = [...NASTY, ...VERBS, "a.b", "a[0]", "", " ", "\u0000", "a\nb", '"', "\\", "😀", "length"];
  await client.ask((session) => {
    for (const key of NASTY) assert.deepEqual([session.get(key), session.has(key)], [undefined, false], key);
    for (const key of keys) session.set(key, { admin: true, key });
  });
  const { session } = await client.ask((own) => {
    for (const key of keys) assert.deepEqual(own.get(key), { admin: true, key }, key);
    assert.equal(typeof own.save, "function");
    assert.equal(typeof own.id, "string");
    assert.deepEqual(own.keys(), keys);
  });
  assert.deepEqual(Object.keys(session!.toJSON()).sort(), [...keys].sort());
  assert.equal(Object.getPrototypeOf(session!.toJSON()), Object.prototype);
  assert.equal(({} as any).admin, undefined);
});

test("attack 61: a session is not a thenable: awaiting it returns the session", async () => {
  await new World().client().ask(async (session) => {
    session.set("then", "x");
    assert.equal(await Promise.resolve(session), session);
  });
});

test("attack 60: a stored record that names __proto__ at any depth pollutes nothing", async () => {
  const world = new World();
  const { token, id } = await world.store.create({ n: 1 });
  const inner = world.storage.inner as ReturnType<typeof memoryStorage>;
  const hash = id.slice(3);
  const body = `{"k":"${hash}","n":"holdfast","c":${world.clock.now()},"w":"","__proto__":{"o":"admin"}}\n"__proto__"\n{"admin":true}\n"deep"\n{"a":{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}},"$":"object","v":[["__proto__",{"admin":true}]]}}`;
  inner.update(
    `holdfast:${hash}`,
    { value: `1:${checksum("1", body)}\n${body}`, expiresAt: world.clock.now() + 1e6 },
    1,
    { now: 0, signal: new AbortController().signal },
  );
  const session = (await world.store.getByToken(token))!;
  assert.deepEqual(session.keys(), ["__proto__", "deep"]);
  const all = session.toJSON();
  assert.equal((all as any).admin, undefined);
  assert.equal((session.get("deep") as any).a.admin, undefined);
  assert.equal(({} as any).admin, undefined);
});

test("attack 62: tags of other serialisers remain what they are", async () => {
  const client = new World().client();
  const values = [
    "_$$ND_FUNC$$_function(){throw 1}()",
    { $type: "Date", $value: 0 },
    [["Date", 0]],
    { json: 1, meta: {} },
    { __type: "x", rce: "y" },
  ];
  await client.ask((session) => session.set("values", values));
  assert.deepEqual((await client.ask()).session!.get("values"), values);
});

test("attack 63: a value that cannot be stored is refused before any write, and the record is intact", async () => {
  const world = new World();
  const client = world.client();
  await client.ask((session) => session.set("n", 1));
  const cyclic: any = {};
  cyclic.self = cyclic;
  const { calls } = await client.ask(async (session) => {
    // oxlint-disable-next-line no-sparse-arrays
    for (const value of [cyclic, () => {}, Symbol("x"), new (class A {})(), "x".repeat(100_000), [, 1]]) {
      assert.ok(["unserializable", "too-large"].includes((await codeOf(() => session.set("bad", value)))!));
    }
    assert.equal(session.has("bad"), false);
  });
  assert.deepEqual(calls, ["get"]);
  assert.deepEqual((await client.ask()).session!.toJSON(), { n: 1 });
});

test("attacks 63, 64: a change in place that cannot be stored fails the request, and nothing of it is stored", async () => {
  const world = new World();
  const client = world.client();
  await client.ask((session) => session.set("cart", { items: [1] }));
  const { error, cookies, calls } = await client.ask((session) => {
    session.set("other", 1);
    Object.defineProperty(session.get("cart").items, "0", {
      enumerable: true,
      get() {
        throw new Error("mine");
      },
    });
  });
  assert.ok(error);
  assert.deepEqual([cookies, calls], [[], ["get"]]);
  assert.deepEqual((await client.ask()).session!.toJSON(), { cart: { items: [1] } });
});

test("attack 66: objects are not shared: not with the caller, not with another request, not with the storage", async () => {
  const world = new World();
  const client = world.client();
  const mine = { items: [1] };
  await client.ask((session) => session.set("cart", mine));
  mine.items.push(99);
  const [one, two] = [
    world.requestSession({ cookie: `session_id=${client.token}` }),
    world.requestSession({ cookie: `session_id=${client.token}` }),
  ];
  const [a, b] = [await one.open(), await two.open()];
  a.get("cart").items.push(2);
  assert.deepEqual(b.get("cart").items, [1]);
  assert.notEqual(a.get("cart"), b.get("cart"));
  await one.commit();
  assert.deepEqual((await client.ask()).session!.get("cart").items, [1, 2]);
});

test("attack 66: in-place changes of every kind of container are saved", async () => {
  const client = new World().client();
  await client.ask((session) => {
    session.set("map", new Map([["a", new Set([1])]]));
    session.set("date", new Date(0));
    session.set("bytes", new Uint8Array(2));
    session.set("url", new URL("https://a.example/"));
    session.set("deep", { a: [{ b: new Map() }] });
  });
  await client.ask((session) => {
    session.get("map").get("a").add(2);
    session.get("date").setTime(5);
    session.get("bytes")[1] = 9;
    session.get("url").pathname = "/x";
    session.get("deep").a[0].b.set("k", "v");
  });
  const { session } = await client.ask();
  assert.deepEqual(session!.toJSON(), {
    map: new Map([["a", new Set([1, 2])]]),
    date: new Date(5),
    bytes: new Uint8Array([0, 9]),
    url: new URL("https://a.example/x"),
    deep: { a: [{ b: new Map([["k", "v"]]) }] },
  });
});

test("attack 109: a session that grows too large is refused, and the last stored one is unchanged", async () => {
  const world = new World({ maxRecordBytes: 2000 });
  const client = world.client();
  await client.ask((session) => session.set("a", "x".repeat(900)));
  const { error } = await client.ask((session) => {
    session.set("b", "x".repeat(600));
    session.set("c", "x".repeat(600));
  });
  assert.equal((error as SessionError).code, "too-large");
  assert.match((error as SessionError).message, /maxRecordBytes is 2000/);
  assert.deepEqual((await client.ask()).session!.keys(), ["a"]);
});

test("attack 112: a hundred thousand keys end at the cap, in bounded time", async () => {
  const world = new World();
  const start = performance.now();
  const { error } = await world.client().ask((session) => {
    for (let i = 0; i < 100_000; i++) session.set(`k${i}`, 0);
  });
  assert.equal((error as SessionError).code, "too-large");
  assert.deepEqual(world.storage.calls, []);
  assert.ok(performance.now() - start < 10_000);
});

test("a class that is not registered is carried unchanged through saves, and get of that key says what to do", async () => {
  class Money {
    cents = 5;
  }
  const storage = memoryStorage();
  const types = {
    money: {
      class: Money,
      encode: ({ cents }: Money) => cents,
      decode: (cents: number) => Object.assign(new Money(), { cents }),
    },
  };
  const [knows, lacks] = [createStore<Data>({ storage, types }), createStore<Data>({ storage })];
  const { id, token } = await knows.create({ purse: new Money(), n: 1 });
  assert.equal(await lacks.edit(id, (session) => session.set("n", 2)), true);
  await assert.rejects(
    async () => (await lacks.getById(id))!.get("purse"),
    (error: SessionError) => error.code === "unknown-type" && /registerType\("money"/.test(error.message),
  );
  const back = (await knows.getByToken(token))!;
  assert.deepEqual([back.get("purse"), back.get("n")], [new Money(), 2]);
  lacks.registerType("money", types.money);
  assert.deepEqual((await lacks.getById(id))!.get("purse"), new Money());
});

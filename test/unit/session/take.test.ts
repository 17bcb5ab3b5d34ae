/** One-time values: whoever takes one has it alone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { codeOf, copyOf, turns, visitor, World, type Client } from "../world.js";

/** Who has a code to take. */
const holder = (world: World, data: Record<string, unknown> = { code: "123" }): Promise<Client> =>
  visitor(world, data);

test("a value is taken once: its removal is stored when take resolves, by one storage call and no cookie", async () => {
  const world = new World();
  const client = await holder(world);
  const { calls, cookies } = await client.ask(async (session) => {
    assert.equal(await session.take("code"), "123");
    assert.equal((await world.store.getByToken(client.token!))!.has("code"), false, "gone before the response");
    assert.equal(session.has("code"), false);
    assert.equal(await session.take("code"), undefined);
  });
  assert.deepEqual([calls, cookies], [["get", "update", "get"], []], "the second get is the look of this test");
});

test("what is not there costs no storage call", async () => {
  const client = await holder(new World());
  const { calls } = await client.ask(async (session) => assert.equal(await session.take("nothing"), undefined));
  assert.deepEqual(calls, ["get"]);
});

test("of two overlapping requests one gets the value, whichever read first", async () => {
  const world = new World();
  const client = await holder(world, { code: { n: 1 }, other: 1 });
  const got: unknown[] = [];
  const gate = world.storage.park("update");
  const slow = copyOf(client).ask(async (session) => void got.push(await session.take("code")));
  await gate.reached;
  world.storage.heal();
  await client.ask(async (session) => void got.push(await session.take("code")));
  gate.release();
  const { error } = await slow;
  assert.equal(error, undefined);
  assert.deepEqual(got, [{ n: 1 }, undefined]);
});

test("a value that another request replaced meanwhile is the one that is taken", async () => {
  const world = new World();
  const client = await holder(world);
  let taken: unknown;
  await copyOf(client).ask(async (session) => {
    await client.ask((other) => other.set("code", "456"));
    taken = await session.take("code");
  });
  assert.equal(taken, "456");
  assert.equal((await client.ask()).session!.has("code"), false);
});

test("changes of the same request are saved too; a key set again after it is kept", async () => {
  const world = new World();
  const client = await holder(world);
  await client.ask(async (session) => {
    session.set("a", 1);
    const taking = session.take("code");
    session.set("code", "new");
    assert.equal(await taking, "123");
  });
  assert.deepEqual((await client.ask()).session!.toJSON(), { a: 1, code: "new" });
});

test("a value set in the same request can be taken; an object is the handler's own", async () => {
  const world = new World();
  const client = await holder(world, { list: [1] });
  await client.ask(async (session) => {
    session.get("list").push(2);
    assert.deepEqual(await session.take("list"), [1, 2]);
  });
  const { calls } = await world.client().ask(async (session) => {
    session.set("code", 1);
    assert.equal(await session.take("code"), 1);
  });
  assert.deepEqual(calls, [], "of a session that is not stored nobody else can take anything");
});

test("take after regenerate renews first: the old token cannot take it again", async () => {
  const world = new World();
  const client = await holder(world);
  const old = copyOf(client);
  await client.ask(async (session) => {
    await session.regenerate();
    assert.equal(await session.take("code"), "123");
  });
  assert.equal(
    (await old.ask(async (session) => assert.equal(await session.take("code"), undefined))).error,
    undefined,
  );
});

test("take during a save: one more write, or none", async () => {
  const world = new World();
  const client = await holder(world);
  const { calls } = await client.ask(async (session) => {
    session.set("a", 1);
    const saving = session.save();
    assert.equal(await session.take("code"), "123");
    await saving;
  });
  assert.deepEqual(calls, ["get", "update", "get"], "the save carries it; its cookie is looked at again");
  assert.deepEqual((await client.ask()).session!.toJSON(), { a: 1 });
});

test("a storage that fails: no request gets the value, and it is available for the next attempt", async () => {
  const world = new World();
  const client = await holder(world);
  await client.ask(async (session) => {
    world.storage.fail("update");
    assert.equal(await codeOf(() => session.take("code")), "storage");
    world.storage.heal();
    assert.equal(session.get("code"), "123");
  });
  assert.equal((await client.ask()).session!.get("code"), "123");
});

test("a session that was ended meanwhile gives nothing away", async () => {
  const world = new World();
  const client = await holder(world);
  const code = await new Promise((resolve) => {
    void copyOf(client).ask(async (session) => {
      await client.ask((other) => other.destroy());
      resolve(await codeOf(() => session.take("code")));
    });
  });
  await turns();
  assert.equal(code, "ended");
});

test("a key that is no string is a TypeError", async () => {
  await new World().client().ask(async (session) => {
    assert.throws(() => session.take(1 as never), TypeError);
  });
});

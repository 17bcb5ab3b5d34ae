import assert from "node:assert/strict";
import { test } from "node:test";
import { RefreshPauses } from "#dist/session/expiry.js";
import { passing, World, type Client } from "../world.js";

const MINUTE = 60_000;

async function visitor(world: World): Promise<Client> {
  const client = world.client();
  await client.ask((session) => session.set("n", 1));
  return client;
}

/** Reads as a page does; whatever happens the session must be there. A cookie would tell of a deadline that moved. */
async function reads(client: Client): Promise<readonly string[]> {
  const { calls, error, cookies, session } = await client.ask();
  assert.equal(error, undefined);
  assert.equal(session!.get("n"), 1);
  return cookies.length > 0 ? [...calls, "cookie"] : calls;
}

for (const how of ["fail", "failAfter"] as const) {
  test(`a database that takes no writes (${how}): reads are served until the stored deadline, with one try and one event per refresh interval`, async () => {
    const world = new World({ idleTimeout: "30m", refreshInterval: "3m" });
    const client = await visitor(world);
    const id = (await client.ask()).session!.id;
    world.clock.advance("3m");
    world.storage[how]("touch", "update", "create", "delete");
    for (let minute = 3; minute < 30; minute++) {
      const isTry = minute % 3 === 0;
      assert.deepEqual(await reads(client), isTry ? ["get", "touch"] : ["get"], `minute ${minute}`);
      const events = world.events.splice(0);
      assert.equal(events.length, isTry ? 1 : 0);
      for (const event of events)
        assert.deepEqual(
          [event.type, event.id, (event.cause as { code: string }).code],
          ["refresh-failed", id, "storage"],
        );
      for (let i = 0; i < 3; i++) assert.deepEqual(await reads(client), ["get"], "and not again on the next request");
      world.clock.advance(MINUTE);
    }
    if (how === "failAfter") return;
    assert.equal((await client.ask()).session!.get("n"), undefined, "the stored deadline stands");
  });
}

test("once the database takes writes again the deadline moves, and the cookie with it", async () => {
  const world = new World({ idleTimeout: "30m", refreshInterval: "3m" });
  const client = await visitor(world);
  world.clock.advance("5m");
  world.storage.fail("touch");
  await reads(client);
  world.storage.heal();
  assert.deepEqual(await reads(client), ["get"]);
  world.clock.advance("3m");
  const { calls, cookies } = await client.ask();
  assert.deepEqual([calls, cookies.length], [["get", "touch"], 1]);
  assert.deepEqual(world.happened(), ["refresh-failed"]);
  world.clock.advance("29m");
  assert.deepEqual(await reads(client), ["get", "touch", "cookie"]);
});

test("a refresh without a response from the storage is waited for once per refresh interval, and the request is served", async () => {
  const world = new World({ idleTimeout: "30m", refreshInterval: "3m", storageTimeout: "2s", commitTimeout: "5s" });
  const client = await visitor(world);
  world.clock.advance("3m");
  world.storage.hang("touch");
  const began = world.clock.now();
  const { error, session, calls } = await passing(world.clock, client.ask(), 100);
  assert.deepEqual([error, session!.get("n"), calls], [undefined, 1, ["get", "touch"]]);
  assert.ok(world.clock.now() - began <= 2200);
  assert.deepEqual(world.happened(), ["refresh-failed"]);
  assert.deepEqual(await reads(client), ["get"]);
});

test("a refresh that must write the record (the client knows another deadline) fails in the same way", async () => {
  const world = new World({ idleTimeout: "30m", refreshInterval: "3m" });
  const client = await visitor(world);
  const id = (await client.ask()).session!.id;
  world.clock.advance("1m");
  await world.store.edit(id, (session) => session.set("other", 1));
  world.clock.advance("2m");
  world.storage.fail("update", "touch");
  assert.deepEqual(await reads(client), ["get", "update"]);
  assert.deepEqual(world.happened(), ["refresh-failed"]);
  assert.deepEqual(await reads(client), ["get"]);
  world.storage.heal();
  assert.deepEqual((await client.ask((session) => session.set("n", 2))).calls, ["get", "update"]);
  assert.equal((await client.ask()).session!.get("n"), 2);
});

test("a write is not a refresh: if it cannot be stored the request fails", async () => {
  const world = new World({ idleTimeout: "30m", refreshInterval: "3m" });
  const client = await visitor(world);
  world.clock.advance("3m");
  world.storage.fail("touch", "update");
  await reads(client);
  assert.equal((await client.ask((session) => session.set("n", 2))).error.code, "storage");
  assert.equal((await client.ask((session) => session.save())).error.code, "storage");
  assert.equal((await client.ask()).session!.get("n"), 1);
});

test("a refresh that failed does not keep a write of the same request from being merged and stored", async () => {
  const world = new World({ idleTimeout: "30m", refreshInterval: "3m" });
  const client = await visitor(world);
  world.clock.advance("3m");
  world.storage.fail("touch");
  const { error } = await client.ask(
    () => {},
    {},
    async (session) => {
      world.storage.heal();
      session.set("n", 2);
    },
  );
  assert.equal(error, undefined);
  assert.equal((await client.ask()).session!.get("n"), 2);
});

test("one session whose refresh is refused keeps no other from being refreshed", async () => {
  const world = new World({ idleTimeout: "30m", refreshInterval: "3m" });
  const [one, other] = [await visitor(world), await visitor(world)];
  world.clock.advance("3m");
  world.storage.fail("touch");
  await reads(one);
  world.storage.heal();
  assert.deepEqual((await other.ask()).calls, ["get", "touch"]);
  assert.deepEqual(await reads(one), ["get"]);
});

test("with a refresh on every request, a refused refresh is tried once a second, not on every request", async () => {
  const world = new World({ idleTimeout: "30m", refreshInterval: 0 });
  const client = await visitor(world);
  world.clock.advance(1);
  world.storage.fail("touch");
  assert.deepEqual([await reads(client), await reads(client)], [["get", "touch"], ["get"]]);
  world.clock.advance(1000);
  assert.deepEqual(await reads(client), ["get", "touch"]);
});

test("where the refresh interval leaves no time for another, it is tried again before the session ends", async () => {
  const world = new World({ idleTimeout: "30m", refreshInterval: "29m" });
  const client = await visitor(world);
  world.clock.advance("29m");
  world.storage.fail("touch");
  await reads(client);
  assert.deepEqual(await reads(client), ["get"]);
  world.storage.heal();
  world.clock.advance(15_000);
  assert.deepEqual((await client.ask()).calls, ["get", "touch"]);
  world.clock.advance("29m");
  assert.deepEqual(await reads(client), ["get", "touch", "cookie"]);
});

test("what is remembered is bounded: where very many sessions are refused, none is tried for an interval", () => {
  const pauses = new RefreshPauses(3);
  for (const name of ["a", "b", "c"]) pauses.add(name, 5000, 0);
  assert.equal(pauses.includes("d", 0), false);
  pauses.add("d", 5000, 1000);
  assert.deepEqual(
    ["a", "d", "e"].map((name) => pauses.includes(name, 5999)),
    [true, true, true],
  );
  assert.deepEqual(
    ["a", "d", "e"].map((name) => pauses.includes(name, 6000)),
    [false, false, false],
  );
  for (const name of ["d", "e", "f"]) pauses.add(name, 5000, 6000);
  assert.equal(pauses.includes("g", 6000), false, "what is over was forgotten");
  pauses.add("d", 5000, 7000);
  assert.deepEqual(
    [pauses.includes("d", 11_999), pauses.includes("g", 11_999)],
    [true, false],
    "the same one again takes no more room",
  );
});

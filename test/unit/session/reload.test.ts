/** What lives longer than a request reads anew what others have stored. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { codeOf, World } from "../world.js";

async function opened(data: Record<string, unknown> = { n: 1, list: [1] }) {
  const world = new World();
  const { token } = await world.store.create(data);
  const held = (await world.store.getByToken(token))!;
  const other = (await world.store.getByToken(token))!;
  return { world, token, held, other };
}

test("reload shows what another has stored, for one storage call", async () => {
  const { held, other, world } = await opened();
  held.get("list");
  other.set("n", 2);
  other.get("list").push(2);
  await other.save();
  assert.equal(held.get("n"), 1);
  const before = world.storage.calls.length;
  await held.reload();
  assert.deepEqual(held.toJSON(), { n: 2, list: [1, 2] });
  assert.deepEqual(
    world.storage.calls.slice(before).map(({ name }) => name),
    ["get"],
  );
});

test("unsaved changes are kept and replayed, changes in place as well", async () => {
  const { held, other } = await opened();
  held.update("n", (n: number) => n + 10);
  held.get("list").push("mine");
  held.set("a", 1);
  other.set("n", 2);
  other.set("b", 2);
  await other.save();
  await held.reload();
  assert.deepEqual(held.toJSON(), { n: 12, list: [1, "mine"], b: 2, a: 1 });
  await held.save();
  await other.reload();
  assert.deepEqual(other.toJSON(), { n: 12, list: [1, "mine"], b: 2, a: 1 });
});

test("discard drops them", async () => {
  const { held, other } = await opened();
  held.set("n", 10);
  held.get("list").push("mine");
  other.set("b", 2);
  await other.save();
  await held.reload({ discard: true });
  assert.deepEqual(held.toJSON(), { n: 1, list: [1], b: 2 });
});

test("a write after a reload needs no second try", async () => {
  const { held, other, world } = await opened();
  other.set("n", 2);
  await other.save();
  await held.reload();
  const before = world.storage.calls.length;
  held.set("n", 3);
  await held.save();
  assert.deepEqual(
    world.storage.calls.slice(before).map(({ name }) => name),
    ["update"],
  );
});

test("a session that was ended, renewed or has expired: ended, and nothing can be written any more", async () => {
  for (const end of ["destroy", "regenerate", "expire"] as const) {
    const { held, other, world } = await opened();
    if (end === "destroy") await other.destroy();
    if (end === "regenerate") await other.regenerate().then(() => other.save());
    if (end === "expire") world.clock.advance("31m");
    assert.equal(await codeOf(() => held.reload()), "ended", end);
    assert.throws(() => held.set("n", 5), { code: "ended" }, end);
  }
});

test("a storage that fails: the session is as it was", async () => {
  const { held, world } = await opened();
  held.set("n", 7);
  world.storage.fail("get");
  assert.equal(await codeOf(() => held.reload()), "storage");
  world.storage.heal();
  assert.equal(held.get("n"), 7);
  await held.save();
});

test("a session that is not stored has nothing to read", async () => {
  const { calls } = await new World().client().ask(async (session) => {
    assert.equal(session.isStored, false);
    session.set("n", 1);
    await session.reload();
    assert.equal(session.get("n"), 1);
    await session.save();
    assert.equal(session.isStored, true);
  });
  assert.deepEqual(calls, ["create"]);
});

test("options that do not exist are refused", async () => {
  const { held } = await opened();
  assert.throws(() => held.reload({ force: true } as never), TypeError);
  assert.throws(() => held.reload({ discard: 1 } as never), TypeError);
});

import assert from "node:assert/strict";
import { within } from "../../support/within.js";
import { PATIENCE } from "./processes.js";
import { MOST_SESSIONS } from "./server-options.js";
import type { Story } from "./stories.js";
import type { Answer, Person, World } from "./world.js";

/** Nobody of another story. */
const somebody = (world: World): string => `ann of ${world.gate()}`;

/** A person who has logged in. */
async function member(world: World, owner: string): Promise<Person> {
  const person = await world.person();
  assert.equal((await person.send(world.a, ["authenticate", owner])).status, 200);
  return person;
}

const endAll = (world: World, owner: string, except?: string): Promise<number> =>
  world.b.tell("deleteByOwner", world.column, owner, except);
const listed = (world: World, owner: string): Promise<string[]> => world.b.tell("listByOwner", world.column, owner);

/** Two servers and the sessions of one owner. */
export const OWNER_STORIES: readonly Story[] = [
  {
    name: "owners: a list of devices is the same on both servers, and one is ended from the other",
    async play(world) {
      const owner = somebody(world);
      const [phone, laptop] = [await member(world, owner), await member(world, owner)];
      const ids = [await phone.id(world.a), await laptop.id(world.a)];
      assert.deepEqual(
        [await listed(world, owner), await world.a.tell("listByOwner", world.column, owner)],
        [ids, ids],
      );
      assert.equal(await world.b.tell("delete", world.column, ids[0]), true);
      await world.opensNothing(phone.cookie);
      assert.deepEqual(await listed(world, owner), [ids[1]]);
      assert.equal(await endAll(world, owner, ids[1]), 0);
      assert.deepEqual(await world.seen(laptop.cookie), { name: "Ann" });
    },
  },
  {
    name: "owners: an actor returns on the other server, with the data of before; the user's data is not in it",
    async play(world) {
      const [actor, user] = [somebody(world), `bob of ${world.gate()}`];
      const person = await member(world, actor);
      const before = person.cookie;
      await person.send(world.a, ["actAs", user, actor], ["set", "theirs", 1]);
      const acting = person.cookie;
      assert.deepEqual(await world.seen(acting), { theirs: 1 });
      const ids = await listed(world, user);
      assert.deepEqual([ids.length, await listed(world, actor)], [1, ids]);
      await person.send(world.b, ["endImpersonation"]);
      await world.opensNothing(before, acting);
      assert.deepEqual(await world.seen(person.cookie), { name: "Ann" });
      assert.deepEqual(await listed(world, user), []);
    },
  },
  ...(["create", "update"] as const).map(
    (call): Story => ({
      name: `owners: all sessions of an actor ended on the other server before the ${call} of the return: it is refused`,
      async play(world) {
        const [actor, user] = [somebody(world), `bob of ${world.gate()}`];
        const person = await member(world, actor);
        await person.send(world.a, ["actAs", user, actor]);
        const acting = person.cookie;
        const back = await person.heldAt(world.a, "before", call, ["endImpersonation"]);
        assert.equal(await endAll(world, actor), 1);
        const { status, code, cookie } = await back.letGo();
        assert.deepEqual({ status, code, cookie }, { status: 409, code: "ended", cookie: undefined });
        await world.opensNothing(acting);
        for (const owner of [actor, user]) assert.deepEqual(await listed(world, owner), []);
      },
    }),
  ),
  ...(["create", "update"] as const).map(
    (call): Story => ({
      name: `owners: all sessions ended on the other server while a login stands before its ${call}: it is refused`,
      async play(world) {
        const owner = somebody(world);
        const [member_, visitor] = [await member(world, owner), await world.person({ cart: "tea" })];
        const before = visitor.cookie;
        const login = await visitor.heldAt(world.a, "before", call, ["authenticate", owner]);
        assert.equal(await endAll(world, owner), 1);
        const { status, code, cookie } = await login.letGo();
        assert.deepEqual({ status, code, cookie }, { status: 409, code: "ended", cookie: undefined });
        await world.opensNothing(member_.cookie);
        assert.deepEqual([await listed(world, owner), await world.seen(before)], [[], { cart: "tea" }]);
      },
    }),
  ),
  ...(["before", "after"] as const).map(
    (when): Story => ({
      name: `owners: all sessions ended on the other server ${when} one of them is stored anew: what it was renewed to is ended too`,
      async play(world) {
        const owner = somebody(world);
        const person = await member(world, owner);
        const old = person.cookie;
        const renewal = await person.heldAt(world.a, when, "create", ["regenerate"], ["save"]);
        assert.equal(await endAll(world, owner), 1);
        const { status, code, cookie } = await renewal.letGo();
        assert.deepEqual({ status, code, cookie }, { status: 409, code: "ended", cookie: undefined });
        await world.opensNothing(old);
        assert.deepEqual(await listed(world, owner), []);
      },
    }),
  ),
  {
    name: "owners: all others ended from a session that is renewed meanwhile: that one lives",
    async play(world) {
      const owner = somebody(world);
      const [here, other] = [await member(world, owner), await member(world, owner)];
      const id = await here.id(world.a);
      assert.equal((await here.send(world.a, ["regenerate"])).status, 200);
      assert.equal(await endAll(world, owner, id), 1);
      await world.opensNothing(other.cookie);
      assert.deepEqual(await world.seen(here.cookie), { name: "Ann" });
    },
  },
  {
    name: "owners: many logins at once on both servers: the limit holds",
    async play(world) {
      const owner = somebody(world);
      const { a, b } = world;
      const logins = Promise.all(
        Array.from({ length: 12 }, (_, i) => world.send(i % 2 ? a : b, undefined, [["authenticate", owner]])),
      );
      const answers: Answer[] = await within(PATIENCE, "many logins", logins);
      for (const { status, code, cookie } of answers)
        if (status !== 200) assert.deepEqual([status, code, cookie], [409, "ended", undefined]);
      const live = await Promise.all(
        answers.map(
          async ({ noted, cookie }) =>
            cookie !== undefined && (await world.send(a, cookie, [["owner"]])).noted[0] === owner && noted,
        ),
      );
      assert.equal(live.filter(Boolean).length, MOST_SESSIONS);
      assert.equal((await listed(world, owner)).length, MOST_SESSIONS);
    },
  },
];

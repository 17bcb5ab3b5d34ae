/** How long a session lasts by its login: "remember me", and a cookie that ends with the browser. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { codeOf, World, type Client } from "../world.js";

const DAY = 24 * 60 * 60_000;
const REMEMBERED = { idleTimeout: "30d", absoluteTimeout: "90d" } as const;

async function loggedIn(world: World, options: object): Promise<Client> {
  const client = world.client();
  const { error } = await client.ask((session) => session.authenticate("ann", options));
  assert.equal(error, undefined);
  return client;
}

const maxAgeOf = (cookies: readonly string[]): number | undefined => {
  const age = /; Max-Age=(\d+)/.exec(cookies.join())?.[1];
  return age === undefined ? undefined : Number(age);
};

test("remembered: weeks without a visit, but not beyond the absolute timeout", async () => {
  const world = new World({ absoluteTimeout: "1d" });
  const client = await loggedIn(world, REMEMBERED);
  for (let days = 0; days < 87; days += 29) {
    world.clock.advance("29d");
    const { session, cookies } = await client.ask();
    assert.equal(session!.owner, "ann", `after ${days + 29} days`);
    assert.equal(maxAgeOf(cookies), days + 29 < 87 ? (30 * DAY) / 1000 : (3 * DAY) / 1000);
  }
  world.clock.advance("3d");
  assert.equal((await client.ask()).session!.owner, undefined);
});

test("the terms are kept through renewals, and through a step-up without terms", async () => {
  const world = new World({ absoluteTimeout: "1d" });
  const client = await loggedIn(world, { ...REMEMBERED, sessionOnly: true });
  world.clock.advance("10d");
  const renewed = await client.ask((session) => session.regenerate());
  assert.equal(renewed.cookies.length, 1);
  assert.equal(maxAgeOf(renewed.cookies), undefined);
  assert.equal(
    renewed.session!.absoluteExpiresAt! - world.clock.now(),
    80 * DAY,
    "a renewal does not move the absolute deadline",
  );
  const stepped = await client.ask((session) => session.authenticate("ann"));
  assert.equal(stepped.session!.absoluteExpiresAt! - world.clock.now(), 90 * DAY);
  assert.equal(stepped.session!.idleExpiresAt - world.clock.now(), 30 * DAY);
  assert.equal(maxAgeOf(stepped.cookies), undefined);
});

test("a login with terms replaces all three; a login of another owner starts as configured", async () => {
  const world = new World({ absoluteTimeout: "1d" });
  const client = await loggedIn(world, REMEMBERED);
  const once = await client.ask((session) => session.authenticate("ann", { sessionOnly: true }));
  assert.equal(once.session!.absoluteExpiresAt! - world.clock.now(), DAY);
  assert.equal(once.session!.idleExpiresAt - world.clock.now(), 30 * 60_000);
  assert.equal(maxAgeOf(once.cookies), undefined);
  const other = await client.ask((session) => session.authenticate("bob"));
  assert.equal(maxAgeOf(other.cookies), 30 * 60);
});

test("sessionOnly is of the session: false sends Max-Age although the cookie options say otherwise", async () => {
  const world = new World({ cookie: { sessionOnly: true } });
  const client = world.client();
  assert.equal(maxAgeOf((await client.ask((session) => session.authenticate("ann"))).cookies), undefined);
  const { cookies } = await client.ask((session) =>
    session.authenticate("ann", { ...REMEMBERED, sessionOnly: false }),
  );
  assert.equal(maxAgeOf(cookies), (30 * DAY) / 1000);
});

test("a refresh sends a cookie of the same kind, and the store's list knows when it was used", async () => {
  const world = new World();
  const client = await loggedIn(world, { sessionOnly: true });
  world.clock.advance("10m");
  const { cookies } = await client.ask();
  assert.equal(cookies.length, 1);
  assert.equal(maxAgeOf(cookies), undefined);
});

test("reset begins as configured", async () => {
  const world = new World();
  const client = await loggedIn(world, REMEMBERED);
  const { cookies } = await client.ask(async (session) => {
    await session.reset();
    session.set("n", 1);
  });
  assert.equal(maxAgeOf(cookies), 30 * 60);
});

test("keep: only these keys are kept, and none of another owner's; a login that fails keeps all", async () => {
  const world = new World({ maxSessionsPerOwner: { max: 1, policy: "refuse" } });
  const client = world.client();
  await client.ask((session) => (session.set("cart", [1]), session.set("seen", 2)));
  await world.store.create({}, { owner: "bob" });
  await client.ask(async (session) => {
    assert.equal(await codeOf(() => session.authenticate("bob", { keep: ["cart"] })), "too-many-sessions");
    assert.deepEqual(session.toJSON(), { cart: [1], seen: 2 });
    await session.authenticate("ann", { keep: ["cart"] });
    assert.deepEqual(session.toJSON(), { cart: [1] });
    await session.authenticate("cid", { keep: ["cart"] });
    assert.deepEqual(session.toJSON(), {});
  });
});

test("store.create takes the same", async () => {
  const world = new World({ absoluteTimeout: "1d" });
  const { absoluteExpiresAt } = await world.store.create({ n: 1 }, { owner: "ann", ...REMEMBERED });
  assert.equal(absoluteExpiresAt! - world.clock.now(), 90 * DAY);
  await assert.rejects(world.store.create({}, { absoluteTimeout: "2d" }), TypeError);
});

test("invalid options are refused at the call, and the error says what to write", async () => {
  const world = new World({ absoluteTimeout: "1d" });
  await world.client().ask(async (session) => {
    const refused: [object, RegExp | typeof TypeError][] = [
      [{ idleTimeout: "401d" }, /at most "400d"/],
      [{ absoluteTimeout: "401d" }, /at most "400d"/],
      [{ idleTimeout: 10 }, /idleTimeout/],
      [{ idleTimeout: "30d" }, /give an absoluteTimeout as well/],
      [{ sessionOnly: "yes" }, /sessionOnly/],
      [{ keep: "cart" }, /keep/],
      [{ keep: [1] }, /keep/],
      [{ remember: true }, /remember/],
    ];
    for (const [options, expected] of refused) {
      await assert.rejects(async () => session.authenticate("ann", options), expected, JSON.stringify(options));
    }
    assert.equal(session.owner, undefined);
  });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { passing, World, type Client } from "../unit/world.js";
import type { CallName } from "../support/storages.js";

const opens = async (world: World, token: string): Promise<boolean> =>
  (await world.store.getByToken(token)) !== undefined;

async function visitor(world: World, data: Record<string, unknown> = { n: 1 }): Promise<Client> {
  const client = world.client();
  await client.ask((session) => Object.entries(data).forEach(([key, value]) => session.set(key, value)));
  return client;
}

test("attack 7: an attacker's anonymous session, tossed to a victim who logs in: the token changes, the old one is invalid", async () => {
  const world = new World();
  const attacker = await visitor(world, { cart: ["planted"], evil: true });
  const victim = world.client();
  victim.jar.set("session_id", attacker.token!);
  await victim.ask(async (session) => {
    await session.regenerate(["cart"]);
    session.set("user", "victim");
  });
  assert.notEqual(victim.token, attacker.token);
  const { session } = await attacker.ask();
  assert.deepEqual(session!.keys(), []);
  assert.equal(await opens(world, attacker.token!), false);
  assert.deepEqual(
    (await victim.ask()).session!.toJSON(),
    { cart: ["planted"], user: "victim" },
    "only what was named is carried",
  );
});

test("attack 8: an attacker's authenticated session, tossed to a victim who logs in with reset(): nothing of it is left", async () => {
  const world = new World();
  const attacker = await visitor(world, { user: "attacker", role: "admin" });
  const victim = world.client();
  victim.jar.set("session_id", attacker.token!);
  await victim.ask(async (session) => {
    await session.reset();
    session.set("user", "victim");
  });
  assert.deepEqual((await victim.ask()).session!.toJSON(), { user: "victim" });
  assert.equal(await opens(world, attacker.token!), false);
});

test("attack 10: a token is never resurrected, after destroy nor after expiry", async () => {
  for (const end of [
    (client: Client) => client.ask((session) => session.destroy()),
    async (client: Client) => client.world.clock.advance("31m"),
  ]) {
    const world = new World();
    const client = await visitor(world);
    const { token } = client;
    await end(client);
    client.jar.set("session_id", token!);
    await client.ask((session) => session.set("n", 2));
    assert.notEqual(client.token, token);
    assert.equal(await opens(world, token!), false);
  }
});

test("attack 13: a renewal does not prolong the absolute deadline", async () => {
  const world = new World({ absoluteTimeout: "1h" });
  const client = await visitor(world);
  const { absoluteExpiresAt } = (await client.ask()).session!;
  world.clock.advance("20m");
  await client.ask((session) => session.regenerate());
  assert.equal((await client.ask()).session!.absoluteExpiresAt, absoluteExpiresAt);
});

const FAULTS = ["fail", "failAfter", "hang"] as const;
const VERBS = {
  regenerate: async (session: any) => {
    await session.regenerate();
    session.set("user", 1);
  },
  reset: async (session: any) => {
    await session.reset();
    session.set("user", 1);
  },
} as const;

for (const [name, verb] of Object.entries(VERBS)) {
  for (const fault of FAULTS) {
    for (const call of ["create", "update", "delete", "get"] as readonly CallName[]) {
      test(`attack 14: ${name}, where ${call} does ${fault}: the old token or the new one or none, never both; no cookie for what is not stored`, async () => {
        const world = new World();
        const client = await visitor(world);
        const old = client.token!;
        let next = "";
        const asking = client.ask(async (session) => {
          world.storage[fault](call);
          await verb(session);
          next = session.token;
        });
        const { error, cookies } = await passing(world.clock, asking, 50);
        world.storage.heal();
        if (error) {
          assert.deepEqual(cookies, []);
          assert.equal(client.token, old, "the client knows no other token");
          assert.ok(!((await opens(world, old)) && (await opens(world, next))), "both open a session");
        } else {
          assert.deepEqual([await opens(world, old), await opens(world, client.token!)], [false, true]);
        }
        if (fault === "fail" && call === "create")
          assert.equal(
            await opens(world, old),
            true,
            "a failure known not to have taken effect leaves the old session",
          );
      });
    }
  }
}

test("attack 100: unknown, expired, destroyed, malformed and foreign tokens get the same response", async () => {
  const world = new World({ idleTimeout: "1m" });
  const other = new World({ namespace: "other", storage: world.storage });
  const [expired, destroyed, foreign] = [
    await world.store.create({ n: 1 }),
    await world.store.create({ n: 1 }),
    await other.store.create({ n: 1 }),
  ];
  await world.store.delete(destroyed.id);
  world.clock.advance("1m");
  const answers = [];
  for (const token of ["A".repeat(43), expired.token, destroyed.token, foreign.token, "malformed", ""]) {
    const { error, cookies, headers, session } = await world
      .client()
      .ask((own) => void own.get("n"), { cookie: `session_id=${token}` });
    answers.push(
      JSON.stringify({ error, cookies, headers: [...headers], keys: session!.keys(), fresh: session!.fresh }),
    );
  }
  assert.equal(new Set(answers).size, 1, answers.join("\n"));
});

test("attack 102: getByToken of a hostile string: undefined, and no storage call", async () => {
  const world = new World();
  for (const hostile of [
    "",
    "*",
    "holdfast:*",
    "A".repeat(42),
    "A".repeat(44),
    "\u0000".repeat(43),
    "a".repeat(1_000_000),
    null,
    undefined,
    5,
    {},
    [],
    { $ne: null },
  ]) {
    assert.equal(await world.store.getByToken(hostile as string), undefined);
  }
  assert.deepEqual(world.storage.calls, []);
});

test("attacks 101, 104: a dump of the storage cannot be replayed", async () => {
  const world = new World();
  await visitor(world);
  const { key, entry } = world.storage.calls.find(({ name }) => name === "create")!;
  for (const stolen of [key, key.slice("holdfast:".length), `id_${key.slice("holdfast:".length)}`, entry!.value]) {
    assert.deepEqual((await world.client().ask(() => {}, { cookie: `session_id=${stolen}` })).session!.keys(), []);
  }
});

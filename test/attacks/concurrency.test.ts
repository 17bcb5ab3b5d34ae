import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { test } from "node:test";
import type { RequestSession } from "#dist/session/request-session.js";
import { codeOf, FakeHeaders, passing, World, type Client, type Live } from "../unit/world.js";

async function visitor(world: World, data: Record<string, unknown> = { n: 0 }): Promise<Client> {
  const client = world.client();
  await client.ask((session) => Object.entries(data).forEach(([key, value]) => session.set(key, value)));
  return client;
}

/** A request that is open and goes on when it is told to. */
async function opened(
  client: Client,
): Promise<{ session: Live; requestSession: RequestSession; end(): Promise<readonly string[]> }> {
  const requestSession = client.world.requestSession({ cookie: `session_id=${client.token}` });
  const session = (await requestSession.open()) as Live;
  const end = async (): Promise<readonly string[]> => {
    await requestSession.commit();
    const headers = new FakeHeaders();
    requestSession.writeHeaders(headers);
    await requestSession.finish();
    return headers.lines;
  };
  return { session, requestSession, end };
}

const opens = async (world: World, token: string): Promise<boolean> =>
  (await world.store.getByToken(token)) !== undefined;

test("attack 85: logout while a slow request later saves: the session stays destroyed, for every way of writing", async () => {
  const writes: ((session: Live) => unknown)[] = [
    (s) => s.set("n", 9),
    (s) => s.update("n", (n) => n + 1),
    (s) => s.delete("n"),
    (s) => s.setIdleTimeout("7d"),
    (s) => void s.get("n"),
  ];
  for (const write of writes) {
    const world = new World({ refreshInterval: 0 });
    const client = await visitor(world);
    const token = client.token!;
    const slow = await opened(client);
    world.clock.advance("1s");
    await client.ask((session) => session.destroy());
    await write(slow.session);
    assert.deepEqual(await slow.end(), [], String(write));
    assert.equal(await opens(world, token), false, String(write));
  }
});

test("attack 87: a renewal concurrent with requests that read, write and touch: the old token is invalid, their writes are dropped, no cookie", async () => {
  const world = new World({ refreshInterval: 0 });
  const client = await visitor(world);
  const old = client.token!;
  const [reader, writer, toucher] = [await opened(client), await opened(client), await opened(client)];
  world.clock.advance("1s");
  await client.ask(async (session) => {
    await session.regenerate();
    session.set("user", 1);
  });
  reader.session.get("n");
  writer.session.set("n", 9);
  for (const request of [reader, writer, toucher]) assert.deepEqual(await request.end(), []);
  assert.equal(await opens(world, old), false);
  assert.deepEqual((await client.ask()).session!.toJSON(), { n: 0, user: 1 });
});

test("attack 87: a login loses nothing that another request stored between its read and its save", async () => {
  const world = new World();
  const client = await visitor(world);
  const login = await opened(client);
  await client.ask((session) => session.update("n", (n) => n + 1));
  await login.session.regenerate();
  login.session.update("n", (n) => n + 10);
  const [line] = await login.end();
  const { session } = await world.client().ask(() => {}, { cookie: line!.split(";")[0]! });
  assert.equal(session!.get("n"), 11);
});

test("attack 88: two concurrent logins of one session: never two tokens, one fails with `ended` and no cookie, one subject", async () => {
  for (const verb of ["regenerate", "reset"] as const) {
    const world = new World();
    const client = await visitor(world);
    const [a, b] = [await opened(client), await opened(client)];
    for (const [name, { session }] of Object.entries({ a, b })) {
      await session[verb]();
      session.set("user", name);
    }
    const results = await passing(world.clock, Promise.allSettled([a.end(), b.end()]));
    const won = results.flatMap((result) => (result.status === "fulfilled" ? result.value : []));
    const lost = results.flatMap((result) =>
      result.status === "rejected" ? [(result.reason as { code: string }).code] : [],
    );
    if (verb === "regenerate") assert.deepEqual([won.length, lost], [1, ["ended"]]);
    assert.equal(won.length + lost.length, 2);
    assert.equal(await opens(world, client.token!), false);
    const users = await Promise.all(
      won.map(async (line) =>
        (await world.client().ask(() => {}, { cookie: line.split(";")[0]! })).session!.get("user"),
      ),
    );
    assert.equal(new Set(users).size, users.length, "never one session with two subjects");
  }
});

test("attack 89: twenty concurrent renewals: one successor is live, the others fail with `ended`, no cookie", async () => {
  const world = new World();
  const client = await visitor(world);
  const requests = await Promise.all(Array.from({ length: 20 }, () => opened(client)));
  await Promise.all(requests.map(({ session }) => session.regenerate()));
  const tokens = requests.map(({ session }) => session.token);
  const results = await passing(
    world.clock,
    Promise.all(
      requests.map(({ end }) =>
        end().then(
          (lines) => lines.length,
          (error: { code: string }) => error.code,
        ),
      ),
    ),
  );
  assert.deepEqual(results.filter((result) => result === 1).length, 1);
  assert.deepEqual(new Set(results.filter((result) => result !== 1)), new Set(["ended"]));
  const living = await Promise.all(tokens.map((token) => opens(world, token)));
  assert.equal(living.filter(Boolean).length, 1, "the losers' records are gone");
});

test("attack 90: fifty concurrent requests that write different keys: all values are kept", async () => {
  const world = new World();
  const client = await visitor(world);
  const requests = await Promise.all(Array.from({ length: 50 }, () => opened(client)));
  for (const [i, { session }] of requests.entries()) session.set(`k${i}`, i);
  await passing(world.clock, Promise.all(requests.map(({ end }) => end())));
  assert.equal((await client.ask()).session!.keys().length, 51);
  assert.ok(!world.happened().includes("overwritten"));
});

test("attack 91: fifty concurrent increments are fifty, and a flash message is taken once", async () => {
  const world = new World();
  const client = await visitor(world, { n: 0, flash: "hello" });
  const requests = await Promise.all(Array.from({ length: 50 }, () => opened(client)));
  const takers = new Set<number>();
  for (const [i, { session }] of requests.entries()) {
    session.update("n", (n) => n + 1);
    session.update("taker", (taker) => taker ?? i);
  }
  await passing(world.clock, Promise.all(requests.map(({ end }) => end())));
  for (const [i, { session }] of requests.entries()) if (session.get("taker") === i) takers.add(i);
  const { session } = await client.ask();
  assert.equal(session!.get("n"), 50);
  assert.deepEqual([...takers], [session!.get("taker")], "each request sees what was saved, not what it proposed");
});

test("attack 90: increments with slow and failing responses are counted exactly once each", async () => {
  const world = new World();
  const client = await visitor(world);
  let counted = 0;
  for (let round = 0; round < 20; round++) {
    const [one, two] = [await opened(client), await opened(client)];
    one.session.update("n", (n) => n + 1);
    two.session.update("n", (n) => n + 1);
    world.storage.failAfter("update");
    const first = await codeOf(() => one.session.save());
    assert.equal(first, "storage");
    world.storage.heal();
    await passing(world.clock, Promise.all([one.end(), two.end()]));
    counted += 2;
    assert.equal((await client.ask()).session!.get("n"), counted, `round ${round}`);
  }
});

test("attack 86: a session deleted by the store while requests use it stays deleted", async () => {
  const world = new World();
  const client = await visitor(world);
  const slow = await opened(client);
  const renewing = await opened(client);
  assert.equal(await world.store.delete(slow.session.id), true);
  slow.session.set("n", 1);
  assert.deepEqual(await slow.end(), []);
  await renewing.session.regenerate();
  assert.equal(await codeOf(() => renewing.end()), "ended");
  assert.equal(await opens(world, renewing.session.token), false);
  assert.equal(await opens(world, client.token!), false);
});

test("P1: destroy concurrent with a renewal: whichever is first, no session stays live", async () => {
  for (const isFirst of [true, false]) {
    const world = new World();
    const client = await visitor(world);
    const [login, logout] = [await opened(client), await opened(client)];
    await login.session.regenerate();
    if (isFirst) await logout.session.destroy();
    const renewed = await login.end().catch(() => []);
    if (!isFirst) await logout.session.destroy();
    assert.equal(await opens(world, client.token!), false);
    for (const line of renewed) assert.equal(await opens(world, /=([^;]+)/.exec(line)![1]!), false);
  }
});

test("attack 94: a thousand interleaved requests with separate contexts see only their own session", async () => {
  const world = new World();
  const context = new AsyncLocalStorage<number>();
  const clients = await Promise.all(Array.from({ length: 50 }, (_, i) => visitor(world, { who: i })));
  const requests = Array.from({ length: 1000 }, (_, i) =>
    context.run(i, async () => {
      const who = i % 50;
      const { session, end } = await opened(clients[who]!);
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(session.get("who"), who);
      assert.equal(context.getStore(), i);
      if (i % 10 === 0) session.update("count", (count = 0) => count + 1);
      await end();
      assert.equal(context.getStore(), i);
    }),
  );
  await passing(world.clock, Promise.all(requests));
  for (const [who, client] of clients.entries()) assert.equal((await client.ask()).session!.get("who"), who);
});

test("attack 93: a token used long after its renewal is no session, and an event, each time", async () => {
  const world = new World();
  const client = await visitor(world);
  const stolen = `session_id=${client.token}`;
  await client.ask((session) => session.regenerate());
  world.clock.advance("5m");
  for (let i = 0; i < 2; i++)
    assert.deepEqual((await world.client().ask(() => {}, { cookie: stolen })).session!.keys(), []);
  assert.deepEqual(world.happened(), ["retired-token", "retired-token"]);
});

test("P3: a save that the database client sent twice, with another's write between, is counted once and loses nothing of theirs", async () => {
  const world = new World();
  const client = await visitor(world);
  const { update } = world.storage;
  let resend = true;
  world.storage.update = async (...call) => {
    const written = await update(...call);
    if (!resend || written === false) return written;
    resend = false;
    await world.store.edit((await client.ask()).session!.id, (session) => session.update("n", (n) => n + 100));
    return update(...call);
  };
  const request = await opened(client);
  request.session.update("n", (n) => n + 1);
  await passing(world.clock, request.end());
  assert.deepEqual((await client.ask()).session!.toJSON(), { n: 101 });
  assert.equal(request.session.get("n"), 101);
});

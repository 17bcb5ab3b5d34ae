import assert from "node:assert/strict";
import { test } from "node:test";
import { createStore } from "holdfast";
import { memoryStorage } from "holdfast/storage/memory";
import { codeOf, passing, World, type Client } from "../world.js";

async function visitor(world: World): Promise<Client> {
  const client = world.client();
  await client.ask((session) => session.set("n", 1));
  return client;
}

const isThere = async (client: Client): Promise<boolean> => (await client.ask()).session!.get("n") === 1;
const maxAge = (cookies: readonly string[]): number => Number(/Max-Age=(\d+)/.exec(cookies[0] ?? "")?.[1]);

test("attack 82: a session is live one millisecond before its deadline, and expired at it", async () => {
  for (const [wait, there] of [
    [59_999, true],
    [60_000, false],
    [60_001, false],
  ] as const) {
    const world = new World({ idleTimeout: "1m" });
    const client = await visitor(world);
    world.clock.advance(wait);
    assert.equal(await isThere(client), there, `after ${wait} ms`);
  }
});

test("attack 83: what expired is not revived by a read, a write or a save, and the new session has another token", async () => {
  const world = new World({ idleTimeout: "1m" });
  const client = await visitor(world);
  const { token } = client;
  world.clock.advance("1m");
  const { calls } = await client.ask((session) => session.set("n", 2));
  assert.deepEqual(calls, ["get", "create"]);
  assert.notEqual(client.token, token);
  assert.equal(await world.store.getByToken(token!), undefined);
});

test("attack 82: a session that expires between opening and saving is not revived", async () => {
  for (const change of [(s: any) => s.set("n", 2), (s: any) => void s.get("n")]) {
    const world = new World({ idleTimeout: "1m" });
    const client = await visitor(world);
    const { error, cookies } = await client.ask((session) => {
      change(session);
      world.clock.advance("1m");
    });
    assert.deepEqual([error, cookies], [undefined, []]);
    assert.equal(await world.store.getByToken(client.token!), undefined);
  }
});

test("a refresh concurrent with another request's refresh does not shorten it", async () => {
  const world = new World({ idleTimeout: "10m" });
  const client = await visitor(world);
  world.clock.advance("2m");
  const slow = world.requestSession({ cookie: `session_id=${client.token}` });
  await slow.open();
  world.clock.advance("3m");
  await client.ask();
  const later = (await client.ask()).session!.idleExpiresAt;
  world.clock.set(world.clock.now() - 120_000);
  await slow.commit();
  world.clock.set(world.clock.now() + 120_000);
  assert.ok((await client.ask()).session!.idleExpiresAt >= later);
});

test("an active session lives past its idle timeout, however long", async () => {
  const world = new World({ idleTimeout: "10m" });
  const client = await visitor(world);
  for (let minute = 0; minute < 60; minute += 5) {
    world.clock.advance("5m");
    assert.ok(await isThere(client), `at ${minute} minutes`);
  }
});

test("attack 84: the cookie never outlives the stored deadline, nor the deadline the cookie, by more than a second", async () => {
  const world = new World({ idleTimeout: "30m" });
  const client = await visitor(world);
  let promised = world.clock.now() + 1_800_000;
  for (const wait of [1_000, 100_000, 79_000, 1, 999, 200_000, 181_500, 59_000]) {
    world.clock.advance(wait);
    const { cookies, session } = await client.ask();
    if (cookies.length > 0) promised = world.clock.now() + maxAge(cookies) * 1000;
    const gap = session!.idleExpiresAt - promised;
    assert.ok(gap >= 0 && gap < 1000, `${gap} ms`);
  }
});

test("attack 84: a save without a response moves the deadline, and the next request with a response sends the cookie", async () => {
  const world = new World({ idleTimeout: "30m" });
  const client = await visitor(world);
  for (let minute = 0; minute < 25; minute += 5) {
    world.clock.advance("5m");
    await world.store.edit((await world.store.getByToken(client.token!))!.id, (session) =>
      session.set("job", minute),
    );
  }
  world.clock.advance("2m");
  const { calls, cookies } = await client.ask();
  assert.equal(maxAge(cookies), 1800, "a background save does not starve the cookie");
  assert.deepEqual(calls, ["get", "update"]);
  assert.deepEqual((await client.ask()).calls, ["get"], "once");
});

test("refreshInterval: 0 moves both on every request", async () => {
  const world = new World({ refreshInterval: 0 });
  const client = await visitor(world);
  for (let i = 0; i < 3; i++) {
    world.clock.advance(10);
    const { calls, cookies } = await client.ask();
    assert.deepEqual([calls, maxAge(cookies)], [["get", "touch"], 1800]);
  }
});

test("the default refresh interval is a tenth of the idle timeout, between one second and five minutes", async () => {
  for (const [idleTimeout, interval] of [
    ["5s", 1000],
    ["1m", 6000],
    ["30m", 180_000],
    ["24h", 300_000],
  ] as const) {
    const world = new World({ idleTimeout });
    const client = await visitor(world);
    world.clock.advance(interval - 1);
    assert.deepEqual((await client.ask()).calls, ["get"], idleTimeout);
    world.clock.advance(1);
    assert.deepEqual((await client.ask()).calls, ["get", "touch"], idleTimeout);
  }
});

test("a session's own idle timeout is kept, through writes, refreshes and renewals", async () => {
  const world = new World({ idleTimeout: "30m" });
  const client = await visitor(world);
  const set = await client.ask((session) => session.setIdleTimeout("7d"));
  assert.equal(maxAge(set.cookies), 7 * 86_400);
  world.clock.advance("6d");
  assert.ok(await isThere(client));
  world.clock.advance("6d");
  await client.ask((session) => session.set("m", 1));
  world.clock.advance("6d");
  await client.ask((session) => session.regenerate());
  world.clock.advance("6d");
  assert.ok(await isThere(client));
  world.clock.advance("7d");
  assert.equal(await isThere(client), false);
});

test("a session's own shorter idle timeout ends it sooner, but never while it is used", async () => {
  for (const own of ["1m", "10s", "1s"] as const) {
    const world = new World({ idleTimeout: "30m" });
    const client = await visitor(world);
    const { cookies } = await client.ask((session) => session.setIdleTimeout(own));
    const length = maxAge(cookies) * 1000;
    for (let i = 0; i < 12; i++) {
      world.clock.advance(length / 4);
      assert.ok(await isThere(client), `${own}: in use, at step ${i}`);
    }
    world.clock.advance(length);
    assert.equal(await isThere(client), false, own);
  }
});

test("a session that is used four times per idle timeout never ends by it, whatever the settings", async () => {
  for (const options of [
    { idleTimeout: "1s" },
    { idleTimeout: "2s" },
    { idleTimeout: "7s" },
    { idleTimeout: "1m", refreshInterval: "20s" },
  ] as const) {
    const world = new World(options);
    const client = await visitor(world);
    const idle = (await client.ask()).session!.idleExpiresAt - world.clock.now();
    for (let i = 0; i < 20; i++) {
      world.clock.advance(Math.floor(idle / 4));
      assert.ok(await isThere(client), `${JSON.stringify(options)} at step ${i}`);
    }
  }
});

test("reset begins with the store's idle timeout again", async () => {
  const world = new World({ idleTimeout: "30m" });
  const client = await visitor(world);
  await client.ask((session) => session.setIdleTimeout("7d"));
  const { session } = await client.ask(async (session) => {
    await session.reset();
    session.set("n", 1);
  });
  assert.equal(session!.idleExpiresAt, world.clock.now() + 1_800_000);
});

test("attack 81: the absolute deadline is never exceeded, by touches, writes, saves, renewals or the session's own idle timeout", async () => {
  const world = new World({ idleTimeout: "30m", absoluteTimeout: "1h" });
  const client = await visitor(world);
  const end = world.clock.now() + 3_600_000;
  const uses = [
    (s: any) => void s.get("n"),
    (s: any) => s.set("m", 1),
    (s: any) => s.save(),
    (s: any) => s.regenerate(),
    (s: any) => s.setIdleTimeout("7d"),
  ];
  for (const use of uses) {
    world.clock.advance("11m");
    const { cookies, session } = await client.ask(use);
    assert.equal(session!.absoluteExpiresAt, end);
    assert.ok(session!.idleExpiresAt <= end);
    if (cookies.length > 0) assert.ok(world.clock.now() + maxAge(cookies) * 1000 <= end, "nor is the cookie's");
  }
  world.clock.set(end - 1);
  assert.ok(await isThere(client));
  world.clock.set(end);
  assert.equal(await isThere(client), false);
});

test("a session in use is live until its absolute deadline, and the last step costs one touch", async () => {
  const world = new World({ idleTimeout: "30m", absoluteTimeout: "1h" });
  const client = await visitor(world);
  const touches: number[] = [];
  for (let second = 0; second < 3600; second++) {
    const { calls, session } = await client.ask();
    assert.equal(session!.get("n"), 1, `after ${second} s`);
    if (calls.includes("touch")) touches.push(second);
    world.clock.advance("1s");
  }
  assert.ok(
    touches.every((second, i) => i === 0 || second - touches[i - 1]! >= 180),
    String(touches),
  );
  assert.equal(await isThere(client), false);
});

test("attack 81: a touch storm does not move the absolute deadline", async () => {
  const world = new World({ idleTimeout: "1m", absoluteTimeout: "5m", refreshInterval: 0 });
  const client = await visitor(world);
  let alive = 0;
  for (let second = 1; second <= 600; second++) {
    world.clock.advance("1s");
    if (await isThere(client)) alive = second;
    else break;
  }
  assert.equal(alive, 299);
});

test("Max-Age is whole seconds, rounded down, at least one", async () => {
  const world = new World({ idleTimeout: "30m", absoluteTimeout: "30m", refreshInterval: 0 });
  const client = await visitor(world);
  world.clock.advance(1_800_000 - 1500);
  assert.equal(maxAge((await client.ask((session) => session.save())).cookies), 1);
  world.clock.advance(1000);
  assert.equal(maxAge((await client.ask((session) => session.save())).cookies), 1);
});

test("attack 79: a clock set back does not prolong sessions, one set forward does not end those of other servers", async () => {
  const [mine, clock] = [new World({ idleTimeout: "30m" }), undefined];
  assert.equal(clock, undefined);
  const client = await visitor(mine);
  const deadline = (await client.ask()).session!.idleExpiresAt;
  mine.clock.set(mine.clock.now() - 3_600_000);
  for (const use of [(s: any) => void s.get("n"), (s: any) => s.set("m", 1), (s: any) => s.save()]) {
    await client.ask(use);
    assert.equal((await client.ask()).session!.idleExpiresAt, deadline, "neither later nor earlier");
  }
  mine.clock.set(deadline - 1);
  assert.ok(await isThere(client));
  mine.clock.set(deadline + 86_400_000);
  assert.equal(await isThere(client), false);
  mine.clock.set(deadline - 1);
  assert.ok(await isThere(client), "a server whose clock ran ahead deleted nothing");
});

test("attack 80: servers whose clocks are five minutes apart lose no session and keep none past the deadline by the judging server's clock", async () => {
  const storage = memoryStorage();
  const [early, late] = [new World({ storage, idleTimeout: "10m" }), new World({ storage, idleTimeout: "10m" })];
  late.clock.set(early.clock.now() + 300_000);
  const client = await visitor(late);
  for (let minute = 0; minute < 60; minute += 4) {
    early.clock.advance("4m");
    late.clock.advance("4m");
    const other = early.client();
    other.jar.set("session_id", client.token!);
    assert.ok(await isThere(minute % 8 === 0 ? client : other), `at minute ${minute}`);
  }
  const { idleExpiresAt } = (await client.ask()).session!;
  for (const world of [early, late]) {
    world.clock.set(idleExpiresAt);
    const one = world.client();
    one.jar.set("session_id", client.token!);
    assert.equal(await isThere(one), false);
  }
});

test("a session object older than retiredFor reads again before it writes, and fails if no record is left", async () => {
  const world = new World({ idleTimeout: "24h", retiredFor: "15m" });
  const { id } = await world.store.create({ n: 1 });
  const job = (await world.store.getById(id))!;
  job.set("n", 2);
  world.clock.advance("16m");
  world.storage.forget();
  await job.save();
  assert.deepEqual(
    world.storage.calls.map(({ name }) => name),
    ["get", "update"],
  );

  const late = (await world.store.getById(id))!;
  late.set("n", 3);
  await world.store.delete(id);
  world.clock.advance("16m");
  assert.equal(await codeOf(() => late.save()), "ended");

  const client = await visitor(world);
  const { error } = await client.ask(async (session) => {
    session.set("n", 2);
    await world.store.delete(session.id);
    world.clock.advance("16m");
  });
  assert.equal(error?.code, "ended", "at the end of a request, too: its marker may be forgotten");
});

// storage that is slow or gone

test("attacks 70, 71: a storage call without a response is aborted after storageTimeout, for every session method", async () => {
  for (const [call, verb] of [
    ["get", () => {}],
    ["update", (s: any) => s.set("n", 2)],
    ["delete", (s: any) => s.destroy()],
    ["create", (s: any) => s.regenerate()],
    ["update", (s: any) => s.regenerate()],
    ["delete", (s: any) => s.reset()],
  ] as const) {
    const world = new World();
    const client = await visitor(world);
    world.storage.hang(call);
    const start = world.clock.now();
    const { error, cookies } = await passing(world.clock, client.ask(verb), 50);
    assert.equal(error?.code, "timeout", call);
    assert.equal(error.status, 503);
    assert.deepEqual(cookies, []);
    assert.ok(world.clock.now() - start <= 5100, `${world.clock.now() - start} ms in all`);
    assert.equal(world.clock.timers, 0, "no timer is left");
  }
});

test("a touch without a response is aborted in time, and the request is served", async () => {
  const world = new World();
  const client = await visitor(world);
  world.clock.advance("10m");
  world.storage.hang("touch");
  const start = world.clock.now();
  const { error, cookies } = await passing(world.clock, client.ask(), 50);
  assert.deepEqual([error, cookies], [undefined, []]);
  assert.ok(world.clock.now() - start <= 2100, `${world.clock.now() - start} ms`);
  assert.deepEqual(world.happened(), ["refresh-failed"]);
});

test("all calls of one commit end within commitTimeout", async () => {
  const world = new World({ storageTimeout: "2s", commitTimeout: "3s" });
  const client = await visitor(world);
  const asking = client.ask(async (session) => {
    await session.regenerate();
    world.storage.hang();
  });
  const start = world.clock.now();
  assert.equal((await passing(world.clock, asking, 50)).error?.code, "timeout");
  assert.ok(world.clock.now() - start <= 3100, `${world.clock.now() - start} ms`);
});

test("a commitTimeout shorter than storageTimeout cuts off the single call", async () => {
  const world = new World({ storageTimeout: "2s", commitTimeout: "1s" });
  const client = await visitor(world);
  world.storage.hang("update");
  const start = world.clock.now();
  assert.equal(
    (
      await passing(
        world.clock,
        client.ask((session) => session.set("n", 2)),
        50,
      )
    ).error?.code,
    "timeout",
  );
  assert.ok(world.clock.now() - start <= 1100, `${world.clock.now() - start} ms`);
});

test("attack 71: a response after the timeout has no effect", async () => {
  const world = new World();
  const client = await visitor(world);
  const gate = world.storage.park("update");
  const first = await passing(
    world.clock,
    client.ask((session) => session.update("n", (n) => n + 1)),
    50,
  );
  assert.equal(first.error?.code, "timeout");
  world.storage.heal();
  await client.ask((session) => session.set("m", 1));
  gate.release();
  await passing(world.clock, new Promise((resolve) => setTimeout(resolve, 5)));
  const { session } = await client.ask();
  assert.deepEqual(session!.toJSON(), { n: 1, m: 1 }, "the late command named a version that is no more");
});

test("attack 71: a create that is executed after its timeout leaves no client with a token", async () => {
  const world = new World();
  const client = world.client();
  const gate = world.storage.park("create");
  const { error, cookies } = await passing(
    world.clock,
    client.ask((session) => session.set("n", 1)),
    50,
  );
  assert.deepEqual([error?.code, cookies], ["timeout", []]);
  gate.release();
  world.storage.heal();
  await client.ask((session) => session.set("n", 2));
  assert.equal((await client.ask()).session?.get("n"), 2);
});

test("the signal of a call is aborted when the store stops waiting, and not before", async () => {
  const world = new World();
  let signal: AbortSignal | undefined;
  const storage = Object.assign(memoryStorage(), {
    get(_key: string, call: { signal: AbortSignal }) {
      ({ signal } = call);
      return new Promise<undefined>(() => {});
    },
  });
  const store = createStore({ storage, clock: world.clock, storageTimeout: "1s" });
  const opening = store.getByToken("A".repeat(43)).catch((error: unknown) => error);
  world.clock.advance(999);
  assert.equal(signal?.aborted, false);
  world.clock.advance(1);
  assert.equal(((await opening) as { code: string }).code, "timeout");
  assert.equal(signal?.aborted, true);
});

test("calls get the store's time", async () => {
  const world = new World();
  const seen: number[] = [];
  const inner = memoryStorage();
  const storage = Object.assign(Object.create(inner) as typeof inner, {
    get: (key: string, call: { now: number }) => (seen.push(call.now), inner.get(key)),
  });
  const store = createStore({ storage, clock: world.clock });
  await store.getByToken("A".repeat(43));
  world.clock.advance("1h");
  await store.getByToken("A".repeat(43));
  assert.deepEqual(seen, [world.clock.now() - 3_600_000, world.clock.now()]);
});

import assert from "node:assert/strict";
import diagnostics from "node:diagnostics_channel";
import { once } from "node:events";
import { test } from "node:test";
import { inspect } from "node:util";
import type { SessionEvent } from "holdfast";
import type { memoryStorage } from "holdfast/storage/memory";
import { checksum } from "#dist/codecs/encoded-data.js";
import { World, type Client } from "../world.js";

async function visitor(world: World): Promise<Client> {
  const client = world.client();
  await client.ask((session) => {
    session.set("n", 1);
    session.set("list", [1]);
  });
  return client;
}

/** Puts a text in the place of a stored record. */
async function corrupt(world: World, token: string, value: string): Promise<void> {
  const { id } = (await world.store.getByToken(token))!;
  const inner = world.storage.inner as ReturnType<typeof memoryStorage>;
  const key = `holdfast:${id.slice(3)}`;
  const { version, expiresAt } = inner.get(key)!;
  inner.update(key, { value, expiresAt }, version as number, {
    now: world.clock.now(),
    signal: new AbortController().signal,
  });
}

const FOREIGN = ["", "null", "garbage", "<html>502</html>", '{"cookie":{}}', "1:zzzz\n{}"];
const NEWER = `7:${checksum("7", "future")}\nfuture`;

test("an ordinary life is no event", async () => {
  const world = new World();
  const client = await visitor(world);
  await client.ask((session) => session.set("n", 2));
  await client.ask((session) => session.regenerate());
  world.clock.advance("10m");
  await client.ask();
  await client.ask((session) => session.destroy());
  await client.ask((session) => void session.get("n"), { cookie: "session_id=junk" });
  assert.deepEqual(world.events, []);
});

test("conflict: a save found a newer version and was merged; overwritten: on the same key, which it names", async () => {
  const world = new World();
  const client = await visitor(world);
  await client.ask(async (session) => {
    session.set("n", 5);
    session.set("own", 1);
    await world.store.edit(session.id, (other) => other.set("n", 7));
  });
  const id = (await client.ask()).session!.id;
  assert.deepEqual(world.events, [
    { type: "conflict", id },
    { type: "overwritten", id, cause: "n" },
  ]);
});

test("overwritten: also a change in place, and a deletion; never an update, never an equal value", async () => {
  const world = new World();
  const client = await visitor(world);
  await client.ask(async (session) => {
    session.get("list").push(2);
    session.update("count", (count = 0) => count + 1);
    session.set("same", 1);
    await world.store.edit(session.id, (other) => {
      other.set("list", [9]);
      other.update("count", (count = 0) => count + 1);
    });
  });
  assert.deepEqual(
    world.events.filter(({ type }) => type === "overwritten").map(({ cause }) => cause),
    ["list"],
  );
  assert.deepEqual((await client.ask()).session!.toJSON(), { n: 1, list: [1, 2], count: 2, same: 1 });
});

test("dropped: a save found no record, or a marker", async () => {
  for (const end of [
    (world: World, id: string) => world.store.delete(id),
    async (_: World, __: string, client: Client) => void (await client.ask((session) => session.regenerate())),
  ]) {
    const world = new World();
    const client = await visitor(world);
    const { cookies, error, session } = await client.ask(async (session) => {
      session.set("n", 5);
      const beside = world.client();
      beside.jar.set("session_id", client.token!);
      await end(world, session.id, beside);
    });
    assert.deepEqual([cookies, error], [[], undefined]);
    assert.deepEqual(world.events, [{ type: "dropped", id: session!.id }]);
  }
});

test("a touch that finds no record is no event: nothing was lost", async () => {
  const world = new World();
  const client = await visitor(world);
  world.clock.advance("10m");
  const { cookies } = await client.ask((session) => world.store.delete(session.id));
  assert.deepEqual([cookies, world.events], [[], []]);
});

test("attack 67: unreadable: a damaged, foreign or empty value is no session; one event; a new session has another token", async () => {
  for (const value of FOREIGN) {
    const world = new World();
    const client = await visitor(world);
    const { token } = client;
    await corrupt(world, token!, value);
    const { session, error } = await client.ask((session) => assert.deepEqual(session.keys(), []));
    assert.equal(error, undefined, value);
    assert.equal(session!.fresh, true);
    assert.deepEqual(world.happened(), ["unreadable"], value);
    await client.ask((session) => session.set("n", 2));
    assert.notEqual(client.token, token);
    assert.equal(await world.store.getByToken(token!), undefined);
  }
});

test("attack 65: a newer format: no data, no write, no cookie, one event; and the record is unchanged", async () => {
  const world = new World();
  const client = await visitor(world);
  const { token } = client;
  await corrupt(world, token!, NEWER);
  const { calls, cookies, error } = await client.ask((session) => {
    assert.deepEqual(session.keys(), []);
    session.set("n", 2);
  });
  assert.deepEqual([calls, cookies, error], [["get"], [], undefined]);
  assert.deepEqual(world.happened(), ["unreadable", "dropped"]);
  assert.equal((await client.ask((session) => session.save())).error?.code, "ended");
  assert.equal((world.storage.inner as ReturnType<typeof memoryStorage>).size, 1);
  assert.equal(client.token, token, "a rolling deploy logs nobody out");
});

test("a newer format can be ended, by a request and by the store", async () => {
  const world = new World();
  const client = await visitor(world);
  await corrupt(world, client.token!, NEWER);
  await client.ask((session) => session.destroy());
  assert.equal((world.storage.inner as ReturnType<typeof memoryStorage>).size, 0);
  const { id } = await world.store.create({ n: 1 });
  await world.store.getById(id);
  assert.equal(await world.store.delete(id), true);
});

test("a newer format: a login replaces it, and the old token is invalid", async () => {
  const world = new World();
  const client = await visitor(world);
  const { token } = client;
  await corrupt(world, token!, NEWER);
  await client.ask(async (session) => {
    await session.regenerate();
    session.set("user", 1);
  });
  assert.notEqual(client.token, token);
  assert.deepEqual((await client.ask()).session!.toJSON(), { user: 1 });
  world.happened();
  const late = await world.client().ask((session) => session.set("n", 1), { cookie: `session_id=${token}` });
  assert.deepEqual([late.cookies, world.happened()], [[], ["dropped"]], "retired like any other");
});

test("attack 93: retired-token: after 30 seconds, each time", async () => {
  const world = new World();
  const client = await visitor(world);
  const cookie = `session_id=${client.token}`;
  const { id } = (await client.ask()).session!;
  await client.ask((session) => session.regenerate());
  world.clock.advance("1m");
  await world.client().ask(() => {}, { cookie });
  assert.deepEqual(world.events, [{ type: "retired-token", id }]);
});

test("unsaved: changes in a response that cannot carry a token, and a release", async () => {
  const world = new World();
  const requestSession = world.requestSession();
  (await requestSession.open()).set("n", 1);
  await requestSession.commit(false);
  assert.deepEqual(world.events, [{ type: "unsaved" }]);
});

test("insecure: once, if a Secure cookie is sent to a browser over plain http", async () => {
  const asked = { host: "shop.example", encrypted: false, headers: { "user-agent": "Mozilla/5.0" } };
  const world = new World();
  const warned = once(process, "warning");
  await world.client().ask((session) => session.set("n", 1), asked);
  assert.match(((await warned) as [Error])[0].message, /Secure cookie.*plain http/);
  await world.client().ask((session) => session.set("n", 1), asked);
  assert.deepEqual(world.happened(), ["insecure"]);
});

test("insecure: never over TLS, behind a proxy with https, on localhost, for programs, or without a cookie", async () => {
  const browser = { "user-agent": "Mozilla/5.0" };
  for (const asked of [
    { encrypted: true, headers: browser },
    { encrypted: false, headers: { ...browser, "x-forwarded-proto": "https" } },
    { encrypted: false, headers: { ...browser, forwarded: "proto=https" } },
    { encrypted: false, headers: { ...browser, "sec-fetch-site": "none" } },
    { encrypted: false, host: "localhost:3000", headers: browser },
    { encrypted: false, headers: { "user-agent": "curl/8" } },
  ]) {
    const world = new World();
    await world.client().ask((session) => session.set("n", 1), asked);
    assert.deepEqual(world.events, [], JSON.stringify(asked));
  }
  const world = new World();
  await world.client().ask(() => {}, { encrypted: false, headers: browser });
  assert.deepEqual(world.events, []);
});

test("attack 77: a listener that throws is reported and changes nothing", async () => {
  const world = new World({
    onEvent() {
      throw new Error("mine");
    },
  });
  const warned = once(process, "warning");
  const { error } = await world.client().ask(() => {}, { cookie: "session_id=a; session_id=b" });
  assert.equal(error, undefined);
  assert.match(((await warned) as [Error])[0].message, /onEvent threw on duplicate/);
});

test("events go to a diagnostics channel, too", async () => {
  const heard: SessionEvent[] = [];
  const listen = (event: unknown): void => void heard.push(event as SessionEvent);
  diagnostics.subscribe("holdfast", listen);
  await new World().client().ask(() => {}, { cookie: "session_id=a; session_id=b" });
  diagnostics.unsubscribe("holdfast", listen);
  assert.deepEqual(heard, [{ type: "duplicate" }, { type: "absent", reason: "malformed" }]);
});

test("attacks 99, 19: no event, error, inspection or JSON ever shows a token", async () => {
  const shown: string[] = [];
  const world = new World();
  const client = await visitor(world);
  const tokens = [client.token!];
  const show = (value: unknown): void =>
    void shown.push(inspect(value, { depth: 10, showHidden: true }), String(value), JSON.stringify(value) ?? "");
  for (const call of ["get", "update", "create", "delete", "touch"] as const) {
    for (const verb of [
      (s: any) => s.set("n", 2),
      (s: any) => s.regenerate(),
      (s: any) => s.destroy(),
      (s: any) => s.save(),
    ]) {
      world.clock.advance("4m");
      world.storage.fail(call);
      const answered = await client.ask(async (session) => {
        tokens.push(session.token);
        show(session);
        await verb(session);
        tokens.push(session.token);
      });
      world.storage.heal();
      assert.ok(!answered.error || answered.error.name === "SessionError", String(answered.error));
      show(answered.error);
      if (answered.error) shown.push(answered.error.stack, inspect(answered.error.cause));
      if (!client.token) await visitor(world).then((next) => client.jar.set("session_id", next.token!));
      tokens.push(client.token!);
    }
  }
  for (const hostile of [tokens[0]!, `${tokens[0]}x`])
    await world.client().ask(() => {}, { cookie: `session_id=${hostile}; session_id=${tokens[0]}` });
  for (const event of world.events) show(event);
  show(world.store);
  assert.ok(shown.length > 50 && tokens.length > 20);
  const all = shown.join("\n");
  for (const token of tokens) assert.ok(!all.includes(token), "a token was shown");
});

test("attack 99: console.log of a session shows its keys, and neither token nor values", async () => {
  await new World().client().ask((session) => {
    session.set("secret", "value");
    const text = inspect(session);
    assert.equal(text, 'Session { keys: ["secret"] }');
    assert.ok(!inspect({ deep: { session } }, { depth: 5, showHidden: true }).includes(session.token));
  });
});

/**
 * What a session's ordinary life tells those who listen: logs of security (OWASP ASVS 16.3) and "why was I logged
 * out?".
 */
import assert from "node:assert/strict";
import diagnostics from "node:diagnostics_channel";
import { test } from "node:test";
import type { SessionEvent } from "holdfast";
import { storeSettings } from "#dist/session/options.js";
import { World, type Client } from "../world.js";

function heard(options: object = {}): { world: World; events: () => SessionEvent[] } {
  const all: SessionEvent[] = [];
  const world = new World({ onEvent: (event) => void all.push(event), ...options });
  return { world, events: () => all.splice(0) };
}

async function loggedIn(world: World, owner: string): Promise<Client> {
  const client = world.client();
  await client.ask((session) => session.authenticate(owner));
  return client;
}

test("a visitor, a login, a step-up, a renewal, a logout", async () => {
  const { world, events } = heard();
  const client = world.client();
  const id = async (handler: (session: any) => unknown = () => {}): Promise<string> => {
    const { session } = await client.ask(handler);
    return session!.id;
  };
  const first = await id((session) => session.set("n", 1));
  assert.deepEqual(events(), [
    { type: "absent", reason: "none" },
    { type: "created", id: first },
  ]);
  const second = await id((session) => session.authenticate("ann"));
  assert.deepEqual(events(), [
    { type: "renewed", id: second, owner: "ann", from: first },
    { type: "authenticated", id: second, owner: "ann" },
  ]);
  const third = await id((session) => session.regenerate());
  assert.deepEqual(events(), [{ type: "renewed", id: third, owner: "ann", from: second }]);
  await id((session) => session.get("n"));
  await id((session) => session.set("n", 2));
  assert.deepEqual(events(), [], "reads and writes are none");
  await client.ask((session) => session.destroy());
  assert.deepEqual(events(), [{ type: "ended", id: third, owner: "ann", reason: "destroy" }]);
});

test("reset ends one and, if something is written, creates another", async () => {
  const { world, events } = heard();
  const client = await loggedIn(world, "ann");
  const old = (await client.ask()).session!.id;
  events();
  const { session } = await client.ask(async (own) => {
    await own.reset();
    own.set("n", 1);
  });
  assert.deepEqual(events(), [
    { type: "created", id: session!.id },
    { type: "ended", id: old, owner: "ann", reason: "reset" },
  ]);
  await client.ask((own) => own.reset());
  assert.deepEqual(events(), [{ type: "ended", id: session!.id, reason: "reset" }]);
});

test("ended from elsewhere: deleted, owner, limit, cleared", async () => {
  const { world, events } = heard({ maxSessionsPerOwner: 2 });
  const ids: string[] = [];
  for (let i = 0; i < 3; i++) ids.push((await world.store.create({}, { owner: "ann" })).id);
  assert.deepEqual(
    events().filter(({ type }) => type === "ended"),
    [{ type: "ended", id: ids[0], owner: "ann", reason: "limit" }],
  );
  await world.store.delete(ids[1]!);
  assert.deepEqual(events(), [{ type: "ended", id: ids[1], reason: "deleted" }]);
  await world.store.delete(ids[1]!);
  assert.deepEqual(events(), [], "it ended nothing");
  await world.store.deleteByOwner("ann");
  assert.deepEqual(events(), [{ type: "ended", id: ids[2], owner: "ann", reason: "owner" }]);
  await world.store.clear();
  assert.deepEqual(events(), [{ type: "ended", reason: "cleared" }]);
});

test("absent, each with its reason", async () => {
  const { world, events } = heard({ idleTimeout: "30m", absoluteTimeout: "1h" });
  const reasons = async (client: Client): Promise<unknown[]> => {
    events();
    await client.ask();
    return events()
      .filter(({ type }) => type === "absent")
      .map(({ reason }) => reason);
  };
  const withToken = (token: string): Client => {
    const client = world.client();
    client.jar.set("session_id", token);
    return client;
  };
  assert.deepEqual(await reasons(world.client()), ["none"]);
  assert.deepEqual(await reasons(withToken("junk")), ["malformed"]);
  assert.deepEqual(await reasons(withToken("A".repeat(43))), ["unknown"]);

  const client = await loggedIn(world, "ann");
  const old = withToken(client.token!);
  await client.ask((session) => session.regenerate());
  assert.deepEqual(await reasons(old), ["renewed"]);
  world.clock.advance("2m");
  assert.deepEqual(await reasons(old), ["renewed"], "also long after that, with retired-token");
  assert.deepEqual(await reasons(client), []);
  const { storage } = world;
  const honest = storage.inner.get.bind(storage.inner);
  // A database that removes what has expired only now and then.
  const found = (await honest(`holdfast:${(await client.ask()).session!.id.slice(3)}`, {
    now: world.clock.now(),
    signal: new AbortController().signal,
  }))!;
  storage.inner.get = () => found;
  world.clock.advance("31m");
  assert.deepEqual(await reasons(client), ["expired-idle"]);
  world.clock.advance("2h");
  assert.deepEqual(await reasons(client), ["expired-absolute"]);
  assert.deepEqual(await reasons(old), ["unreadable"], "the record of another key");
  storage.inner.get = honest;
});

test("absent has the id of the token in the request, which also identifies the end of that session", async () => {
  const { world, events } = heard({ idleTimeout: "30m" });
  const idOfAbsent = async (client: Client): Promise<unknown> => {
    events();
    await client.ask();
    return events().find(({ type }) => type === "absent")?.id;
  };
  const client = await loggedIn(world, "ann");
  const [{ session }, late] = [await client.ask(), world.client()];
  late.jar.set("session_id", client.token!);
  await client.ask((own) => own.destroy());
  assert.equal(await idOfAbsent(late), session!.id);
  const expired = await loggedIn(world, "ann");
  const { id } = (await expired.ask()).session!;
  world.clock.advance("31m");
  assert.equal(await idOfAbsent(expired), id);
  const junk = world.client();
  junk.jar.set("session_id", "junk");
  for (const stranger of [junk, world.client()]) assert.equal(await idOfAbsent(stranger), undefined);
});

test("an event is created only if there is a listener, and a later listener gets later events", async () => {
  const settings = storeSettings({});
  assert.equal(settings.hears(), false);
  assert.equal(storeSettings({ onEvent() {} }).hears(), true);
  const events: unknown[] = [];
  const listen = (event: unknown): void => void events.push(event);
  diagnostics.subscribe("holdfast", listen);
  try {
    assert.equal(settings.hears(), true);
  } finally {
    diagnostics.unsubscribe("holdfast", listen);
  }
  assert.equal(settings.hears(), false);
});

test("no event has a token", async () => {
  const { world, events } = heard();
  const client = await loggedIn(world, "ann");
  const tokens = [client.token!];
  await client.ask((session) => session.regenerate());
  tokens.push(client.token!);
  await client.ask((session) => session.destroy());
  const told = JSON.stringify(events());
  for (const token of tokens) assert.ok(!told.includes(token));
});

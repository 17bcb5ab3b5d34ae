import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { MemcacheClient } from "memcache-client";
import { createStore, type SessionEvent } from "holdfast";
import { memcachedStorage, type MemcachedClient } from "holdfast/storage/memcached";
import { storageSuite } from "holdfast/testing";
import { countedStore } from "../support/command-counts.js";
import { ownService, withService } from "../support/services.js";
import { incidents } from "../support/incidents.js";

const call = { now: Date.now(), signal: new AbortController().signal };
const soon = call.now + 60_000;

await withService("memcached", ({ host, port }) => {
  describe("memcache-client, memcached: the storage contract", () => {
    const client = new MemcacheClient({ server: `${host}:${port}` });
    after(() => client.shutdown());
    for (const { name, run } of storageSuite(() => ({ storage: memcachedStorage(client) }))) test(name, run);
  });

  describe("memcached", () => {
    const client = new MemcacheClient({ server: { server: `${host}:${port}`, maxConnections: 3 } });
    after(() => client.shutdown());

    test("the largest value is accepted, with the longest key; a larger item is too-large, and the earlier session is unchanged", async () => {
      const storage = memcachedStorage(client);
      const key = "k".repeat(250);
      const most = "x".repeat(storage.maxValueBytes!);
      assert.ok(await storage.create(key, { value: most, expiresAt: 8_640_000_000_000_000 }, call));
      const { version, value } = (await storage.get(key, call))!;
      assert.equal(value.length, most.length);
      const generous = memcachedStorage(client, { maxItemBytes: 2 ** 22 });
      await assert.rejects(
        async () => generous.update(key, { value: "y".repeat(2 ** 21), expiresAt: soon }, version, call),
        { code: "too-large" },
      );
      assert.equal((await storage.get(key, call))?.value, most);
      const store = createStore<{ text: string }>({ storage, maxRecordBytes: 2 ** 22 });
      await assert.rejects(store.create({ text: most }), { code: "too-large" });
    });

    test("a deadline more than 30 days ahead is no moment of 1970", async () => {
      const storage = memcachedStorage(client);
      for (const days of [29, 30, 31, 400, 40_000]) {
        const key = `far-${call.now}-${days}`;
        assert.ok(await storage.create(key, { value: "v", expiresAt: call.now + days * 86_400_000 }, call));
        assert.equal((await storage.get(key, call))?.value, "v", `${days} days`);
      }
    });

    test("attack 27: a key that contains a command is refused", async () => {
      const storage = memcachedStorage(client);
      for (const key of ["a b", "a\r\nflush_all", "a\u0000", "é", "k".repeat(251), ""]) {
        await assert.rejects(async () => storage.get(key, call), { code: "storage" });
        await assert.rejects(async () => storage.create(key, { value: "", expiresAt: soon }, call), {
          code: "storage",
        });
      }
      assert.throws(() => memcachedStorage(client, { prefix: "a b" }), /prefix is "a b"/);
      assert.equal(await storage.get("constructor", call), undefined);
    });

    test("a version that is no number of the server's matches nothing", async () => {
      const storage = memcachedStorage(client);
      assert.ok(await storage.create("versions", { value: "v", expiresAt: soon }, call));
      for (const version of ["", "undecodable", "1 noreply", "1\r\nflush_all", "-1", 1.5]) {
        assert.equal(await storage.update("versions", { value: "w", expiresAt: soon }, version, call), false);
        assert.equal(await storage.delete("versions", version, call), false);
      }
      assert.equal((await storage.get("versions", call))?.value, "v");
    });

    test("what somebody else wrote under a session's key is no session, and one event", async () => {
      const events: SessionEvent[] = [];
      const store = createStore<{ n: number }>({
        storage: memcachedStorage(client),
        onEvent: incidents((event) => events.push(event)),
      });
      const { token, id } = await store.create({ n: 1 });
      const key = `holdfast:${id.slice(id.indexOf("_") + 1)}`;
      assert.ok(await client.gets(key), "this test knows the key");
      const broken = ["", "text", "1.", ".", "99999999999999.half a record", 7, { a: 1 }, Buffer.from([0xff, 0x00])];
      for (const value of broken) {
        await client.set(key, value as string);
        assert.equal(await store.getByToken(token), undefined);
      }
      await client.send(`set ${key} 2 0 1\r\n{\r\n`);
      assert.equal(await store.getByToken(token), undefined);
      await client.send(`set ${key} 1 0 3\r\nabc\r\n`);
      assert.equal(await store.getByToken(token), undefined);
      assert.deepEqual(new Set(events.map(({ type }) => type)), new Set(["unreadable"]));
      assert.equal(events.length, broken.length + 2);
    });

    test("commands per request: read 1, write 2, refresh 3, login 3, destroy 2", async () => {
      const counted = counting(client);
      const { commands } = counted;
      const { store, cost, login } = countedStore(memcachedStorage(counted), commands, () => commands);
      const { id } = await store.create({ n: 1 });
      assert.equal(await cost(() => store.getById(id)), "gets");
      assert.equal(await cost(() => store.edit(id, (session) => session.set("n", 2))), "gets cas");
      assert.equal(await cost(() => store.delete(id)), "gets cas");
      assert.equal(await login(), "gets add cas");
    });

    test("an unsupported client is refused immediately, with the missing methods", () => {
      assert.throws(() => memcachedStorage({ add() {} } as unknown as MemcachedClient), /lacks gets, cas/);
      assert.throws(() => memcachedStorage("localhost:11211" as unknown as MemcachedClient), TypeError);
      assert.throws(() => memcachedStorage(client, { ttl: 5 } as object), /no option "ttl"/);
      const several = new MemcacheClient({
        server: { servers: [{ server: `${host}:${port}` }, { server: `${host}:1` }] },
      });
      assert.throws(() => memcachedStorage(several), /one server/);
    });
  });

  describe("a memcached that goes away and comes back", () => {
    let own: Awaited<ReturnType<typeof ownService>>;
    before(async () => void (own = await ownService("memcached")));

    test("fails meanwhile, forgets, and serves again without a new client", async () => {
      const client = new MemcacheClient({ server: `${own.host}:${own.port}` });
      const store = createStore<{ n: number }>({ storage: memcachedStorage(client), storageTimeout: "5s" });
      const { token } = await store.create({ n: 1 });
      await own.servers[0]!.kill();
      await assert.rejects(store.getByToken(token), { code: "storage" });
      await own.servers[0]!.start();
      assert.equal(await store.getByToken(token), undefined);
      assert.equal((await store.getByToken((await store.create({ n: 2 })).token))?.get("n"), 2);
      client.shutdown();
      await own.servers[0]!.kill();
    });
  });
});

/** A client that notes its commands. */
function counting(client: MemcacheClient): MemcachedClient & { readonly commands: string[] } {
  const commands: string[] = [];
  return {
    commands,
    gets: (key) => (commands.push("gets"), client.gets(key)),
    add: (key, value, options) => (commands.push("add"), client.add(key, value, options)),
    cas: (key, value, options) => (commands.push("cas"), client.cas(key, value, options)),
  };
}

import assert from "node:assert/strict";
import { after, describe, test, type TestContext } from "node:test";
import { inspect } from "node:util";
import { Redis, type RedisConfigNodejs } from "@upstash/redis";
import { Redis as IoRedis } from "ioredis";
import { createClient } from "redis";
import { createStore, type SessionEvent } from "holdfast";
import { redisStorage } from "holdfast/storage/redis";
import { upstashStorage, type UpstashClient } from "holdfast/storage/upstash";
import { storageSuite, type StorageUnderTest } from "holdfast/testing";
import { countedStore } from "../support/command-counts.js";
import { ownService, withService, type Service } from "../support/services.js";
import { connectUpstash, UPSTASH_SETTINGS, type ConnectedUpstash } from "../support/upstash-clients.js";
import { TOKEN } from "../support/upstash-front.js";
import { incidents } from "../support/incidents.js";

const SECRET = "hunter2-of-the-session";
const now = Date.now();
const call = { now, signal: new AbortController().signal };
const entry = (value: string) => ({ value, expiresAt: now + 60_000 });

await withService("redis", (service) => {
  describe("@upstash/redis: the storage contract", async () => {
    const { redis, close } = await connectUpstash(service);
    after(close);
    const settings = Object.entries(UPSTASH_SETTINGS).map(
      ([how, options]) => [how, () => storageOf(options)] as const,
    );
    const conditions = { rowSettings: Object.fromEntries(settings) };
    for (const { name, run } of storageSuite(() => ({ storage: upstashStorage(redis) }), conditions)) test(name, run);
  });

  async function storageOf(options: Partial<RedisConfigNodejs>): Promise<StorageUnderTest> {
    const { redis, close } = await connectUpstash(service, options);
    return { storage: upstashStorage(redis), close };
  }

  const opened = async (t: TestContext, from: Service = service, settings = {}): Promise<ConnectedUpstash> => {
    const connected = await connectUpstash(from, settings);
    t.after(connected.close);
    return connected;
  };

  test("commands per request: read 1, write 2, login 3, logout 2; a read goes to the primary", async (t) => {
    const { redis, front } = await opened(t);
    const { commands } = front;
    const { store, cost, login } = countedStore(upstashStorage(redis), commands, () => commands);
    const { id } = await store.create({ n: 1 });
    await store.edit(id, (session) => session.set("n", 1));
    assert.equal(await cost(() => store.getById(id)), "getex");
    assert.equal(await cost(() => store.edit(id, (session) => session.set("n", 2))), "getex evalsha");
    assert.equal(await login(), "getex set evalsha");
    await store.delete(id);
    const { id: other } = await store.create({ n: 1 });
    assert.equal(await cost(() => store.delete(other)), "getex evalsha");
  });

  test("calls that overlap share a request where the client pipelines by itself", async (t) => {
    const { redis, front } = await opened(t);
    const storage = upstashStorage(redis);
    await Promise.all(
      Array.from({ length: 20 }, async (_, i) => storage.create(`many-${now}-${i}`, entry("v"), call)),
    );
    assert.ok(front.requests < 5, `${front.requests} requests`);
    await storage.clear!(`many-${now}-`, call);
    assert.equal(await storage.get(`many-${now}-0`, call), undefined);
  });

  test("the records are those of redisStorage: either reads what the other wrote", async (t) => {
    const { redis } = await opened(t);
    const client = await createClient({ url: service.url }).connect();
    t.after(() => client.close());
    const [over, direct] = [upstashStorage(redis, { prefix: "app:" }), redisStorage(client, { prefix: "app:" })];
    const { version } = (await over.create(`both-${now}`, entry("é\u0000"), call)) as { version: string };
    assert.deepEqual(await direct.get(`both-${now}`, call), { ...entry("é\u0000"), version });
    assert.ok(await direct.update(`both-${now}`, entry("2"), version, call));
    assert.equal(await over.touch(`both-${now}`, now, version, call), false);
    assert.equal((await over.get(`both-${now}`, call))?.value, "2");
  });

  test("scripts that the server forgot are sent again", async (t) => {
    const { redis, front } = await opened(t, await own(t));
    const storage = upstashStorage(redis);
    const { version } = (await storage.create("k", entry("1"), call)) as { version: string };
    assert.ok(await storage.touch("k", now + 1, version, call));
    assert.ok(await storage.touch("k", now + 2, version, call));
    assert.deepEqual(front.commands, ["set", "evalsha", "eval", "evalsha"]);
  });

  test("a change whose response was lost is sent again by the client, and counts once", async (t) => {
    const { redis, front } = await opened(t, service, { retry: { retries: 3, backoff: () => 1 } });
    const store = createStore<{ n: number }>({ storage: upstashStorage(redis) });
    const { id, token } = await store.create({ n: 0 });
    for (let n = 1; n <= 5; n++) {
      let isFirst = true;
      front.disturb = () => (front.commands.length > 0 && isFirst ? ((isFirst = false), "cut") : undefined);
      front.commands.length = 0;
      await store.edit(id, (session) => session.update("n", (was = 0) => was + 1));
      assert.equal((await store.getByToken(token))?.get("n"), n);
      assert.ok(front.commands.filter((name) => name.startsWith("eval")).length >= 2, "it was resent");
    }
    front.disturb = () => undefined;
    let creates = 0;
    front.disturb = () => (creates++ === 0 ? "cut" : undefined);
    const { token: created } = await store.create({ n: 7 });
    assert.equal((await store.getByToken(created))?.get("n"), 7);
  });

  test("what somebody else wrote under a session's key is no session, however the client reads it", async (t) => {
    for (const settings of Object.values(UPSTASH_SETTINGS)) {
      const { redis } = await opened(t, service, settings);
      const events: SessionEvent[] = [];
      const store = createStore<{ n: number }>({
        storage: upstashStorage(redis),
        onEvent: incidents((event) => events.push(event)),
      });
      const { token, id } = await store.create({ n: 1 });
      const key = `holdfast:${id.slice(id.indexOf("_") + 1)}`;
      const broken = ["text", "7", '{"a":1}', "[1,2]", "true", '"x"', "."];
      for (const value of broken) {
        await redis.set(key, value);
        assert.equal(await store.getByToken(token), undefined, value);
      }
      await redis.del(key);
      await redis.hset(key, { a: 1 });
      assert.equal(await store.getByToken(token), undefined);
      assert.equal(events.filter(({ type }) => type === "unreadable").length, broken.length + 1);
    }
  });

  test("no error shows what a session holds, nor the token", async (t) => {
    for (const settings of Object.values(UPSTASH_SETTINGS)) {
      const redisOfMine = await own(t);
      const { redis } = await opened(t, redisOfMine, { ...settings, retry: false });
      const admin = new IoRedis(redisOfMine.url);
      t.after(() => admin.disconnect());
      const storage = upstashStorage(redis);
      const { version } = (await storage.create("k", entry("v"), call)) as { version: string };
      await admin.call("ACL", "SETUSER", "default", "-set", "-eval", "-evalsha");
      const calls = [
        () => storage.create("other", entry(SECRET), call),
        () => storage.update("k", entry(SECRET), version, call),
      ];
      for (const act of calls) {
        await assert.rejects(
          async () => act(),
          (error: Error) => {
            assert.match(error.message, /^NOPERM/);
            assert.doesNotMatch(inspect(error, { depth: 9 }), new RegExp(`${SECRET}|${TOKEN}`));
            return true;
          },
        );
      }
      const findings = await storage.check!(call);
      assert.ok(
        findings.some(({ level, what }) => level === "bad" && /has no permission for SET/.test(what)),
        inspect(findings),
      );
    }
  });

  test("check: rights, the clock, and what cannot be asked", async (t) => {
    const { redis } = await opened(t);
    const storage = upstashStorage(redis);
    const levels = async (at: number): Promise<string[]> =>
      (await storage.check!({ ...call, now: at })).map(({ level, what }) => `${level} ${what}`);
    assert.match((await levels(Date.now())).join("\n"), /^ok records can be.*\nwarn .*eviction.*\nok the clocks/);
    assert.match((await levels(Date.now() + 7 * 60_000)).join("\n"), /bad the clock of the database is 7 min behind/);
  });

  test("a server that is gone, or says nothing, is an error within the time; back again it answers", async (t) => {
    const redisOfMine = await own(t);
    const { redis, front } = await opened(t, redisOfMine, { retry: { retries: 1, backoff: () => 1 } });
    const store = createStore<{ n: number }>({ storage: upstashStorage(redis), storageTimeout: "1s" });
    const { token } = await store.create({ n: 1 });
    front.disturb = () => "cut";
    await assert.rejects(store.getByToken(token), { code: "storage" });
    front.disturb = () => "silence";
    const began = performance.now();
    await assert.rejects(store.getByToken(token), { code: "timeout" });
    assert.ok(performance.now() - began < 3000);
    front.disturb = () => undefined;
    assert.equal((await store.getByToken(token))?.get("n"), 1);
    const nowhere = new Redis({ url: "http://127.0.0.1:1", token: "t", retry: false, enableTelemetry: false });
    const lost = createStore({ storage: upstashStorage(nowhere), storageTimeout: "1s" });
    await assert.rejects(lost.getByToken(token), { code: "storage" });
    const wrong = new Redis({ url: front.url, token: "another", retry: false, enableTelemetry: false });
    await assert.rejects(async () => upstashStorage(wrong).get("k", call), { message: "WRONGPASS invalid password" });
  });
});

test("a request larger than the service takes is too-large; a page of a proxy is an error that repeats nothing of it", async () => {
  const failing = (name: string, message: string): UpstashClient =>
    ({ ...CLIENT, getex: async () => Promise.reject(Object.assign(new Error(message), { name })) }) as UpstashClient;
  const get = (client: UpstashClient) => async () => upstashStorage(client).get("k", call);
  const large = failing("UpstashError", `ERR max request size exceeded. Limit: 1048576, command was: ["${SECRET}"]`);
  await assert.rejects(get(large), { code: "too-large", message: /Limit: 1048576; see \S+too-large$/ });
  const page = failing("UpstashJSONParseError", `Unable to parse response body: ${SECRET}`);
  await assert.rejects(get(page), { message: /not JSON/ });
});

test("a signal for all commands is refused: after it is aborted, this client resolves without a request", async () => {
  const settings = { url: "http://127.0.0.1:1", token: "t", enableTelemetry: false };
  const { signal } = new AbortController();
  assert.throws(
    () => upstashStorage(new Redis({ ...settings, signal })),
    /signal of the client.*\(\) => AbortSignal/,
  );
  const aborted = new Redis({ ...settings, enableAutoPipelining: false, signal: AbortSignal.abort() });
  assert.equal(await aborted.get("k"), null, "this is why");
  assert.ok(upstashStorage(new Redis({ ...settings, signal: () => AbortSignal.timeout(5) })));
});

test("a client that is not Upstash's is refused with advice what to pass", () => {
  const redis = new Redis({ url: "http://127.0.0.1:1", token: "t", enableTelemetry: false });
  const ioredis = new IoRedis({ lazyConnect: true });
  const refused: [client: unknown, says: RegExp][] = [
    [ioredis, /ioredis.*redisStorage\(redis\)/],
    [createClient(), /a client of redis.*redisStorage\(client\)/],
    [redis.pipeline(), /pipeline.*the client itself/],
    [redis.multi(), /pipeline.*the client itself/],
    [Promise.resolve(redis), /await/],
    [{ get() {} }, /lacks set, evalsha.*Redis\.fromEnv/],
    ["https://hunter2@db.upstash.io", /a string lacks/],
  ];
  for (const [client, says] of refused) assert.throws(() => upstashStorage(client as UpstashClient), says);
  assert.throws(() => redisStorage(redis as never), /@upstash\/redis.*upstashStorage\(redis\)/);
  assert.throws(() => upstashStorage(redis, { prefix: 5 as never }), /prefix is 5/);
  assert.throws(() => upstashStorage(redis, { ttl: 5 } as object), /no option "ttl"/);
});

const nothing = async (): Promise<null> => null;
const CLIENT: UpstashClient = {
  getex: nothing,
  set: nothing,
  evalsha: nothing,
  eval: nothing,
  unlink: nothing,
  scan: nothing,
};

async function own(t: TestContext): Promise<Service> {
  const service = await ownService("redis");
  t.after(() => service.servers[0]!.kill());
  return service;
}

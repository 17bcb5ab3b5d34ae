import assert from "node:assert/strict";
import { after, before, describe, test, type TestContext } from "node:test";
import { inspect } from "node:util";
import { Binary, Long, MongoClient, MongoServerError, type Collection, type MongoClientOptions } from "mongodb";
import { createStore, type SessionEvent } from "holdfast";
import { mongodbStorage, type MongodbCollection, type MongodbStorage } from "holdfast/storage/mongodb";
import { storageSuite, testClock, type StorageConditions, type StorageUnderTest } from "holdfast/testing";
import { Proxy } from "./failover/proxy.js";
import { countedStore } from "../support/command-counts.js";
import { connectMongodb, MONGODB_SETTINGS, otherMongodb, type ConnectedMongodb } from "../support/mongodb-clients.js";
import { ownService, withService, type Service } from "../support/services.js";
import { aWhile } from "../support/within.js";

const SECRET = "hunter2-of-the-session";
const MINUTE = 60_000;
const now = Date.now();
const call = { now, signal: new AbortController().signal };
const entry = (value: string) => ({ value, expiresAt: now + MINUTE });

await withService("mongodb", (service) => {
  const opened = async (
    t: TestContext,
    options: MongoClientOptions = {},
    from: Pick<Service, "url"> = service,
  ): Promise<ConnectedMongodb & { storage: MongodbStorage }> => {
    const connected = await connectMongodb(from, options);
    t.after(connected.close);
    return { ...connected, storage: mongodbStorage(connected.collection) };
  };

  describe("mongodb: the storage contract", () => {
    let direct: ConnectedMongodb;
    let proxied: ConnectedMongodb;
    let proxy: Proxy;
    before(async () => {
      direct = await connectMongodb(service);
      await mongodbStorage(direct.collection).ensureSchema();
      proxy = await Proxy.before(service.port);
      proxied = await connectMongodb({ url: `mongodb://127.0.0.1:${proxy.port}/app` });
    });
    after(async () => {
      await direct.close();
      await proxied.close();
      await proxy.close();
    });
    for (const { name, run } of storageSuite(() => ({ storage: mongodbStorage(direct.collection) }))) test(name, run);

    const rowSettings = Object.fromEntries(
      Object.entries(MONGODB_SETTINGS).map(([how, options]) => [
        how,
        async () => {
          const { collection, close } = await connectMongodb(service, options);
          return { storage: mongodbStorage(collection), close };
        },
      ]),
    );
    const older = Object.fromEntries((["mongodb5", "mongodb6"] as const).map((name) => [name, () => through(name)]));
    const conditions: StorageConditions = {
      rowSettings: { ...rowSettings, ...older },
      latency(_under, ms) {
        proxy.slowDown(ms);
        return () => proxy.restore();
      },
      async cutConnections() {
        await proxy.close();
        await proxy.restore();
      },
    };
    const kinds = /^(rows are returned|a slow database|closed connections)/;
    const cases = storageSuite(() => ({ storage: mongodbStorage(proxied.collection) }), conditions);
    for (const { name, run } of cases.filter(({ name }) => kinds.test(name))) test(name, run);
  });

  async function through(version: "mongodb5" | "mongodb6"): Promise<StorageUnderTest> {
    const client = new (otherMongodb(version).MongoClient)(service.url, { writeConcern: { w: 0 } });
    const collection = client.db().collection(`t_${version}_${process.pid}`);
    const close = async (): Promise<void> => {
      await collection.drop({ writeConcern: { w: 1 } }).catch(() => {});
      await client.close();
    };
    return { storage: mongodbStorage(collection), close };
  }

  test("commands per request: read 1, write 2, login 3, logout 2, and none on a secondary or unacknowledged", async (t) => {
    const { client, storage } = await opened(t, {
      monitorCommands: true,
      readPreference: "nearest",
      writeConcern: { w: 0 },
    });
    const sent: { name: string; command: any }[] = [];
    client.on("commandStarted", ({ commandName, command }) => void sent.push({ name: commandName, command }));
    const { store, cost, login } = countedStore(storage, sent, () => sent.map(({ name }) => name));
    const { id } = await store.create({ n: 1 });
    assert.equal(await cost(() => store.getById(id)), "find");
    const { command: find } = sent[0]!;
    assert.deepEqual([find.limit, find.singleBatch, find.$readPreference?.mode ?? "primary"], [1, true, "primary"]);
    assert.equal(await cost(() => store.edit(id, (session) => session.set("n", 2))), "find update");
    assert.deepEqual(sent[1]!.command.writeConcern, { w: "majority" });
    assert.equal(await login(), "find insert update");
    assert.equal(await cost(() => store.delete(id)), "find delete");
    for (const { command } of sent.slice(1)) assert.deepEqual(command.writeConcern, { w: "majority" });
  });

  test("what somebody else wrote under a session's key is no session, and one event", async (t) => {
    const { collection, storage } = await opened(t);
    const events: SessionEvent[] = [];
    const store = createStore<{ n: number }>({ storage, onEvent: (event) => events.push(event) });
    const { token, id } = await store.create({ n: 1 });
    const key: any = `holdfast:${id.slice(id.indexOf("_") + 1)}`;
    const whole = (await collection.findOne({ _id: key }))!;
    assert.ok(whole, "this test knows the key");
    const broken: object[] = [
      {},
      { value: 7 },
      { ...whole, value: new Binary(Buffer.from("x")) },
      { ...whole, version: Long.fromNumber(1) },
      { ...whole, version: { ne: "" } },
      { ...whole, expiresAt: 5 },
      { session: '{"cookie":{}}', expires: new Date() },
    ];
    for (const document of broken) {
      await collection.replaceOne({ _id: key }, { ...document, _id: key });
      assert.equal(await store.getByToken(token), undefined, inspect(document));
      const { version } = (await storage.get(key, call))!;
      assert.equal(await storage.update(key, entry("v"), version, call), false);
      assert.equal(await storage.delete(key, version, call), false);
    }
    assert.equal(events.filter(({ type }) => type === "unreadable").length, broken.length);
  });

  test("ensureSchema, by several processes at the same time; sweep and startSweep, if no index removes expired documents", async (t) => {
    const { collection, storage } = await opened(t);
    await Promise.all(Array.from({ length: 5 }, () => storage.ensureSchema()));
    await storage.ensureSchema();
    assert.equal((await collection.indexes()).length, 2);
    await storage.create("old", { value: "v", expiresAt: now - 10 * MINUTE }, call);
    await storage.create("late", { value: "v", expiresAt: now - 4 * MINUTE }, call);
    assert.equal(await storage.sweep(call), 1);
    assert.deepEqual([await storage.get("old", call), Boolean(await storage.get("late", call))], [undefined, true]);
    const clock = testClock(now);
    storage.startSweep({ every: "1m", clock });
    clock.advance("10m");
    for (let i = 0; i < 200 && (await storage.get("late", call)); i++) clock.advance("1m");
    assert.equal(await storage.get("late", call), undefined);
    storage.close();
  });

  test("check: the index, expired documents, the clock, a single server", async (t) => {
    const { storage } = await opened(t);
    const found = async (at: number = Date.now()): Promise<string> =>
      (await storage.check({ ...call, now: at })).map(({ level, what }) => `${level} ${what}`).join("\n");
    assert.match(await found(), /warn the index on "expiresAt" is missing/);
    await storage.ensureSchema();
    const well = await found();
    assert.match(well, /ok records can be created/);
    assert.doesNotMatch(well, /bad|index on "expiresAt" is missing/);
    assert.match(await found(Date.now() + 7 * MINUTE), /bad the clock of the database is 7 min behind/);
    await storage.create("holdfast:old", { value: "x", expiresAt: now - 180 * MINUTE }, call);
    assert.match(await found(), /warn documents that expired 3 h ago/);
  });

  test("a server that does not respond is an error within the timeout; later it works again", async (t) => {
    const own = await ownService("mongodb");
    t.after(() => own.servers[0]!.kill());
    const { storage } = await opened(t, {}, own);
    const store = createStore<{ n: number }>({ storage, storageTimeout: "1s" });
    const { token, id } = await store.create({ n: 1 });
    own.servers[0]!.freeze();
    await aWhile(100);
    for (const act of [() => store.getByToken(token), () => store.edit(id, (session) => session.set("n", 2))]) {
      const began = performance.now();
      await assert.rejects(act(), { code: /timeout|storage/ });
      assert.ok(performance.now() - began < 4000);
    }
    own.servers[0]!.thaw();
    assert.ok(await until(async () => (await store.getByToken(token)) !== undefined));
  });

  test("a server that goes away is an error, and serves again without a new client, with what was acknowledged", async (t) => {
    const own = await ownService("mongodb");
    t.after(() => own.servers[0]!.kill());
    const { storage } = await opened(t, {}, own);
    const store = createStore<{ n: number }>({ storage, storageTimeout: "2s" });
    const { token } = await store.create({ n: 1 });
    await own.servers[0]!.kill();
    await assert.rejects(store.getByToken(token), { code: /storage|timeout/ });
    await own.servers[0]!.start();
    assert.ok(await until(async () => (await store.getByToken(token))?.get("n") === 1));
  });

  test("a closed client is an error that says so", async () => {
    const { client, collection } = await connectMongodb(service);
    await client.connect();
    await client.close();
    await assert.rejects(async () => mongodbStorage(collection).get("k", call), {
      code: "storage",
      message: /the client is closed.*close it after/,
    });
  });

  test("a collection of Mongoose", async (t) => {
    const mongoose = otherMongodb("mongoose");
    const connection = await mongoose.createConnection(service.url).asPromise();
    t.after(() => connection.close());
    const collection = connection.collection(`t_mongoose_${process.pid}`);
    t.after(() => collection.drop().catch(() => {}));
    const storage = mongodbStorage(collection);
    await storage.ensureSchema();
    const { version } = (await storage.create("k", entry("é"), call)) as { version: string };
    assert.deepEqual(await storage.get("k", call), { ...entry("é"), version });
    assert.equal(await storage.create("k", entry("other"), call), false);
    assert.ok(await storage.touch("k", now + 1, version, call));
    assert.ok(await storage.delete("k", version, call));
    const model = connection.model("Session", new mongoose.Schema({ value: String }));
    assert.throws(() => mongodbStorage(model), /a model of Mongoose.*Model\.collection/);
    assert.throws(() => mongodbStorage(connection), /a database or a connection.*db\.collection\("sessions"\)/);
  });
});

/** What the server answers by itself in its own words, and this one cannot be made to. */
describe("mongodb: what a server says", () => {
  const failing = (error: object): MongodbStorage => {
    const fail = (): Promise<never> => Promise.reject(error as Error);
    return mongodbStorage({
      findOne: fail,
      insertOne: fail,
      updateOne: fail,
      deleteOne: fail,
      deleteMany: fail,
      createIndex: fail,
    });
  };
  const server = (code: number, more: object = {}): MongoServerError =>
    new MongoServerError({ message: `it says ${SECRET}`, code, ...more });

  test("a document that a validator or another unique index refused is repeated in no error", async () => {
    for (const error of [
      server(121, { errInfo: { details: SECRET } }),
      server(11_000, { keyPattern: { value: 1 }, keyValue: { value: SECRET } }),
    ]) {
      await assert.rejects(
        async () => failing(error).create("k", entry(SECRET), call),
        (shown: Error) => {
          assert.match(shown.message, /separate collection for sessions/);
          assert.doesNotMatch(inspect(shown, { depth: 9 }), new RegExp(SECRET));
          return true;
        },
      );
    }
    assert.equal(await failing(server(11_000, { keyPattern: { _id: 1 } })).create("k", entry("v"), call), false);
  });

  test("a refusal is an error and a finding, never a return value", async () => {
    const refusals: [code: number, says: RegExp][] = [
      [13, /has no permission; grant it find, insert/],
      [10_107, /not a primary; connect to the replica set/],
    ];
    for (const [code, says] of refusals) {
      const storage = failing(server(code));
      const acts = [
        () => storage.get("k", call),
        () => storage.create("k", entry("v"), call),
        () => storage.update("k", entry("v"), "a", call),
        () => storage.touch("k", now, "a", call),
        () => storage.delete("k", "a", call),
      ];
      for (const act of acts) await assert.rejects(async () => act(), { code: "storage", message: says });
      const [first] = await storage.check(call);
      assert.match(`${first!.level} ${first!.what}; ${first!.advice}`, says);
      assert.equal(first!.level, "bad");
    }
  });

  test("a write that nobody acknowledged is an error", async () => {
    const answer = async (): Promise<any> => ({ acknowledged: false, matchedCount: 1, deletedCount: 1 });
    const storage = mongodbStorage({
      findOne: answer,
      insertOne: answer,
      updateOne: answer,
      deleteOne: answer,
      deleteMany: answer,
      createIndex: answer,
    });
    await assert.rejects(async () => storage.create("k", entry("v"), call), { code: "storage" });
    await assert.rejects(async () => storage.delete("k", "a", call), { code: "storage" });
  });

  test("a server whose updates are not atomic is found bad", async () => {
    const hello = { isWritablePrimary: true, localTime: new Date() };
    const told = async (ferretdbVersion: string): Promise<string> => {
      const command = async ({ hello: isHello }: any): Promise<any> => (isHello ? hello : { ferretdbVersion });
      const insertOne = async (): Promise<object> => ({});
      const findings = await mongodbStorage({ ...FAKE, insertOne, db: { command } }).check(call);
      return findings.map(({ level, what }) => `${level} ${what}`).join("\n");
    };
    assert.match(await told("v1.24.0"), /bad FerretDB 1 executes two overlapping updates/);
    assert.doesNotMatch(await told("v2.7.0"), /FerretDB/);
  });

  test("ensureSchema creates an index that removes documents five minutes after expiry; a collation is refused", async () => {
    const made: any[] = [];
    const collection = (options: object): MongodbCollection => ({
      ...FAKE,
      createIndex: async (keys, how) => made.push([keys, how.expireAfterSeconds]),
      db: { command: async () => ({ cursor: { firstBatch: [{ options }] } }) },
    });
    await mongodbStorage(collection({})).ensureSchema();
    assert.deepEqual(made, [[{ expiresAt: 1 }, 300]]);
    const miscompared = mongodbStorage(collection({ collation: { locale: "en", strength: 2 } }));
    await assert.rejects(miscompared.ensureSchema(), {
      code: "unsupported",
      message: /collation en.*separate collection/,
    });
  });
});

test("an object that is not a collection is refused with advice what to pass", async () => {
  const client = new MongoClient("mongodb://me:hunter2@127.0.0.1:1/app");
  const refused: [client: unknown, says: RegExp][] = [
    [client, /a MongoClient.*client\.db\(\)\.collection\("sessions"\)/],
    [client.db(), /a database or a connection.*db\.collection\("sessions"\)/],
    [Promise.resolve(client), /await/],
    [{ findOne() {} }, /lacks insertOne, updateOne/],
    ["mongodb://me:hunter2@localhost", /a string lacks/],
  ];
  for (const [one, says] of refused) {
    assert.throws(
      () => mongodbStorage(one as Collection),
      (error: Error) => {
        assert.match(error.message, says);
        assert.doesNotMatch(error.message, /hunter2/);
        return true;
      },
    );
  }
  await client.close();
});

const nothing = async (): Promise<null> => null;
const FAKE: MongodbCollection = {
  findOne: nothing,
  insertOne: nothing,
  updateOne: nothing,
  deleteOne: nothing,
  deleteMany: nothing,
  createIndex: nothing,
};

async function until(isSo: () => Promise<boolean>): Promise<boolean> {
  for (const end = Date.now() + 15_000; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 50))) {
    if (await isSo().catch(() => false)) return true;
  }
  return false;
}

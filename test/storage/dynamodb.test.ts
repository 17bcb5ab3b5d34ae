import assert from "node:assert/strict";
import { after, before, describe, test, type TestContext } from "node:test";
import { createStore, type SessionEvent } from "holdfast";
import { dynamodbStorage, type DynamodbStorage } from "holdfast/storage/dynamodb";
import { storageSuite, type StorageConditions, type StorageUnderTest } from "holdfast/testing";
import { Proxy } from "./failover/proxy.js";
import { awsSdk, connectDynamodb, settingsOf, type ConnectedDynamodb } from "../support/dynamodb-clients.js";
import { ownService, withService } from "../support/services.js";
import { aWhile } from "../support/within.js";

const MINUTE = 60_000;
const now = Date.now();
const call = { now, signal: new AbortController().signal };
const entry = (value: string) => ({ value, expiresAt: now + MINUTE });

/** What a document client may be told to make of attributes. */
const TRANSLATED: Readonly<Record<string, object>> = {
  "as it comes": {},
  "empty values as nothing": { marshallOptions: { convertEmptyValues: true, removeUndefinedValues: true } },
  "numbers as texts": { unmarshallOptions: { wrapNumbers: true } },
};

await withService("dynamodb", (service) => {
  const opened = async (t: TestContext): Promise<ConnectedDynamodb & { storage: DynamodbStorage }> => {
    const connected = await connectDynamodb(service);
    t.after(connected.close);
    return { ...connected, storage: dynamodbStorage(connected.client, { table: connected.table }) };
  };

  describe("dynamodb: the storage contract", () => {
    let proxy: Proxy;
    let through: ConnectedDynamodb;
    before(async () => {
      proxy = await Proxy.before(service.port);
      through = await connectDynamodb({ url: `http://127.0.0.1:${proxy.port}` });
    });
    after(async () => {
      through.close();
      await proxy.close();
    });
    const documents = Object.entries(TRANSLATED).map(
      ([how, translate]) => [how, () => documentOf(translate)] as const,
    );
    const conditions: StorageConditions = {
      rowSettings: Object.fromEntries(documents),
      latency(_under, ms) {
        const slow = (next: any) => async (args: any) => {
          const answer = await next(args);
          await aWhile(ms);
          return answer;
        };
        through.client.middlewareStack.add(slow, { step: "initialize", name: "slow" });
        return () => through.client.middlewareStack.remove("slow");
      },
      async cutConnections() {
        await proxy.close();
        await proxy.restore();
      },
    };
    const make = (): StorageUnderTest => ({ storage: dynamodbStorage(through.client, { table: through.table }) });
    for (const { name, run } of storageSuite(make, conditions)) test(name, run);
  });

  async function documentOf(translate: object): Promise<StorageUnderTest> {
    const { client, table, close } = await connectDynamodb(service, "DynamoDBDocument", undefined, translate);
    return { storage: dynamodbStorage(client, { table }), close };
  }

  test("requests of a request: read 1, write 2, login 3, logout 2; reads are consistent, writes conditional", async (t) => {
    const { client, storage } = await opened(t);
    const store = createStore<{ n: number }>({ storage });
    const sent: { name: string; input: any }[] = [];
    client.middlewareStack.add(
      (next: any, { commandName }: any) =>
        (args: any) => (sent.push({ name: commandName.replace("Command", ""), input: args.input }), next(args)),
      { step: "initialize" },
    );
    const cost = async (work: () => Promise<unknown>): Promise<string> => {
      sent.length = 0;
      await work();
      return sent.map(({ name }) => name).join(" ");
    };
    const { id } = await store.create({ n: 1 });
    assert.equal(await cost(() => store.getById(id)), "GetItem");
    assert.equal(sent[0]!.input.ConsistentRead, true);
    assert.equal(await cost(() => store.edit(id, (session) => session.set("n", 2))), "GetItem UpdateItem");
    const { token } = await store.create({ n: 1 });
    const login = async (): Promise<void> => {
      const session = (await store.getByToken(token))!;
      await session.regenerate();
      await session.save();
    };
    assert.equal(await cost(login), "GetItem PutItem UpdateItem");
    for (const { input } of sent.slice(1)) assert.ok(input.ConditionExpression);
    assert.equal(await cost(() => store.delete(id)), "GetItem DeleteItem");
    assert.ok(sent[1]!.input.ConditionExpression);
  });

  test("a change whose response was lost is sent again by the client, finds its own version, and succeeds", async (t) => {
    const { client, storage } = await opened(t);
    let loses = 0;
    const lossy = (next: any) => async (args: any) => {
      const answer = await next(args);
      if (loses-- > 0) throw Object.assign(new Error("socket hang up"), { code: "ECONNRESET", name: "TimeoutError" });
      return answer;
    };
    client.middlewareStack.add(lossy, { step: "deserialize", priority: "low" });
    loses = 1;
    const created = await storage.create("resent", entry("1"), call);
    assert.ok(created, "create");
    loses = 1;
    const updated = await storage.update("resent", entry("2"), created.version!, call);
    assert.ok(updated, "update");
    loses = 1;
    assert.ok(await storage.touch("resent", now + 2 * MINUTE, updated.version!, call), "touch");
    assert.deepEqual(await storage.get("resent", call), {
      value: "2",
      expiresAt: now + 2 * MINUTE,
      version: updated.version,
    });
    assert.ok(loses < 0, "answers were lost");
    assert.equal(await storage.update("resent", entry("3"), created.version!, call), false);
  });

  test("what somebody else wrote under a session's key is no session, and one event", async (t) => {
    const { client, table, storage } = await opened(t);
    const events: SessionEvent[] = [];
    const store = createStore<{ n: number }>({ storage, onEvent: (event) => events.push(event) });
    const { token, id } = await store.create({ n: 1 });
    const key = { S: `holdfast:${id.slice(id.indexOf("_") + 1)}` };
    const { Item: whole } = await client.getItem({ TableName: table, Key: { key } });
    assert.ok(Number(whole.ttl.N) * 1000 >= Number(whole.deadline.S) + 5 * MINUTE, "it is kept five minutes longer");
    const broken = [
      {},
      { value: { N: "7" } },
      { ...whole, value: { NULL: true } },
      { ...whole, version: { N: "1" } },
      { ...whole, deadline: { S: "soon" } },
      { ...whole, value: { M: {} } },
    ];
    for (const item of broken) {
      await client.putItem({ TableName: table, Item: { ...item, key } });
      assert.equal(await store.getByToken(token), undefined, JSON.stringify(item));
    }
    assert.equal(events.filter(({ type }) => type === "unreadable").length, broken.length);
  });

  test("ensureSchema, by any number of processes at once; check tells what lacks", async (t) => {
    const { client } = await opened(t);
    const table = `made_${now}`;
    const storage = dynamodbStorage(client, { table });
    await assert.rejects(async () => storage.get("k", call), {
      code: "storage",
      message: /the table made_\S* does not exist.*ensureSchema/,
    });
    const found = async (): Promise<string> =>
      (await storage.check(call)).map(({ level, what }) => `${level} ${what}`).join("\n");
    assert.match(await found(), /^bad the table [\w.-]+ does not exist/);
    await Promise.all(Array.from({ length: 4 }, () => storage.ensureSchema()));
    await storage.ensureSchema();
    assert.doesNotMatch(await found(), /warn|bad/);
    await client.updateTimeToLive({
      TableName: table,
      TimeToLiveSpecification: { AttributeName: "ttl", Enabled: false },
    });
    assert.match(await found(), /warn the table has no time-to-live/);
    const document = dynamodbStorage(awsSdk("lib-dynamodb").DynamoDBDocument.from(client), { table });
    await assert.rejects(document.ensureSchema(), {
      code: "unsupported",
      message: /cannot create tables; .*new DynamoDB/,
    });
    assert.match(JSON.stringify(await document.check(call)), /ok.*records can be created.*warn.*document client/);
  });

  test("the largest value it names is taken, one that is larger than an item may be is too-large", async (t) => {
    const { storage } = await opened(t);
    assert.ok(await storage.create(`k${"x".repeat(127)}`, entry("x".repeat(storage.maxValueBytes)), call));
    await assert.rejects(async () => storage.create("k2", entry("x".repeat(410 * 1024)), call), {
      code: "too-large",
    });
  });

  test("a server that does not respond, or is down, is an error within the timeout; later it works again", async (t) => {
    const proxy = await Proxy.before(service.port);
    t.after(() => proxy.close());
    const { client, table, close } = await connectDynamodb({ url: `http://127.0.0.1:${proxy.port}` });
    t.after(close);
    const store = createStore<{ n: number }>({ storage: dynamodbStorage(client, { table }), storageTimeout: "1s" });
    const { token } = await store.create({ n: 1 });
    proxy.slowDown(5000);
    const began = performance.now();
    await assert.rejects(store.getByToken(token), { code: /timeout|storage/ });
    assert.ok(performance.now() - began < 3000);
    await proxy.close();
    await assert.rejects(store.getByToken(token), { code: /timeout|storage/ });
    await proxy.restore();
    assert.equal((await store.getByToken(token))?.get("n"), 1);
  });

  test("a client that only sends commands works with their classes: of items, of documents, or some of them", async (t) => {
    const { client, table } = await opened(t);
    const [sdk, lib] = [awsSdk("client-dynamodb"), awsSdk("lib-dynamodb")];
    const bare = new sdk.DynamoDBClient(settingsOf(service));
    t.after(() => bare.destroy());
    const { GetItemCommand, PutItemCommand, UpdateItemCommand, DeleteItemCommand } = sdk;
    const some = { GetItemCommand, PutItemCommand, UpdateItemCommand, DeleteItemCommand };
    const documents = lib.DynamoDBDocumentClient.from(bare);
    const storages = [
      dynamodbStorage(bare, { table, commands: sdk }),
      dynamodbStorage(bare, { table, commands: some }),
      dynamodbStorage(documents, { table, commands: lib }),
    ];
    for (const [i, storage] of storages.entries()) {
      const key = `sent-${i}`;
      const created = await storage.create(key, entry("1"), call);
      assert.ok(created);
      assert.equal(await storage.create(key, entry("2"), call), false);
      assert.deepEqual(await dynamodbStorage(client, { table }).get(key, call), {
        ...entry("1"),
        version: created.version,
      });
      const updated = await storage.update(key, entry("3"), created.version!, call);
      assert.ok(updated && (await storage.touch(key, now, updated.version!, call)));
      assert.equal((await storage.get(key, call))?.value, "3");
      assert.equal(await storage.delete(key, created.version!, call), false);
      assert.ok(await storage.delete(key, updated.version!, call));
    }
    const [all, few, ofDocuments] = storages as [DynamodbStorage, DynamodbStorage, DynamodbStorage];
    await all.ensureSchema();
    assert.doesNotMatch(JSON.stringify(await all.check(call)), /"(?:warn|bad)"/);
    await all.clear("sent-", call);
    await ofDocuments.clear("sent-", call);
    await assert.rejects(few.clear("sent-", call), { code: "unsupported", message: /commands lack ScanCommand/ });
    await assert.rejects(few.ensureSchema(), { code: "unsupported", message: /cannot create tables/ });
    assert.match(JSON.stringify(await few.check(call)), /ok.*records can be created.*warn.*without the commands/);
  });

  test("commands that are none, or that nobody can send, are refused", () => {
    const { DynamoDBClient, GetItemCommand } = awsSdk("client-dynamodb");
    const bare = new DynamoDBClient(settingsOf(service));
    const refused: [client: unknown, commands: unknown, says: RegExp][] = [
      [bare, {}, /commands is .*write \{ GetItemCommand, PutItemCommand, UpdateItemCommand, DeleteItemCommand \}/],
      [bare, { GetItemCommand }, /write \{ GetItemCommand, PutItemCommand/],
      [bare, "hunter2", /commands is a string/],
      [{ getItem() {} }, awsSdk("client-dynamodb"), /client is an object.*has send\(\)/],
    ];
    for (const [client, commands, says] of refused)
      assert.throws(() => dynamodbStorage(client as never, { table: "abc", commands: commands as never }), says);
    bare.destroy();
  });

  test("an unsupported client is refused with advice what to pass", (t) => {
    const { DynamoDBClient } = awsSdk("client-dynamodb");
    const bare = new DynamoDBClient(settingsOf(service));
    t.after(() => bare.destroy());
    const refused: [client: unknown, says: RegExp][] = [
      [bare, /only has send.*new DynamoDB\(.*DynamoDBDocument\.from\(client\).*commands: \{ GetItemCommand/],
      [awsSdk("lib-dynamodb").DynamoDBDocumentClient.from(bare), /only has send.*DynamoDBDocument\.from/],
      [Promise.resolve(bare), /await/],
      [{ getItem() {} }, /has neither getItem.*new DynamoDB/],
      ["https://key:hunter2@dynamodb", /a string has neither/],
    ];
    for (const [client, says] of refused)
      assert.throws(() => dynamodbStorage(client as never, { table: "abc" }), says);
    const all = Object.fromEntries(
      ["get", "put", "update", "delete", "scan"].map((name) => [name, async () => ({})]),
    );
    for (const table of ["", "ab", "a b", "x".repeat(256), 5]) {
      assert.throws(() => dynamodbStorage(all as never, { table: table as string }), /table is/);
    }
  });
});

test("a refusal of the service is an error: throttled, not allowed", async () => {
  for (const [name, says] of [
    ["ProvisionedThroughputExceededException", /too much/],
    ["AccessDeniedException", /has no permission; allow it dynamodb:GetItem/],
  ] as const) {
    const fail = (): Promise<never> => Promise.reject(Object.assign(new Error("too much"), { name }));
    const store = createStore({
      storage: dynamodbStorage({ get: fail, put: fail, update: fail, delete: fail, scan: fail }),
    });
    await assert.rejects(
      store.create({}),
      (error: any) => error.code === "storage" && says.test(`${error.message} ${error.cause?.message}`),
    );
  }
});

await withService("dynamodb", () => {
  test("a restarted service is an error that names the table, until it is created", async () => {
    const own = await ownService("dynamodb");
    const { client, table, close } = await connectDynamodb(own);
    const storage = dynamodbStorage(client, { table });
    await own.servers[0]!.kill();
    await assert.rejects(async () => storage.get("k", { ...call, signal: AbortSignal.timeout(2000) }));
    await own.servers[0]!.start();
    await assert.rejects(async () => storage.get("k", call), { message: /the table [\w.-]+ does not exist/ });
    await storage.ensureSchema();
    assert.equal(await storage.get("k", call), undefined);
    close();
    await own.servers[0]!.kill();
  });
});

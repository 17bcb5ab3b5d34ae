import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { Cluster, Redis } from "ioredis";
import { createClient, RESP_TYPES } from "redis";
import { createStore, type SessionEvent, type Storage } from "holdfast";
import { session } from "holdfast/node";
import { redisStorage, type RedisClient } from "holdfast/storage/redis";
import { Client } from "../support/client.js";
import { CLIENTS, type Connected } from "../support/redis-clients.js";
import { ownService, withService, type Service } from "../support/services.js";
import { aWhile, until } from "../support/within.js";
import { incidents } from "../support/incidents.js";

interface Data {
  n: number;
}

const now = Date.now();
const call = { now, signal: new AbortController().signal };
const soon = now + 60_000;
const SKEW = 5 * 60_000;
const entry = (value: string) => ({ value, expiresAt: soon });

for (const { server, client, connect } of CLIENTS) {
  await withService(server, (service) => {
    describe(`${client}, ${server}`, () => {
      let own: Connected;
      let storage: Storage;
      let admin: Admin;
      before(async () => {
        own = await connect(service);
        storage = redisStorage(own.redis);
        admin = await adminOf(server, service);
      });
      after(() => {
        own.close();
        admin.close();
      });

      test("scripts that the server forgot are sent again", async () => {
        const key = `forgetful-${server}-${client}`;
        let { version } = (await storage.create(key, entry("1"), call)) as { version: string };
        for (let round = 0; round < 3; round++) {
          await admin.everywhere("script", "flush", "sync");
          ({ version } = (await storage.update(key, entry("2"), version, call)) as { version: string });
          await admin.everywhere("script", "flush", "sync");
          assert.deepEqual(await storage.touch(key, soon + round, version, call), { version });
        }
        await admin.everywhere("script", "flush", "sync");
        assert.equal(await storage.delete(key, "AAAAAAAAAAAA", call), false);
        assert.equal(await storage.delete(key, version, call), true);
      });

      test("clear walks its prefix alone, whatever characters it has, on every primary", async () => {
        const base = `walk-${server}-${client}-`;
        const prefixes = ["a*", "a?", "[ab]", "[^a]", "a\\", "a", "{tag}", "{x", "é😀", "\n"].map(
          (prefix) => `${base}${prefix}:`,
        );
        for (const prefix of prefixes)
          await Promise.all(["1", "2", "3"].map(async (name) => storage.create(prefix + name, entry("v"), call)));
        for (const [i, prefix] of prefixes.entries()) {
          await storage.clear!(prefix, call);
          const left = await Promise.all(prefixes.map(async (one) => storage.get(`${one}2`, call)));
          assert.deepEqual(
            left.map(Boolean),
            prefixes.map((_, j) => j > i),
            prefix,
          );
        }
        await Promise.all(
          Array.from({ length: 1500 }, async (_, i) => storage.create(`${base}many:${i}`, entry("v"), call)),
        );
        await storage.create(`${base}many`, entry("v"), call);
        await storage.clear!(`${base}many:`, call);
        const left = await Promise.all(
          Array.from({ length: 1500 }, async (_, i) => storage.get(`${base}many:${i}`, call)),
        );
        assert.equal(left.filter(Boolean).length, 0);
        assert.ok(await storage.get(`${base}many`, call));
      });

      test("the client's own prefix and the storage's are put before each key, once, by every command", async () => {
        const prefixed = await connect(service, { keyPrefix: "app*:" });
        try {
          const mine = redisStorage(prefixed.redis, { prefix: "web:" });
          const name = `prefixed-${client}`;
          const created = (await mine.create(name, entry("1"), call)) as { version: string };
          assert.match((await admin.get(`app*:web:${name}`)) ?? "", /\.1$/);
          assert.equal((await mine.get(name, call))?.value, "1");
          const { version } = (await mine.update(name, entry("2"), created.version, call)) as { version: string };
          assert.ok(await mine.touch(name, soon, version, call));
          await storage.create(`app-other:web:${name}`, entry("1"), call);
          await storage.create(`web:${name}`, entry("1"), call);
          await mine.clear!("prefixed-", call);
          assert.equal(await mine.get(name, call), undefined);
          assert.ok(await storage.get(`app-other:web:${name}`, call));
          assert.ok(await storage.get(`web:${name}`, call));
          const again = (await mine.create(name, entry("1"), call)) as { version: string };
          assert.equal(await mine.delete(name, again.version, call), true);
        } finally {
          await prefixed.close();
        }
      });

      test("what somebody else wrote under a session's key is no session, and one event", async () => {
        const events: SessionEvent[] = [];
        const store = createStore<Data>({ storage, onEvent: incidents((event) => events.push(event)) });
        const { token, id } = await store.create({ n: 1 });
        const key = `holdfast:${id.slice(id.indexOf("_") + 1)}`;
        const whole = (await admin.get(key))!;
        assert.ok(whole, "this test knows the key");
        const broken: (string | Buffer)[] = [
          "",
          ".",
          "text",
          whole.slice(0, 12),
          whole.slice(0, 20),
          whole.slice(0, 30),
          whole.slice(0, -3),
          `x${whole}`,
          Buffer.from([0xff, 0xfe, 0x00]),
          Buffer.concat([Buffer.from(whole.slice(0, 30)), Buffer.from([0xc3, 0x28])]),
        ];
        for (const value of broken) {
          await admin.run("set", key, value);
          assert.equal(await store.getByToken(token), undefined, String(value));
        }
        for (const [command, ...args] of [
          ["hset", "field", "1"],
          ["rpush", "1"],
          ["sadd", "1"],
        ] as const) {
          await admin.run("del", key);
          await admin.run(command, key, ...args);
          assert.equal(await store.getByToken(token), undefined, command);
          assert.equal(await storage.create(key, entry("v"), call), false);
          for (const version of ["AAAAAAAAAAAA", "", (await storage.get(key, call))!.version]) {
            assert.equal(await storage.update(key, entry("v"), version, call), false);
            assert.equal(await storage.touch(key, soon, version, call), false);
            assert.equal(await storage.delete(key, version, call), false);
          }
        }
        assert.equal(events.length, broken.length + 3);
        assert.deepEqual(new Set(events.map(({ type }) => type)), new Set(["unreadable"]));
      });

      test("reads go to a primary, also if the client is configured to read from replicas", async () => {
        const replicas = await admin.replicas();
        assert.equal(replicas.length, { "redis-cluster": 3, "redis-sentinel": 1 }[server as string] ?? 0);
        await Promise.all(replicas.map((replica) => replica.config("RESETSTAT")));
        for (let i = 0; i < 60; i++) await storage.get(`primary-${i}`, call);
        const stats = await Promise.all(replicas.map((replica) => replica.info("commandstats")));
        assert.deepEqual(
          stats.filter((text) => /cmdstat_get:/.test(text)),
          [],
        );
      });

      test("no version matches what the driver did not write, also where it would be its beginning", async () => {
        const key = `foreign-${server}-${client}`;
        for (const value of [".", "AAAAAAAAAAAA", "AAAAAAAAAAA.", "not written by holdfast.", ""]) {
          await admin.run("set", key, value);
          const { version } = (await storage.get(key, call))!;
          assert.equal(await storage.update(key, entry("v"), version, call), false, value);
          assert.equal(await storage.delete(key, version, call), false, value);
        }
      });

      test("the server keeps a record five minutes past its deadline, however it was written, and no longer", async () => {
        const key = `kept-${server}-${client}`;
        const kept = async (ms: number, what: string) => {
          const left = Number(await admin.run("pttl", key));
          assert.ok(left <= ms + SKEW && left > ms + SKEW - 20_000, `${what}: ${left}`);
        };
        let { version } = (await storage.create(key, entry("1"), call)) as { version: string };
        await kept(60_000, "create");
        assert.ok(await storage.touch(key, now + 600_000, version, call));
        await kept(600_000, "touch");
        ({ version } = (await storage.update(key, { value: "2", expiresAt: now + 120_000 }, version, call)) as {
          version: string;
        });
        await kept(120_000, "update");
        assert.ok(await storage.update(key, { value: "3", expiresAt: now - 2 * SKEW }, version, call));
        await aWhile(10);
        assert.equal(await storage.get(key, call), undefined);
      });
    });
  });
}

for (const name of ["redis", "ioredis", "redis (pool)"]) {
  await withService("redis", () => {
    describe(`on the wire: ${name}`, () => {
      const { connect } = CLIENTS.find(({ server, client }) => server === "redis" && client === name)!;
      let service: Service;
      let own: Connected;
      let wire: Wire;
      let server: Server;
      let origin: string;
      before(async () => {
        service = await ownService("redis");
        own = await connect(service);
        wire = await Wire.tap(service);
        const eager = session<Data>({ storage: redisStorage(own.redis) });
        const lazy = session<Data>({ storage: redisStorage(own.redis), load: "lazy" });
        const answers: Record<string, Parameters<typeof eager>[0]> = {
          "/read": (req, res) => void res.end(`${eager.get(req).get("n")}`),
          "/write": (req, res) => (eager.get(req).update("n", (n = 0) => n + 1), void res.end()),
          "/destroy": async (req, res) => {
            await eager.get(req).destroy();
            res.end();
          },
          "/login": async (req, res) => {
            await eager.get(req).regenerate();
            eager.get(req).set("n", 7);
            res.end();
          },
        };
        const handlers = Object.fromEntries(Object.entries(answers).map(([path, answer]) => [path, eager(answer)]));
        const unasked = lazy((_req, res) => void res.end());
        server = createServer((req, res) => (handlers[req.url!] ?? unasked)(req, res)).listen(0, "127.0.0.1");
        await new Promise((resolve) => server.once("listening", resolve));
        origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      });
      after(async () => {
        server.close();
        await own.close();
        wire.close();
        await service.servers[0]!.kill();
      });

      const costs = async (client: Client, path: string): Promise<string[]> => {
        await wire.forget();
        assert.equal((await client.get(path)).status, 200);
        return wire.commands();
      };

      test("read 1, write 2, login 3, destroy 2, asked for nothing 0", async () => {
        const client = new Client(origin);
        assert.deepEqual(await costs(client, "/read"), []);
        await client.get("/write");
        await client.get("/write");
        assert.deepEqual(await costs(client, "/read"), ["get"]);
        assert.deepEqual(await costs(client, "/write"), ["get", "evalsha"]);
        assert.deepEqual(await costs(client, "/unasked"), []);
        assert.deepEqual(await costs(client, "/login"), ["get", "set", "evalsha"]);
        assert.deepEqual(await costs(client, "/read"), ["get"]);
        const one = new Client(origin);
        await one.get("/write");
        await one.get("/destroy");
        assert.deepEqual(await costs(client, "/destroy"), ["get", "evalsha"]);
        assert.deepEqual(await costs(client, "/read"), []);
        assert.deepEqual(await costs(new Client(origin), "/write"), ["set"]);
      });

      test("touch sends a deadline, not the value", async () => {
        const storage = redisStorage(own.redis);
        const { version } = (await storage.create("touch-light", entry("x".repeat(5000)), call)) as {
          version: string;
        };
        await storage.touch("touch-light", soon, version, call);
        await wire.forget();
        await storage.touch("touch-light", soon + 1, version, call);
        assert.deepEqual(await wire.commands(), ["evalsha"]);
        assert.ok(wire.bytes < 300, `${wire.bytes} bytes`);
      });
    });
  });
}

for (const { server, client, connect } of CLIENTS.filter(({ server }) => server === "redis" || server === "valkey")) {
  await withService(server, () => {
    test(`${client}: a ${server} that was restarted, with nothing in it, serves again without a new client`, async () => {
      const service = await ownService(server);
      const own = await connect(service);
      try {
        const store = createStore<Data>({ storage: redisStorage(own.redis) });
        const { token, id } = await store.create({ n: 1 });
        await store.edit(id, (session) => session.set("n", 2));
        await service.servers[0]!.kill();
        await service.servers[0]!.start();
        const fresh = await eventually(() => store.create({ n: 3 }));
        assert.equal(await store.getByToken(token), undefined);
        assert.equal(await store.edit(fresh.id, (session) => session.update("n", (n = 0) => n + 1)), true);
        assert.equal((await store.getByToken(fresh.token))?.get("n"), 4);
      } finally {
        await own.close();
        await service.servers[0]!.kill();
      }
    });
  });
}

await withService("redis", ({ url }) => {
  test("a client that returns bytes for strings and strings for numbers is supported", async () => {
    const client = createClient({ url });
    await client.connect();
    try {
      const storage = redisStorage(
        client.withTypeMapping({
          [RESP_TYPES.BLOB_STRING]: Buffer,
          [RESP_TYPES.SIMPLE_STRING]: Buffer,
          [RESP_TYPES.NUMBER]: String,
        }),
      );
      const { version } = (await storage.create("mapped:1", entry("é"), call)) as { version: string };
      assert.equal((await storage.get("mapped:1", call))?.value, "é");
      assert.equal(await storage.delete("mapped:1", "AAAAAAAAAAAA", call), false);
      assert.ok(await storage.update("mapped:1", entry("2"), version, call));
      await storage.clear!("mapped:", call);
      assert.equal(await storage.get("mapped:1", call), undefined);
    } finally {
      await client.close();
    }
  });
});

test("an unsupported client is refused immediately, with the missing methods", () => {
  for (const wrong of ["redis://localhost", undefined, null, {}, { get() {}, set() {} }, Redis, 5]) {
    assert.throws(
      () => redisStorage(wrong as unknown as RedisClient),
      (error: Error) => error instanceof TypeError && /sendCommand.*call/.test(error.message),
    );
  }
});

test("options are checked", () => {
  const client = { call: () => Promise.resolve(null) };
  assert.throws(() => redisStorage(client, { prefix: 5 as unknown as string }), /prefix is 5/);
  assert.throws(() => redisStorage(client, { ttl: 5 } as object), /no option "ttl"/);
  assert.throws(
    () => redisStorage(Object.assign({ options: { keyPrefix: Buffer.from("x") } }, client)),
    /keyPrefix of the client/,
  );
});

test("a cluster client that reads from replicas is refused: what it reads may be older than a logout", () => {
  const cluster = new Cluster([{ host: "127.0.0.1", port: 1 }], { scaleReads: "slave", lazyConnect: true });
  assert.throws(() => redisStorage(cluster), /scaleReads/);
});

test("an error of the server is a failure, whatever it is", async () => {
  for (const message of [
    "OOM command not allowed when used memory > 'maxmemory'.",
    "READONLY You can't write against a read only replica.",
    "LOADING Redis is loading the dataset in memory",
    "ERR unknown",
  ]) {
    const storage = redisStorage({ call: () => Promise.reject(new Error(message)) });
    for (const attempt of [
      () => storage.get("k", call),
      () => storage.create("k", entry("v"), call),
      () => storage.update("k", entry("v"), "AAAAAAAAAAAA", call),
      () => storage.touch("k", soon, "AAAAAAAAAAAA", call),
      () => storage.delete("k", "AAAAAAAAAAAA", call),
      () => storage.clear!("k", call),
    ]) {
      await assert.rejects(async () => attempt(), { message });
    }
  }
});

/** A connection of the test's own to every node. */
interface Admin {
  everywhere(command: string, ...args: string[]): Promise<unknown>;
  run(command: string, ...args: (string | Buffer)[]): Promise<unknown>;
  get(key: string): Promise<string | null>;
  replicas(): Promise<readonly Redis[]>;
  close(): void;
}

async function adminOf(kind: string, { url, addresses, database }: Service): Promise<Admin> {
  return kind === "redis-cluster"
    ? adminOfCluster(new Cluster([...addresses]))
    : adminOfOne(
        kind === "redis-sentinel" ? new Redis({ name: database, sentinels: [...addresses] }) : new Redis(url),
      );
}

async function adminOfCluster(cluster: Cluster): Promise<Admin> {
  await cluster.get("ready");
  return {
    everywhere: (command, ...args) => Promise.all(cluster.nodes("master").map((node) => node.call(command, args))),
    run: (command, ...args) => cluster.call(command, args),
    get: (key) => cluster.get(key),
    replicas: async () => cluster.nodes("slave"),
    close: () => cluster.disconnect(),
  };
}

async function adminOfOne(redis: Redis): Promise<Admin> {
  const opened: Redis[] = [];
  return {
    everywhere: (command, ...args) => redis.call(command, args),
    run: (command, ...args) => redis.call(command, args),
    get: (key) => redis.get(key),
    async replicas() {
      const known = (await redis.info("replication")).matchAll(/^slave\d+:ip=([^,]+),port=(\d+)/gm);
      opened.push(...[...known].map(([, host, port]) => new Redis(Number(port), host!)));
      return opened;
    },
    close: () => [redis, ...opened].forEach((one) => one.disconnect()),
  };
}

/** Listens to what clients send to the server (MONITOR); what scripts do inside it is none of that. */
class Wire {
  #lines: string[][] = [];
  readonly #monitor: Redis;
  readonly #marker: Redis;

  private constructor(monitor: Redis, marker: Redis) {
    this.#monitor = monitor;
    this.#marker = marker;
    monitor.on(
      "monitor",
      (_time: string, args: string[], source: string) => source !== "lua" && this.#lines.push(args),
    );
  }

  static async tap({ url }: Service): Promise<Wire> {
    const marker = new Redis(url);
    return new Wire(await marker.monitor(), marker);
  }

  /** Everything that was sent before this call is known when it resolves. */
  async #arrived(): Promise<void> {
    const mark = `mark-${Math.random()}`;
    await this.#marker.echo(mark);
    await until("the monitor sees the mark", () => this.#lines.some(([, argument]) => argument === mark));
  }

  async forget(): Promise<void> {
    await this.#arrived();
    this.#lines = [];
  }

  async commands(): Promise<string[]> {
    await this.#arrived();
    return this.#sent().map(([command = ""]) => command.toLowerCase());
  }

  get bytes(): number {
    return this.#sent().flat().join(" ").length;
  }

  #sent(): string[][] {
    return this.#lines.filter(([command = ""]) => command.toLowerCase() !== "echo");
  }

  close(): void {
    this.#monitor.disconnect();
    this.#marker.disconnect();
  }
}

/** Clients need a moment to notice that the server is back. */
async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  const end = Date.now() + 10_000;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > end) throw error;
    }
  }
}

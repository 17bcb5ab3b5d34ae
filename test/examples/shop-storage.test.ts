import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";
import { createClient } from "redis";
import { Client, type Answer } from "../support/client.js";
import { ownService, withService } from "../support/services.js";
import { until } from "../support/within.js";
import { start, type Running } from "./running.js";

const INES = { name: "Ines", password: "tidewater" };

/** One browser, which reaches either process with the same cookies. */
class Visitor {
  readonly #clients: { readonly a: Client; readonly b: Client };
  readonly #shops: { readonly a: Running; readonly b: Running };

  constructor(a: Running, b: Running) {
    this.#shops = { a, b };
    this.#clients = { a: new Client(a.origin), b: new Client(b.origin) };
  }

  at(shop: "a" | "b"): Pick<Client, "get" | "post"> {
    const client = this.#clients[shop];
    const other = this.#clients[shop === "a" ? "b" : "a"];
    const shared = async (answer: Promise<Answer>): Promise<Answer> => {
      const answered = await answer;
      if (answered.setCookies.length > 0) copyCookies(client, other);
      return answered;
    };
    return {
      get: (path, sent) => shared(client.get(path, sent)),
      post: (path, sent) => shared(client.post(path, sent)),
    };
  }

  /** Somebody who has the same cookies now, and keeps them. */
  copy(): Visitor {
    const copy = new Visitor(this.#shops.a, this.#shops.b);
    for (const shop of ["a", "b"] as const) copyCookies(this.#clients[shop], copy.#clients[shop]);
    return copy;
  }
}

function copyCookies(from: Client, to: Client): void {
  to.cookies.clear();
  for (const [name, value] of from.cookies) to.cookies.set(name, value);
}

for (const [name, database] of [
  ["redis", "Redis"],
  ["postgres", "PostgreSQL"],
  ["mariadb", "MySQL"],
  ["mongodb", "MongoDB"],
] as const) {
  await withService(name, ({ url }) => {
    test(`two shop processes on one ${name} behave as one`, (t) => behavesAsOne(t, url, database));
  });
}

await withService("redis", () => {
  test("the shop prints problems of its database at its start", async (t) => {
    const redis = await ownService("redis");
    t.after(() => redis.servers[0]!.kill());
    const client = createClient({ url: redis.url });
    await client.connect();
    await client.sendCommand(["CONFIG", "SET", "maxmemory", "100mb", "maxmemory-policy", "allkeys-lru"]);
    client.destroy();
    const shop = await open(t, redis.url);
    assert.match(shop.printed(), /Redis, bad: maxmemory-policy is allkeys-lru.*noeviction/);
  });
});

test("two shop processes on one SQLite file behave as one", (t) =>
  behavesAsOne(t, `sqlite:${join(directory(t), "shop #1.db")}`, "SQLite"));

async function behavesAsOne(t: TestContext, address: string, database: string): Promise<void> {
  const [a, b] = await Promise.all([open(t, address), open(t, address)]);
  assert.match(a.printed(), new RegExp(`sessions in ${database}`));
  const visitor = new Visitor(a, b);

  await visitor.at("a").post("/cart/add", { form: { product: "rope" } });
  assert.match(
    (await visitor.at("b").get("/cart")).body,
    /Manila rope/,
    "what went into the cart on A is in it on B",
  );

  const thief = visitor.copy();
  await visitor.at("a").post("/login", { form: INES });
  assert.match((await visitor.at("b").get("/account")).body, /Hello, Ines/, "who signs in on A is signed in on B");
  assert.equal(
    (await thief.at("b").get("/account")).status,
    303,
    "the cookie from before the login opens nothing on B",
  );
  assert.doesNotMatch((await thief.at("b").get("/cart")).body, /Manila rope/);

  await visitor.at("b").post("/race/line-up");
  const runners = Array.from({ length: 50 }, (_, i) =>
    visitor
      .copy()
      .at(i % 2 ? "a" : "b")
      .post("/race/update"),
  );
  assert.deepEqual([...new Set((await Promise.all(runners)).map(({ status }) => status))], [204]);
  for (const shop of ["a", "b"] as const)
    assert.equal((await visitor.at(shop).get("/race/counts")).json().update, 50);

  const late = visitor.copy();
  const slow = visitor.copy().at("a").post("/race/update");
  await visitor.at("b").post("/logout");
  await slow;
  for (const shop of ["a", "b"] as const) {
    assert.equal((await late.at(shop).get("/account")).status, 303, "who signs out on B is signed out on A");
    assert.match((await late.at(shop).get("/session")).body, /You have none/);
  }
  await Promise.all([a, b].map((shop) => endsWell(shop)));
}

suite("an address that leads nowhere is an error before the shop opens, which shows no password", () => {
  const refused: Record<string, RegExp> = {
    "localhost:6379": /not the URL of a storage; write redis:\/\/HOST:PORT, postgres:.*, mysql:.* or sqlite:FILE/,
    "oracle://me:hunter2@localhost/x": /not the URL of a storage; write redis/,
    "dynamodb://us-east-1/sessions": /its client is not installed; run: npm install @aws-sdk\/client-dynamodb/,
    "sqlite:": /"sqlite:": .*sqlite:FILE/,
    "sqlite:/no/such/directory/shop.db": /"sqlite:\/no\/such\/directory\/shop.db": .*open/,
  };
  for (const scheme of ["redis", "postgres", "mysql", "mongodb"]) {
    test(scheme, async (t) => {
      const port = await unusedPort();
      await assertRefused(
        t,
        `${scheme}://me:hunter2@127.0.0.1:${port}/0`,
        new RegExp(`"${scheme}://…@127.0.0.1:${port}/0": connect ECONNREFUSED`),
      );
    });
  }
  for (const [address, says] of Object.entries(refused))
    test(address.replace("hunter2", "…"), (t) => assertRefused(t, address, says));
});

async function assertRefused(t: TestContext, address: string, says: RegExp): Promise<void> {
  await assert.rejects(open(t, address), (error: Error) => {
    assert.match(error.message, says);
    assert.doesNotMatch(error.message, /hunter2/);
    return true;
  });
}

await withService("redis", () => {
  test("if Redis is down, a request gets a 503 immediately, and the shop continues when it is back; ctrl-C still ends it", async (t) => {
    const redis = await ownService("redis");
    t.after(() => redis.servers[0]!.kill());
    const [shop, other] = await Promise.all([open(t, redis.url), open(t, redis.url)]);
    const client = new Client(shop.origin);
    await client.post("/cart/add", { form: { product: "rope" } });
    await redis.servers[0]!.kill();
    const began = performance.now();
    assert.equal((await client.get("/cart")).status, 503);
    assert.ok(performance.now() - began < 1000, "nothing waits for a connection that is not there");
    await endsWell(other);
    await redis.servers[0]!.start();
    let status = 0;
    const ask = setInterval(
      () => void client.post("/cart/add", { form: { product: "rope" } }).then((answer) => (status = answer.status)),
      100,
    );
    await until("an answer after the server is back", () => status === 303, 5000).finally(() => clearInterval(ask));
  });
});

function open(t: TestContext, address: string): Promise<Running> {
  return start(t, "shop/main.js", { PORT: "0" }, ["--storage", address]);
}

async function endsWell({ end, printed }: Running): Promise<void> {
  const { code, signal, ms } = await end("SIGINT");
  assert.deepEqual([code, signal], [0, null], printed());
  assert.ok(ms < 2000, `it took ${Math.round(ms)} ms`);
}

function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "holdfast-shop-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function unusedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<unknown>((resolve) => server.close(resolve));
  return port;
}

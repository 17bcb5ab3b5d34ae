/**
 * The real libraries make cookies and records, over HTTP and in real databases; Holdfast adopts them. Each program
 * stores the same data at `/`; its sessions must then be ours.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import {
  fileRecords,
  fromCookieSession,
  fromExpressSession,
  fromFastifySecureSession,
  fromFastifySession,
  fromIronSession,
  fromKoaGenericSession,
  fromKoaSession,
  postgresRecords,
  redisRecords,
  type AdoptedSession,
  type AdoptionSource,
} from "holdfast/adopt";
import { session } from "holdfast/node";
import type { Storage } from "holdfast";
import { memoryStorage } from "holdfast/storage/memory";
import { redisStorage } from "holdfast/storage/redis";
import { Client } from "../support/client.js";
import { oldLibrary, oldModule } from "../support/old-libraries.js";
import { service } from "../support/services.js";

const SECRET = "a test secret, thirty-two characters or more";
const until = Date.now() + 86_400_000;
const DATA = { user: { id: 42 }, passport: { user: 42 }, cart: [{ sku: "a1", n: 2 }] };
const byPassport = (data: Record<string, any>): AdoptedSession => ({ data, owner: String(data["passport"].user) });

const ends: (() => unknown)[] = [];
after(async () => {
  for (const end of ends.reverse()) await end();
});

async function listening(listener: RequestListener | Server): Promise<string> {
  const server = typeof listener === "function" ? createServer(listener) : listener;
  if (!server.listening) await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ends.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The new application: it says whose session it is, and what it has. */
async function holdfastWith(source: AdoptionSource, storage: Storage = memoryStorage()): Promise<string> {
  const sessions = session<Record<string, any>>({ storage, adopt: [source] });
  return listening(
    sessions(async (req, res) => {
      const own = sessions.get(req);
      if (req.url === "/logout") await own.destroy();
      if (req.url === "/write") own.update("n", (n: number = 0) => n + 1);
      res.setHeader("Content-Type", "application/json");
      res.end(JSON.stringify(req.url === "/logout" ? {} : own));
    }),
  );
}

/** A browser logs in at the old program, and comes to the new one: three requests at once, and a logout. */
async function moves(old: string, source: AdoptionSource): Promise<void> {
  const browser = new Client(old);
  const first = await browser.get("/");
  assert.equal(first.status, 200, first.body);
  const cookie = browser.cookieHeader;
  const header = first.headers["x-session"];
  const headers = { ...(cookie && { cookie }), ...(typeof header === "string" && { "x-session": header }) };
  const origin = await holdfastWith(source);
  const clients = [1, 2, 3].map(() => new Client(origin));
  const answers = await Promise.all(clients.map((client) => client.get("/write", { headers })));
  for (const { status, body } of answers) {
    assert.equal(status, 200, body);
    const { n: _n, ...data } = JSON.parse(body);
    assert.deepEqual(data, DATA);
  }
  assert.equal(new Set(clients.map((client) => client.cookies.get("session_id"))).size, 1, "several sessions");
  assert.equal((await clients[0]!.get("/")).json().n, 3);
  await clients[0]!.get("/logout");
  assert.deepEqual((await new Client(origin).get("/", { headers })).json(), {}, "adopted again");
  assert.deepEqual((await new Client(old).get("/read", { headers })).json(), {}, "the old server still knows it");
}

/** The same for a library without a store, whose server accepts the old cookie for ever. */
async function movesFromCookie(old: string, source: AdoptionSource): Promise<void> {
  await assert.rejects(moves(old, source), /the old server still knows it/);
}

/** The program of express-session with a store. */
async function overExpress(store: unknown): Promise<string> {
  const express = oldLibrary("express");
  const app = express();
  app.use(oldLibrary("express-session")({ secret: SECRET, resave: false, saveUninitialized: false, store }));
  app.get("/", (req: any, res: any) => (Object.assign(req.session, DATA), res.end("ok")));
  app.get("/read", (req: any, res: any) => {
    const { cookie: _cookie, ...data } = req.session;
    res.json(data);
  });
  return listening(app);
}

async function redis(): Promise<any> {
  const { url } = await service("redis");
  const client = await oldLibrary("redis").createClient({ url }).connect();
  ends.push(() => client.close());
  return client;
}

for (const name of ["connect-redis", "connect-redis7"])
  test(`express-session with ${name}: through the store, and through our reader`, async () => {
    const client = await redis();
    const module = await oldModule(name);
    const RedisStore = module.RedisStore ?? module.default.default ?? module.default;
    const store = new RedisStore({ client, prefix: `${name}:` });
    const old = await overExpress(store);
    await moves(old, fromExpressSession({ secret: SECRET, store }));
    await moves(old, fromExpressSession({ secret: SECRET, store: redisRecords(client, { prefix: `${name}:` }) }));
  });

test("two servers over one Redis: first requests and a logout at once, and the logout is final", async () => {
  const client = await redis();
  const { RedisStore } = await oldModule("connect-redis");
  const store = new RedisStore({ client, prefix: "race:" });
  const old = await overExpress(store);
  const source = fromExpressSession({ secret: SECRET, store });
  const servers = [
    await holdfastWith(source, redisStorage(client)),
    await holdfastWith(source, redisStorage(client)),
  ];
  for (let round = 0; round < 25; round++) {
    const browser = new Client(old);
    await browser.get("/");
    const headers = { cookie: browser.cookieHeader };
    const paths = ["/write", "/logout", "/write", "/write"];
    const clients = paths.map((_, i) => new Client(servers[(round + i) % 2]!));
    const answers = await Promise.all(clients.map((one, i) => one.get(paths[i]!, { headers })));
    for (const { status } of answers) assert.ok(status === 200 || status === 409, `${status}`);
    for (const origin of servers)
      assert.deepEqual((await new Client(origin).get("/", { headers })).json(), {}, `round ${round}`);
    for (const { cookies } of clients) {
      const token = cookies.get("session_id");
      const own = await new Client(servers[0]!).get("/", { headers: { cookie: `session_id=${token}` } });
      if (token) assert.deepEqual(own.json(), {}, `round ${round}`);
    }
  }
});

test("express-session with connect-pg-simple: through the store, and through our reader", async () => {
  const { url } = await service("postgres");
  const pool = new (oldLibrary("pg").Pool)({ connectionString: url });
  ends.push(() => pool.end());
  const Store = oldLibrary("connect-pg-simple")(oldLibrary("express-session"));
  const table = "adopted_session";
  const store = new Store({ pool, tableName: table, createTableIfMissing: true, pruneSessionInterval: false });
  const old = await overExpress(store);
  await moves(old, fromExpressSession({ secret: SECRET, store }));
  await moves(old, fromExpressSession({ secret: SECRET, store: postgresRecords(pool, { table }) }));
});

test("express-session with session-file-store: through the store, and through our reader", async () => {
  const path = mkdtempSync(join(tmpdir(), "holdfast-files-"));
  ends.push(() => rmSync(path, { recursive: true, force: true }));
  const Store = oldLibrary("session-file-store")(oldLibrary("express-session"));
  const store = new Store({ path, logFn() {}, reapInterval: -1, retries: 0 });
  const old = await overExpress(store);
  await moves(old, fromExpressSession({ secret: SECRET, store }));
  await moves(old, fromExpressSession({ secret: SECRET, store: fileRecords(path) }));
});

test("@fastify/session with its own store and with connect-redis", async () => {
  const { RedisStore } = await oldModule("connect-redis");
  const { Store: MemoryStore } = oldLibrary("@fastify/session");
  for (const store of [new MemoryStore(), new RedisStore({ client: await redis(), prefix: "fsess:" })]) {
    const app = oldLibrary("fastify")();
    await app.register(oldLibrary("@fastify/cookie"));
    const plugin = oldLibrary("@fastify/session");
    await app.register(plugin, { secret: SECRET, cookie: { secure: false }, saveUninitialized: false, store });
    app.get("/", async (req: any) => (Object.assign(req.session, DATA), "ok"));
    app.get("/read", async (req: any) => JSON.parse(JSON.stringify({ ...req.session, cookie: undefined })));
    await app.ready();
    ends.push(() => app.close());
    await moves(await listening(app.server), fromFastifySession({ secret: SECRET, store }));
  }
});

test("@fastify/secure-session", async () => {
  const key = Buffer.alloc(32, 9);
  const app = oldLibrary("fastify")();
  await app.register(oldLibrary("@fastify/secure-session"), { key, cookie: { path: "/" } });
  app.get("/", async (req: any) => {
    for (const [name, value] of Object.entries(DATA)) req.session.set(name, value);
    return "ok";
  });
  app.get("/read", async (req: any) => req.session.data());
  await app.ready();
  ends.push(() => app.close());
  await movesFromCookie(await listening(app.server), fromFastifySecureSession({ key, until }));
});

test("cookie-session, also with a rotated key", async () => {
  for (const keys of [[SECRET], ["a newer key", SECRET]]) {
    const app = oldLibrary("express")();
    app.use(oldLibrary("cookie-session")({ name: "sess", keys: [SECRET] }));
    app.get("/", (req: any, res: any) => (Object.assign(req.session, DATA), res.end("ok")));
    app.get("/read", (req: any, res: any) => res.json(req.session));
    await movesFromCookie(await listening(app), fromCookieSession({ name: "sess", keys, until, map: byPassport }));
  }
});

for (const name of ["iron-session", "iron-session8"])
  test(`${name}, also with a rotated password`, async () => {
    const { getIronSession } = await oldModule(name);
    for (const password of [SECRET, { 1: SECRET, 2: "a newer password of thirty-two characters" }]) {
      const options = { password: SECRET, cookieName: "app_session", cookieOptions: { secure: false } };
      const app = oldLibrary("express")();
      app.get("/", async (req: any, res: any) => {
        const own = await getIronSession(req, res, options);
        await Object.assign(own, DATA).save();
        res.end("ok");
      });
      app.get("/read", async (req: any, res: any) => res.json(await getIronSession(req, res, options)));
      const source = fromIronSession({ password, cookieName: "app_session", until });
      await movesFromCookie(await listening(app), source);
    }
  });

/** A program of Koa. */
async function overKoa(plugin: (app: any) => any): Promise<string> {
  const Koa = (await oldModule("koa")).default;
  const app = new Koa();
  app.keys = [SECRET];
  app.use(plugin(app));
  app.use((ctx: any) => {
    if (ctx.path === "/") Object.assign(ctx.session, DATA);
    const { cookie: _cookie, ...data } = ctx.session.toJSON?.() ?? ctx.session;
    ctx.body = data;
  });
  return listening(app.callback());
}

/** A store with promises, as koa-session asks for one. */
function promisedStore(): { records: Map<string, unknown>; get: any; set: any; destroy: any } {
  const records = new Map<string, unknown>();
  return {
    records,
    get: async (key: string) => records.get(key),
    set: async (key: string, value: object) => void records.set(key, structuredClone(value)),
    destroy: async (key: string) => void records.delete(key),
  };
}

test("koa-session: in the cookie, in a store, with a key from a header", async () => {
  const module = oldLibrary("koa-session");
  const make = module.default ?? module.createSession ?? module;
  const inCookie = await overKoa((app) => make({ maxAge: 86_400_000 }, app));
  await movesFromCookie(inCookie, fromKoaSession({ keys: [SECRET], until, map: byPassport }));
  const store = promisedStore();
  const inStore = await overKoa((app) => make({ store, maxAge: "session" }, app));
  await moves(inStore, fromKoaSession({ keys: [SECRET], store }));
  const externalKey = {
    get: (ctx: any) => ctx.get("x-session"),
    set: (ctx: any, key: string) => ctx.set("x-session", key),
  };
  const byHeader = await overKoa((app) => make({ store, externalKey }, app));
  await moves(byHeader, fromKoaSession({ store, header: "X-Session" }));
});

test("koa-generic-session", async () => {
  const store = promisedStore();
  const old = await overKoa(() => oldLibrary("koa-generic-session")({ store }));
  await moves(old, fromKoaGenericSession({ keys: [SECRET], store }));
});

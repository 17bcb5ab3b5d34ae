"use strict";

/** An application whose packages import express-session: what they get, and a story on each of their stores. */
const assert = require("node:assert/strict");
const { once } = require("node:events");
const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");
const express = require("express");
const session = require("express-session");

const results = [];

async function check(name, act) {
  try {
    await act();
    results.push({ name });
  } catch (error) {
    results.push({ name, error: String(error?.stack ?? error) });
  }
}

/** A visit, a second one, a login that gives a new id, a logout that is final. */
async function story(store) {
  const app = express();
  app.use(
    session({ secret: "keyboard cat", resave: false, saveUninitialized: false, store, cookie: { maxAge: 60_000 } }),
  );
  app.get("/count", (req, res) => {
    req.session.n = (req.session.n ?? 0) + 1;
    res.end(String(req.session.n));
  });
  app.get("/login", (req, res, next) =>
    req.session.regenerate((error) => {
      if (error) return next(error);
      req.session.user = "tobi";
      res.end("in");
    }),
  );
  app.get("/me", (req, res) => res.end(`${req.session.user} ${req.session.n}`));
  app.get("/logout", (req, res, next) => req.session.destroy((error) => (error ? next(error) : res.end("out"))));
  await visiting(app, async (ask) => {
    let cookie = "";
    const get = async (where, own = cookie) => {
      const response = await ask(where, { headers: own ? { cookie: own } : {} });
      const [line] = response.headers.getSetCookie();
      if (line && own === cookie) cookie = line.split(";")[0];
      assert.equal(response.status, 200, `${where}: ${response.status}`);
      return response.text();
    };
    assert.equal(await get("/count"), "1");
    assert.equal(await get("/count"), "2");
    const before = cookie;
    assert.equal(await get("/login"), "in");
    assert.notEqual(cookie, before);
    assert.equal(await get("/me"), "tobi undefined");
    assert.equal(await get("/me", before), "undefined undefined");
    const within = cookie;
    assert.equal(await get("/logout"), "out");
    assert.equal(await get("/me", within), "undefined undefined");
  });
}

/** Calls `visit` with a function that sends requests to the application. */
async function visiting(app, visit) {
  const server = http.createServer(app).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await visit((where, init) =>
      fetch(`http://127.0.0.1:${server.address().port}${where}`, { redirect: "manual", ...init }),
    );
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

async function main() {
  await check("express-session is the drop-in, with one copy for all", () => {
    assert.equal(session, require("holdfast/express-session"));
    assert.equal(require("needs-express-session"), session);
    const copies = fs
      .readdirSync(path.join(__dirname, "node_modules"), { recursive: true })
      .filter((file) => /(^|[\\/]node_modules[\\/])express-session$/.test(file))
      .map((file) => fs.realpathSync(path.join(__dirname, "node_modules", file)));
    assert.deepEqual([...new Set(copies)], [path.dirname(require.resolve("express-session"))]);
    for (const name of ["store", "memory", "cookie", "session"]) require(`express-session/session/${name}`);
    assert.equal(require("express-session/session/store"), session.Store);
  });
  await check("connect-redis: its base class", () => {
    const { RedisStore } = require("connect-redis");
    assert.ok(new RedisStore({ client: {} }) instanceof session.Store);
  });
  await check("connect-mongo: its base class", () => {
    const connect = require("connect-mongo");
    const MongoStore = connect.MongoStore ?? connect.default ?? connect;
    assert.ok(MongoStore.prototype instanceof session.Store);
  });
  await check("connect-pg-simple: its base class", () => {
    assert.ok(require("connect-pg-simple")(session).prototype instanceof session.Store);
  });
  await check("memorystore", async () => {
    const MemoryStore = require("memorystore")(session);
    assert.ok(MemoryStore.prototype instanceof session.Store);
    await story(new MemoryStore({ checkPeriod: undefined }));
  });
  await check("session-file-store", async () => {
    const FileStore = require("session-file-store")(session);
    assert.ok(FileStore.prototype instanceof session.Store);
    await story(
      new FileStore({ path: path.join(__dirname, "sessions"), reapInterval: -1, retries: 0, logFn: () => {} }),
    );
  });
  await check("connect-redis", onRedis);
  await check("connect-pg-simple", onPostgres);
  await check("connect-mongo", onMongodb);
  if (process.env.HOLDFAST_ALIAS_ADMINJS) await check("adminjs", onAdminjs);
  console.log(JSON.stringify(results));
  process.exit(0);
}

async function onRedis() {
  const client = require("redis").createClient({ url: process.env.HOLDFAST_ALIAS_REDIS });
  await client.connect();
  await story(new (require("connect-redis").RedisStore)({ client }));
  await client.close();
}

async function onPostgres() {
  const { Pool } = require("pg");
  const pool = new Pool({ connectionString: process.env.HOLDFAST_ALIAS_POSTGRES });
  await story(
    new (require("connect-pg-simple")(session))({ pool, createTableIfMissing: true, pruneSessionInterval: false }),
  );
  await pool.end();
}

async function onMongodb() {
  const connect = require("connect-mongo");
  const MongoStore = connect.MongoStore ?? connect.default ?? connect;
  const store = MongoStore.create({ mongoUrl: process.env.HOLDFAST_ALIAS_MONGODB, autoRemove: "disabled" });
  await story(store);
  await store.close();
}

/** Its router makes a middleware of express-session: its copies of a cookie open nothing after the logout. */
async function onAdminjs() {
  const { AdminJS } = await import("adminjs");
  const { buildAuthenticatedRouter } = await import("@adminjs/express");
  const { memoryStorage } = await import("holdfast/storage/memory");
  const admin = new AdminJS({ rootPath: "/admin", databases: [], resources: [] });
  const authenticate = (email, password) => Promise.resolve(password === "secret" ? { email } : null);
  const auth = { authenticate, cookieName: "adminjs", cookiePassword: "a password of the cookie, which is long" };
  const options = { resave: false, saveUninitialized: false, storage: memoryStorage() };
  const app = express().use("/admin", buildAuthenticatedRouter(admin, auth, null, options));
  await visiting(app, async (get) => {
    const login = (password) => ({
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: `email=tobi%40example.com&password=${password}`,
    });
    const refused = await get("/admin/login", login("wrong"));
    assert.deepEqual([refused.status, refused.headers.getSetCookie()], [200, []]);
    const welcome = await get("/admin/login", login("secret"));
    assert.deepEqual([welcome.status, welcome.headers.get("location")], [302, "/admin"]);
    const [cookie] = welcome.headers.getSetCookie()[0].split(";");
    assert.match(cookie, /^adminjs=s%3A/);
    const within = await get("/admin", { headers: { cookie } });
    assert.equal(within.status, 200);
    assert.match(await within.text(), /tobi@example\.com/);
    assert.equal((await get("/admin/logout", { headers: { cookie } })).headers.get("location"), "/admin/login");
    assert.equal((await get("/admin", { headers: { cookie } })).headers.get("location"), "/admin/login");
  });
}

void main();

/** Mistakes that a request shows: in the order of middlewares, in the adapter, in a handler. */
import type { Mistake } from "./mistake.js";

const EXPRESS = 'import express from "express";\nimport { session, getSession } from "holdfast/express";\n';
/** An application with a session, whose only handler is this. */
const onExpress = (handler: string, options = ""): string => `${EXPRESS}const app = express();
app.use(session(${options}));
app.get("/", async (req, res) => {
  ${handler}
  res.end("well");
});
await visit(app);`;
const signedIn = (handler: string): string => `${EXPRESS}const app = express();
app.use(session());
app.get("/in", async (req, res) => {
  await req.session.authenticate("7");
  res.end();
});
app.get("/", async (req, res) => {
  ${handler}
  res.end("well");
});
await visit(app, "/in", "/");`;

const ON_NODE = "holdfast/express, holdfast/connect or holdfast/node";
const EXPRESS_CALLS = "Express; write app.use(session()), with session of holdfast/express";
const KOA_CALLS = "Koa; write app.use(session()), with session of holdfast/koa";
const HONO_CALLS = "Hono; write app.use(session()), with session of holdfast/hono";
const FASTIFY_CALLS = "Fastify; write app.register(session()), with session of holdfast/fastify";

/** The adapter of one framework, mounted in another. */
const ELSEWHERE = [
  { adapter: "express", framework: "koa", made: ON_NODE, by: KOA_CALLS },
  { adapter: "express", framework: "hono", made: ON_NODE, by: HONO_CALLS },
  { adapter: "express", framework: "fastify", made: ON_NODE, by: FASTIFY_CALLS },
  { adapter: "express", framework: "a hook of fastify", made: ON_NODE, by: FASTIFY_CALLS },
  { adapter: "koa", framework: "express", made: "holdfast/koa", by: EXPRESS_CALLS },
  { adapter: "koa", framework: "hono", made: "holdfast/koa", by: HONO_CALLS },
  { adapter: "koa", framework: "fastify", made: "holdfast/koa", by: FASTIFY_CALLS },
  { adapter: "hono", framework: "express", made: "holdfast/hono", by: EXPRESS_CALLS },
  { adapter: "hono", framework: "koa", made: "holdfast/hono", by: KOA_CALLS },
  { adapter: "fastify", framework: "express", made: "holdfast/fastify", by: EXPRESS_CALLS },
  { adapter: "fastify", framework: "koa", made: "holdfast/fastify", by: KOA_CALLS },
  { adapter: "fetch", framework: "express", made: "holdfast/fetch", by: EXPRESS_CALLS },
  { adapter: "fetch", framework: "hono", made: "holdfast/fetch", by: HONO_CALLS },
  { adapter: "node", framework: "express", made: "holdfast/node", by: EXPRESS_CALLS },
  { adapter: "node", framework: "fastify", made: "holdfast/node", by: FASTIFY_CALLS },
  { adapter: "node", framework: "koa", made: "holdfast/node", by: KOA_CALLS },
] as const;

export const REQUESTS: readonly Mistake[] = [
  // Where the middleware is.
  {
    mistake: "the middleware after the route",
    program: `${EXPRESS}const app = express();
app.get("/", (req, res) => res.json(getSession(req)));
app.use(session());
await visit(app);`,
    says: "there is no session here: the middleware is not mounted on this route, or skipped this request; mount it before what uses the session",
    code: "no-session",
  },
  {
    mistake: "the middleware on another path",
    program: `${EXPRESS}const app = express();
app.use("/app", session());
app.get("/", (req, res) => res.json(getSession(req)));
await visit(app);`,
    says: "there is no session here: the middleware is not mounted on this route, or skipped this request; mount it before what uses the session",
    code: "no-session",
  },
  {
    mistake: "a request that skip leaves out",
    program: onExpress("getSession(req);", "{ skip: () => true }"),
    says: "there is no session here: the middleware is not mounted on this route, or skipped this request; mount it before what uses the session",
    code: "no-session",
  },
  {
    mistake: "Fastify: the plugin after the route, inside another plugin",
    program: `import fastify from "fastify";
import { session, getSession } from "holdfast/fastify";
const app = fastify();
app.get("/", async (request) => getSession(request).toJSON());
await visit(app);`,
    says: "there is no session here: the middleware is not mounted on this route, or skipped this request; mount it before what uses the session",
    code: "no-session",
  },
  {
    mistake: "two middlewares, one cookie",
    program: `${EXPRESS}const app = express();
app.use(session());
app.use(session({ namespace: "admin" }));
app.get("/", (req, res) => res.end());
await visit(app);`,
    says: "holdfast: two session middlewares use the same cookie session_id, those of the namespaces holdfast and admin; mount one of them once, or give them different extractors",
    code: "wrong-place",
    line: "the middleware runs before every handler",
  },
  // Not called, or called too often.
  {
    mistake: "app.use(session)",
    program: `${EXPRESS}const app = express();\napp.use(session);\nawait visit(app);`,
    says: "holdfast: session() takes options and makes the middleware; write app.use(session({ … })), not app.use(session), or session({ … })(handler) with holdfast/node and holdfast/fetch",
    code: "wrong-call",
    line: "the middleware runs before every handler",
  },
  {
    mistake: "session(app)",
    program: `${EXPRESS}session(express());`,
    says: "holdfast: session() takes options and makes the middleware; write app.use(session({ … })), not app.use(session), or session({ … })(handler) with holdfast/node and holdfast/fetch",
    code: "wrong-call",
  },
  {
    mistake: "app.use(crossOriginProtection)",
    program: `import express from "express";
import { crossOriginProtection } from "holdfast/express";
const app = express();
app.use(crossOriginProtection);
await visit(app);`,
    says: "holdfast: crossOriginProtection() makes the middleware from options; write app.use(crossOriginProtection()), not app.use(crossOriginProtection)",
    code: "wrong-place",
    line: "the middleware runs before every handler",
  },
  {
    mistake: "node: the handler passed to session()",
    program: `import { session } from "holdfast/node";\nsession((req, res) => res.end());`,
    says: "holdfast: session() takes options and makes the middleware; write app.use(session({ … })), not app.use(session), or session({ … })(handler) with holdfast/node and holdfast/fetch",
    code: "wrong-call",
  },
  {
    mistake: "node: no handler",
    program: `import { session } from "holdfast/node";\nawait visit(session());`,
    says: "holdfast: what session() of holdfast/node made was called by a server of Node; write createServer(session()(handler)), with session of holdfast/node",
    code: "wrong-place",
    line: "no handler of the application runs",
  },
  {
    mistake: "fetch: no handler",
    program: `import { session } from "holdfast/fetch";\nawait visit({ fetch: session() });`,
    says: "holdfast: what session() of holdfast/fetch made was called by a server of fetch handlers; write session()(handler), with session of holdfast/fetch",
    code: "wrong-place",
    line: "no handler of the application runs",
  },
  {
    mistake: "hono: app.use(session)",
    program: `import { Hono } from "hono";
import { session } from "holdfast/hono";
const app = new Hono();
app.use(session);
app.get("/", (c) => c.text("well"));
await visit(app);`,
    says: "holdfast: session() takes options and makes the middleware; write app.use(session({ … })), not app.use(session), or session({ … })(handler) with holdfast/node and holdfast/fetch",
    code: "wrong-call",
    line: "the middleware runs before every handler",
  },
  // The adapter of another framework.
  ...ELSEWHERE.map(({ adapter, framework, made, by }) => ({
    mistake: `the adapter of ${adapter} in ${framework}`,
    program: mounted(adapter, framework),
    says: `holdfast: what session() of ${made} made was called by ${by}`,
    code: "wrong-place",
    line: "the framework calls it",
  })),
  // Functions of the application.
  {
    mistake: "skip: an async function",
    program: onExpress("", "{ skip: async () => false }"),
    says: "holdfast: skip returned a promise; it must be synchronous: (context) => boolean",
    line: "the option is called by the middleware",
  },
  {
    mistake: "cookie: an async function",
    program: onExpress("", "{ cookie: async () => ({}) }"),
    says: "holdfast: cookie returned a promise; it must be synchronous: (context) => ({ domain, path })",
    line: "the option is called by the middleware",
  },
  {
    mistake: "storage: an async function",
    program: onExpress("", "{ storage: async () => ({}) }"),
    says: "holdfast: storage is an object (Promise); write what it resolves to: await …; this one lacks get, create, update, touch, delete",
    line: "the option is called by the middleware",
  },
  {
    mistake: "storage: a driver that was not called",
    program: `import { redisStorage } from "holdfast/storage/redis";\n${onExpress("", "{ storage: redisStorage }")}`,
    says: "holdfast: redisStorage: client is a request; write storage: redisStorage(client); with storage: redisStorage it is called for each request",
    code: "wrong-client",
    line: "the option is called by the middleware",
  },
  {
    mistake: "keyGenerator: too short",
    program: onExpress('req.session.set("a", 1); await req.session.save();', '{ keyGenerator: () => "short" }'),
    says: "keyGenerator returned a string of 5 characters; a token is 16 to 256 characters of A-Z a-z 0-9 . _ ~ -",
    code: "bad-generator",
  },
  {
    mistake: "a client that was never connected",
    program: `import { createClient } from "redis";\nimport { redisStorage } from "holdfast/storage/redis";\nconst client = createClient({ url: "redis://shop:hunter2@127.0.0.1:1" }).on("error", () => {});\n${onExpress('req.session.set("a", 1); await req.session.save();', "{ storage: redisStorage(client) }")}`,
    says: "the client is closed, or was never connected; write `await client.connect()` before the first request, and close it after the last",
    code: "storage",
  },
  {
    mistake: "memory in production",
    program: `import { session } from "holdfast/express";\nprocess.env.NODE_ENV = "production";\ntry { session(); } finally { delete process.env.NODE_ENV; }`,
    says: "holdfast keeps sessions in memory: they end with this process and no other process sees them; write storage: redisStorage(client), or another",
    line: "a warning",
  },
  {
    mistake: "fetch: a handler that returns a string",
    program: `import { session } from "holdfast/fetch";\nawait visit({ fetch: session()(() => "well") });`,
    says: "holdfast: the handler returned a string, not a Response; write new Response(…)",
    code: "wrong-call",
    line: "the handler has returned",
  },
  // What a handler does.
  {
    mistake: "req.session.user = user",
    program: onExpress('req.session.user = { name: "Ann" };'),
    says: 'holdfast: a session has no property "user" to assign to, and it would not be stored; write session.set("user", value)',
    code: "wrong-call",
  },
  {
    mistake: "req.session = null, as in cookie-session",
    program: onExpress("req.session = null;"),
    says: "holdfast: the session cannot be replaced by assigning to it; write await session.destroy() to end the session",
    code: "wrong-call",
  },
  {
    mistake: "req.session = {}",
    program: onExpress("req.session = { user: 7 };"),
    says: 'holdfast: the session cannot be replaced by assigning to it; write session.set("key", value) for each key, or await session.reset()',
    code: "wrong-call",
  },
  {
    mistake: "request.session = null on Fastify",
    program: `import fastify from "fastify";
import { session } from "holdfast/fastify";
const app = fastify();
await app.register(session());
app.get("/", async (request) => { request.session = null; return "well"; });
await visit(app);`,
    says: "holdfast: the session cannot be replaced by assigning to it; write await session.destroy() to end the session",
    code: "wrong-call",
  },
  {
    mistake: "ctx.session = null on Koa",
    program: `import Koa from "koa";
import { session } from "holdfast/koa";
const app = new Koa();
app.use(session());
app.use((ctx) => { ctx.session = null; });
await visit(app);`,
    says: "holdfast: the session cannot be replaced by assigning to it; write await session.destroy() to end the session",
    code: "wrong-call",
  },
  {
    mistake: "req.session.user is read",
    program: onExpress('if (req.session.cart) res.write("x");'),
    says: 'holdfast: a session has no property "cart"; its data is read with session.get("cart"), and removed with session.delete("cart")',
    code: "wrong-call",
    line: "a warning",
  },
  {
    mistake: "set: a class instance",
    program: onExpress('class User { name = "Ann"; }\n  req.session.set("user", new User());'),
    says: '"user" is an instance of User, which is not registered (store.registerType) and cannot be stored',
    code: "unserializable",
  },
  {
    mistake: "set: deep inside",
    program: onExpress(
      'req.session.set("a", { b: [{ c: { d: { e: { f: { g: { h: { i: { j: { k: () => 1 } } } } } } } } }] });',
    ),
    says: '"a".b[0].c.d.e.f.g.h.i.j.k is a function and cannot be stored',
    code: "unserializable",
  },
  {
    mistake: "set: a promise, await forgotten",
    program: onExpress('req.session.set("user", Promise.resolve({ name: "Ann" }));'),
    says: '"user" is a promise, which needs await, and cannot be stored',
    code: "unserializable",
  },
  {
    mistake: "set: an object that contains itself",
    program: onExpress('const a = {};\n  a.a = a;\n  req.session.set("a", a);'),
    says: '"a".a is a reference to what contains it and cannot be stored',
    code: "unserializable",
  },
  {
    mistake: "set: too much",
    program: onExpress('req.session.set("page", "x".repeat(100_000));'),
    says: 'the value of "page" takes more than maxRecordBytes (65536)',
    code: "too-large",
  },
  {
    mistake: "push of something that cannot be stored",
    program: onExpress('req.session.set("cart", []);\n  req.session.get("cart").push(() => 1);'),
    says: '"cart"[0] is a function and cannot be stored',
    code: "unserializable",
    line: "the session is saved after the handler",
  },
  {
    mistake: "set: a key that is no string",
    program: onExpress("req.session.set(7, 1);"),
    says: 'holdfast: a session\'s keys are strings, not 7; write session.set("key", value)',
    code: "wrong-call",
  },
  {
    mistake: "set: an object of keys",
    program: onExpress("req.session.set({ user: 7 });"),
    says: 'holdfast: a session\'s keys are strings, not an object (Object); write session.set("key", value)',
    code: "wrong-call",
  },
  {
    mistake: "update: a value",
    program: onExpress('req.session.update("n", 5);'),
    says: 'holdfast: update takes a function of the old value; write session.set("n", value) to replace it',
    code: "wrong-call",
  },
  {
    mistake: "update: an async function",
    program: onExpress('req.session.update("n", async () => 5);'),
    says: "holdfast: the function passed to update() must be synchronous; await first, then update",
    code: "wrong-call",
  },
  {
    mistake: "update: nothing returned",
    program: onExpress('req.session.update("n", (n) => { n += 1; });'),
    says: "holdfast: the function passed to update() returned undefined; it must return the new value",
    code: "wrong-call",
  },
  {
    mistake: "authenticate: the user",
    program: onExpress("await req.session.authenticate({ id: 7 });"),
    says: "holdfast: owner is an object (Object); write the account's id as a string, like String(user.id)",
    code: "wrong-call",
  },
  {
    mistake: "authenticate: a number",
    program: onExpress("await req.session.authenticate(7);"),
    says: "holdfast: owner is 7; write the account's id as a string, like String(user.id)",
    code: "wrong-call",
  },
  {
    mistake: "authenticate: maxAge",
    program: onExpress('await req.session.authenticate("7", { maxAge: 1 });'),
    says: 'holdfast: authenticate has no option "maxAge"; write idleTimeout: "30m", which moves with use, or absoluteTimeout: "24h", which does not',
  },
  {
    mistake: "authenticate: a longer idle timeout than the absolute one",
    program: onExpress('await req.session.authenticate("7", { idleTimeout: "30d" });', '{ absoluteTimeout: "24h" }'),
    says: 'holdfast: authenticate.idleTimeout is "2592000000 ms"; it must be at most 86400000 ms: the absolute timeout ends this session before that; give an absoluteTimeout as well',
  },
  {
    mistake: "an actor who is somebody else",
    program: onExpress('await req.session.authenticate("7", { actor: "1" });'),
    says: 'holdfast: authenticate.actor is "1"; write { actor: session.owner }: only the owner of this session can act',
  },
  {
    mistake: "setIdleTimeout: longer than the absolute one",
    program: onExpress('req.session.setIdleTimeout("30d");', '{ absoluteTimeout: "24h" }'),
    says: 'holdfast: setIdleTimeout is "30d"; it must be at most 86400000 ms: the absolute timeout ends this session before that',
  },
  {
    mistake: "regenerate(callback)",
    program: onExpress("await req.session.regenerate(() => {});"),
    says: 'holdfast: regenerate takes no callback: it returns a promise; write await session.regenerate(), or session.regenerate(["cart"]) to keep only these keys',
    code: "wrong-call",
  },
  {
    mistake: "destroy(callback)",
    program: onExpress("await req.session.destroy(() => {});"),
    says: "holdfast: destroy takes no callback: it returns a promise; write await session.destroy()",
    code: "wrong-call",
  },
  {
    mistake: "save(callback)",
    program: onExpress("await req.session.save(() => {});"),
    says: "holdfast: save takes no callback: it returns a promise; write await session.save()",
    code: "wrong-call",
  },
  {
    mistake: "reload(callback)",
    program: onExpress("await req.session.reload(() => {});"),
    says: "holdfast: reload takes no callback: it returns a promise; write await session.reload()",
    code: "wrong-call",
  },
  {
    mistake: "lazy, and not loaded",
    program: onExpress('req.session.get("user");', '{ load: "lazy" }'),
    says: 'the session is not loaded yet: with load: "lazy" write await loadSession(…) first',
    code: "not-loaded",
  },
  {
    mistake: "set after destroy",
    program: signedIn('await req.session.destroy();\n  req.session.set("a", 1);'),
    says: "set: the session was ended; reset() starts a new one",
    code: "ended",
  },
  {
    mistake: "a login after the first byte",
    program: signedIn('res.write("a");\n  await req.session.authenticate("8");'),
    says: "authenticate: the response has begun, it cannot carry a new token; call it before the first byte",
    code: "answered",
  },
  {
    mistake: "set in a visitor's session after the first byte",
    program: onExpress('req.session;\n  res.write("a");\n  req.session.set("a", 1);'),
    says: "set: the response has begun, it cannot carry the token of a new session; write before the first byte",
    code: "answered",
  },
  {
    mistake: "set when all is sent",
    program: signedIn(
      'res.end("done");\n  await new Promise((resolve) => res.once("close", resolve));\n  req.session.set("a", 1);',
    ),
    says: "set: the response is complete; use store.edit(session.id, …) afterwards",
    code: "answered",
  },
  {
    mistake: "the token as an id",
    program: signedIn("await req.session.store.getById(req.session.token);"),
    says: 'holdfast: id is "a string of 43 characters"; write session.id (it starts with id_); for a token there is store.getByToken',
  },
  {
    mistake: "edit without a function",
    program: signedIn("await req.session.store.edit(req.session.id);"),
    says: "holdfast: edit is undefined; write store.edit(id, (session) => …)",
  },
  {
    mistake: "a released session",
    program: signedIn(
      'const job = await req.session.store.getById(req.session.id);\n  job.release();\n  job.set("a", 1);',
    ),
    says: "the session was released; open it again",
    code: "released",
  },
  {
    mistake: "currentSession where nothing says which request",
    program: `import { currentSession } from "holdfast/als";\n${onExpress("currentSession();")}`,
    says: "no request is running here, or its middleware does not say so: session({ asyncLocalStorage: true })",
    code: "no-session",
  },
  {
    mistake: "sessions.open without the response",
    program: `import http from "node:http";\nimport { session } from "holdfast/node";\nconst sessions = session();\nawait sessions.open(new http.IncomingMessage(null));`,
    says: "holdfast: sessions.open needs the response; write sessions.open(req, res)",
    code: "wrong-call",
  },
  {
    mistake: "the store of a storage that only requests know",
    program: `import { session } from "holdfast/fetch";\nimport { memoryStorage } from "holdfast/storage/memory";\nsession({ storage: () => memoryStorage() }).store;`,
    says: "the storage is a function of the request: outside of one there is no store; use session.store, or createStore({ storage })",
    code: "unsupported",
  },
  {
    mistake: "a tag twice",
    program: `import { createStore } from "holdfast";\nclass Money {}\nconst store = createStore();\nconst codec = { class: Money, encode: String, decode: String };\nstore.registerType("money", codec);\nstore.registerType("money", codec);`,
    says: 'holdfast: the type tag "money" is taken; write another tag, or register the type once',
  },
];

/** The adapter of one framework, used in another. */
function mounted(adapter: string, framework: string): string {
  const head = `import { session } from "holdfast/${adapter}";\n`;
  switch (framework) {
    case "express":
      return `import express from "express";\n${head}const app = express();\napp.use(session());\napp.get("/", (req, res) => res.end("well"));\nawait visit(app);`;
    case "koa":
      return `import Koa from "koa";\n${head}const app = new Koa();\napp.use(session());\napp.use((ctx) => { ctx.body = "well"; });\nawait visit(app);`;
    case "hono":
      return `import { Hono } from "hono";\n${head}const app = new Hono();\napp.use(session());\napp.get("/", (c) => c.text("well"));\nawait visit(app);`;
    case "fastify":
      return `import fastify from "fastify";\n${head}const app = fastify();\napp.register(session());\napp.get("/", async () => "well");\nawait visit(app);`;
    default:
      return `import fastify from "fastify";\n${head}const app = fastify();\napp.addHook("onRequest", session());\napp.get("/", async () => "well");\nawait visit(app);`;
  }
}

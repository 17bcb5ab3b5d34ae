import { fromCookie } from "../../dist/index.js";
import { redisStorage } from "../../dist/storage/redis.js";
import { memoryStorage } from "../../dist/storage/memory.js";
import { DATA } from "../kinds.mjs";

const ADAPTERS = { h3: "fetch" };

/** As the README writes it for production. */
export async function make({ framework, storage, client, variant }) {
  const { session } = await import(`../../dist/adapters/${ADAPTERS[framework] ?? framework}.js`);
  const sessions = session({
    storage: storage === "redis" ? redisStorage(client) : memoryStorage(),
    extractor: fromCookie("__Host-session_id"),
    idleTimeout: "30m",
    absoluteTimeout: "24h",
    load: variant === "lazy" ? "lazy" : "eager",
  });
  const { mount, sessionOf } = PLACES[framework](sessions);
  return { mount, actions: variant === "lazy" ? lazy(sessions, framework) : eager(sessionOf) };
}

/** How it is mounted, and where the session stands. */
const PLACES = {
  node: (sessions) => ({ mount: sessions, sessionOf: (req) => req.session }),
  express: (sessions) => ({ mount: sessions, sessionOf: (req) => req.session }),
  fastify: (sessions) => ({ mount: (app) => app.register(sessions), sessionOf: (request) => request.session }),
  koa: (sessions) => ({ mount: () => sessions, sessionOf: (ctx) => ctx.session }),
  hono: (sessions) => ({ mount: (app) => app.use(sessions), sessionOf: (c) => c.get("session") }),
  fetch: (sessions) => ({ mount: sessions, sessionOf: (request) => sessions.get(request) }),
  h3: (sessions) => ({ mount: sessions, sessionOf: (event) => sessions.get(event.req) }),
};

function eager(sessionOf) {
  return {
    read: (context) => read(sessionOf(context)),
    write: (context) => write(sessionOf(context)),
    login: (context) => login(sessionOf(context)),
    seed: (context) => seed(sessionOf(context)),
  };
}

function lazy(sessions, framework) {
  const load = (context) => sessions.load(framework === "h3" ? context.req : context);
  const after = (verb) => async (context) => verb(await load(context));
  return { read: after(read), write: after(write), login: after(login), seed: after(seed) };
}

function read(session) {
  return { name: session.get("name") };
}

function write(session) {
  session.update("count", (count) => count + 1);
  return { count: session.get("count") };
}

async function login(session) {
  await session.regenerate();
  session.set("user", 7);
  return { user: session.get("user") };
}

function seed(session) {
  for (const [key, value] of Object.entries(DATA)) session.set(key, value);
  return { ok: true };
}

/** What comes of handing the bindings of a Worker to something that cannot use them, told in words. */
import { createStore } from "holdfast";
import { d1Storage, durableStorage, HoldfastSessions } from "holdfast/storage/cloudflare";
import { redisStorage } from "holdfast/storage/redis";
import { sqliteStorage } from "holdfast/storage/sqlite";

export { HoldfastSessions };

interface Env {
  readonly DB: { withSession(): unknown };
  readonly SESSIONS: { get(id: unknown): unknown; newUniqueId(): unknown };
  readonly KV: unknown;
}

/** By what is written: whatever it is given. */
const TRIED: Readonly<Record<string, (env: Env) => unknown>> = {
  "sqliteStorage(env.DB)": ({ DB }) => sqliteStorage(DB as never),
  "sqliteStorage(env.DB.withSession())": ({ DB }) => sqliteStorage(DB.withSession() as never),
  "d1Storage(env.DB.withSession())": ({ DB }) => d1Storage(DB.withSession() as never),
  "durableStorage(env.DB)": ({ DB }) => durableStorage(DB as never),
  "d1Storage(env.SESSIONS)": ({ SESSIONS }) => d1Storage(SESSIONS as never),
  "durableStorage(a stub)": ({ SESSIONS }) => durableStorage(SESSIONS.get(SESSIONS.newUniqueId()) as never),
  "d1Storage(a stub)": ({ SESSIONS }) => d1Storage(SESSIONS.get(SESSIONS.newUniqueId()) as never),
  "d1Storage(env.MISSING)": () => d1Storage(undefined as never),
  "durableStorage(env.MISSING)": () => durableStorage(undefined as never),
  "d1Storage(env)": (env) => d1Storage(env as never),
  "durableStorage(env)": (env) => durableStorage(env as never),
  "d1Storage(env.KV)": ({ KV }) => d1Storage(KV as never),
  "durableStorage(env.KV)": ({ KV }) => durableStorage(KV as never),
  "redisStorage(env.KV)": ({ KV }) => redisStorage(KV as never),
  "storage: env.KV": ({ KV }) => createStore({ storage: KV as never }),
  "storage: env.DB": ({ DB }) => createStore({ storage: DB as never }),
  "storage: env.SESSIONS": ({ SESSIONS }) => createStore({ storage: SESSIONS as never }),
  "startSweep()": ({ DB }) => d1Storage(DB as never).startSweep(),
};

function outcome(tried: (env: Env) => unknown, env: Env): string {
  try {
    tried(env);
    return "accepted";
  } catch (error) {
    return String(error);
  }
}

export default {
  fetch: (_request: Request, env: Env): Response =>
    Response.json(Object.fromEntries(Object.entries(TRIED).map(([name, tried]) => [name, outcome(tried, env)]))),
};

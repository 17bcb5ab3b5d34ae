import { Hono } from "hono";
import { createStore } from "holdfast";
import { session } from "holdfast/fetch";
import { session as honoSession, type SessionEnv } from "holdfast/hono";
import { d1Storage, durableStorage, HoldfastSessions } from "holdfast/storage/cloudflare";

export { HoldfastSessions };

interface Data {
  visits: number;
}

/** As `wrangler types` writes it: the namespace knows its class. */
interface Env {
  readonly DB: D1Database;
  readonly SESSIONS: DurableObjectNamespace<HoldfastSessions>;
  readonly PLAIN: DurableObjectNamespace;
  readonly KV: KVNamespace;
}

const sessions = session<Data>({ storage: (_request, env: Env) => durableStorage(env.SESSIONS) });

export default {
  fetch: sessions(async (request, env) => Response.json([sessions.get(request).get("visits"), env.DB])),
  async scheduled(_event, env) {
    await d1Storage(env.DB, { table: "sessions" }).sweep({ now: Date.now(), signal: AbortSignal.timeout(1000) });
  },
} satisfies ExportedHandler<Env>;

export const app = new Hono<{ Bindings: Env } & SessionEnv<Data>>().use(
  honoSession<Data>({ storage: (c) => d1Storage((c.env as Env).DB) }),
);

export function stores(env: Env): void {
  createStore<Data>({ storage: durableStorage(env.PLAIN) });
  createStore<Data>({ storage: durableStorage(env.SESSIONS.jurisdiction("eu")) });
  // @ts-expect-error: a KV namespace cannot keep sessions
  d1Storage(env.KV);
  // @ts-expect-error: a KV namespace cannot keep sessions
  durableStorage(env.KV);
  // @ts-expect-error: a KV namespace cannot keep sessions
  createStore<Data>({ storage: env.KV });
  // @ts-expect-error: a D1 database is not a namespace
  durableStorage(env.DB);
}

/** A class that is a Durable Object by the types of Cloudflare. */
export const objects: new (state: DurableObjectState, env: Env) => DurableObject & Rpc.DurableObjectBranded =
  HoldfastSessions;

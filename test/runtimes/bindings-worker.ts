/**
 * The storages of Cloudflare, each call at a request of its own: `POST /d1/get` with the arguments as JSON. So a process
 * of Node uses the driver, the database and the objects of a Worker.
 */
import type { Storage } from "holdfast";
import {
  d1Storage,
  durableStorage,
  HoldfastSessions,
  type D1Client,
  type DurableNamespace,
  type DurableState,
} from "holdfast/storage/cloudflare";

interface Env {
  readonly DB: D1Client;
  readonly SESSIONS: DurableNamespace;
}

/** Asked for by its own address, it also says what it keeps. */
export class Watched extends HoldfastSessions {
  readonly #storage: {
    list(): Promise<Map<string, unknown>>;
    getAlarm(): Promise<number | null>;
    readonly sql: { readonly databaseSize: number };
  };

  constructor(state: DurableState, env: unknown) {
    super(state, env);
    this.#storage = state.storage as never;
  }

  override async fetch(request: Request): Promise<Response> {
    if (!request.url.endsWith("/kept")) return super.fetch(request);
    const kept = [...(await this.#storage.list()).keys()];
    return Response.json({ kept, alarm: await this.#storage.getAlarm(), bytes: this.#storage.sql.databaseSize });
  }
}

/** Drawn at the first request: nothing may be drawn before. */
let isolate: string | undefined;

async function answerTo(request: Request, env: Env): Promise<unknown> {
  const [, kind, name = ""] = new URL(request.url).pathname.split("/");
  const args = (await request.json()) as unknown[];
  if (name === "kept") {
    const stub = env.SESSIONS.get(env.SESSIONS.idFromName(String(args[0])));
    return JSON.parse(await (await stub.fetch("https://watched.invalid/kept", {})).text());
  }
  if (name === "pass") {
    const stub = env.SESSIONS.get(env.SESSIONS.idFromName(String(args[0])));
    const { status } = await stub.fetch(String(args[1]), { method: "POST", body: JSON.stringify({ call: "get" }) });
    return status;
  }
  if (name === "rows") return env.DB.prepare('SELECT * FROM "holdfast_sessions"').bind().raw();
  const storage = storageOf(kind, env);
  if (name === "ensureSchema") return d1Storage(env.DB).ensureSchema();
  const calls = storage as unknown as Record<string, (...args: unknown[]) => unknown>;
  const { signal } = new AbortController();
  return calls[name]!(...args.map((arg) => (isCall(arg) ? Object.assign(arg, { signal }) : arg)));
}

function storageOf(kind: string | undefined, env: Env): Storage {
  if (kind === "without-table") return d1Storage(env.DB, { table: "other" });
  return kind === "d1" ? d1Storage(env.DB) : durableStorage(env.SESSIONS);
}

/** `now` is in the last argument of every call, and in no other. */
function isCall(arg: unknown): arg is object {
  return typeof arg === "object" && arg !== null && "now" in arg;
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const headers = { "x-isolate": (isolate ??= crypto.randomUUID()) };
    try {
      return Response.json({ result: (await answerTo(request, env)) ?? null }, { headers });
    } catch (error) {
      const { name, message, code } = error as Error & { code?: string };
      return Response.json({ name, message, code }, { status: 500, headers });
    }
  },
};

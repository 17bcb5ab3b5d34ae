/** What every runtime serves: each kind of answer, bare and with a session. Imports nothing of Node. */
import { session } from "holdfast/fetch";
import { memoryStorage } from "holdfast/storage/memory";
import type { Storage } from "holdfast";
import { honoHandler } from "./hono.js";
import { KINDS } from "./kinds.js";

interface Data {
  n: number;
  late: string;
}

/** A storage that answers after a while, as a database does. */
function later(inner: Storage): Storage {
  const wait = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2));
  return {
    get: async (...call) => (await wait(), inner.get(...call)),
    create: async (...call) => (await wait(), inner.create(...call)),
    update: async (...call) => (await wait(), inner.update(...call)),
    touch: async (...call) => (await wait(), inner.touch(...call)),
    delete: async (...call) => (await wait(), inner.delete(...call)),
  };
}

/** The middlewares by the first part of a path: `due` moves its deadline on every request. */
const SESSIONS = {
  usual: session<Data>({ storage: memoryStorage() }),
  due: session<Data>({ storage: memoryStorage(), refreshInterval: 0 }),
  later: session<Data>({ storage: later(memoryStorage()) }),
};

/** Responses that an application makes once and answers again and again. */
const SHARED = new Map<string, Response>();

/** `/WHERE/ACT/KIND`: WHERE is `bare` or a middleware, ACT what happens to the session, KIND what is answered. */
const handlers = Object.entries(SESSIONS).map(
  ([where, sessions]) =>
    [where, sessions((request: Request, ..._rest: unknown[]) => act(request, sessions))] as const,
);
const HANDLERS: ReadonlyMap<string, (request: Request, ...rest: unknown[]) => Promise<Response>> = new Map([
  ["bare", async (request) => respond(request)],
  ...handlers,
]);

export function handler(request: Request, ...rest: unknown[]): Response | Promise<Response> {
  const [, where = ""] = new URL(request.url).pathname.split("/");
  return where.startsWith("hono") ? honoHandler(where, request, ...rest) : HANDLERS.get(where)!(request, ...rest);
}

async function act(request: Request, sessions: (typeof SESSIONS)["usual"]): Promise<Response> {
  const [, , what, kind = ""] = parts(request);
  const own = sessions.get(request);
  if (what === "read") own.get("n");
  if (what === "write") own.update("n", (n = 0) => n + 1);
  if (what === "login") await own.regenerate();
  if (kind === "late") return new Response(changing(own, kind), { headers: { "Content-Type": "text/css" } });
  if (kind === "seen") return Response.json(own);
  return respond(request);
}

function respond(request: Request): Response {
  const [, , what, kind = ""] = parts(request);
  if (!kind.startsWith("shared ")) return KINDS[kind]!.make();
  const key = `${what} ${kind}`;
  const shared = SHARED.get(key) ?? KINDS[kind.slice("shared ".length)]!.make();
  SHARED.set(key, shared);
  return shared;
}

function parts(request: Request): string[] {
  return new URL(request.url).pathname.split("/").map(decodeURIComponent);
}

/** A body in whose midst the session changes. */
function changing(own: { set(key: "late", value: string): void }, value: string): ReadableStream<Uint8Array> {
  const left = ["one ", "two"];
  return new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      const piece = left.shift();
      if (piece === undefined) return controller.close();
      controller.enqueue(new TextEncoder().encode(piece));
      if (left.length === 0) own.set("late", value);
    },
  });
}

import { crossOriginProtection, findSession, getSession, session, type Session } from "holdfast/fetch";
import { memoryStorage } from "holdfast/storage/memory";
import { check, type Same } from "../expect.js";
import type { Data } from "./data.js";

interface Env {
  readonly name: string;
}

const sessions = session<Data>({
  storage: (request, env: Env) => (request.url === env.name ? memoryStorage() : memoryStorage()),
  skip: (request) => request.url.endsWith("/health"),
  errorHandler: (_error, request) => new Response(request.url, { status: 503 }),
});

export default {
  fetch: sessions(async (request, env: Env, _ctx: { waitUntil(work: Promise<unknown>): void }) => {
    const own = sessions.get(request);
    check<Same<typeof own, Session<Data>>>();
    getSession(request).update("visits", (n = 0) => n + 1);
    findSession(request)?.delete("cart");
    // @ts-expect-error there is no such key
    own.get("visit");
    const headers = new Headers();
    using opened = await sessions.open(request, headers, env);
    await opened.save();
    return Response.json(own, { headers });
  }),
};

export const plain: (request: Request) => Promise<Response> = sessions(
  (request) => new Response(sessions.get(request).id),
);

export const guarded = {
  fetch: crossOriginProtection()(sessions(async (request, env: Env) => new Response(env.name + request.url))),
};
export const served: (request: Request, env: Env) => Promise<Response> = guarded.fetch;

export const tenants = session({
  cookie: (request, env: Env) => ({ domain: new URL(request.url).hostname + env.name }),
});

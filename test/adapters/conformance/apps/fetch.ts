import { createAdaptorServer } from "@hono/node-server";
import type { Server } from "node:http";
import { findSession, getSession, session, type Session, type Sessions } from "holdfast/fetch";
import { SCRIPT_HEADER, type Data, type Handle, type Visit } from "../handler.js";
import { optionsFor, routed } from "../mounting.js";
import { listening, type Adapter } from "./types.js";

type Fetch = (request: Request) => Response | Promise<Response>;

const pathOf = (request: Request): string => new URL(request.url).pathname;

const down = (_request: Request): Response => new Response("down", { status: 503 });

export const fetch: Adapter = {
  name: "fetch",
  build(mountings, handle) {
    const all = mountings.map((mounting) => ({
      ...mounting,
      sessions: session<Data>(optionsFor(mounting, pathOf, down)),
    }));
    let serve: Fetch = answering(handle, all.at(-1)!.sessions);
    for (const { sessions, isMounted, route } of all.toReversed()) {
      const inner = serve;
      const outer = sessions(inner);
      if (isMounted)
        serve = route === undefined ? outer : (request) => (routed(route, pathOf(request)) ? outer : inner)(request);
    }
    return {
      store: all[0]!.sessions.store,
      listen: () => listening(createAdaptorServer({ fetch: serve }) as Server),
    };
  },
};

function answering(handle: Handle, innermost: Sessions<Data>): Fetch {
  return async (request) => {
    const headers = new Headers();
    const reply = await handle(visit(request, headers, innermost));
    for (const [name, value] of reply?.headers ?? []) headers.append(name, value);
    return new Response(request.method === "HEAD" ? null : (reply?.body ?? "Not Found"), {
      status: reply?.status ?? 404,
      headers,
    });
  };
}

function visit(request: Request, headers: Headers, innermost: Sessions<Data>): Visit {
  return {
    method: request.method,
    path: pathOf(request),
    script: request.headers.get(SCRIPT_HEADER) ?? undefined,
    find: () => findSession(request) as Session<any> | undefined,
    get: () => getSession(request) as Session<any>,
    open: () => innermost.open(request, headers),
    store: innermost.store,
  };
}

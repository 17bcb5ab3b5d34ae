import { createAdaptorServer } from "@hono/node-server";
import { Hono, type Context } from "hono";
import type { StatusCode } from "hono/utils/http-status";
import type { Server } from "node:http";
import { findSession, getSession, session, type Session, type SessionEnv, type Sessions } from "holdfast/hono";
import { SCRIPT_HEADER, type Data, type Visit } from "../handler.js";
import { optionsFor } from "../mounting.js";
import { listening, type Adapter } from "./types.js";

const pathOf = (c: Context): string => c.req.path;

const down = (c: Context): Response => c.text("down", 503);

export const hono: Adapter = {
  name: "hono",
  build(mountings, handle) {
    const all = mountings.map((mounting) => ({
      ...mounting,
      sessions: session<Data>(optionsFor(mounting, pathOf, down)),
    }));
    const innermost = all.at(-1)!.sessions;
    const app = new Hono<SessionEnv<Data>>();
    for (const { sessions, isMounted, route } of all) if (isMounted) app.use(route ?? "*", sessions);
    app.all("*", async (c) => {
      const reply = await handle(visit(c, innermost));
      if (!reply) return c.notFound();
      for (const [name, value] of reply.headers) c.header(name, value, { append: name === "Set-Cookie" });
      c.status(reply.status as StatusCode);
      return c.body(reply.body);
    });
    return {
      store: all[0]!.sessions.store,
      listen: () => listening(createAdaptorServer({ fetch: app.fetch }) as Server),
    };
  },
};

function visit(c: Context, innermost: Sessions<Data>): Visit {
  return {
    method: c.req.method,
    path: pathOf(c),
    script: c.req.header(SCRIPT_HEADER),
    find: () => findSession(c) as Session<any> | undefined,
    get: () => getSession(c) as Session<any>,
    open: () => innermost.open(c),
    store: innermost.store,
  };
}

import Router from "@koa/router";
import Koa, { type Context, type Middleware } from "koa";
import { createServer } from "node:http";
import { findSession, getSession, session, type Session, type Sessions } from "holdfast/koa";
import { SCRIPT_HEADER, type Data, type Visit } from "../handler.js";
import { optionsFor } from "../mounting.js";
import { listening, type Adapter } from "./types.js";

const pathOf = (ctx: Context): string => ctx.path;

function down(ctx: Context): void {
  ctx.status = 503;
  ctx.body = "down";
}

export const koa: Adapter = {
  name: "koa",
  build(mountings, handle) {
    const all = mountings.map((mounting) => ({
      ...mounting,
      sessions: session<Data>(optionsFor(mounting, pathOf, down)),
    }));
    const innermost = all.at(-1)!.sessions;
    const app = new Koa();
    for (const { sessions, isMounted, route } of all)
      if (isMounted) app.use(route === undefined ? sessions : onRoute(route, sessions));
    app.use(async (ctx) => {
      const reply = await handle(visit(ctx, innermost));
      if (!reply) return;
      for (const [name, value] of reply.headers) ctx.append(name, value);
      ctx.status = reply.status;
      ctx.body = reply.body;
    });
    return {
      store: all[0]!.sessions.store,
      listen: () => listening(createServer((req, res) => void app.callback()(req, res))),
    };
  },
};

function onRoute(route: string, middleware: Middleware): Middleware {
  return new Router().all(route, middleware as never).routes() as never;
}

function visit(ctx: Context, innermost: Sessions<Data>): Visit {
  return {
    method: ctx.method,
    path: pathOf(ctx),
    script: ctx.get(SCRIPT_HEADER),
    find: () => findSession(ctx) as Session<any> | undefined,
    get: () => getSession(ctx) as Session<any>,
    open: () => innermost.open(ctx),
    store: innermost.store,
  };
}

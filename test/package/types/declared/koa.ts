import Router from "@koa/router";
import Koa from "koa";
import { crossOriginProtection, getSession, session, type Session, type SessionData } from "holdfast/koa";
import { memoryStorage } from "holdfast/storage/memory";
import { check, type Same } from "../expect.js";
import type { Data } from "./data.js";

const sessions = session<Data>({
  storage: (ctx) => (ctx.host === "" ? memoryStorage() : memoryStorage()),
  skip: (ctx) => ctx.path === "/health",
  errorHandler: (_error, ctx) => {
    ctx.status = 503;
    ctx.body = ctx.path;
  },
});

export const app = new Koa();
app.use(sessions);
app.use(async (ctx, next) => {
  check<Same<typeof ctx.session, Session<SessionData>>>();
  ctx.session.update("visits", (n = 0) => n + 1);
  getSession(ctx).set("at", new Date());
  sessions.get(ctx).get("cart")?.push("tea");
  // @ts-expect-error there is no such key
  ctx.session.get("visit");
  // @ts-expect-error the session is not replaced
  ctx.session = { visits: 1 };
  using opened = await sessions.open(ctx);
  await opened.save();
  await next();
});

export const router = new Router();
router.get("/:id", (ctx) => {
  ctx.session.set("visits", Number(ctx.params["id"]));
  ctx.body = sessions.get(ctx).get("visits");
});
app.use(router.routes());

export const typed = new Koa<{ user: string }>();
typed.use(sessions);

typed.use(crossOriginProtection({ trustedOrigins: ["https://login.example.com"] }));
router.use(crossOriginProtection());

export const tenants = session({ cookie: (ctx) => ({ domain: ctx.hostname, secure: ctx.secure }) });

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { session } from "#dist/adapters/koa.js";
import { required } from "../programs/packages.js";
import { visited, type Check } from "./check.js";

function koaApp(): any {
  const Koa = required("koa");
  const app = new Koa();
  app.silent = true;
  app.use(session());
  app.use(required("koa-bodyparser")());
  return app;
}

function routerOf(app: any): any {
  const Router = required("@koa/router");
  const router = new (Router.default ?? Router)();
  app.use((ctx: unknown, next: unknown) => router.routes()(ctx, next));
  return router;
}

async function passport(): Promise<void> {
  const { KoaPassport } = required("koa-passport");
  const { Strategy } = required("passport-local");
  const passport = new KoaPassport();
  passport.use(
    new Strategy((name: string, password: string, done: any) => done(null, password === "secret" && { name })),
  );
  const app = koaApp();
  app.use(passport.initialize());
  app.use((ctx: any, next: () => unknown) => {
    if (ctx.session.owner) ctx.state.user = { name: ctx.session.owner };
    return next();
  });
  const router = routerOf(app);
  router.post("/login", (ctx: any, next: unknown) =>
    passport.authenticate("local", { session: false }, async (error: unknown, user: any) => {
      if (error || !user) return ctx.throw(401);
      await ctx.session.authenticate(user.name);
      ctx.redirect("/me");
    })(ctx, next),
  );
  router.post("/logout", async (ctx: any) => {
    await ctx.session.destroy();
    ctx.redirect("/me");
  });
  router.get("/me", (ctx: any) => (ctx.body = { user: ctx.state.user?.name ?? null }));
  await visited(createServer(app.callback()), async (client) => {
    assert.equal((await client.post("/login", { form: { username: "tobi", password: "wrong" } })).status, 401);
    const form = { username: "tobi", password: "secret" };
    assert.equal((await client.post("/login", { form })).headers.location, "/me");
    assert.deepEqual((await client.get("/me")).json(), { user: "tobi" });
    const within = client.cookies.get("session_id")!;
    await client.post("/logout");
    client.cookies.set("session_id", within);
    assert.deepEqual((await client.get("/me")).json(), { user: null });
  });
}

async function csrf(): Promise<void> {
  const CSRF = required("koa-csrf");
  const protect = new (CSRF.default ?? CSRF)();
  const app = koaApp();
  app.use((ctx: any, next: unknown) => {
    const properties = {
      get secret() {
        return ctx.session.get("csrfSecret");
      },
      set secret(value) {
        ctx.session.set("csrfSecret", value);
      },
    };
    return protect(Object.create(ctx, { session: { value: properties } }), next);
  });
  const router = routerOf(app);
  router.get("/form", (ctx: any) => (ctx.body = ctx.state["_csrf"]));
  router.post("/act", (ctx: any) => (ctx.body = "acted"));
  await visited(createServer(app.callback()), async (client) => {
    assert.equal((await client.post("/act", { form: { _csrf: "forged" } })).status, 403);
    const token = (await client.get("/form")).body;
    assert.equal((await client.post("/act", { form: { _csrf: token } })).body, "acted");
    assert.equal((await client.post("/act", { form: { _csrf: "forged" } })).status, 403);
  });
}

/** The programs of this file. */
export const ON_KOA: readonly Check[] = [
  { name: "koa-passport", run: passport },
  { name: "koa-csrf", run: csrf },
];

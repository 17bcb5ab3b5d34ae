import { session } from "holdfast/koa";
import { Readable } from "node:stream";
import type { Framework } from "../framework.js";
import { ownVersion, packageIn } from "../packages.js";
import { story, storyOptions, type StoryData } from "../story.js";
import { listen } from "./listen.js";

type Route = (ctx: any) => unknown;

const ROUTES: Readonly<Record<string, Route>> = {
  "/storage": (ctx) => story.storage(ctx.query.do),
  "/untouched": () => "untouched",
  "/data": (ctx) => story.data(ctx.session),
  "/set": (ctx) => story.set(ctx.session, ctx.request.body),
  "/increment": (ctx) => story.increment(ctx.session),
  "/throw": (ctx) => story.throw(ctx.session),
  "/slow": (ctx) => story.slow(ctx.session),
  "/stream": (ctx) => Readable.from(story.stream(ctx.session)),
};

async function handleLogin(ctx: any): Promise<void> {
  if (ctx.path === "/login") {
    await story.login(ctx.session, ctx.request.body);
    ctx.redirect("/account");
  } else if (ctx.path === "/logout") {
    await story.logout(ctx.session);
    ctx.redirect("/untouched");
  } else if (ctx.path === "/account") {
    const account = story.account(ctx.session);
    if (account === undefined) ctx.redirect("/untouched");
    else ctx.body = account;
  }
}

/** Koa, with its own error path, which drops all headers. */
export const koa: Framework = {
  name: "koa",
  versions: [ownVersion("koa"), "3.0.0", "2.16.4"],
  async start(version) {
    const [{ default: Koa }, { default: parse }] = await Promise.all([
      packageIn("koa", version),
      packageIn("koa-bodyparser", ownVersion("koa-bodyparser")),
    ]);
    const app = new Koa();
    app.silent = true;
    app.use(session<StoryData>(storyOptions((ctx) => ctx.url)));
    app.use(parse());
    app.use(async (ctx: any) => {
      const route = ROUTES[ctx.path];
      if (route) ctx.body = await route(ctx);
      else await handleLogin(ctx);
    });
    return listen(app.callback());
  },
};

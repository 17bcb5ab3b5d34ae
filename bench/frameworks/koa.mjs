import Koa from "koa";
import { createServer } from "node:http";
import { actionOf, listen } from "./serving.mjs";

export const packages = ["koa"];
export const cookieOf = (ctx) => ctx.headers.cookie;
export const setCookie = (ctx, _, line) => ctx.append("Set-Cookie", line);

/** `mount` is given the application and answers a middleware. */
export function serve({ mount, actions }) {
  const app = new Koa();
  if (mount) app.use(mount(app));
  app.use(async (ctx) => {
    ctx.body = await actions[actionOf(ctx.path)](ctx);
  });
  const listener = app.callback();
  return listen(createServer((req, res) => void listener(req, res)));
}

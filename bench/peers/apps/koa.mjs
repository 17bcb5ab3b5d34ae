import { createServer } from "node:http";
import Koa from "koa";
import { listening } from "./listening.mjs";

/** An application on Koa behind a TLS proxy. */
export function koaApp({ mount, verbs }, gates) {
  const app = new Koa({ proxy: true, keys: ["a secret of at least 32 characters"] });
  app.silent = true;
  app.use(async (ctx, next) => {
    if (ctx.path === "/ping") ctx.status = 204;
    else await next();
  });
  mount(app);
  app.use(async (ctx) => {
    const { key, value, gate } = ctx.query;
    ctx.body = (await verbs[ctx.path.slice(1)](ctx, { key, value, parked: () => gates.pass(gate) })) ?? {};
  });
  const handle = app.callback();
  return listening(createServer((req, res) => void handle(req, res)));
}

import { session } from "holdfast/koa";
import Koa from "koa";
import { announce, port } from "../listening.js";

declare module "holdfast" {
  interface SessionData {
    visits: number;
  }
}

const app = new Koa();
app.use(session());
app.use((ctx) => {
  ctx.session.update("visits", (visits = 0) => visits + 1);
  ctx.body = { visits: ctx.session.get("visits") };
});

const server = app.listen(port, () => announce(server));

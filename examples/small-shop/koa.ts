import { crossOriginProtection, session } from "holdfast/koa";
import Koa from "koa";
import { announce, port } from "../listening.js";
import { formOf } from "./node-http.js";
import { account, add, login, start, type Data } from "./pages.js";

const sessions = session<Data>();
const app = new Koa();
app.use(crossOriginProtection());
app.use(sessions);
app.use(async (ctx) => {
  const visitor = sessions.get(ctx);
  const form = await formOf(ctx.req);
  const redirect = (to: string): void => {
    ctx.status = 303;
    ctx.redirect(to);
  };
  switch (`${ctx.method} ${ctx.path}`) {
    case "GET /":
      ctx.body = start(visitor);
      return;
    case "GET /login":
      ctx.body = login(visitor);
      return;
    case "GET /account": {
      const page = account(visitor);
      if (page === undefined) return redirect("/login");
      ctx.body = page;
      return;
    }
    case "POST /add":
      add(visitor, form.get("item") ?? "");
      return redirect("/");
    case "POST /login":
      await visitor.authenticate(form.get("user") ?? "");
      return redirect("/account");
    case "POST /logout":
      await visitor.destroy();
      return redirect("/");
  }
});

const server = app.listen(port, () => announce(server));

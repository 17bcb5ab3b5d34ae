import connect from "connect";
import { crossOriginProtection, session, wrapAsync } from "holdfast/connect";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { announce, port } from "../listening.js";
import { formOf, redirect, send } from "./node-http.js";
import { account, add, login, start, type Data } from "./pages.js";

const sessions = session<Data>();
const app = connect();
app.use(crossOriginProtection());
app.use(sessions);
app.use(
  wrapAsync(async (req: IncomingMessage, res: ServerResponse) => {
    const visitor = sessions.get(req);
    const form = await formOf(req);
    switch (`${req.method} ${req.url}`) {
      case "GET /":
        return send(res, start(visitor));
      case "GET /login":
        return send(res, login(visitor));
      case "GET /account":
        return send(res, account(visitor), "/login");
      case "POST /add":
        add(visitor, form.get("item") ?? "");
        return redirect(res, "/");
      case "POST /login":
        await visitor.authenticate(form.get("user") ?? "");
        return redirect(res, "/account");
      case "POST /logout":
        await visitor.destroy();
        return redirect(res, "/");
      default:
        res.writeHead(404).end("Not found");
    }
  }),
);

const server = createServer(app).listen(port, () => announce(server));

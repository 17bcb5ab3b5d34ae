import { crossOriginProtection, session } from "holdfast/node";
import { createServer } from "node:http";
import { announce, port } from "../listening.js";
import { formOf, redirect, send } from "./node-http.js";
import { account, add, login, start, type Data } from "./pages.js";

const sessions = session<Data>();
const handler = sessions(async (req, res) => {
  const form = await formOf(req);
  switch (`${req.method} ${req.url}`) {
    case "GET /":
      return send(res, start(req.session));
    case "GET /login":
      return send(res, login(req.session));
    case "GET /account":
      return send(res, account(req.session), "/login");
    case "POST /add":
      add(req.session, form.get("item") ?? "");
      return redirect(res, "/");
    case "POST /login":
      await req.session.authenticate(form.get("user") ?? "");
      return redirect(res, "/account");
    case "POST /logout":
      await req.session.destroy();
      return redirect(res, "/");
    default:
      res.writeHead(404).end("Not found");
  }
});

const server = createServer(crossOriginProtection()(handler)).listen(port, () => announce(server));

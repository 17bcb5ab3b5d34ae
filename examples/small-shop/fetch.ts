import { serve } from "@hono/node-server";
import { crossOriginProtection, session } from "holdfast/fetch";
import { announce, port } from "../listening.js";
import { account, add, login, start, type Data } from "./pages.js";

const sessions = session<Data>();

const html = (page: string): Response =>
  new Response(page, { headers: { "Content-Type": "text/html; charset=utf-8" } });
const redirect = (location: string): Response => new Response(null, { status: 303, headers: { Location: location } });

async function field(request: Request, name: string): Promise<string> {
  return new URLSearchParams(await request.text()).get(name) ?? "";
}

const handler = sessions(async (request) => {
  const visitor = sessions.get(request);
  switch (`${request.method} ${new URL(request.url).pathname}`) {
    case "GET /":
      return html(start(visitor));
    case "GET /login":
      return html(login(visitor));
    case "GET /account": {
      const page = account(visitor);
      return page === undefined ? redirect("/login") : html(page);
    }
    case "POST /add":
      add(visitor, await field(request, "item"));
      return redirect("/");
    case "POST /login":
      await visitor.authenticate(await field(request, "user"));
      return redirect("/account");
    case "POST /logout":
      await visitor.destroy();
      return redirect("/");
    default:
      return new Response("Not found", { status: 404 });
  }
});

// Bun, Deno and Workers take `export default { fetch }`; here Node serves it.
const server = serve({ fetch: crossOriginProtection()(handler), port }, () => announce(server));

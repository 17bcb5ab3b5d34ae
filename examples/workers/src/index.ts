import { crossOriginProtection, session } from "holdfast/fetch";
import { durableStorage } from "holdfast/storage/cloudflare";

/** The class of the Durable Objects. */
export { HoldfastSessions } from "holdfast/storage/cloudflare";

interface Env {
  SESSIONS: DurableObjectNamespace;
}
/** The keys of your sessions, and their types. */
interface Data {
  cart: string[];
}

const sessions = session<Data>({ storage: (_request, env: Env) => durableStorage(env.SESSIONS) });

async function handle(request: Request): Promise<Response> {
  const own = sessions.get(request);
  const form = request.method === "POST" ? await request.formData() : new FormData();
  switch (`${request.method} ${new URL(request.url).pathname}`) {
    case "GET /":
      return page(`<p>Cart: ${(own.get("cart") ?? []).join(", ") || "empty"}</p>
        <form method="post" action="/cart"><button name="item" value="anchor">Add an anchor</button></form>
        <a href="/account">Account</a>`);
    case "POST /cart":
      own.update("cart", (cart = []) => [...cart, form.get("item") === "anchor" ? "anchor" : "rope"]);
      return redirect("/", request);
    case "GET /login":
      return page(`<form method="post"><input name="name"><input name="password" type="password">
        <button>Log in</button></form>`);
    case "POST /login":
      if (form.get("name") !== "ann" || form.get("password") !== "secret")
        return page("<p>Wrong name or password</p>", 401);
      await own.authenticate("ann"); // a new token; the cart is kept
      return redirect("/account", request);
    case "GET /account":
      if (own.owner === undefined) return redirect("/login", request);
      return page(`<p>The account of ${own.owner}</p>
        <form method="post" action="/logout"><button>Log out</button></form>`);
    case "POST /logout":
      await own.destroy(); // final, on every machine of Cloudflare
      return redirect("/", request);
    default:
      return page("<p>Not found</p>", 404);
  }
}

function page(body: string, status = 200): Response {
  const headers = { "content-type": "text/html; charset=utf-8" };
  return new Response(`<!doctype html><title>Shop</title>${body}`, { status, headers });
}

function redirect(path: string, { url }: Request): Response {
  return Response.redirect(new URL(path, url).href, 303);
}

const protect = crossOriginProtection(); // refuses forms of other sites
export default { fetch: protect(sessions(handle)) };

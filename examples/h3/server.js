import { H3, html, redirect, serve } from "h3";
import { crossOriginProtection, session, useSession } from "holdfast/h3";

const app = new H3();
app.use(crossOriginProtection());
// Without a storage, sessions are in the memory of this process: enough to try it, and for one server.
app.use(session({ idleTimeout: "30m", absoluteTimeout: "24h" }));

app.get("/", (event) => {
  const { owner } = useSession(event);
  const cart = useSession(event).get("cart") ?? [];
  return html`
    <p id="owner">${owner ?? "nobody"}</p>
    <ul id="cart">
      ${cart.join(", ")}
    </ul>
    <form method="post" action="/cart"><input name="item" aria-label="Item" /><button>Add</button></form>
    <form method="post" action="/logout"><button>Log out</button></form>
  `;
});

app.get(
  "/login",
  () => html`<form method="post"><input name="user" aria-label="User" /><button>Log in</button></form>`,
);

app.post("/cart", async (event) => {
  const item = String((await event.req.formData()).get("item"));
  useSession(event).update("cart", (cart = []) => [...cart, item]);
  return redirect("/", 303);
});

// A real login checks a password here.
app.post("/login", async (event) => {
  await useSession(event).authenticate(String((await event.req.formData()).get("user")));
  return redirect("/account", 303);
});

app.post("/logout", async (event) => {
  await useSession(event).destroy();
  return redirect("/", 303);
});

app.get("/account", (event) => {
  const { owner } = useSession(event);
  return owner === undefined ? redirect("/login", 303) : `Account of ${owner}`;
});

const server = serve(app, { port: Number(process.env.PORT ?? 3000), hostname: "127.0.0.1", silent: true });
await server.ready();
console.log(server.url);

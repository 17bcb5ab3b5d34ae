import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { crossOriginProtection, session, type SessionEnv } from "holdfast/hono";
import { announce, port } from "../listening.js";
import { account, add, login, start, type Data } from "./pages.js";

const app = new Hono<SessionEnv<Data>>();
app.use(crossOriginProtection(), session<Data>());

app.get("/", (c) => c.html(start(c.get("session"))));
app.get("/login", (c) => c.html(login(c.get("session"))));
app.get("/account", (c) => {
  const page = account(c.get("session"));
  return page === undefined ? c.redirect("/login", 303) : c.html(page);
});
app.post("/add", async (c) => {
  const { item = "" } = await c.req.parseBody<{ item?: string }>();
  add(c.get("session"), item);
  return c.redirect("/", 303);
});
app.post("/login", async (c) => {
  const { user = "" } = await c.req.parseBody<{ user?: string }>();
  await c.get("session").authenticate(user);
  return c.redirect("/account", 303);
});
app.post("/logout", async (c) => {
  await c.get("session").destroy();
  return c.redirect("/", 303);
});

const server = serve({ fetch: app.fetch, port }, () => announce(server));

import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { session, type SessionEnv } from "holdfast/hono";
import { announce, port } from "../listening.js";

interface Data {
  visits: number;
}

const app = new Hono<SessionEnv<Data>>();
app.use(session<Data>());
app.get("/", (c) => {
  c.get("session").update("visits", (visits = 0) => visits + 1);
  return c.json({ visits: c.get("session").get("visits") });
});

const server = serve({ fetch: app.fetch, port }, () => announce(server));

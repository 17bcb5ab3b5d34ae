/** A service that takes the token from the cookie, else from a header, else from the query. */
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { chain, fromCookie, fromHeader, fromQuery } from "holdfast";
import { session, type SessionEnv } from "holdfast/hono";
import { announce, port } from "./listening.js";

const app = new Hono<SessionEnv>();
app.use(session({ extractor: chain(fromCookie("session_id"), fromHeader("X-Session-ID"), fromQuery("session_id")) }));

app.get("/", async (c) => {
  const current = c.get("session");
  if (current.fresh) await current.save();
  return c.json({ id: current.id });
});

const server = serve({ fetch: app.fetch, port }, () => announce(server));

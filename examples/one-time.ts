/** One-time values: a message after a redirect, and the state of a login at a provider. */
import { randomUUID } from "node:crypto";
import express from "express";
import { session } from "holdfast/express";
import { announce, port } from "./listening.js";

declare module "holdfast" {
  interface SessionData {
    message: string;
    oauthState: string;
  }
}

function queried(req: express.Request, name: string): string {
  const value = req.query[name];
  return typeof value === "string" ? value : "";
}

const app = express();
app.use(session());

app.get("/", async (req, res) => {
  const message = await req.session.take("message");
  res.json({ signedInAs: req.session.owner ?? null, message: message ?? null });
});

app.get("/login", (req, res) => {
  const state = randomUUID();
  req.session.set("oauthState", state);
  res.redirect(`/provider?state=${state}`);
});

/** Instead of a provider: every visitor is user 7. */
app.get("/provider", (req, res) => {
  res.redirect(`/callback?user=7&state=${encodeURIComponent(queried(req, "state"))}`);
});

app.get("/callback", async (req, res) => {
  const expected = await req.session.take("oauthState");
  if (expected === undefined || expected !== queried(req, "state"))
    return void res.status(403).json({ error: "start again at /login" });
  await req.session.authenticate(queried(req, "user"));
  req.session.set("message", "Welcome back");
  res.redirect("/");
});

const server = app.listen(port, () => announce(server));

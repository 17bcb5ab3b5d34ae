/** Forms of other sites are refused; one login provider may post to one page. */
import express from "express";
import { crossOriginProtection, session } from "holdfast/express";
import { announce, port } from "./listening.js";

declare module "holdfast" {
  interface SessionData {
    notes: string[];
    oauthState: string;
  }
}

/** It posts the result from its own pages (OAuth's `response_mode=form_post`). */
const provider = "https://login.example.com";

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

const app = express();
app.use(express.urlencoded());

// Before the session: such a post contains no cookie (SameSite), so it redirects to a page that has a session.
app.post("/callback", crossOriginProtection({ trustedOrigins: [provider] }), (req, res) => {
  res.redirect(303, `/signed-in?${new URLSearchParams({ code: text(req.body.code), state: text(req.body.state) })}`);
});

app.use(crossOriginProtection());
app.use(session());

app.get("/login", (req, res) => {
  req.session.set("oauthState", "drawn for this login");
  res.redirect(`${provider}/authorize?response_mode=form_post&state=drawn+for+this+login`);
});

app.get("/signed-in", async (req, res) => {
  const expected = await req.session.take("oauthState");
  if (expected === undefined || expected !== text(req.query["state"]))
    return void res.status(403).json({ error: "start again at /login" });
  await req.session.authenticate("user-7"); // after the code was exchanged for the user's identity
  res.redirect("/notes");
});

app.get("/notes", (req, res) => {
  res.json({ signedInAs: req.session.owner ?? null, notes: req.session.get("notes") ?? [] });
});

app.post("/notes", (req, res) => {
  req.session.update("notes", (notes = []) => [...notes, text(req.body.note)]);
  res.redirect(303, "/notes");
});

const server = app.listen(port, () => announce(server));

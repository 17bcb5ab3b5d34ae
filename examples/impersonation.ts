/** Support acts as a customer, and returns: what the one does is never in the session of the other. */
import express, { type RequestHandler } from "express";
import { session } from "holdfast/express";
import { announce, port } from "./listening.js";

declare module "holdfast" {
  interface SessionData {
    notes: string[];
  }
}

const ADMINISTRATORS: ReadonlySet<string> = new Set(["support"]);

const app = express();
app.use(express.json(), session());

app.post("/login", async (req, res) => {
  await req.session.authenticate(String(req.body?.name)); // a real application asks for a password
  res.sendStatus(204);
});

app.get("/", (req, res) => {
  const { owner = null, actor = null } = req.session;
  res.json({ owner, actor, notes: req.session.get("notes") ?? [] });
});

app.post("/notes", (req, res) => {
  req.session.update("notes", (notes = []) => [...notes, String(req.body?.note)]);
  res.sendStatus(204);
});

app.post("/act-as/:user", async (req, res) => {
  const { owner } = req.session;
  if (owner === undefined || !ADMINISTRATORS.has(owner)) return void res.sendStatus(403);
  await req.session.authenticate(req.params.user, { actor: owner, info: { device: "support" } });
  res.sendStatus(204);
});

app.post("/return", async (req, res) => {
  await req.session.endImpersonation();
  res.sendStatus(204);
});

/** What only the customer may do. */
const inPerson: RequestHandler = (req, res, next) => {
  if (req.session.actor === undefined) return next();
  res.sendStatus(403);
};

app.post("/pay", inPerson, (_req, res) => void res.sendStatus(204));

app.post("/logout-everywhere", async (req, res) => {
  const { owner, store } = req.session;
  if (owner !== undefined) await store.deleteByOwner(owner);
  res.sendStatus(204);
});

const server = app.listen(port, () => announce(server));

import express from "express";
import { crossOriginProtection, session } from "holdfast/express";
import { announce, port } from "../listening.js";
import { account, add, login, start, type Data } from "./pages.js";

const sessions = session<Data>();
const app = express();
app.use(crossOriginProtection(), express.urlencoded(), sessions);

app.get("/", (req, res) => void res.send(start(sessions.get(req))));
app.get("/login", (req, res) => void res.send(login(sessions.get(req))));
app.get("/account", (req, res) => {
  const page = account(sessions.get(req));
  if (page === undefined) res.redirect(303, "/login");
  else res.send(page);
});
app.post("/add", (req, res) => {
  add(sessions.get(req), String(req.body.item));
  res.redirect(303, "/");
});
app.post("/login", async (req, res) => {
  await sessions.get(req).authenticate(String(req.body.user));
  res.redirect(303, "/account");
});
app.post("/logout", async (req, res) => {
  await sessions.get(req).destroy();
  res.redirect(303, "/");
});

const server = app.listen(port, () => announce(server));

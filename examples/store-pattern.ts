/** Without the middleware: the handler opens the session itself, and saves it itself. */
import express from "express";
import { session } from "holdfast/express";
import { announce, port } from "./listening.js";

interface Data {
  votes: number;
}

const sessions = session<Data>();
const app = express();

app.post("/vote", async (req, res) => {
  using own = await sessions.open(req, res);
  own.update("votes", (votes = 0) => votes + 1);
  await own.save();
  res.json({ votes: own.get("votes") });
});

app.get("/vote", async (req, res) => {
  using own = await sessions.open(req, res);
  res.json({ votes: own.get("votes") ?? 0 });
});

const server = app.listen(port, () => announce(server));

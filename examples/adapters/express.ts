import express from "express";
import { session } from "holdfast/express";
import { announce, port } from "../listening.js";

declare module "holdfast" {
  interface SessionData {
    visits: number;
  }
}

const app = express();
app.use(session());
app.get("/", (req, res) => {
  req.session.update("visits", (visits = 0) => visits + 1);
  res.json({ visits: req.session.get("visits") });
});

const server = app.listen(port, () => announce(server));

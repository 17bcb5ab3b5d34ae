import { createServer } from "node:http";
import express from "express";
import { listening } from "./listening.mjs";

/** An application on Express behind a TLS proxy: `mount` puts the session in, `verbs` are its handlers. */
export function expressApp({ mount, verbs }, gates) {
  const app = express();
  app.set("trust proxy", 1);
  app.get("/ping", (_req, res) => void res.sendStatus(204));
  mount(app);
  app.post("/:verb", async (req, res) => {
    const { key, value, gate } = req.query;
    res.json((await verbs[req.params.verb](req, { key, value, res, parked: () => gates.pass(gate) })) ?? {});
  });
  return listening(createServer(app));
}

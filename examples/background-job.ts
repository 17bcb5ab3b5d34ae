/** Work that outlives its request: the job gets the session's id, never its token. */
import express from "express";
import { session } from "holdfast/express";
import { setTimeout } from "node:timers/promises";
import { announce, port } from "./listening.js";

interface Data {
  report: "begun" | "ready";
  reportsRead: number;
}

const sessions = session<Data>();
const app = express();
app.use(sessions);

app.post("/report", async (req, res) => {
  const own = sessions.get(req);
  own.set("report", "begun");
  await own.save();
  void prepareReport(own.id).catch(console.error);
  res.status(202).json({ report: own.get("report") });
});

app.get("/report", async (req, res) => {
  const own = sessions.get(req);
  const report = own.get("report") ?? "none";
  if (report === "ready") await countReading(own.id);
  res.json({ report });
});

app.get("/readings", (req, res) => void res.json({ readings: sessions.get(req).get("reportsRead") ?? 0 }));

/** `edit` saves when the function returns, and discards when it throws. */
async function prepareReport(id: string): Promise<void> {
  await setTimeout(20);
  await sessions.store.edit(id, (own) => own.set("report", "ready"));
}

/** The same explicitly: changes that are not saved by the end of the block are dropped. */
async function countReading(id: string): Promise<void> {
  using own = await sessions.store.getById(id);
  own?.update("reportsRead", (count = 0) => count + 1);
  await own?.save();
}

const server = app.listen(port, () => announce(server));

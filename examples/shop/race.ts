import { Router, type Request, type Response } from "express";
import { racePage } from "./views/race.js";
import { pageVisit } from "./visit.js";
import { someWork } from "./work.js";

/** Overlapping increments of one session, counted in two ways. The page's script fires them. */
export function raceRoutes(): Router {
  const routes = Router();
  routes.get("/race", async (req, res) => void res.send(racePage(await pageVisit(req), countsOf(req))));
  routes.get("/race/counts", (req, res) => void res.json(countsOf(req)));
  routes.post("/race/line-up", lineUp);
  routes.post("/race/update", addByUpdate);
  routes.post("/race/set", addBySet);
  routes.post("/race/clear", clear);
  return routes;
}

/** How far both ways have counted. */
export interface Counts {
  readonly update: number;
  readonly set: number;
}

function countsOf({ session }: Request): Counts {
  return { update: session.get("race") ?? 0, set: session.get("naiveRace") ?? 0 };
}

/** All runners need the same session: a visitor without one gets it here, before the start. */
function lineUp(req: Request, res: Response): void {
  if (!req.session.has("race")) req.session.update("race", (count = 0) => count);
  res.json(countsOf(req));
}

async function addByUpdate(req: Request, res: Response): Promise<void> {
  await someWork();
  req.session.update("race", (count = 0) => count + 1);
  res.sendStatus(204);
}

/** The code without `update`: the later save wins. */
async function addBySet(req: Request, res: Response): Promise<void> {
  const count = req.session.get("naiveRace") ?? 0;
  await someWork();
  req.session.set("naiveRace", count + 1);
  res.sendStatus(204);
}

function clear(req: Request, res: Response): void {
  req.session.delete("race");
  req.session.delete("naiveRace");
  res.redirect(303, "/race");
}

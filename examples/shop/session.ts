import { Router, type Request } from "express";
import { sessionPage, type SessionFacts } from "./views/session.js";
import { pageVisit } from "./visit.js";

/** The page that shows this session, and a button that renews it. */
export function sessionRoutes(): Router {
  const routes = Router();
  routes.get("/session", async (req, res) => void res.send(sessionPage(await pageVisit(req), factsOf(req))));
  routes.post("/session/renew", async (req, res) => {
    if (isStored(req)) await req.session.regenerate();
    res.redirect(303, "/session");
  });
  return routes;
}

/** Nothing is stored for a visitor in whose session nothing was put. */
function isStored({ session }: Request): boolean {
  return !session.fresh;
}

/** What may be shown of a session: all but its token. */
function factsOf(req: Request): SessionFacts | undefined {
  if (!isStored(req)) return undefined;
  const { id, createdAt, idleExpiresAt, absoluteExpiresAt } = req.session;
  return { id, keys: req.session.keys(), now: Date.now(), createdAt, idleExpiresAt, absoluteExpiresAt };
}

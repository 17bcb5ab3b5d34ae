import { Router, type Request, type RequestHandler, type Response } from "express";
import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import { someWork } from "./work.js";

/** Path of this race: the rest of the shop does not use express-session. */
export const PEER_PATH = "/race/express-session";

const MAX_AGE_MS = 30 * 60_000;

/** Loaded without its types, which claim `req.session` of every request in the program. */
const load = createRequire(import.meta.url);
const expressSession = load("express-session") as (options: object) => RequestHandler;

/** The version that races. */
export const PEER_VERSION = (load("express-session/package.json") as { readonly version: string }).version;

/**
 * The same race with express-session, which has a separate cookie and memory. Mounted at PEER_PATH, before the shop's
 * sessions.
 */
export function peerRoutes(): Router {
  const session = expressSession({
    secret: randomBytes(32),
    name: "express_session",
    resave: false,
    saveUninitialized: false,
    cookie: { path: PEER_PATH, httpOnly: true, sameSite: "lax", secure: "auto", maxAge: MAX_AGE_MS },
  });
  const routes = Router();
  routes.post("/line-up", session, lineUp);
  routes.post("/add", session, add);
  routes.get("/counts", session, (req, res) => void res.json(countOf(req)));
  return routes;
}

/** Begins at zero. */
function lineUp(req: Request, res: Response): void {
  peerSessionOf(req).race = 0;
  res.json(countOf(req));
}

async function add(req: Request, res: Response): Promise<void> {
  await someWork();
  const session = peerSessionOf(req);
  session.race = (session.race ?? 0) + 1;
  res.sendStatus(204);
}

function countOf(req: Request): { readonly peer: number } {
  return { peer: peerSessionOf(req).race ?? 0 };
}

/** The `req.session` here is not Holdfast's. */
function peerSessionOf(req: object): { race?: number } {
  return (req as { readonly session: { race?: number } }).session;
}

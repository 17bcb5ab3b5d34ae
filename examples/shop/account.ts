import { Router, type Request, type Response } from "express";
import { deviceOf } from "./device.js";
import { accountPage, loginPage } from "./views/account.js";
import { devicesPage } from "./views/devices.js";
import { whoIs } from "./people.js";
import { field, visitOf } from "./visit.js";

/** Login, logout, and the pages that only a signed-in person sees. */
export function accountRoutes(): Router {
  const routes = Router();
  routes.get("/login", showLogin);
  routes.post("/login", logIn);
  routes.post("/logout", logOut);
  routes.get("/account", showAccount);
  routes.get("/devices", showDevices);
  routes.post("/devices/end", endOne);
  routes.post("/devices/end-others", endOthers);
  return routes;
}

function showLogin(req: Request, res: Response): void {
  const visit = visitOf(req);
  if (visit.person) return res.redirect(303, "/account");
  res.send(loginPage(visit));
}

async function logIn(req: Request, res: Response): Promise<void> {
  const person = whoIs(field(req, "name"), field(req, "password"));
  if (!person) return void res.status(401).send(loginPage(visitOf(req), field(req, "name")));
  await req.session.authenticate(String(person.id), { info: { device: deviceOf(req.get("user-agent")) } });
  res.redirect(303, "/account");
}

async function logOut(req: Request, res: Response): Promise<void> {
  await req.session.destroy();
  res.redirect(303, "/");
}

function showAccount(req: Request, res: Response): void {
  const visit = visitOf(req);
  if (!visit.person) return res.redirect(303, "/login");
  res.send(accountPage(visit, visit.person));
}

async function showDevices(req: Request, res: Response): Promise<void> {
  const { owner, id, store } = req.session;
  if (owner === undefined) return res.redirect(303, "/login");
  res.send(devicesPage(visitOf(req), await store.listByOwner(owner), id, Date.now()));
}

/** Ends one of the person's own sessions; anybody else's is none of theirs to end. */
async function endOne(req: Request, res: Response): Promise<void> {
  const { owner, id, store } = req.session;
  if (owner === undefined) return res.redirect(303, "/login");
  const own = await store.listByOwner(owner);
  const chosen = own.find((device) => device.id === field(req, "id"));
  if (chosen && chosen.id !== id) await store.delete(chosen.id);
  res.redirect(303, "/devices");
}

async function endOthers(req: Request, res: Response): Promise<void> {
  const { owner, id, store } = req.session;
  if (owner === undefined) return res.redirect(303, "/login");
  await store.deleteByOwner(owner, { except: id });
  res.redirect(303, "/devices");
}

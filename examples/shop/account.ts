import { Router, type Request, type Response } from "express";
import { deviceOf } from "./device.js";
import { accountPage, confirmPage, loginPage } from "./views/account.js";
import { devicesPage } from "./views/devices.js";
import { whoIs } from "./people.js";
import { field, pageVisit, say, visitOf } from "./visit.js";

/** "Remember me", or until the browser is closed. */
const REMEMBERED = { idleTimeout: "30d", absoluteTimeout: "90d" } as const;
const UNTIL_CLOSED = { sessionOnly: true } as const;

/** Login, logout, and the pages for signed-in users. */
export function accountRoutes(): Router {
  const routes = Router();
  routes.get("/login", showLogin);
  routes.post("/login", logIn);
  routes.get("/confirm", showConfirm);
  routes.post("/confirm", confirm);
  routes.post("/logout", logOut);
  routes.post("/logout-everywhere", logOutEverywhere);
  routes.get("/account", showAccount);
  routes.get("/devices", showDevices);
  routes.post("/devices/end", endOne);
  routes.post("/devices/end-others", endOthers);
  return routes;
}

async function showLogin(req: Request, res: Response): Promise<void> {
  const visit = await pageVisit(req);
  if (visit.person) return res.redirect(303, "/account");
  res.send(loginPage(visit));
}

async function logIn(req: Request, res: Response): Promise<void> {
  const person = whoIs(field(req, "name"), field(req, "password"));
  if (!person) return void res.status(401).send(loginPage(visitOf(req), field(req, "name")));
  const isRemembered = field(req, "remember") === "on";
  const info = { device: deviceOf(req.get("user-agent")) };
  await req.session.authenticate(String(person.id), { info, ...(isRemembered ? REMEMBERED : UNTIL_CLOSED) });
  if (isRemembered) say(req, "This browser stays signed in for 30 days after your last visit.");
  res.redirect(303, "/account");
}

/** Asks a signed-in user for the password again, before sensitive operations. */
async function showConfirm(req: Request, res: Response): Promise<void> {
  const visit = await pageVisit(req);
  if (!visit.person) return res.redirect(303, "/login");
  res.send(confirmPage(visit, visit.person, false));
}

async function confirm(req: Request, res: Response): Promise<void> {
  const visit = visitOf(req);
  if (!visit.person) return res.redirect(303, "/login");
  if (whoIs(visit.person.name, field(req, "password")) !== visit.person)
    return void res.status(401).send(confirmPage(visit, visit.person, true));
  await req.session.authenticate(String(visit.person.id));
  say(req, "Thank you. Now order.");
  res.redirect(303, "/cart");
}

async function logOut(req: Request, res: Response): Promise<void> {
  await req.session.destroy();
  res.redirect(303, "/");
}

/** Ends every session of this user, including this one. */
async function logOutEverywhere(req: Request, res: Response): Promise<void> {
  const { owner, store } = req.session;
  if (owner !== undefined) await store.deleteByOwner(owner);
  await req.session.destroy();
  res.redirect(303, "/login");
}

async function showAccount(req: Request, res: Response): Promise<void> {
  const visit = await pageVisit(req);
  if (!visit.person) return res.redirect(303, "/login");
  res.send(accountPage(visit, visit.person));
}

async function showDevices(req: Request, res: Response): Promise<void> {
  const { owner, id, store } = req.session;
  if (owner === undefined) return res.redirect(303, "/login");
  res.send(devicesPage(await pageVisit(req), await store.listByOwner(owner), id, Date.now()));
}

/** Ends one of the user's sessions, never one of another user. */
async function endOne(req: Request, res: Response): Promise<void> {
  const { owner, id, store } = req.session;
  if (owner === undefined) return res.redirect(303, "/login");
  const own = await store.listByOwner(owner);
  const chosen = own.find((device) => device.id === field(req, "id"));
  if (chosen && chosen.id !== id && (await store.delete(chosen.id)))
    say(req, `${String(chosen.info?.["device"] ?? "That browser")} is signed out.`);
  res.redirect(303, "/devices");
}

async function endOthers(req: Request, res: Response): Promise<void> {
  const { owner, id, store } = req.session;
  if (owner === undefined) return res.redirect(303, "/login");
  const ended = await store.deleteByOwner(owner, { except: id });
  say(req, ended === 1 ? "One other place is signed out." : `${ended} other places are signed out.`);
  res.redirect(303, "/devices");
}

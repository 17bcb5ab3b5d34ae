import { Router, type Request, type Response } from "express";
import { accountPage, loginPage } from "./views/account.js";
import { whoIs } from "./people.js";
import { field, visitOf } from "./visit.js";

/** Login, logout, and the page that only a signed-in person sees. */
export function accountRoutes(): Router {
  const routes = Router();
  routes.get("/login", showLogin);
  routes.post("/login", logIn);
  routes.post("/logout", logOut);
  routes.get("/account", showAccount);
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
  await req.session.regenerate();
  req.session.set("userId", person.id);
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

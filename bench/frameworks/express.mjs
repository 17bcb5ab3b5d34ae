import express from "express";
import { createServer } from "node:http";
import { listen, settle } from "./serving.mjs";

export const packages = ["express"];
export const cookieOf = (req) => req.headers.cookie;
export const setCookie = (_req, res, line) => res.append("Set-Cookie", line);

/** `mount` is a middleware. */
export function serve({ mount, actions }) {
  const app = express();
  app.disable("etag").set("trust proxy", true);
  if (mount) app.use(mount);
  const handle = (action) => (req, res, next) => settle(action(req, res), (body) => res.json(body), next);
  for (const name of ["read", "plain"]) app.get(`/${name}`, handle(actions[name]));
  for (const name of ["write", "login", "seed"]) app.post(`/${name}`, handle(actions[name]));
  return listen(createServer(app));
}

/** One application under several domains: each tenant's cookie has its own attributes. */
import express from "express";
import type { CookieOptions } from "holdfast";
import { session } from "holdfast/express";
import { announce, port } from "./listening.js";

declare module "holdfast" {
  interface SessionData {
    visits: number;
  }
}

/** From a fixed list: the host sent by a client cannot be trusted. */
const tenants: Readonly<Record<string, CookieOptions>> = {
  "acme.example": { domain: "acme.example" }, // one login for shop.acme.example and help.acme.example
  "bank.example": { sameSite: "strict" }, // this host alone
};

function tenantOf(hostname: string): string | undefined {
  return Object.keys(tenants).find((name) => hostname === name || hostname.endsWith(`.${name}`));
}

const app = express();
app.use((req, res, next) => (tenantOf(req.hostname) ? next() : void res.status(421).json({ error: "not our host" })));
app.use(session({ cookie: (req) => tenants[tenantOf(req.hostname)!]! }));

app.get("/", (req, res) => {
  req.session.update("visits", (visits = 0) => visits + 1);
  res.json({ tenant: tenantOf(req.hostname), visits: req.session.get("visits") });
});
app.post("/logout", async (req, res) => {
  await req.session.destroy(); // the cookie is removed with the attributes that it was set with
  res.json({ loggedOut: true });
});

const server = app.listen(port, () => announce(server));

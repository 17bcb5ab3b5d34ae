import express, { type ErrorRequestHandler, type Express } from "express";
import type { Clock, Storage } from "holdfast";
import { session } from "holdfast/express";
import { fileURLToPath } from "node:url";
import { accountRoutes } from "./account.js";
import { cartRoutes } from "./cart.js";
import { PEER_PATH, peerRoutes } from "./express-session.js";
import { raceRoutes } from "./race.js";
import { sessionRoutes } from "./session.js";
import { failurePage } from "./views/failure.js";
import { visitOf } from "./visit.js";

declare module "holdfast" {
  interface SessionData {
    /** Slugs of products, one for each piece. */
    cart: string[];
    /** Shown once, by the next page. */
    message: string;
    /** Counted with `update`. */
    race: number;
    /** Counted with `get`, then `set`. */
    naiveRace: number;
  }
}

/** What the shop is made from. */
export interface ShopOptions {
  /** Where sessions are kept. */
  readonly storage: Storage;
  /** For tests, in which hours pass at once. */
  readonly clock?: Clock;
}

/** The files a browser fetches as they are; compiled files are one directory further down. */
const publicFiles = fileURLToPath(new URL("../../shop/public", import.meta.url));

/** The shop, as an Express application. */
export function shop(options: ShopOptions): Express {
  const app = express();
  app.disable("x-powered-by");
  app.use(guardedHeaders, express.static(publicFiles));
  app.use(PEER_PATH, neverKept, peerRoutes());
  app.use(session({ ...options, idleTimeout: "30m", absoluteTimeout: "24h" }));
  app.use(neverKept, express.urlencoded({ extended: false, limit: "8kb" }));
  app.use(cartRoutes(), accountRoutes(), sessionRoutes(), raceRoutes());
  app.use((req, res) => void res.status(404).send(failurePage(visitOf(req), 404)));
  app.use(failed);
  return app;
}

const guardedHeaders: express.RequestHandler = (_req, res, next) => {
  res.set({
    "Content-Security-Policy":
      "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; " +
      "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
  });
  next();
};

/** Pages are made from the session: after a logout the back button must not find them. */
const neverKept: express.RequestHandler = (_req, res, next) => {
  res.set("Cache-Control", "no-store");
  next();
};

const failed: ErrorRequestHandler = (error, req, res, next) => {
  if (res.headersSent) return next(error);
  const { status } = Object(error);
  const answered = typeof status === "number" && status >= 400 && status < 600 ? status : 500;
  if (answered >= 500) console.error(error);
  res.status(answered).send(failurePage(visitOf(req), answered, retryOf(req)));
};

/** The address of a page that failed; a form is not sent again by a link, and no link leads to another site. */
function retryOf({ method, originalUrl }: express.Request): string | undefined {
  return method === "GET" && /^\/(?![/\\])/.test(originalUrl) ? originalUrl : undefined;
}

import express, { type ErrorRequestHandler, type Express } from "express";
import type { Storage } from "holdfast";
import { session } from "holdfast/express";

declare module "holdfast" {
  interface SessionData {
    count: number;
    draft: string;
    lastPage: string;
  }
}

/** Longer than the defaults: a slow machine must not change what comes out. express-session waits without limit. */
const PATIENCE = { storageTimeout: "20s", commitTimeout: "30s" } as const;

/** What the application needs: a storage, and `slowQuery` for the work of a handler. */
export interface AppOptions {
  readonly storage: Storage;
  slowQuery(): Promise<void>;
}

/** The application with Holdfast: the same routes as in express-session.mjs. */
export function holdfastApp({ storage, slowQuery }: AppOptions): Express {
  const app = express();
  app.set("env", "test"); // Express logs failures otherwise, and the demonstration causes some
  app.use(session({ storage, idleTimeout: "5m", ...PATIENCE }));

  app.post("/count", async (req, res) => {
    // <increments>
    await slowQuery();
    req.session.update("count", (count = 0) => count + 1);
    res.send("counted");
    // </increments>
  });
  app.get("/count", (req, res) => {
    res.json(req.session.get("count") ?? 0);
  });

  app.post("/login", async (req, res) => {
    // <login>
    await req.session.authenticate("Ines");
    // </login>
    res.send("signed in");
  });
  app.post("/logout", async (req, res) => {
    // <logout>
    await req.session.destroy();
    // </logout>
    res.send("signed out");
  });
  app.get("/account", (req, res) => {
    const { owner } = req.session;
    if (owner === undefined) return void res.status(401).json("nobody");
    res.json(owner);
  });

  app.post("/draft", async (req, res) => {
    await slowQuery();
    req.session.set("draft", "Dear all");
    res.send("saved");
  });
  app.get("/prices", async (req, res) => {
    await slowQuery();
    req.session.set("lastPage", "/prices");
    res.send("prices");
  });

  app.post("/cart/:item", async (req, res) => {
    await slowQuery();
    // <unplugged>
    const { item } = req.params;
    req.session.update("cart", (cart = []) => [...cart, item]);
    res.send("in your cart");
    // </unplugged>
  });
  app.get("/cart", (req, res) => {
    res.json(req.session.get("cart") ?? []);
  });

  app.use(failed);
  return app;
}

const failed: ErrorRequestHandler = (error, _req, res, next) => {
  if (res.headersSent) return next(error);
  res.status(Object(error).status ?? 500).send("an error");
};

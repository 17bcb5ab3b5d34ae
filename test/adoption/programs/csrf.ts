import express from "express";
import type { Client } from "../client.js";
import type { Kit, Program } from "../program.js";
import { form } from "./passport.js";
import { required } from "./packages.js";

/** Flash messages, and tokens against forgery. The token itself is random: the client sends what it received. */

function protectedApp(protect: (app: any, kit: Kit) => (req: any, res: any) => string): Program["app"] {
  return (app, kit) => {
    app.use(express.urlencoded({ extended: false }));
    const tokenOf = protect(app, kit);
    app.get("/form", (req: any, res: any) => {
      kit.shared.token = tokenOf(req, res);
      res.end("form");
    });
    app.post("/act", (req: any, res: any) => {
      req.session.acted = (req.session.acted ?? 0) + 1;
      res.end(`acted ${req.session.acted}`);
    });
    app.get("/token", (_req: any, res: any) => res.end("there"));
  };
}

async function act(client: Client): Promise<void> {
  await client.get("/act", form("_csrf=forged"));
  await client.get("/form");
  const token = (): string => encodeURIComponent(String(client.shared["token"]));
  await client.get("/act", form(`_csrf=${token()}`));
  await client.get("/act", form("_csrf=forged"));
  await client.get("/act", { ...form(`_csrf=${token()}`), cookie: "" });
  await client.get("/form");
  await client.get("/act", form(`_csrf=${token()}`));
}

/** Secrets and tokens, wherever they are kept. */
const TOKENS =
  /(?<="(csrfSecret|_csrfSecret|csrfToken|_csrf|secret)":")[^"]+|(?<=csrfToken=)[^;]+|(?<=csrf=)[^;]+|'POST \/act': .*/g;

const cookieParser = (): any => required("cookie-parser")("keyboard cat");
const fromBody = (req: any): string => req.body?.["_csrf"];

/** The programs of this file. */
export const CSRF: readonly Program[] = [
  {
    name: "connect-flash",
    app: (app) => {
      app.use(required("connect-flash")());
      app.get("/say", (req: any, res: any) => {
        req.flash("info", "Welcome %s", req.query.name);
        req.flash("error", ["one", "two"]);
        res.redirect("/hear");
      });
      app.get("/hear", (req: any, res: any) => res.json([req.flash("info"), req.flash("error"), req.flash()]));
    },
    visit: async (client) => {
      await client.get("/hear");
      await client.get("/say?name=tobi");
      await client.get("/hear");
      await client.get("/hear");
    },
  },
  {
    name: "csurf, secret in the session",
    hides: TOKENS,
    app: protectedApp((app) => {
      app.use(required("csurf")());
      return (req) => req.csrfToken();
    }),
    visit: act,
  },
  {
    name: "lusca",
    hides: TOKENS,
    app: protectedApp((app) => {
      app.use(required("lusca")({ csrf: true, xframe: "SAMEORIGIN", nosniff: true }));
      return (_req, res) => res.locals["_csrf"];
    }),
    visit: act,
  },
  {
    name: "csrf-sync",
    hides: TOKENS,
    app: protectedApp((app) => {
      const { csrfSynchronisedProtection, generateToken } = required("csrf-sync").csrfSync({
        getTokenFromRequest: fromBody,
      });
      app.use(csrfSynchronisedProtection);
      return (req) => generateToken(req, true);
    }),
    visit: act,
  },
  {
    name: "csrf-csrf, bound to the session's id",
    hides: TOKENS,
    options: { saveUninitialized: true },
    app: protectedApp((app) => {
      app.use(cookieParser());
      const { doubleCsrfProtection, generateCsrfToken } = required("csrf-csrf").doubleCsrf({
        getSecret: () => "a secret of the application",
        getSessionIdentifier: (req: any) => req.session.id,
        getCsrfTokenFromRequest: fromBody,
        cookieName: "csrf",
        cookieOptions: { secure: false },
      });
      app.use(doubleCsrfProtection);
      return (req, res) => generateCsrfToken(req, res);
    }),
    visit: act,
  },
  {
    name: "tiny-csrf",
    hides: TOKENS,
    app: protectedApp((app) => {
      app.use(cookieParser());
      app.use(required("tiny-csrf")("123456789iamasecret987654321look"));
      return (req) => req.csrfToken();
    }),
    visit: act,
  },
];

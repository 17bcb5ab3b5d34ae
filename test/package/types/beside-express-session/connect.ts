import connect from "connect";
import express from "express";
import expressSession from "express-session";
import { getSession, session, wrapAsync, type Session } from "holdfast/connect";
import { check, type Same } from "../expect.js";

declare module "express-session" {
  interface SessionData {
    theirs: string;
  }
}

declare module "holdfast" {
  interface SessionData {
    ours: number;
  }
}

const sessions = session({ errorHandler: (_error, _req, res) => void res.writeHead(503).end() });

export const app = express();
app.use(expressSession({ secret: "a", resave: false, saveUninitialized: false }));
app.use(sessions);
app.get("/", (req, res) => {
  req.session.theirs = "still theirs";
  const own = getSession(req);
  check<Same<typeof own, Session>>();
  own.set("ours", 1);
  // @ts-expect-error theirs is not ours
  own.get("theirs");
  res.json(sessions.get(req).get("ours"));
});

export const plain = connect();
plain.use(sessions);
plain.use(
  wrapAsync(async (req, res, next) => {
    await sessions.get(req).destroy();
    res.once("close", () => {});
    next();
  }),
);
plain.use(async (req, res) => {
  using opened = await sessions.open(req, res);
  opened.set("ours", 2);
  await opened.save();
});

import express from "express";
import { createStore } from "holdfast";
import { findSession, getSession, session, type Session } from "holdfast/express";

interface Data {
  visits: number;
}

const sessions = session<Data>();

export const app = express();
app.use(sessions);
app.get("/", (req, res) => {
  sessions.get(req).update("visits", (n = 0) => n + 1);
  getSession<Data>(req).set("visits", 1);
  findSession<Data>(req)?.set("visits", 1);
  // @ts-expect-error nobody declared a key
  req.session.get("visits");
  // @ts-expect-error nobody declared a key
  getSession(req).set("visits", 1);
  res.json({ keys: req.session.keys(), id: req.session.id });
});

/** A helper for any session. */
export function size(session: Session<object> | Session<Data>): number {
  return session.keys().length;
}

export const store = createStore<Data>();
void store.create({ visits: 1 });
// @ts-expect-error a value of another type
void store.create({ visits: "1" });

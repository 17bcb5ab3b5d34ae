import express from "express";
import session, { Store, update, type DropInOptions } from "holdfast/express-session";
import MemoryStore from "holdfast/express-session/session/memory";
import { memoryStorage } from "holdfast/storage/memory";
import { check, type Same } from "../expect.js";

declare module "express-session" {
  interface SessionData {
    user: { name: string };
    views: number;
  }
}

const options: DropInOptions = { secret: ["new", "old"], resave: false, saveUninitialized: false };
export const app = express();
app.use(session({ ...options, storage: memoryStorage(), absoluteTimeout: "24h", cookie: { maxAge: 60_000 } }));
app.use(session({ ...options, store: new session.MemoryStore(), genid: (req) => req.ip ?? "" }));
app.use(session({ ...options, store: new MemoryStore(), cookie: (req) => ({ path: req.baseUrl }) }));
// @ts-expect-error a duration is no word
session({ ...options, idleTimeout: "soon" });
// @ts-expect-error there is no such option
session({ ...options, ttl: 60 });

app.get("/", async (req, res, next) => {
  const { views, user } = req.session;
  check<Same<typeof views, number | undefined>>();
  check<Same<typeof user, { name: string } | undefined>>();
  req.session.user = { name: "ann" };
  // @ts-expect-error a name is a string
  req.session.user = { name: 1 };
  // @ts-expect-error no key of this session
  void req.session.nothing;
  req.session.cookie.maxAge = 5;
  const counted = update(req, "views", (count = 0) => count + 1);
  check<Same<typeof counted, number>>();
  // @ts-expect-error the new value is a number, too
  update(req, "views", () => "many");
  req.session.save((error: unknown) => next(error));
  req.session.regenerate((error: unknown) => next(error)).touch();
  const saved: Promise<void> = req.session.save();
  const ended: Promise<void> = req.session.destroy();
  await Promise.all([saved, ended, req.session.reload(), req.session.regenerate()]);
  req.sessionStore.get(req.sessionID, (_error, found) => res.json(found?.user?.name));
});

export class OwnStore extends Store {
  get(_id: string, callback: (error: unknown, found?: session.SessionData | null) => void): void {
    callback(null);
  }

  set(_id: string, _data: session.SessionData, callback?: () => void): void {
    callback?.();
  }

  destroy(_id: string, callback?: () => void): void {
    callback?.();
  }
}

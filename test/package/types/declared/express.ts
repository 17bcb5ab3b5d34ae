import express from "express";
import { chain, createStore, fromCookie, fromHeader, type SessionOf } from "holdfast";
import {
  crossOriginProtection,
  findSession,
  getSession,
  loadSession,
  session,
  wrapAsync,
  type Session,
  type SessionData,
  type SessionError,
  type Sessions,
} from "holdfast/express";
import { memoryStorage } from "holdfast/storage/memory";
import { check, type Same } from "../expect.js";
import type { Data, User } from "./data.js";

export const sessions = session<Data>({
  storage: memoryStorage(),
  extractor: fromCookie("__Host-session_id"),
  idleTimeout: "30m",
  absoluteTimeout: "24h",
  skip: (req, res) => req.path === "/health" && !res.headersSent,
  errorHandler: (error, req, res) => {
    check<Same<typeof error, unknown>>();
    res.status(503).json({ path: req.path });
  },
});
export const other = session({
  store: createStore<Data>({ storage: memoryStorage() }),
  extractor: chain(fromCookie("b"), fromHeader("x-b")),
  load: "lazy",
});
export const bound = session({
  storage: (req, res) => (req.hostname === res.locals["host"] ? memoryStorage() : memoryStorage()),
});

check<Same<typeof sessions, Sessions<Data>>>();
check<Same<SessionOf<typeof sessions>, Session<Data>>>();

export const app = express();
app.use(sessions);
app.use("/other", other, bound);
app.post("/cart", async (req, res) => {
  req.session.update("cart", (cart = []) => [...cart, String(req.body.item)]);
  res.json({ items: req.session.get("cart") });
});
app.post("/login", async (req, res) => {
  await req.session.regenerate();
  await req.session.regenerate(["cart"]);
  req.session.set("user", { id: 1, name: "Ada" });
  res.redirect("/");
});
app.get("/", async (req, res) => {
  check<Same<typeof req.session, Session<SessionData>>>();
  const visits = req.session.get("visits");
  check<Same<typeof visits, number | undefined>>();
  const user = req.session.get("user");
  check<Same<typeof user, User | undefined>>();
  const keys = req.session.keys();
  check<Same<typeof keys, string[]>>();
  req.session.update("visits", (n = 0) => n + 1);
  req.session.set("at", new Date());
  getSession(req).set("visits", 1);
  sessions.get(req).set("visits", 1);
  (await loadSession(req)).set("visits", 1);
  (await sessions.load(req)).set("visits", 1);
  findSession(req)?.set("visits", 1);
  sessions.find(req)?.set("visits", 1);
  using opened = await sessions.open(req, res);
  await opened.save();
  (await sessions.read(req)).release();
});

app.get(
  "/of/:id",
  wrapAsync(async (req, res) => {
    req.session.set("visits", 1);
    await req.session.save();
    res.redirect(req.originalUrl);
  }),
);
app.use(
  wrapAsync(async (error: unknown, req: express.Request, res: express.Response, next: express.NextFunction) => {
    check<Same<typeof req.session, Session<SessionData>>>();
    next(res.headersSent ? error : undefined);
  }),
);

app.get("/wrong", (req) => {
  // @ts-expect-error there is no such key
  req.session.get("visit");
  // @ts-expect-error a value of another type
  req.session.set("visits", "1");
  // @ts-expect-error what update answers has the key's type
  req.session.update("cart", (cart) => cart?.length);
  // @ts-expect-error a key of another name
  void req.session.regenerate(["basket"]);
  // @ts-expect-error data are not properties
  req.session.visits = 1;
  // @ts-expect-error the session is not replaced
  req.session = { visits: 1 };
  // @ts-expect-error no such option
  session({ idletimeout: "30m" });
  // @ts-expect-error no such unit
  session({ idleTimeout: "30 fortnights" });
  // @ts-expect-error only stored sessions are released
  req.session.release();
  // @ts-expect-error the token is not assigned
  req.session.token = "";
});

export async function job(id: string): Promise<number | undefined> {
  await sessions.store.edit(id, (s) => s.set("visits", 2));
  const created = await sessions.store.create({ visits: 1 }, { idleTimeout: "1h" });
  created.release();
  using stored = await sessions.store.getById(id);
  await stored?.save();
  // @ts-expect-error there may be no such session
  stored.get("visits");
  return stored?.get("visits");
}

export function told(error: SessionError): boolean {
  // @ts-expect-error no such code
  return error.code === "lost" || error.code === "ended";
}

export const protection = crossOriginProtection({ trustedOrigins: ["https://login.example.com"] });
app.use(protection);
app.use("/admin", crossOriginProtection());
// @ts-expect-error a list
crossOriginProtection({ trustedOrigins: "https://login.example.com" });
// @ts-expect-error no such option
crossOriginProtection({ origin: [] });

export const tenants = session({
  cookie: (req, res) => ({
    domain: req.hostname,
    path: String(res.locals["path"]),
    sameSite: "strict",
    partitioned: true,
  }),
});
// @ts-expect-error it is synchronous
session({ cookie: async () => ({}) });
// @ts-expect-error no such attribute
session({ cookie: () => ({ maxAge: 1 }) });

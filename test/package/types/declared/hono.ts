import { Hono } from "hono";
import { crossOriginProtection, getSession, session, type Session, type SessionEnv } from "holdfast/hono";
import { memoryStorage } from "holdfast/storage/memory";
import { check, type Same } from "../expect.js";
import type { Data } from "./data.js";

export const sessions = session<Data>({
  storage: (c) => (c.req.path === "/" ? memoryStorage() : memoryStorage()),
  skip: (c) => c.req.path === "/health",
  errorHandler: (_error, c) => c.text(c.req.path, 503),
});

/** Exported as applications do for their typed client: its type must be writable in a declaration. */
export const router = new Hono<SessionEnv<Data>>()
  .use(sessions)
  .get("/", (c) => {
    const own = c.get("session");
    check<Same<typeof own, Session<Data>>>();
    c.var.session.update("visits", (n = 0) => n + 1);
    getSession(c).set("at", new Date());
    sessions.get(c).get("cart")?.push("tea");
    // @ts-expect-error there is no such key
    own.get("visit");
    return c.json({ visits: own.get("visits") ?? 0 });
  })
  .post("/login", async (c) => {
    await c.get("session").regenerate();
    using opened = await sessions.open(c);
    await opened.save();
    return c.redirect("/");
  });

export type Api = typeof router;

export const bound = new Hono<SessionEnv<Data> & { Bindings: { name: string }; Variables: { user: string } }>();
bound.use(sessions);
bound.use("/admin/*", session());
bound.get("/", (c) => c.text(c.env.name + c.get("user") + c.get("session").id));
export const mixed = new Hono().route("/shop", router);
mixed.use(sessions);

mixed.use(crossOriginProtection({ trustedOrigins: ["https://login.example.com"] }));
bound.use("/admin/*", crossOriginProtection());

export const tenants = session({ cookie: (c) => ({ domain: c.req.header("host") ?? "", secure: true }) });

import type { Program } from "../program.js";
import { importedFrom } from "./packages.js";
import { form } from "./passport.js";

/**
 * An admin panel whose router makes sessions of its own with express-session, unless the request has one: here the
 * application's. `npm run adoption -- alias` plays the sessions that it makes.
 */
export const ADMIN_PACKAGES: Readonly<Record<string, string>> = {
  "@adminjs/express": "6.1.1",
  adminjs: "7.8.17",
  express: "5.3.0",
  "express-formidable": "1.2.0",
  tslib: "2.8.1",
};

/** The programs of this file. */
export const ADMIN: readonly Program[] = [
  {
    name: "adminjs, its authenticated router",
    app: async (app) => {
      const { AdminJS } = await importedFrom(ADMIN_PACKAGES, "adminjs/index.js");
      const { buildAuthenticatedRouter } = await importedFrom(ADMIN_PACKAGES, "@adminjs/express/lib/index.js");
      const admin = new AdminJS({ rootPath: "/admin", databases: [], resources: [] });
      const authenticate = async (email: string, password: string): Promise<object | null> =>
        password === "secret" ? { email, title: "keeper" } : null;
      const auth = { authenticate, cookieName: "adminjs", cookiePassword: "a password of the cookie, which is long" };
      app.use("/admin", buildAuthenticatedRouter(admin, auth, null, { resave: false, saveUninitialized: false }));
    },
    visit: async (client) => {
      await client.get("/admin");
      await client.get("/admin/login");
      await client.get("/admin/login", form("email=tobi%40example.com&password=wrong"));
      await client.get("/admin/login", form("email=tobi%40example.com&password=secret"));
      await client.get("/admin");
      await client.get("/admin/api/dashboard");
      const within = `connect.sid=${client.jar.get("connect.sid")}`;
      await client.get("/data");
      await client.get("/admin/logout");
      await client.get("/admin");
      await client.get("/admin", { cookie: within });
    },
  },
];

import assert from "node:assert/strict";
import { session } from "#dist/adapters/fastify.js";
import type { Client } from "../../support/client.js";
import { required } from "../programs/packages.js";
import { visited, type Check } from "./check.js";

async function fastifyApp(
  build: (app: any) => void | Promise<void>,
  visit: (client: Client) => Promise<void>,
): Promise<void> {
  const app = required("fastify")();
  await app.register(session());
  await app.register(required("@fastify/formbody"));
  await build(app);
  await app.listen({ port: 0, host: "127.0.0.1" });
  await visited(app.server, visit);
}

function passportApp(app: any, options: object): void {
  const { Authenticator } = required("@fastify/passport");
  const { Strategy } = required("passport-local");
  const passport = new Authenticator(options);
  passport.use(
    "local",
    new Strategy((name: string, password: string, done: any) => done(null, password === "secret" && { name })),
  );
  passport.registerUserSerializer(async (user: any) => user.name);
  passport.registerUserDeserializer(async (name: string) => ({ name }));
  app.register(passport.initialize());
  app.register(passport.secureSession());
  app.after(() => {
    const authenticate = passport.authenticate("local", { successRedirect: "/me", failureRedirect: "/failed" });
    app.post("/login", { preValidation: authenticate }, () => "in");
    app.post("/logout", async (request: any, reply: any) => {
      await request.logOut();
      return reply.redirect("/me");
    });
    app.get("/me", async (request: any) => ({
      user: request.user?.name ?? null,
      cart: request.session.get("cart") ?? null,
    }));
    app.get("/cart", async (request: any) => {
      request.session.set("cart", "apple");
      return "put";
    });
  });
}

const login = { form: { username: "tobi", password: "secret" } };

async function signsInAndOut(client: Client, cartAfterLogin: string | null): Promise<void> {
  await client.get("/cart");
  const before = client.cookies.get("session_id");
  assert.equal(
    (await client.post("/login", { form: { ...login.form, password: "wrong" } })).headers.location,
    "/failed",
  );
  assert.equal((await client.post("/login", login)).headers.location, "/me");
  assert.notEqual(client.cookies.get("session_id"), before);
  assert.deepEqual((await client.get("/me")).json(), { user: "tobi", cart: cartAfterLogin });
  const within = client.cookies.get("session_id")!;
  await client.post("/logout");
  assert.equal((await client.get("/me")).json().user, null);
  client.cookies.set("session_id", within);
  assert.equal((await client.get("/me")).json().user, null);
}

/** The programs of this file. */
export const ON_FASTIFY: readonly Check[] = [
  {
    name: "@fastify/passport",
    run: () =>
      fastifyApp(
        (app) => passportApp(app, {}),
        (client) => signsInAndOut(client, null),
      ),
  },
  {
    name: "@fastify/passport, clearSessionOnLogin: false keeps the data",
    run: () =>
      fastifyApp(
        (app) => passportApp(app, { clearSessionOnLogin: false }),
        (client) => signsInAndOut(client, "apple"),
      ),
  },
  {
    name: "@fastify/flash",
    run: () =>
      fastifyApp(
        async (app) => {
          await app.register(required("@fastify/flash"));
          app.get("/say", async (request: any, reply: any) => {
            request.flash("info", "Welcome %s", "tobi");
            return reply.redirect("/hear");
          });
          app.get("/hear", async (_request: any, reply: any) => reply.flash("info"));
        },
        async (client) => {
          assert.deepEqual((await client.follow("/say")).json(), ["Welcome tobi"]);
          assert.deepEqual((await client.get("/hear")).json(), []);
        },
      ),
  },
  {
    name: "@fastify/csrf-protection",
    run: () =>
      fastifyApp(
        async (app) => {
          await app.register(required("@fastify/csrf-protection"), { sessionPlugin: "@fastify/secure-session" });
          app.get("/form", async (_request: any, reply: any) => reply.generateCsrf());
          app.post("/act", { preHandler: app.csrfProtection }, async () => "acted");
        },
        async (client) => {
          assert.equal((await client.post("/act", { form: { _csrf: "forged" } })).status, 403);
          const token = (await client.get("/form")).body;
          assert.equal((await client.post("/act", { form: { _csrf: token } })).body, "acted");
          assert.equal((await client.post("/act", { form: { _csrf: "forged" } })).status, 403);
        },
      ),
  },
];

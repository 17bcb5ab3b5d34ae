import express from "express";
import { type Client } from "../client.js";
import { type Handler, type Kit, type Program } from "../program.js";
import { required } from "./packages.js";
import { Provider } from "./provider.js";

const FORM = { "content-type": "application/x-www-form-urlencoded" };

/** Signs in with a form. */
export const form = (body: string): { method: string; headers: Record<string, string>; body: string } => ({
  method: "POST",
  headers: FORM,
  body,
});

const who: Handler = (req, res) => {
  const { cookie: _cookie, passport, ...rest } = req.session;
  res.json({ user: req.user?.name ?? null, isIn: req.isAuthenticated(), passport: passport ?? null, rest });
};

function passportApp(options: object, more: (app: any, passport: any, kit: Kit) => void = () => {}): Program["app"] {
  return (app, kit) => {
    const { Passport } = required("passport");
    const { Strategy } = required("passport-local");
    const passport = new Passport();
    passport.use(
      new Strategy((name: string, password: string, done: (...args: unknown[]) => void) =>
        password === "secret" ? done(null, { id: 1, name }) : done(null, false, { message: "Wrong password." }),
      ),
    );
    passport.serializeUser((user: any, done: any) => done(null, user.name));
    passport.deserializeUser((name: unknown, done: any) => done(null, name === "gone" ? false : { name }));
    app.use(express.urlencoded({ extended: false }));
    app.use(passport.session());
    more(app, passport, kit);
    app.post(
      "/login",
      passport.authenticate("local", { successRedirect: "/me", failureRedirect: "/failed", ...options }),
    );
    app.post("/logout", (req: any, res: any, next: any) =>
      req.logout(options, (error?: unknown) => (error ? next(error) : res.redirect("/me"))),
    );
    app.get("/me", who);
    app.get("/failed", (req: any, res: any) => res.json(req.session.messages ?? []));
    app.get("/cart", (req: any, res: any) => {
      req.session.cart = [...(req.session.cart ?? []), "apple"];
      res.json(req.session.cart);
    });
  };
}

async function signInAndOut(client: Client): Promise<void> {
  await client.get("/me");
  await client.get("/cart");
  const before = `connect.sid=${client.jar.get("connect.sid")}`;
  await client.get("/login", form("username=tobi&password=wrong"));
  await client.get("/failed");
  await client.get("/login", form("username=tobi&password=secret"));
  await client.get("/me");
  await client.get("/me", { cookie: before });
  await client.get("/cart");
  const within = `connect.sid=${client.jar.get("connect.sid")}`;
  await client.post("/logout");
  await client.get("/me");
  await client.get("/me", { cookie: within });
}

/** The strategy of OAuth2, with `state` kept in the session. */
async function oauth2(app: any, kit: Kit, options: object): Promise<void> {
  const { Passport } = required("passport");
  const Strategy = required("passport-oauth2");
  const provider = await Provider.start();
  kit.onEnd(() => provider.end());
  const passport = new Passport();
  passport.use(
    new Strategy(
      {
        authorizationURL: `${provider.issuer}/protocol/openid-connect/auth`,
        tokenURL: `${provider.issuer}/protocol/openid-connect/token`,
        clientID: "shop",
        clientSecret: "shop secret",
        callbackURL: "http://shop.example/back",
        ...options,
      },
      (_access: string, _refresh: string, _profile: unknown, done: any) => done(null, { name: "tobi" }),
    ),
  );
  passport.serializeUser((user: any, done: any) => done(null, user.name));
  passport.deserializeUser((name: unknown, done: any) => done(null, { name }));
  app.use(passport.session());
  app.get("/login", passport.authenticate("oauth2"));
  app.get("/back", passport.authenticate("oauth2", { failureRedirect: "/me" }), (_req: any, res: any) =>
    res.redirect("/me"),
  );
  app.get("/me", who);
}

/** Follows a redirect to the provider and back into the application. */
export async function throughProvider(client: Client, path: string): Promise<void> {
  const { headers } = await client.get(path);
  const back = await fetch(headers["location"]!, { redirect: "manual" });
  const url = new URL(back.headers.get("location")!);
  await client.get(url.pathname + url.search);
}

/** What differs from run to run: states, codes, nonces, tokens, ports. */
export const RANDOM =
  /127\.0\.0\.1(:|%3A)\d+|#\d+\.eyJ[\w.-]+|(?<=(state|code|nonce|code_challenge|client_id|id_token_hint)=)[^&"]+|(?<="(state|handle|code_verifier|nonce)":")[^"]+/g;

/** The programs of this file. */
export const PASSPORT: readonly Program[] = [
  { name: "passport-local", app: passportApp({}), visit: signInAndOut },
  { name: "passport-local, failureMessage", app: passportApp({ failureMessage: true }), visit: signInAndOut },
  { name: "passport-local, keepSessionInfo", app: passportApp({ keepSessionInfo: true }), visit: signInAndOut },
  {
    name: "passport-local, resave and saveUninitialized",
    options: { resave: true, saveUninitialized: true, cookie: { maxAge: 600_000 } },
    app: passportApp({}),
    visit: signInAndOut,
  },
  {
    name: "passport-local, a user who is gone is signed out",
    app: passportApp({}),
    visit: async (client) => {
      await client.get("/login", form("username=gone&password=secret"));
      await client.get("/me");
      await client.get("/me");
    },
  },
  {
    name: "passport-local, req.login in a handler of one's own",
    app: passportApp({}, (app) => {
      app.post("/register", (req: any, res: any, next: any) => {
        req.session.welcome = true;
        req.login({ name: req.body.username }, (error?: unknown) => (error ? next(error) : res.redirect("/me")));
      });
    }),
    visit: async (client) => {
      await client.get("/register", form("username=anna"));
      await client.get("/me");
    },
  },
  {
    name: "passport-oauth2, state in the session",
    hides: RANDOM,
    app: (app, kit) => oauth2(app, kit, { state: true }),
    visit: async (client) => {
      await throughProvider(client, "/login");
      await client.get("/me");
      await client.get("/back?code=abc&state=forged");
    },
  },
  {
    name: "passport-oauth2, PKCE in the session",
    hides: RANDOM,
    app: (app, kit) => oauth2(app, kit, { state: true, pkce: true }),
    visit: async (client) => {
      await throughProvider(client, "/login");
      await client.get("/me");
    },
  },
];

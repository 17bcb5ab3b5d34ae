import type { Program } from "../program.js";
import { imported, required } from "./packages.js";
import { RANDOM, throughProvider } from "./passport.js";
import { Provider } from "./provider.js";

/** Signing in elsewhere: packages that keep their state in the session. */

/** The programs of this file. */
export const PROVIDERS: readonly Program[] = [
  {
    name: "grant",
    hides: RANDOM,
    app: async (app, kit) => {
      const provider = await Provider.start();
      kit.onEnd(() => provider.end());
      const base = `${provider.issuer}/protocol/openid-connect`;
      app.use(
        required("grant").express({
          defaults: { origin: "http://shop.example", transport: "session", state: true, nonce: true },
          shop: {
            authorize_url: `${base}/auth`,
            access_url: `${base}/token`,
            oauth: 2,
            key: "shop",
            secret: "shop secret",
            callback: "/hello",
            response: ["tokens"],
          },
        }),
      );
      app.get("/hello", (req: any, res: any) => {
        const { grant } = req.session;
        res.json([grant?.provider, Object.keys(grant?.response ?? {})]);
      });
    },
    visit: async (client) => {
      await throughProvider(client, "/connect/shop");
      await client.get("/hello");
      await client.get("/connect/shop/callback?code=abc&state=forged");
    },
  },
  {
    name: "express-openid-connect, beside the session",
    hides:
      /127\.0\.0\.1(:|%3A)\d+|#\d+\.eyJ[\w.-]+|(?<=(state|code|nonce|code_challenge)=)[^&"]+|(?<=(auth_verification|appSession)=)[^;]+/g,
    app: async (app, kit) => {
      const provider = await Provider.start();
      kit.onEnd(() => provider.end());
      app.use(
        required("express-openid-connect").auth({
          issuerBaseURL: provider.issuer,
          baseURL: "http://shop.example",
          clientID: "shop",
          clientSecret: "a client secret of the shop",
          secret: "a secret of the application that is long enough",
          authRequired: false,
          authorizationParams: { response_type: "code", scope: "openid" },
          idpLogout: false,
          session: { cookie: { secure: false, sameSite: "Lax" } },
        }),
      );
      app.get("/me", (req: any, res: any) => {
        req.session.seen = (req.session.seen ?? 0) + 1;
        res.json([req.oidc.isAuthenticated(), req.oidc.user?.sub ?? null, req.session.seen]);
      });
    },
    visit: async (client) => {
      await client.get("/me");
      await throughProvider(client, "/login");
      await client.get("/me");
      await client.get("/logout");
      await client.get("/me");
    },
  },
  {
    name: "keycloak-connect",
    hides:
      /127\.0\.0\.1(:|%3A)\d+|#\d+\.eyJ[\w.-]+|(?<=(state|code|nonce|client_id|id_token_hint)=)[^&"]+|(?<="keycloak-token":").*?(?<!\\)(?=")|eyJ[\w.-]+/g,
    app: async (app, kit) => {
      const provider = await Provider.start();
      kit.onEnd(() => provider.end());
      const Keycloak = required("keycloak-connect");
      const keycloak = new Keycloak(
        { store: kit.store ?? new kit.session.MemoryStore() },
        {
          realm: "shop",
          "auth-server-url": `${provider.origin}/`,
          resource: "shop",
          "confidential-port": 0,
          "ssl-required": "none",
          credentials: { secret: "shop secret" },
        },
      );
      app.use(keycloak.middleware());
      app.get("/open", (_req: any, res: any) => res.end("open"));
      app.get("/account", keycloak.protect(), (req: any, res: any) => {
        res.end(`account of ${req.kauth.grant.access_token.content.sub}`);
      });
    },
    visit: async (client) => {
      await client.get("/open");
      await throughProvider(client, "/account");
      await client.get("/account");
      await client.get("/logout");
      await client.get("/account");
    },
  },
  {
    name: "NestJS, its documented session page",
    app: async (app) => {
      await imported("reflect-metadata");
      const { Controller, Get, Module, Req, Session } = await imported("@nestjs/common");
      const { NestFactory } = await imported("@nestjs/core");
      const { ExpressAdapter } = await imported("@nestjs/platform-express");
      class Visits {
        byRequest(request: any): string {
          request.session.visits = request.session.visits ? request.session.visits + 1 : 1;
          return `visits ${request.session.visits}`;
        }
        bySession(session: any): string {
          session.visits = session.visits ? session.visits + 1 : 1;
          return `visits ${session.visits}`;
        }
      }
      class Shop {}
      const decorate = (method: "byRequest" | "bySession", path: string, parameter: any): void => {
        parameter()(Visits.prototype, method, 0);
        Get(path)(Visits.prototype, method, Object.getOwnPropertyDescriptor(Visits.prototype, method));
      };
      decorate("byRequest", "by-request", Req);
      decorate("bySession", "by-session", Session);
      Controller("visits")(Visits);
      Module({ controllers: [Visits] })(Shop);
      const nest = await NestFactory.create(Shop, new ExpressAdapter(app), { logger: false });
      await nest.init();
    },
    visit: async (client) => {
      await client.get("/visits/by-request");
      await client.get("/visits/by-session");
      await client.get("/visits/by-request");
    },
  },
];

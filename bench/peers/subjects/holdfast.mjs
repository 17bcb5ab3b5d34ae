import { session as expressSession } from "../../../dist/adapters/express.js";
import { session as fastifySession } from "../../../dist/adapters/fastify.js";
import { session as honoSession } from "../../../dist/adapters/hono.js";
import { session as koaSession } from "../../../dist/adapters/koa.js";
import { redisStorage } from "../../../dist/storage/redis.js";
import { expressApp } from "../apps/express.mjs";
import { fastifyApp } from "../apps/fastify.mjs";
import { honoApp } from "../apps/hono.mjs";
import { koaApp } from "../apps/koa.mjs";
import { dataOf, IDLE_SECONDS } from "./data.mjs";

/** A slow machine must not change an outcome. */
const PATIENCE = { storageTimeout: "60s", commitTimeout: "120s" };

/** On each framework. */
export const holdfasts = [
  holdfast(
    ["express"],
    expressApp,
    (app, options) => app.use(expressSession(options)),
    (req) => req.session,
  ),
  holdfast(
    ["fastify"],
    fastifyApp,
    (app, options) => app.register(fastifySession(options)),
    (request) => request.session,
  ),
  holdfast(
    ["koa"],
    koaApp,
    (app, options) => app.use(koaSession(options)),
    (ctx) => ctx.session,
  ),
  holdfast(
    ["hono", "@hono/node-server"],
    honoApp,
    (app, options) => app.use(honoSession(options)),
    (c) => c.get("session"),
  ),
];

function holdfast(packages, application, mountWith, sessionOf) {
  return {
    library: "Holdfast",
    packages,
    setup: "`redisStorage`; increments by `update`; its timeouts raised, so that a slow machine changes nothing",
    start(gates, { client, rolling }) {
      const options = {
        storage: redisStorage(client),
        idleTimeout: IDLE_SECONDS * 1000,
        ...(rolling && { refreshInterval: 0 }),
        ...PATIENCE,
      };
      return application({ mount: (app) => mountWith(app, options), verbs: verbs(sessionOf) }, gates);
    },
  };
}

const verbs = (sessionOf) => ({
  async read(context, { parked }) {
    await parked();
    return dataOf((key) => sessionOf(context).get(key));
  },
  async set(context, { key, value, parked }) {
    await parked();
    sessionOf(context).set(key, value);
  },
  async increment(context, { parked }) {
    await parked();
    sessionOf(context).update("count", (count = 0) => count + 1);
  },
  async login(context) {
    await sessionOf(context).regenerate();
    sessionOf(context).set("user", "ines");
  },
  async logout(context) {
    await sessionOf(context).destroy();
  },
});

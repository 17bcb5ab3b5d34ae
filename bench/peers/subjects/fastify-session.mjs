import fastifyCookie from "@fastify/cookie";
import fastifySession from "@fastify/session";
import { RedisStore } from "connect-redis";
import { fastifyApp } from "../apps/fastify.mjs";
import { dataOf, IDLE_SECONDS, SECRET } from "./data.mjs";

/** Options as its README has them; `rolling` is on by default there, and off only where it says so. */
export const fastifySessions = {
  library: "@fastify/session",
  packages: ["fastify", "@fastify/cookie", "connect-redis"],
  setup: "`saveUninitialized: false`; `rolling` is its default",
  start(gates, { client }) {
    const options = {
      store: new RedisStore({ client }),
      secret: SECRET,
      saveUninitialized: false,
      cookie: { secure: true, sameSite: "lax", maxAge: IDLE_SECONDS * 1000 },
    };
    const mount = (app) => app.register(fastifyCookie).register(fastifySession, options);
    return fastifyApp({ mount, verbs }, gates);
  },
};

const verbs = {
  async read({ session }, { parked }) {
    await parked();
    return dataOf((key) => session.get(key));
  },
  async set({ session }, { key, value, parked }) {
    await parked();
    session.set(key, value);
  },
  async increment({ session }, { parked }) {
    await parked();
    session.set("count", (session.get("count") ?? 0) + 1);
  },
  async login(request) {
    await request.session.regenerate();
    request.session.set("user", "ines");
  },
  async logout({ session }) {
    await session.destroy();
  },
};

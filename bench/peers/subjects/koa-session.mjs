import session from "koa-session";
import { koaApp } from "../apps/koa.mjs";
import { dataOf, IDLE_SECONDS } from "./data.mjs";

/** An external store of the three methods that its README asks for. */
export const koaSession = {
  library: "koa-session",
  packages: ["koa"],
  setup: "a store of the three methods its README asks for (`GET`, `SET PX`, `DEL`); login by its `regenerate`",
  start(gates, { client, rolling }) {
    const options = {
      store: redisStore(client),
      maxAge: IDLE_SECONDS * 1000,
      secure: true,
      sameSite: "lax",
      rolling,
    };
    return koaApp({ mount: (app) => app.use(session(options, app)), verbs }, gates);
  },
};

function redisStore(client) {
  return {
    async get(key) {
      const text = await client.get(`koa:${key}`);
      return text === null ? undefined : JSON.parse(text);
    },
    async set(key, value, maxAge) {
      await client.set(`koa:${key}`, JSON.stringify(value), { expiration: { type: "PX", value: maxAge } });
    },
    async destroy(key) {
      await client.del(`koa:${key}`);
    },
  };
}

const verbs = {
  async read({ session }, { parked }) {
    await parked();
    return dataOf((key) => session[key]);
  },
  async set({ session }, { key, value, parked }) {
    await parked();
    session[key] = value;
  },
  async increment({ session }, { parked }) {
    await parked();
    session.count = (session.count ?? 0) + 1;
  },
  async login({ session }) {
    session.user = "ines";
    await session.regenerate();
  },
  async logout(ctx) {
    ctx.session = null;
  },
};

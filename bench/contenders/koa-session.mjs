import session from "koa-session";
import { DATA } from "../kinds.mjs";

const MS = 1_800_000;

/** As its README has it, over an external store of the three functions it names. Its defaults are lean already. */
export function make({ storage, client }) {
  const mount = (app) => {
    app.keys = ["a secret of at least thirty-two characters"];
    return session({ maxAge: MS, sameSite: "lax", store: storage === "redis" ? redis(client) : memory() }, app);
  };
  return { mount, actions: ACTIONS };
}

function redis(client) {
  return {
    async get(key) {
      const text = await client.get(`koa:${key}`);
      return text === null ? undefined : JSON.parse(text);
    },
    set: (key, data, ms) => client.set(`koa:${key}`, JSON.stringify(data), { PX: ms }),
    destroy: (key) => client.del(`koa:${key}`),
  };
}

function memory() {
  const entries = new Map();
  return {
    async get(key) {
      const text = entries.get(key);
      return text === undefined ? undefined : JSON.parse(text);
    },
    set: async (key, data) => void entries.set(key, JSON.stringify(data)),
    destroy: async (key) => void entries.delete(key),
  };
}

const ACTIONS = {
  read: (ctx) => ({ name: ctx.session.name }),
  write(ctx) {
    ctx.session.count++;
    return { count: ctx.session.count };
  },
  async login(ctx) {
    await ctx.session.regenerate();
    ctx.session.user = 7;
    return { user: ctx.session.user };
  },
  seed(ctx) {
    Object.assign(ctx.session, DATA);
    return { ok: true };
  },
};

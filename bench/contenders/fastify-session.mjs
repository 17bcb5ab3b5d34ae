import cookie from "@fastify/cookie";
import session from "@fastify/session";
import { RedisStore } from "connect-redis";
import { DATA } from "../kinds.mjs";

const MS = 1_800_000;

/** As its README has it: the defaults, which answer a cookie each time and keep every visitor. Lean: neither. */
export function make({ storage, client, variant }) {
  const isLean = variant === "lean";
  const mount = async (app) => {
    await app.register(cookie);
    await app.register(session, {
      secret: "a secret of at least thirty-two characters",
      cookie: { maxAge: MS, sameSite: "lax", secure: "auto" },
      ...(storage === "redis"
        ? { store: new RedisStore({ client, prefix: "fastify:", ttl: MS / 1000, disableTouch: isLean }) }
        : {}),
      ...(isLean ? { rolling: false, saveUninitialized: false } : {}),
    });
  };
  return { mount, actions: ACTIONS };
}

const ACTIONS = {
  read: ({ session }) => ({ name: session.get("name") }),
  write({ session }) {
    session.set("count", session.get("count") + 1);
    return { count: session.get("count") };
  },
  async login({ session }, reply) {
    await session.regenerate(Object.keys(DATA));
    const renewed = reply.request.session;
    renewed.set("user", 7);
    return { user: renewed.get("user") };
  },
  seed({ session }) {
    for (const [key, value] of Object.entries(DATA)) session.set(key, value);
    return { ok: true };
  },
};

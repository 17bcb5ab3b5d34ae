import { RedisStore } from "connect-redis";
import session from "express-session";
import { DATA } from "../kinds.mjs";
import { sendError } from "../frameworks/serving.mjs";

const MS = 1_800_000;

/** As its README and that of connect-redis have it. Lean: the store's deadline is not moved on every request. */
export function make({ framework, storage, client, variant }) {
  const store =
    storage === "redis"
      ? new RedisStore({ client, prefix: "express:", ttl: MS / 1000, disableTouch: variant === "lean" })
      : new session.MemoryStore();
  const middleware = session({
    secret: "a secret of at least thirty-two characters",
    resave: false,
    saveUninitialized: false,
    store,
    cookie: { maxAge: MS, sameSite: "lax", secure: "auto" },
  });
  return { mount: framework === "express" ? middleware : onNode(middleware), actions: ACTIONS };
}

function onNode(middleware) {
  return (listener) => (req, res) =>
    middleware(req, res, (error) => (error ? sendError(res, error) : listener(req, res)));
}

const ACTIONS = {
  read: (req) => ({ name: req.session.name }),
  write(req) {
    req.session.count++;
    return { count: req.session.count };
  },
  async login(req) {
    const { cookie: _, ...data } = req.session;
    await new Promise((resolve, reject) => req.session.regenerate((error) => (error ? reject(error) : resolve())));
    Object.assign(req.session, data, { user: 7 });
    return { user: req.session.user };
  },
  seed(req) {
    Object.assign(req.session, DATA);
    return { ok: true };
  },
};

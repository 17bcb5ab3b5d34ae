import { RedisStore } from "connect-redis";
import session from "express-session";
import { expressApp } from "../apps/express.mjs";
import { dataOf, IDLE_SECONDS, SECRET } from "./data.mjs";

/** Options as its README and the one of connect-redis recommend; login and logout as in its example "User login". */
export const expressSession = {
  library: "express-session",
  packages: ["express", "connect-redis"],
  setup: "`resave: false`, `saveUninitialized: false`; login and logout as in its README",
  start(gates, { client, rolling }) {
    const options = {
      store: new RedisStore({ client }),
      secret: SECRET,
      resave: false,
      saveUninitialized: false,
      rolling,
      cookie: { secure: true, sameSite: "lax", maxAge: IDLE_SECONDS * 1000 },
    };
    return expressApp({ mount: (app) => app.use(session(options)), verbs }, gates);
  },
};

const verbs = {
  async read(req, { parked }) {
    await parked();
    return dataOf((key) => req.session[key]);
  },
  async set(req, { key, value, parked }) {
    await parked();
    req.session[key] = value;
  },
  async increment(req, { parked }) {
    await parked();
    req.session.count = (req.session.count ?? 0) + 1;
  },
  async login(req) {
    await done((callback) => req.session.regenerate(callback));
    req.session.user = "ines";
    await done((callback) => req.session.save(callback));
  },
  async logout(req) {
    req.session.user = null;
    await done((callback) => req.session.save(callback));
    await done((callback) => req.session.regenerate(callback));
  },
};

function done(call) {
  return new Promise((resolve, reject) => call((error) => (error ? reject(error) : resolve())));
}

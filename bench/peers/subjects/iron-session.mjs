import { getIronSession } from "iron-session";
import { expressApp } from "../apps/express.mjs";
import { dataOf, IDLE_SECONDS, SECRET } from "./data.mjs";

/** Everything is in the sealed cookie. It has no rolling option: saving is what moves the deadline. */
export const ironSession = {
  library: "iron-session",
  packages: ["express"],
  setup: "everything in its sealed cookie, `save` after each write",
  hasStorage: false,
  start(gates, { rolling }) {
    const mount = (app) =>
      app.use(async (req, res, next) => {
        req.session = await getIronSession(req, res, { password: SECRET, cookieName: "session", ttl: IDLE_SECONDS });
        next();
      });
    return expressApp({ mount, verbs: verbs(rolling) }, gates);
  },
};

const verbs = (rolling) => ({
  async read({ session }, { parked }) {
    await parked();
    if (rolling) await session.save();
    return dataOf((key) => session[key]);
  },
  async set({ session }, { key, value, parked }) {
    await parked();
    session[key] = value;
    await session.save();
  },
  async increment({ session }, { parked }) {
    await parked();
    session.count = (session.count ?? 0) + 1;
    await session.save();
  },
  async login({ session }) {
    session.user = "ines";
    await session.save();
  },
  async logout({ session }) {
    session.destroy();
  },
});

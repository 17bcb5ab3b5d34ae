import { sessionMiddleware } from "hono-sessions";
import { honoApp } from "../apps/hono.mjs";
import { dataOf, IDLE_SECONDS, SECRET } from "./data.mjs";

/**
 * Options as its README has them; a store of its four methods, which updates only what is there, as its own SQLite
 * store does.
 */
export const honoSessions = {
  library: "hono-sessions",
  packages: ["hono", "@hono/node-server"],
  setup:
    "`encryptionKey`; `session_key_rotation` at login; a store of its four methods that updates only what is " +
    "there (`SET XX`), as its own SQLite store does",
  start(gates, { client }) {
    const options = {
      store: redisStore(client),
      encryptionKey: SECRET,
      expireAfterSeconds: IDLE_SECONDS,
      cookieOptions: { sameSite: "Lax", path: "/", httpOnly: true, secure: true },
    };
    return honoApp({ mount: (app) => app.use("*", sessionMiddleware(options)), verbs }, gates);
  },
};

function redisStore(client) {
  const expiration = { type: "EX", value: IDLE_SECONDS };
  return {
    async getSessionById(id) {
      const text = await client.get(`hono:${id}`);
      return text === null ? null : JSON.parse(text);
    },
    async createSession(id, data) {
      await client.set(`hono:${id}`, JSON.stringify(data), { expiration });
    },
    async persistSessionData(id, data) {
      await client.set(`hono:${id}`, JSON.stringify(data), { expiration, condition: "XX" });
    },
    async deleteSession(id) {
      await client.del(`hono:${id}`);
    },
  };
}

const verbs = {
  async read(c, { parked }) {
    await parked();
    return dataOf((key) => c.get("session").get(key));
  },
  async set(c, { key, value, parked }) {
    await parked();
    c.get("session").set(key, value);
  },
  async increment(c, { parked }) {
    await parked();
    const session = c.get("session");
    session.set("count", (session.get("count") ?? 0) + 1);
  },
  async login(c) {
    c.get("session").set("user", "ines");
    c.set("session_key_rotation", true);
  },
  async logout(c) {
    c.get("session").deleteSession();
  },
};

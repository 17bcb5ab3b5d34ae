import { MemoryStore, sessionMiddleware } from "hono-sessions";
import { DATA } from "../kinds.mjs";

const SECONDS = 1800;

/** As its README has it: the id encrypted, the expiry extended on each request. Lean: neither. */
export function make({ storage, client, variant }) {
  const documented = { encryptionKey: "a secret of at least thirty-two characters", autoExtendExpiration: true };
  const middleware = sessionMiddleware({
    store: storage === "redis" ? new RedisStore(client) : new MemoryStore(),
    expireAfterSeconds: SECONDS,
    cookieOptions: { sameSite: "Lax", path: "/", httpOnly: true },
    ...(variant === "lean" ? { autoExtendExpiration: false } : documented),
  });
  return { mount: (app) => app.use(middleware), actions: ACTIONS };
}

/** A driver of its own, as its wiki says how: it has none for Redis. */
class RedisStore {
  #client;

  constructor(client) {
    this.#client = client;
  }

  async getSessionById(id) {
    const text = await this.#client.get(`hono:${id}`);
    return text === null ? null : JSON.parse(text);
  }

  async createSession(id, data) {
    await this.persistSessionData(id, data);
  }

  async deleteSession(id) {
    await this.#client.del(`hono:${id}`);
  }

  async persistSessionData(id, data) {
    await this.#client.set(`hono:${id}`, JSON.stringify(data), { EX: SECONDS });
  }
}

const ACTIONS = {
  read: (c) => ({ name: c.get("session").get("name") }),
  write(c) {
    const session = c.get("session");
    session.set("count", session.get("count") + 1);
    return { count: session.get("count") };
  },
  login(c) {
    c.set("session_key_rotation", true);
    c.get("session").set("user", 7);
    return { user: c.get("session").get("user") };
  },
  seed(c) {
    for (const [key, value] of Object.entries(DATA)) c.get("session").set(key, value);
    return { ok: true };
  },
};

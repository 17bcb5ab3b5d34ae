import { useSession, useSessionStorage } from "@hono/session";
import { DATA } from "../kinds.mjs";

const SECONDS = 1800;

/** As its README has it, with a storage. It has no way to renew an id, so no login. */
export function make({ storage, client }) {
  const mount = (app) => {
    app.use(useSessionStorage(storage === "redis" ? redis(client) : memory()));
    app.use(useSession({ secret: "0123456789abcdef0123456789abcdef", duration: { absolute: SECONDS } }));
  };
  return { mount, actions: ACTIONS };
}

function redis(client) {
  return {
    async get(id) {
      const text = await client.get(`hono-session:${id}`);
      return text === null ? null : JSON.parse(text);
    },
    set: (id, data) => void client.set(`hono-session:${id}`, JSON.stringify(data), { EX: SECONDS }),
    delete: (id) => void client.del(`hono-session:${id}`),
  };
}

function memory() {
  const entries = new Map();
  return {
    get: (id) => (entries.has(id) ? JSON.parse(entries.get(id)) : null),
    set: (id, data) => void entries.set(id, JSON.stringify(data)),
    delete: (id) => void entries.delete(id),
  };
}

const ACTIONS = {
  async read(c) {
    const { name } = await c.get("session").get();
    return { name };
  },
  async write(c) {
    const session = c.get("session");
    await session.update((data) => ({ ...data, count: data.count + 1 }));
    return { count: session.data.count };
  },
  async seed(c) {
    await c.get("session").update(DATA);
    return { ok: true };
  },
};

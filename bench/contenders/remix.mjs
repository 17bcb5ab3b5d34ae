import { createCookie } from "@remix-run/cookie";
import { createMemorySessionStorage } from "@remix-run/session/memory-storage";
import { createRedisSessionStorage } from "@remix-run/session-storage-redis";
import { DATA } from "../kinds.mjs";

const SECONDS = 1800;
const sessions = new WeakMap();

/** As its README has it: a signed cookie, the session read before the handler and saved after it. */
export function make({ storage, client }) {
  const cookie = createCookie("session", {
    secrets: ["a secret of at least thirty-two characters"],
    httpOnly: true,
    sameSite: "Lax",
    secure: true,
    path: "/",
    maxAge: SECONDS,
  });
  const stored =
    storage === "redis" ? createRedisSessionStorage(client, { ttl: SECONDS }) : createMemorySessionStorage();
  const mount = (fetch) => async (request) => {
    const session = await stored.read(await cookie.parse(request.headers.get("Cookie")));
    sessions.set(request, session);
    const response = await fetch(request);
    const value = await stored.save(session);
    if (value !== null) response.headers.append("Set-Cookie", await cookie.serialize(value));
    return response;
  };
  return { mount, actions: ACTIONS };
}

const ACTIONS = {
  read: (request) => ({ name: sessions.get(request).get("name") }),
  write(request) {
    const session = sessions.get(request);
    session.set("count", session.get("count") + 1);
    return { count: session.get("count") };
  },
  login(request) {
    const session = sessions.get(request);
    session.regenerateId(true);
    session.set("user", 7);
    return { user: session.get("user") };
  },
  seed(request) {
    for (const [key, value] of Object.entries(DATA)) sessions.get(request).set(key, value);
    return { ok: true };
  },
};

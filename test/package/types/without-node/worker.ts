import { Hono } from "hono";
import { session } from "holdfast/fetch";
import { session as honoSession, type SessionEnv } from "holdfast/hono";
import { memoryStorage } from "holdfast/storage/memory";

interface Data {
  visits: number;
}

interface Env {
  readonly name: string;
}

const sessions = session<Data>({
  storage: (_request, env: Env) => (env.name === "" ? memoryStorage() : memoryStorage()),
});

export default {
  fetch: sessions((request, _env: Env) => {
    sessions.get(request).update("visits", (n = 0) => n + 1);
    return Response.json(sessions.get(request));
  }),
};

export const app = new Hono<SessionEnv<Data>>().use(honoSession<Data>());
app.get("/", (c) => c.json(c.get("session").get("visits") ?? 0));

import Fastify, { type FastifyReply, type FastifyRequest } from "fastify";
import {
  crossOriginProtection,
  getSession,
  loadSession,
  session,
  type Session,
  type SessionData,
} from "holdfast/fastify";
import { memoryStorage } from "holdfast/storage/memory";
import { check, type Same } from "../expect.js";
import type { Data } from "./data.js";

const sessions = session<Data>({
  storage: (request, reply) => (request.hostname === "" && !reply.sent ? memoryStorage() : memoryStorage()),
  skip: (request) => request.url === "/health",
  errorHandler: (_error, request, reply) => {
    check<Same<typeof request, FastifyRequest>>();
    check<Same<typeof reply, FastifyReply>>();
    return reply.code(503).send();
  },
});

export const app = Fastify();
app.register(sessions);
app.register(session({ idleTimeout: "1h" }));
app.get("/", async (request, reply) => {
  check<Same<typeof request.session, Session<SessionData>>>();
  request.session.update("visits", (n = 0) => n + 1);
  getSession(request).set("at", new Date());
  (await loadSession(request)).delete("cart");
  sessions.get(request).get("cart")?.push("tea");
  // @ts-expect-error there is no such key
  request.session.get("visit");
  // @ts-expect-error the session is not replaced
  request.session = { visits: 1 };
  using opened = await sessions.open(request, reply);
  await opened.save();
  return { visits: request.session.get("visits") };
});
app.get<{ Params: { id: string }; Querystring: { page: number } }>("/:id", async (request) => {
  sessions.get(request).set("visits", request.query.page);
  return request.session.keys();
});

app.register(crossOriginProtection({ trustedOrigins: ["https://login.example.com"] }));
app.get("/check", async (request) => crossOriginProtection().check(request));

app.register(session({ cookie: (request, reply) => ({ domain: request.hostname, httpOnly: !reply.sent }) }));

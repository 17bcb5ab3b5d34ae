/** `holdfast/fastify-plain` says nothing of `request.session`, so that it is still theirs, and typed. */
import cookie from "@fastify/cookie";
import theirs, { type FastifySessionObject } from "@fastify/session";
import Fastify from "fastify";
import { findSession, getSession, session, type Session } from "holdfast/fastify-plain";
import { check, type Same } from "../expect.js";

declare module "fastify" {
  interface Session {
    theirs: string;
  }
}

declare module "holdfast" {
  interface SessionData {
    ours: number;
  }
}

interface Data {
  cart: string[];
}

const sessions = session<Data>({ skip: (request) => request.url === "/health" });

export const app = Fastify();
app.register(cookie);
app.register(theirs, { secret: "a".repeat(32) });
app.register(sessions);
app.get("/", async (request, reply) => {
  check<Same<typeof request.session, FastifySessionObject>>();
  request.session.theirs = "still theirs";
  const own = sessions.get(request);
  check<Same<typeof own, Session<Data>>>();
  own.update("cart", (cart = []) => [...cart, request.session.theirs]);
  const declared = getSession(request);
  check<Same<typeof declared, Session>>();
  const ours = findSession(request)?.get("ours");
  check<Same<typeof ours, number | undefined>>();
  // @ts-expect-error theirs is not ours
  own.get("theirs");
  // @ts-expect-error ours is not theirs
  request.session.get("cart")?.concat();
  using opened = await sessions.open(request, reply);
  return opened.get("cart");
});

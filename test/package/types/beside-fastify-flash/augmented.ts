/** @fastify/flash has types of another session library inside, and declares no `request.session` of its own. */
import flash from "@fastify/flash";
import Fastify from "fastify";
import { session, type Session, type SessionData } from "holdfast/fastify";
import { check, type Same } from "../expect.js";

declare module "holdfast" {
  interface SessionData {
    ours: number;
  }
}

export const app = Fastify();
app.register(session());
app.register(flash);
app.get("/", (request, reply) => {
  check<Same<typeof request.session, Session<SessionData>>>();
  const ours = request.session.get("ours");
  check<Same<typeof ours, number | undefined>>();
  // @ts-expect-error there is no such key
  request.session.get("theirs");
  return reply.send(request.flash("warning", "still theirs"));
});

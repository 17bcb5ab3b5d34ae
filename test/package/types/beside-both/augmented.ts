/**
 * Both declare `request.session` here, as projects have it that compile with `skipLibCheck`: the type is that of one of
 * them, and not `any`.
 */
import type { FastifyRequest, FastifySessionObject } from "./theirs.js";
import { session, type Session, type SessionData } from "holdfast/fastify";
import { check, type Same } from "../expect.js";

type Found = FastifyRequest["session"];
type IsOne = Same<Found, FastifySessionObject> extends true ? true : Same<Found, Session<SessionData>>;
check<IsOne>();
// @ts-expect-error nothing goes
export const wrong: Found = 5;

interface Data {
  cart: string[];
}
const sessions = session<Data>();
export const cart = (request: FastifyRequest): string[] | undefined => sessions.get(request).get("cart");

/**
 * Sessions for Fastify 5: `app.register(sessions)`.
 *
 * @module
 */
import type { Session as SessionOfHoldfast } from "../contracts/session-api.js";
import type { SessionData as DataOfHoldfast } from "../session-data.js";

export * from "./fastify-plain.js";

// These names differ from all others in the module: @fastify/session declares a `Session` there.
declare module "fastify" {
  interface FastifyRequest {
    /** The session of this request; its keys are declared in `SessionData`. */
    readonly session: SessionOfHoldfast<DataOfHoldfast>;
  }
}

/** What every entry exports beside its own `session`. */
export { SessionError, type SessionErrorCode } from "../errors.js";
export type { Session, StoredSession, Store } from "../contracts/session-api.js";
// From the index, a type only: `declare module "holdfast"` must find its module where nothing but an adapter is
// imported.
export type { SessionData } from "../index.js";
export type { SessionOf } from "../contracts/session-access.js";
export { findSession, getSession, loadSession } from "./adapter.js";

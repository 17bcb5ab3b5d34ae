/** Exports of every adapter entry. */
export { SessionError, type SessionErrorCode } from "../errors.js";
export type { Session, StoredSession, Store } from "../contracts/session-api.js";
// From the index, a type only: `declare module "holdfast"` needs its module if only an adapter is imported.
export type { SessionData } from "../index.js";
export type { CrossOriginOptions } from "../http/cross-origin.js";
export type { DataOf } from "../contracts/schema.js";
export type { SessionOf, StoreOf } from "../contracts/session-access.js";
export { findSession, getSession, loadSession } from "./adapter-core.js";

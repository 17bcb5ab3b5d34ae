/**
 * The core of Holdfast: store, extractors, errors and types. The middlewares are in `holdfast/express`,
 * `holdfast/fastify` and so on, the storages in `holdfast/storage/…`.
 *
 * @module
 */
export { createStore } from "./session/store.js";
export type { StoreOptions } from "./session/options.js";
export type { SessionOptions } from "./session/request-options.js";
export { fiberDefaults } from "./presets.js";
export * from "./session-data.js";
export type {
  AuthenticateOptions,
  CreateOptions,
  ListedSession,
  Session,
  SessionInfo,
  StoredSession,
  Store,
} from "./contracts/session-api.js";
export type { DataOf, Schemas, SchemaIssue, SchemaResult, StandardSchema } from "./contracts/schema.js";
export type { AbsentReason, EndReason, SessionEvent, SessionEventType } from "./contracts/events.js";
export type {
  Awaitable,
  Storage,
  StorageCall,
  StorageEntry,
  StorageFinding,
  StoredEntry,
  SweepOptions,
  Version,
  Written,
} from "./contracts/storage.js";
export { SessionError, type SessionErrorCode } from "./errors.js";
export type { CookieOptions } from "./cookie/cookie.js";
export type { CookieSecret } from "./cookie/signed.js";
export type { Clock, Duration } from "./util/time.js";
export type { Extractor, Source } from "./extractors/extractor.js";
export type { RequestView } from "./http/request-view.js";
export {
  fromAuthHeader,
  fromCookie,
  fromCustom,
  fromForm,
  fromHeader,
  fromParam,
  fromQuery,
  fromSignedCookie,
  type CustomExtractor,
} from "./extractors/sources.js";
export { chain, keyLookup } from "./extractors/chain.js";
export type { SessionAccess as Sessions, SessionOf, StoreOf } from "./contracts/session-access.js";

/**
 * Adopts sessions of other libraries: users stay logged in when an application moves to Holdfast.
 *
 * @module
 */
export { fromExpressSession, fromFastifySession } from "./store-sources.js";
export type { ExpressSessionOptions, FastifySessionOptions, FastifySigner } from "./store-sources.js";
export { fromKoaGenericSession, fromKoaSession } from "./koa-sources.js";
export type { KoaGenericSessionOptions, KoaSessionOptions } from "./koa-sources.js";
export { fromCookieSession, type CookieSessionOptions } from "./cookie-sources.js";
export { fromIronSession, type IronSessionOptions } from "./iron-source.js";
export { fromFastifySecureSession, type FastifySecureSessionOptions } from "./secure-session-source.js";
export { fromOtherCookie, type OtherCookieOptions } from "./other-source.js";
export type { AdoptOptions } from "./source-options.js";
export type { CookieKeys, Keygrip } from "./keygrip.js";
export type { OldReader, OldStore } from "./old-store.js";
export type {
  AdoptedSession,
  AdoptionCall,
  AdoptionMap,
  AdoptionRequest,
  AdoptionSource,
  OldCookie,
  OldSession,
} from "../contracts/adoption-source.js";
export {
  fileRecords,
  memcachedRecords,
  mongoRecords,
  mysqlRecords,
  postgresRecords,
  redisRecords,
  sqliteRecords,
} from "./readers.js";
export type {
  OldMemcachedClient,
  OldMongoCollection,
  OldMysqlClient,
  OldPostgresClient,
  OldRedisClient,
  OldSqliteClient,
  OldTable,
  OldTableOptions,
} from "./readers.js";

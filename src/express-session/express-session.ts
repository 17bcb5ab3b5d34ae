/**
 * A drop-in for express-session: the same options, properties and callbacks, on sessions that hold.
 *
 * @module
 */
import type { RequestHandler } from "express";
import type {
  Cookie as OriginalCookie,
  CookieOptions as OriginalCookieOptions,
  MemoryStore as OriginalMemoryStore,
  Session as OriginalSession,
  SessionData as OriginalSessionData,
  Store as OriginalStore,
} from "express-session";
import { findSession, getSession, loadSession, withAccess } from "../adapters/adapter-core.js";
import { SessionError } from "../errors.js";
import { nodeOpeners } from "../adapters/node-adapter.js";
import { isPlainObject, show } from "../util/assert.js";
import { connectMiddleware } from "./connect-middleware.js";
import { Store as ConnectStoreBase } from "./connect-store.js";
import { dropInSettings, type DropInOptions } from "./dropin-options.js";
import { MemoryStore as PlainMemoryStore } from "./memory-store.js";
import { bindingOf, Session as PlainSession } from "./plain-session.js";
import { Cookie as SessionCookie } from "./session-cookie.js";
import { storageMiddleware } from "./storage-middleware.js";

export type { SessionErrorCode } from "../errors.js";
export type { DropInOptions, HoldfastOptions } from "./dropin-options.js";
export type { ConnectStore, SessionRecordData } from "./connect-store.js";
export type { Attributes } from "./session-cookie.js";
export type { Callback, SessionCarrier } from "./plain-session.js";

/**
 * Creates the middleware. With `storage` all promises of Holdfast hold. With `store`, a store for express-session, it
 * works beside servers that still run express-session. docs/migrate/express-session.md says what differs.
 *
 * @param options - those of express-session, or `storage` instead of `store`
 * @returns the middleware
 * @throws {TypeError | RangeError} if an option is invalid
 * @example
 * ```ts
 * app.use(session({ secret, resave: false, saveUninitialized: false, storage: redisStorage(client) }));
 * ```
 */
export function session(options: DropInOptions = {}): RequestHandler {
  if (!isPlainObject(options))
    throw new TypeError("holdfast: session() makes the middleware; write app.use(session({ secret, … }))");
  const settings = dropInSettings(options);
  if (settings.store) return connectMiddleware(settings, settings.store);
  const { middleware, request } = storageMiddleware(settings);
  return withAccess(request, middleware, nodeOpeners(request));
}

/**
 * Computes the new value of a property of the session from the old one. If another request has changed the session
 * meanwhile, it is computed again from what is stored, so that no change is lost.
 *
 * @param req - the request
 * @param key - name of the property of `req.session`
 * @param change - a pure and synchronous function from the old value to the new one
 * @returns the new value; it is final when the session is stored
 * @throws {TypeError} if the request has no session, or the function returns nothing to store
 * @throws {SessionError} `unserializable` if the new value has no JSON
 * @example
 * ```ts
 * update(req, "views", (views = 0) => views + 1);
 * ```
 */
export function update<K extends keyof OriginalSessionData>(
  req: object,
  key: K,
  change: (value: OriginalSessionData[K] | undefined) => NonNullable<OriginalSessionData[K]>,
): NonNullable<OriginalSessionData[K]>;
export function update(req: object, key: string, change: (value: any) => unknown): unknown {
  const binding = bindingOf((req as { session?: unknown }).session);
  if (!binding) throw new TypeError("holdfast: update(req, key, change): the request has no session of this library");
  if (typeof change !== "function")
    throw new TypeError(
      `holdfast: update takes a function of the old value; write req.session[${show(key)}] = value`,
    );
  if (key === "cookie") throw new TypeError("holdfast: update: the cookie of a session is no data of it");
  return binding.update(key, change);
}

declare module "express-session" {
  interface Session {
    /** Stores the session now: the promise resolves when it is stored. */
    save(): Promise<void>;
    /** Reads the session again. */
    reload(): Promise<void>;
    /** Ends the session. */
    destroy(): Promise<void>;
    /** Ends the session, and starts an empty one with another id. */
    regenerate(): Promise<void>;
  }
}

/** The middleware's maker with the constructors beside it, as `require("express-session")` has them. */
export interface ExpressSession {
  /**
   * Creates the middleware, as {@link session}.
   *
   * @param options - those of express-session, or `storage` instead of `store`
   * @returns the middleware
   */
  (options?: DropInOptions): RequestHandler;
  readonly Session: typeof OriginalSession;
  readonly Store: typeof OriginalStore;
  readonly MemoryStore: typeof OriginalMemoryStore;
  readonly Cookie: typeof OriginalCookie;
  readonly update: typeof update;
  readonly session: typeof session;
}

/** The class of `req.session`. */
export const Session: typeof OriginalSession = PlainSession;

/** The base of stores for express-session; it can be called as a function, as older stores do. */
export const Store: typeof OriginalStore = ConnectStoreBase as never;

/** The store of express-session in the memory of this process. */
export const MemoryStore: typeof OriginalMemoryStore = PlainMemoryStore as never;

/** The class of `req.session.cookie`. */
export const Cookie: typeof OriginalCookie = SessionCookie;

const properties = {
  Session,
  Store,
  MemoryStore,
  Cookie,
  update,
  session,
  getSession,
  loadSession,
  findSession,
  SessionError,
};

/** The middleware's maker, with everything else as its properties. */
const expressSession: ExpressSession = Object.assign(session, properties, { default: session }) as never;

/** The types that are `session.SessionData` and so on in `@types/express-session`. */
// eslint-disable-next-line typescript/no-namespace
declare namespace expressSession {
  export type Cookie = OriginalCookie;
  export type CookieOptions = OriginalCookieOptions;
  export type MemoryStore = OriginalMemoryStore;
  export type Session = OriginalSession;
  export type SessionData = OriginalSessionData;
  export type SessionOptions = DropInOptions;
  export type Store = OriginalStore;
}

export {
  expressSession as default,
  expressSession as "module.exports",
  findSession,
  getSession,
  loadSession,
  SessionError,
};

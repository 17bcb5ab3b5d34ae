import type { OldSession } from "../contracts/adoption-source.js";
import { isPlainObject, misplaced } from "../util/assert.js";
import { isPromise } from "../util/async.js";

/**
 * The part of an old store that is used: that of express-session (with callbacks) or of koa-session (with promises),
 * or one of the readers of this module.
 */
export interface OldStore {
  get(id: string, ...more: any[]): unknown;
  destroy(id: string, ...more: any[]): unknown;
}

/** Reads and removes the records of an old store, without its package. */
export class OldReader implements OldStore {
  readonly #how: ReaderParts;

  constructor(how: ReaderParts) {
    this.#how = how;
  }

  /**
   * Reads a record.
   *
   * @param id - the old session id
   * @param now - epoch ms; default: the time of the system
   * @returns the record, or undefined if it does not exist or has expired
   */
  get(id: string, now: number = Date.now()): Promise<unknown> {
    return this.#how.get(id, now);
  }

  /**
   * Removes a record.
   *
   * @param id - the old session id
   */
  destroy(id: string): Promise<void> {
    return this.#how.destroy(id);
  }
}

/** What a reader does. */
interface ReaderParts {
  get(this: void, id: string, now: number): Promise<unknown>;
  destroy(this: void, id: string): Promise<void>;
}

/** Checks that a store has the methods that are used. */
export function checkedStore(where: string, store: unknown): OldStore {
  const { get, destroy } = (store ?? {}) as Partial<OldStore>;
  if (typeof get !== "function" || typeof destroy !== "function")
    throw misplaced(`${where}: store`, store, "the old store, with get and destroy, or a reader of holdfast/adopt");
  return store as OldStore;
}

/**
 * Calls a method of a store that takes a callback, returns a promise, or does both. A promise of undefined is no
 * result if the method takes a callback: it may be called later.
 *
 * @param store - the old store
 * @param method - which method
 * @param id - id of the old session
 * @param isRead - true if the result matters
 * @returns the result
 * @throws the error of the store; what it throws or calls back later is ignored
 */
export function calledBack(
  store: OldStore,
  method: "get" | "destroy",
  id: string,
  isRead: boolean = method === "get",
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const takesCallback = store[method].length > 1;
    const done = (error: unknown, result: unknown): void => {
      if (error) reject(error instanceof Error ? error : new Error("it called back an error", { cause: error }));
      else resolve(result);
    };
    const returned: unknown = store[method](id, done);
    if (!isPromise(returned)) return takesCallback || returned === undefined ? undefined : resolve(returned);
    returned.then((result) => {
      if (!takesCallback || !isRead || result !== undefined) resolve(result);
    }, reject);
  });
}

/**
 * Reads a record. An error with the code ENOENT is no record, as for express-session and koa-generic-session:
 * session-file-store reports a missing file so.
 *
 * @param reading - the call of the store
 * @returns the record, or undefined
 * @throws every other error
 */
export async function unlessAbsent(reading: () => unknown): Promise<unknown> {
  try {
    return await reading();
  } catch (error) {
    if ((error as { code?: unknown } | null)?.code === "ENOENT") return undefined;
    throw error;
  }
}

/** The data of a record, and what says when it expires. */
interface OldRecord extends Record<string, unknown> {
  cookie?: unknown;
}

/** Keys that libraries add to the data, besides `cookie`. */
const ADDED: readonly string[] = ["__lastAccess", "_expire", "_maxAge", "_session"];

/**
 * Reads a record of express-session, @fastify/session, koa-session or koa-generic-session: `cookie.expires` or
 * `_expire` say when it expires, `cookie.originalMaxAge`, `cookie.maxAge` or `_maxAge` how long it lives.
 *
 * @param value - what the store returned
 * @param now - epoch ms
 * @param hasCookie - true if the library keeps the attributes of its cookie in the record
 * @returns the session, or undefined if there is none or it has expired
 */
export function sessionIn(value: unknown, now: number, hasCookie: boolean): OldSession | undefined {
  const record = typeof value === "string" ? parsed(value) : value;
  if (typeof record !== "object" || record === null || Array.isArray(record)) return undefined;
  const { cookie, ...rest } = record as OldRecord;
  const own = hasCookie ? rest : { ...(record as OldRecord) };
  const attributes = (hasCookie && typeof cookie === "object" && cookie !== null ? cookie : {}) as {
    expires?: unknown;
    originalMaxAge?: unknown;
    maxAge?: unknown;
  };
  const expiresAt = timeOf(attributes.expires) ?? timeOf(own["_expire"]);
  if (expiresAt !== undefined && expiresAt <= now) return undefined;
  const lifetime = numberOf(attributes.originalMaxAge) ?? numberOf(attributes.maxAge) ?? numberOf(own["_maxAge"]);
  const data = Object.fromEntries(Object.entries(own).filter(([key, member]) => !isAdded(key, member)));
  return { data, expiresAt, lifetime };
}

function isAdded(key: string, value: unknown): boolean {
  return ADDED.includes(key) || typeof value === "function" || value === undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new TypeError("the old record is not JSON");
  }
}

function timeOf(value: unknown): number | undefined {
  if (value instanceof Date) return numberOf(value.getTime());
  return typeof value === "string" ? numberOf(Date.parse(value)) : numberOf(value);
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** The data that a cookie contains, if it is an object. */
export function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isPlainObject(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

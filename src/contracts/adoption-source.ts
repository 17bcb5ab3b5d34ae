import type { Awaitable } from "./storage.js";

/** What is read of a request to find the cookie of another session library. */
export interface AdoptionRequest {
  /**
   * Returns all values of a header, or an empty list.
   *
   * @param name - lower-case name of the header
   * @returns the values
   */
  headers(name: string): readonly string[];
  /** The Cookie header, its lines joined with `; `. */
  readonly cookies: string | undefined;
  /** The context of the framework. */
  readonly context: unknown;
}

/** Argument of each call to an old store. */
export interface AdoptionCall {
  /** Time of the store in epoch ms. */
  readonly now: number;
  /** Aborted when the request stops waiting. */
  readonly signal: AbortSignal;
}

/** A session of another library, as it was stored. */
export interface OldSession {
  /** Its data, without what the library adds for itself. */
  readonly data: Record<string, unknown>;
  /** When it expires, in epoch ms, if the library knows. */
  readonly expiresAt?: number | undefined;
  /** How long it lives after each use, in ms, if the library knows. */
  readonly lifetime?: number | undefined;
}

/** The session that an old session becomes. */
export interface AdoptedSession {
  /** The data of the new session. */
  data: Record<string, unknown>;
  /** The account it belongs to: as in `session.authenticate(owner)`. */
  owner?: string;
  /** When that account logged in, if it is known: a Date, or epoch ms. */
  authenticatedAt?: Date | number;
}

/**
 * Converts the data of an old session; undefined or null: it is not adopted.
 *
 * @param data - the old data; a copy for this call
 * @returns the new session, or undefined or null
 */
export type AdoptionMap = (data: Record<string, any>) => Awaitable<AdoptedSession | null | undefined>;

/** A valid cookie of another library. */
export interface OldCookie {
  /** What identifies the old session in its library. It is hashed before it is stored. */
  readonly id: string;
  /** What only the client has: the token of the new session is derived from it. It is never stored. */
  readonly secret: string;
  /**
   * Reads the old session.
   *
   * @param call - time and abort signal
   * @returns the session, or undefined if it does not exist or has expired
   * @throws any error, if the old store failed
   */
  read(call: AdoptionCall): Awaitable<OldSession | undefined>;
  /**
   * Removes or marks the old session; nothing to do if it exists only in the cookie.
   *
   * @param call - time and abort signal
   * @returns nothing that is used; a promise is awaited
   * @throws any error, if the old store failed
   */
  remove?(call: AdoptionCall): Awaitable<unknown>;
}

/** Another session library, whose sessions are adopted. Created by the functions of `holdfast/adopt`. */
export interface AdoptionSource {
  /** The name of the library, for events and messages. Part of what identifies an old session. */
  readonly library: string;
  /** Converts the data of each old session. Default: the data is kept as it is. */
  readonly map?: AdoptionMap | undefined;
  /** When no old cookie is valid any more, in epoch ms, if it is known. Later ones are ignored. */
  readonly until?: number | undefined;
  /** True if the data alone makes the cookie, so that two browsers may have the same one. */
  readonly isSharedByEqualData?: boolean | undefined;
  /**
   * Finds the cookie of the library in a request and verifies it, without any call to a store.
   *
   * @param request - the request
   * @param now - epoch ms
   * @returns the cookie, or undefined if there is none, or it is forged, damaged or expired
   */
  find(request: AdoptionRequest, now: number): OldCookie | undefined;
  /**
   * The names of the cookies that belong to the library, which are removed from the browser after an adoption.
   *
   * @param request - the request
   * @returns the names that the request contains
   */
  cookies(request: AdoptionRequest): readonly string[];
  /** The attributes of these cookies that a removal must repeat. */
  readonly attributes?: { readonly path?: string | undefined; readonly domain?: string | undefined } | undefined;
}

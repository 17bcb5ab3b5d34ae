/// <reference lib="esnext.disposable" preserve="true" />
import type { Duration } from "../util/time.js";
import type { InputOf, InputsOf, KeyOf, SessionData, TypeCodec, ValueOf } from "../session-data.js";

/**
 * The session of one request. The data methods are synchronous. The lifecycle methods return promises, and the end of
 * the request waits for them.
 *
 * @example
 * ```ts
 * session.set("cart", ["book"]);
 * await session.authenticate("user-1");
 * ```
 */
export interface Session<D extends object = SessionData> {
  /**
   * The token: the secret that the client holds. On a new session the first read generates it; this stores nothing.
   * Never log it.
   */
  readonly token: string;
  /** Hash of the token. It is safe to log, to list and to pass to jobs. */
  readonly id: string;
  /** True if the session was created, renewed or reset in this request. */
  readonly fresh: boolean;
  /**
   * True if a record of this session exists. `save()` creates one. Until then, a visitor has a different `id` in each
   * request.
   */
  readonly isStored: boolean;
  /** The store of this session. */
  readonly store: Store<D>;
  /** When the session was created, in epoch ms. */
  readonly createdAt: number;
  /** When the session ends if it is not used, in epoch ms. */
  readonly idleExpiresAt: number;
  /** When the session ends in any case, in epoch ms; undefined without an absolute timeout. */
  readonly absoluteExpiresAt: number | undefined;

  /** Owner of the session, set by `authenticate`; undefined for an anonymous visitor. */
  readonly owner: string | undefined;
  /** Who really acts, if the session is an impersonation of its owner (`authenticate(user, { actor })`). */
  readonly actor: string | undefined;
  /** When `authenticate` was last called, in epoch ms; for an impersonation: when its actor last called it. */
  readonly authenticatedAt: number | undefined;

  /**
   * Returns the value of a key. It is the same object for the whole request; a change made to it is saved. If the key
   * has a schema, a value that does not fit is undefined (`invalid: "drop"`) or an error (`invalid: "throw"`).
   *
   * @param key - the key
   * @returns the value, or undefined if the key does not exist
   * @throws {SessionError} `unknown-type` if the value is an instance of a class that is not registered,
   *   `invalid` if it does not fit its schema and the option says `throw`
   */
  get<K extends KeyOf<D>>(key: K): ValueOf<D, K> | undefined;
  /**
   * Sets the value of a key. It is stored at the end of the request.
   *
   * @param key - the key
   * @param value - the new value
   * @throws {SessionError} `unserializable` or `too-large`, immediately; the message has the path to the value that
   *   cannot be stored; `invalid` if it does not fit the schema of the key
   */
  set<K extends KeyOf<D>>(key: K, value: InputOf<D, K>): void;
  /**
   * Tells if a key exists.
   *
   * @param key - the key
   * @returns true if it has a value
   */
  has(key: KeyOf<D>): boolean;
  /**
   * Computes the new value of a key from its old value. If another request changed the session, `update` runs again on
   * the stored value, so no increment is lost or counted twice.
   *
   * @param key - the key
   * @param update - a pure and synchronous function from the old value to the new value
   * @throws {SessionError} `unserializable` or `too-large`, immediately
   * @example
   * ```ts
   * session.update("visits", (visits = 0) => visits + 1);
   * ```
   */
  update<K extends KeyOf<D>>(key: K, update: (value: ValueOf<D, K> | undefined) => InputOf<D, K>): void;
  /**
   * Removes a key.
   *
   * @param key - the key
   */
  delete(key: KeyOf<D>): void;
  /**
   * Removes a key and returns its value, once: of two overlapping requests exactly one gets it. For flash messages,
   * OAuth state and one-time codes. The removal is stored when the promise resolves, together with the other changes.
   * It costs one storage call, none if the key does not exist.
   *
   * @example
   * ```ts
   * const state = await session.take("oauthState"); // undefined in the second of two requests
   * ```
   * @param key - the key
   * @returns the value, or undefined if there is none or another request has taken it
   * @throws {SessionError} `ended` if the session is ended; `storage`, `timeout` or `conflict` if the removal could
   *   not be stored: then no request got the value
   */
  take<K extends KeyOf<D>>(key: K): Promise<ValueOf<D, K> | undefined>;
  /**
   * Returns the keys.
   *
   * @returns every key that has a value
   */
  keys(): string[];
  /**
   * Returns a copy of the data, without metadata.
   *
   * @returns an object with all keys and values
   */
  toJSON(): Partial<D>;

  /**
   * Gives the session a new token, at login and at every change of privilege (OWASP ASVS 7.2.4). The old token is
   * invalid once the response has begun. The session changes immediately; the storage
   * changes at the end of the request.
   *
   * @param keep - the keys to keep; default: all
   * @returns a promise that resolves when the earlier method calls have completed
   * @throws {SessionError} `answered` if the response has begun; `ended` if the session is ended
   */
  regenerate(keep?: readonly KeyOf<D>[]): Promise<void>;
  /**
   * Logs a user in, or confirms the login again (step-up; OWASP ASVS 7.2.4, 7.5.1). The session gets a new token,
   * `owner`, `authenticatedAt` and a new absolute deadline. When the promise resolves, the session is stored and is in
   * the owner's list. A session that had another owner starts empty.
   *
   * @example
   * "Remember me":
   * ```ts
   * await session.authenticate(id, remember ? { idleTimeout: "30d", absoluteTimeout: "90d" } : { sessionOnly: true });
   * ```
   * @param owner - id of the account: 1 to 256 characters, not a token or a password
   * @param options - which keys to keep, what lists show, and how long this session lasts
   * @throws {TypeError} if `actor` is not the owner of this session, or is the same as `owner`
   * @throws {RangeError} if `idleTimeout` is longer than the absolute timeout, or a timeout is above 400 days
   * @throws {SessionError} `unsupported` if `actor` is given and the session is an impersonation already;
   *   `too-many-sessions` if the policy refuses another session, `ended` if all sessions of the
   *   owner were ended at the same time; the session is then unchanged
   */
  authenticate(owner: string, options?: AuthenticateOptions<D>): Promise<void>;
  /**
   * Ends an impersonation (`authenticate(user, { actor })`): the actor is back in the session that they had before,
   * with its data, owner, times and deadlines, and a new token. The data of the impersonation is gone. When the
   * promise resolves, all of this is stored. Does nothing if the session is not an impersonation.
   *
   * @example
   * ```ts
   * await session.authenticate("user-7", { actor: "admin-1" }); // session.owner is "user-7", .actor "admin-1"
   * await session.endImpersonation(); // session.owner is "admin-1", .actor undefined
   * ```
   * @returns a promise that resolves when the actor's session is stored
   * @throws {SessionError} `answered` if the response has begun; `ended` if the session was ended or renewed by
   *   another request; `storage`, `timeout` or `conflict` if it could not be stored
   */
  endImpersonation(): Promise<void>;
  /**
   * Tells if the last `authenticate` was at most `duration` ago. Check it before sensitive operations.
   *
   * @param duration - milliseconds, or a string like `"5m"`
   * @returns false if there was no login, or it is older
   * @throws {TypeError | RangeError} if the duration is not valid
   */
  authenticatedWithin(duration: Duration): boolean;
  /**
   * Ends the session and starts an empty one. The empty session is stored when a value is set. The change is stored by
   * the commit at the end of the request.
   *
   * @returns a promise that resolves when the earlier method calls have completed
   * @throws {SessionError} `answered` if the response has begun
   */
  reset(): Promise<void>;
  /**
   * Ends the session immediately: after the promise resolves, no request can continue it. The response removes the
   * cookie.
   *
   * @throws {SessionError} `storage` or `timeout` if the record could not be removed; `ended` if another request has
   *   just renewed the session
   */
  destroy(): Promise<void>;
  /**
   * Saves immediately instead of at the end of the request. It also stores a new session that is empty, and moves the
   * idle deadline.
   *
   * @throws {SessionError} `ended` if the session is ended; `storage`, `timeout` or `conflict` if it could not be
   *   stored
   */
  save(): Promise<void>;
  /**
   * Reads the stored session again, for code that runs longer than a request: sockets, long jobs. It costs one storage
   * call, none for a session that is not stored. Unsaved changes are kept and applied to the data that was read.
   *
   * @param options - `discard: true` drops unsaved changes
   * @throws {SessionError} `ended` if the session was ended or renewed; `storage` or `timeout` if it could not be read
   */
  reload(options?: { discard?: boolean }): Promise<void>;
  /**
   * Sets the idle timeout of this session, from now on.
   *
   * @param timeout - at least one second
   * @throws {RangeError} if it is longer than the time to the absolute deadline
   */
  setIdleTimeout(timeout: Duration): void;
}

/** Options of `authenticate`. */
export interface AuthenticateOptions<D extends object = SessionData> {
  /** Description shown by `store.listByOwner`, for example the name of a device. */
  info?: SessionInfo;
  /**
   * Owner of this session, who acts as `owner` until `endImpersonation()`. Their own session is set aside with all its
   * data; the impersonation starts empty, and ends with the session that was set aside at the latest. Logging out, or
   * ending all sessions of either of the two, ends both.
   */
  actor?: string;
  /** The keys to keep. Default: all; none of another owner's. */
  keep?: readonly KeyOf<D>[];
  /**
   * Idle timeout of this session, instead of the configured one: one second to 400 days. The two timeouts and
   * `sessionOnly` are kept through renewals and later logins of the same owner. If a later login gives any of the
   * three, the others are reset to the configured values.
   */
  idleTimeout?: Duration;
  /** Absolute timeout of this session, from now on: one second to 400 days. */
  absoluteTimeout?: Duration;
  /** True: the browser removes the cookie when it closes (no Max-Age). Default: the cookie option. */
  sessionOnly?: boolean;
}

/** Description of a session, set at login and shown in a list of devices: at most 512 bytes as JSON. */
export type SessionInfo = Readonly<Record<string, string | number | boolean>>;

/** A session in the list of its owner. It never contains a token. */
export interface ListedSession {
  readonly id: string;
  /** When the session was created, in epoch ms. */
  readonly createdAt: number;
  /** When the session was last used, in epoch ms, with the precision of `refreshInterval`. */
  readonly lastSeenAt: number;
  /** When `authenticate` was last called, in epoch ms. */
  readonly authenticatedAt: number | undefined;
  /** The description passed to `authenticate`. */
  readonly info: SessionInfo | undefined;
  /** Who acts in it, if it is an impersonation. It is in the lists of both owners. */
  readonly actor?: string;
}

/** Options of `store.create`. */
export interface CreateOptions extends Omit<AuthenticateOptions, "keep" | "actor"> {
  /** Owner of the session, as if `authenticate` had been called. */
  owner?: string;
}

/**
 * A session opened without the middleware (`sessions.open`, `store.getById` …). Nothing is stored until `save()`;
 * `release()` or `using` drops unsaved changes.
 */
export interface StoredSession<D extends object = SessionData> extends Session<D> {
  /** Drops unsaved changes. After that every method throws `released`. */
  release(): void;
  /** Calls `release()`, at the end of a block with `using`. */
  [Symbol.dispose](): void;
}

/**
 * Sessions in a storage, without a request. Created by `createStore`, or read from `sessions.store`.
 *
 * @example
 * ```ts
 * const store = createStore({ storage });
 * await store.edit(id, (session) => session.set("lastTask", Date.now()));
 * ```
 */
export interface Store<D extends object = SessionData> {
  /**
   * Returns the stored session with an id.
   *
   * @param id - id of the session (`session.id`)
   * @returns the session, or undefined
   * @throws {TypeError} if the string does not have the format of an id
   * @throws {SessionError} `storage` or `timeout`
   */
  getById(id: string): Promise<StoredSession<D> | undefined>;
  /**
   * Returns the stored session with a token.
   *
   * @param token - the token, or any string from a client
   * @returns the session, or undefined; also for malformed strings
   * @throws {SessionError} `storage` or `timeout`
   */
  getByToken(token: string): Promise<StoredSession<D> | undefined>;
  /**
   * Creates and stores a session. Send its `token` to the client.
   *
   * @param data - initial data
   * @param options - owner, description and timeouts
   * @returns the stored session
   * @throws {SessionError} `storage` or `timeout`; `too-many-sessions` if the policy refuses another session of this
   *   owner; `unserializable`, `too-large` or `invalid`
   */
  create(data?: InputsOf<D>, options?: CreateOptions): Promise<StoredSession<D>>;
  /**
   * Opens a session, calls `change` with it, and saves it. If `change` throws, nothing is saved.
   *
   * @param id - id of the session
   * @param change - changes the session; may return a promise
   * @returns true if the session was saved, false if it does not exist any more
   * @throws what `change` throws
   * @throws {SessionError} `storage`, `timeout` or `conflict`
   */
  edit(id: string, change: (session: Session<D>) => unknown): Promise<boolean>;
  /**
   * Ends a session, even if requests are using it.
   *
   * @param id - id of the session
   * @returns true if the session existed
   * @throws {SessionError} `storage`, `timeout` or `conflict`
   */
  delete(id: string): Promise<boolean>;
  /**
   * Lists the live sessions of an owner, the oldest login first. Reads the owner's list and each of its sessions.
   *
   * @param owner - id of the account
   * @returns the sessions, without tokens
   * @throws {SessionError} `storage` or `timeout`
   */
  listByOwner(owner: string): Promise<ListedSession[]>;
  /**
   * Ends every session of an owner. This includes the successors of renewals made meanwhile, and every `authenticate`
   * in progress. If it throws, some sessions may be left: call it again.
   *
   * @param owner - id of the account
   * @param options - `except`: id of a session to keep
   * @returns how many sessions were ended
   * @throws {SessionError} `storage`, `timeout` or `conflict`
   */
  deleteByOwner(owner: string, options?: { except?: string }): Promise<number>;
  /**
   * Ends every session of the namespace.
   *
   * @throws {SessionError} `unsupported` if the storage cannot do it; `storage` or `timeout`
   */
  clear(): Promise<void>;
  /**
   * Registers a class under a tag, so that its instances can be stored. Call it at start-up, with the same tags in
   * every process.
   *
   * @param tag - a name of letters, digits and `_ . : / -`
   * @param type - the class with its `encode` and `decode` functions
   * @throws {TypeError} if the tag or the class is registered already
   * @example
   * ```ts
   * store.registerType("money", {
   *   class: Money,
   *   encode: (money) => money.cents,
   *   decode: (cents) => new Money(cents),
   * });
   * ```
   */
  registerType<T>(tag: string, type: TypeCodec<T>): void;
}

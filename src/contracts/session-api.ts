/// <reference lib="esnext.disposable" preserve="true" />
import type { Duration } from "../util/duration.js";
import type { KeyOf, SessionData, ValueOf } from "../session-data.js";
import type { TypeCodec } from "./type-codec.js";

/**
 * What a handler holds during one request. Data verbs are synchronous; lifecycle verbs answer promises, which the end
 * of the request waits for.
 */
export interface Session<D extends object = SessionData> {
  /** The secret the client holds. Reading it on a new session draws it; nothing is stored by that. Never log it. */
  readonly token: string;
  /** Hash of the token: safe to log, list and hand to jobs. */
  readonly id: string;
  /** Whether the session began in this request, or was renewed or reset in it. */
  readonly fresh: boolean;
  /**
   * Whether a record of it exists. `save()` makes one; until then its `id` is another one in each request of a
   * visitor.
   */
  readonly isStored: boolean;
  /** The store it belongs to. */
  readonly store: Store<D>;
  /** Epoch ms. */
  readonly createdAt: number;
  /** When it ends if it is not used, epoch ms. */
  readonly idleExpiresAt: number;
  /** When it ends in any case, epoch ms; undefined where there is no absolute timeout. */
  readonly absoluteExpiresAt: number | undefined;

  /** Whose session it is, since `authenticate`; undefined for a visitor nobody knows. */
  readonly owner: string | undefined;
  /** When `authenticate` was last called, epoch ms. */
  readonly authenticatedAt: number | undefined;

  /** The value of a key: the same object for the whole request. A change in place is saved. */
  get<K extends KeyOf<D>>(key: K): ValueOf<D, K> | undefined;
  /**
   * Stores a value at the end of the request. Throws `unserializable` or `too-large` at once, naming the path to what
   * cannot be stored.
   */
  set<K extends KeyOf<D>>(key: K, value: ValueOf<D, K>): void;
  /** Whether a key is there. */
  has(key: KeyOf<D>): boolean;
  /**
   * Computes a key's new value from its old one. `update` is pure and synchronous; it runs again on what is stored by
   * then where another request changed the session meanwhile, so that no increment is lost or counted twice.
   */
  update<K extends KeyOf<D>>(key: K, update: (value: ValueOf<D, K> | undefined) => ValueOf<D, K>): void;
  /** Removes a key. */
  delete(key: KeyOf<D>): void;
  /**
   * Removes a key and returns its value, once: of two overlapping requests exactly one gets it. For flash messages,
   * OAuth state, one-time codes. It is persisted when this resolves, together with what else was changed; one storage
   * call, none if the key is not there.
   *
   * @example
   * ```ts
   * const state = await session.take("oauthState"); // undefined for whoever comes second
   * ```
   * @param key - the key
   * @returns the value, or undefined if there is none, or another request has taken it
   * @throws {SessionError} `ended` if the session is gone; `storage`, `timeout` or `conflict` if it could not be
   *   persisted: then nobody has been given the value
   */
  take<K extends KeyOf<D>>(key: K): Promise<ValueOf<D, K> | undefined>;
  /** The keys that are there. */
  keys(): string[];
  /** The data, nothing else. */
  toJSON(): Partial<D>;

  /**
   * A new token for the same session, at login and at every change of privilege (OWASP ASVS 7.2.4): the old one opens
   * nothing once the answer has begun. All data is kept, or only the keys named. Takes effect with the save. Throws
   * `answered` once the answer has begun.
   */
  regenerate(keep?: readonly KeyOf<D>[]): Promise<void>;
  /**
   * A login, or the step-up of somebody who is logged in (OWASP ASVS 7.2.4, 7.5.1): a new token, `owner` (1 to 256
   * characters, no token or password) and `authenticatedAt` set, the absolute deadline anew. Stored and on the
   * owner's list when it resolves. A session that had another owner starts empty.
   *
   * @example "Remember me" in one line:
   * ```ts await session.authenticate(id, remember ? { idleTimeout: "30d", absoluteTimeout: "90d" } : { sessionOnly:
   * true });
   * ```
   * @param owner - the account's id
   * @param options - what is kept, what lists show, and how long this session lasts
   * @throws {RangeError} if `idleTimeout` could never be reached under the absolute timeout, or a timeout is above
   *   400 days
   * @throws {SessionError} `too-many-sessions` if the policy refuses one more, `ended` if all sessions of the owner
   *   were ended meanwhile; the session is then as it was
   */
  authenticate(owner: string, options?: AuthenticateOptions<D>): Promise<void>;
  /** Whether the last `authenticate` is at most this long ago: ask for it before what matters most. */
  authenticatedWithin(duration: Duration): boolean;
  /**
   * Ends the session and starts an empty one, which is stored once something is written. Takes effect with the save.
   */
  reset(): Promise<void>;
  /**
   * Ends the session, now: once this resolves nothing brings it back. The client's cookie is removed with the answer.
   */
  destroy(): Promise<void>;
  /**
   * Saves now instead of at the end of the request, also an empty new session; moves the idle deadline. Throws
   * `ended` where the session is gone.
   */
  save(): Promise<void>;
  /**
   * Reads again what is stored, for what lives longer than a request: sockets, long jobs. One storage call, none for
   * a session that is not stored. Unsaved changes are kept and replayed on what was read.
   *
   * @param options - `discard: true` drops unsaved changes
   * @throws {SessionError} `ended` if the session was ended or renewed; `storage` or `timeout` if it could not be
   *   read
   */
  reload(options?: { discard?: boolean }): Promise<void>;
  /**
   * An idle timeout of this session's own, from now on; at least one second. A RangeError if it could never be
   * reached under the absolute deadline.
   */
  setIdleTimeout(timeout: Duration): void;
}

/** What a login says of its session. */
export interface AuthenticateOptions<D extends object = SessionData> {
  /** What `store.listByOwner` will say of it, like a device's name. */
  info?: SessionInfo;
  /** Only these keys are kept. Default: all; none of another owner's. */
  keep?: readonly KeyOf<D>[];
  /**
   * The idle timeout of this session, instead of the configured one: one second to 400 days. The two timeouts and
   * `sessionOnly` stay through renewals and later logins of the same owner, unless one of these gives any of the
   * three: then those that it does not give are as configured.
   */
  idleTimeout?: Duration;
  /** The absolute timeout of this session, from now on: one second to 400 days. */
  absoluteTimeout?: Duration;
  /** Whether the browser forgets the cookie when it closes (no Max-Age). Default: as in the cookie options. */
  sessionOnly?: boolean;
}

/**
 * What an application says of a session at its login, to show in a list of devices: a few words, 512 bytes as JSON at
 * most.
 */
export type SessionInfo = Readonly<Record<string, string | number | boolean>>;

/** A session in the list of its owner. Its token is known to the client alone. */
export interface ListedSession {
  readonly id: string;
  /** Epoch ms. */
  readonly createdAt: number;
  /** When it was last used, epoch ms, to within the `refreshInterval`. */
  readonly lastSeenAt: number;
  /** When `authenticate` was last called, epoch ms. */
  readonly authenticatedAt: number | undefined;
  /** What `authenticate` was told of it. */
  readonly info: SessionInfo | undefined;
}

/** What `store.create` makes. */
export interface CreateOptions extends Omit<AuthenticateOptions, "keep"> {
  /** Whose session it is: as after `authenticate`. */
  owner?: string;
}

/**
 * A session opened by hand (`sessions.open`, `store.getById` …): saved by `save()`, given up by `release()` or
 * `using`.
 */
export interface StoredSession<D extends object = SessionData> extends Session<D> {
  /** Drops unsaved changes; every verb throws `released` from then on. */
  release(): void;
  [Symbol.dispose](): void;
}

/** Sessions over a storage, without any request. Made by `createStore`, or found as `sessions.store`. */
export interface Store<D extends object = SessionData> {
  /** The stored session of an id, or undefined. A text that is no id is a TypeError. */
  getById(id: string): Promise<StoredSession<D> | undefined>;
  /** The stored session of a token, or undefined: also for any hostile text. */
  getByToken(token: string): Promise<StoredSession<D> | undefined>;
  /** Makes and stores a session, of this owner where one is named; hand its `token` to the client. */
  create(data?: Partial<D>, options?: CreateOptions): Promise<StoredSession<D>>;
  /**
   * Opens a session, lets `change` work on it, and saves; where `change` throws nothing is saved. Answers whether it
   * was saved: `false` where there is no such session any more.
   */
  edit(id: string, change: (session: Session<D>) => unknown): Promise<boolean>;
  /** Ends a session, whatever requests are using it. Answers whether there was one. */
  delete(id: string): Promise<boolean>;
  /** The live sessions of an owner, the oldest login first. Reads the owner's list and each of its sessions. */
  listByOwner(owner: string): Promise<ListedSession[]>;
  /**
   * Ends every session of an owner, but the one with the id `except` where that is given: also what they were renewed
   * to meanwhile, and every `authenticate` under way. Answers how many there were. Where it fails some may be left:
   * call it again.
   */
  deleteByOwner(owner: string, options?: { except?: string }): Promise<number>;
  /** Ends every session of the namespace. Throws `unsupported` where the storage cannot. */
  clear(): Promise<void>;
  /** Teaches the store a class, under an explicit tag; at start-up, the same in every process. */
  registerType<T>(tag: string, type: TypeCodec<T>): void;
}

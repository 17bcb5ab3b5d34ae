import type { StoredSession } from "../contracts/session-api.js";
import type { ResponseHeaders } from "../http/request-view.js";
import { keepPrivate } from "../http/caching.js";
import { SessionError } from "../errors.js";
import type { SessionCore } from "../session/core.js";
import type { DataView, Draft } from "../session/draft.js";
import type { ReplyContents } from "../session/request-options.js";
import { coreOf } from "../session/session.js";
import { hasNoCookie } from "./connect-store.js";
import type { DropInRequest, DropInSettings } from "./dropin-options.js";
import { differences, textOf, textsOf, updated, type Texts } from "./known-data.js";
import { assign, bind, failedToLoad, Session, type Binding } from "./plain-session.js";
import { checkSession, newCookie, sendCookie, SessionProperty, usualCookie } from "./request-facts.js";
import { attributesOf, Cookie, type Attributes } from "./session-cookie.js";

/** The key under which attributes of a cookie are kept that differ from the configured ones. */
export const COOKIE_KEY = "cookie";

/** Names that are no data of a session. */
const RESERVED: ReadonlySet<string> = new Set([COOKIE_KEY, "id", "req"]);

/**
 * One request of the drop-in whose sessions are in a storage: `req.session` has plain properties, and the session of
 * Holdfast behind it is changed by what was done to them.
 */
export class StorageRequest implements Binding, DataView {
  readonly #settings: DropInSettings;
  readonly #req: DropInRequest;
  readonly #native: StoredSession<any>;
  readonly #fail: (error: unknown) => void;
  readonly #property: SessionProperty;
  #known: Texts = new Map();
  /** The attributes of every session, if all have the same; those that were shown, and those that are stored. */
  #attributes: { usual?: string | undefined; shown: string; stored?: string | undefined } = { shown: "" };
  #maxAge: number | null = null;
  /** Keys that were changed by `update`: their values are final when they are stored. */
  #updated = new Set<string>();
  /** True while the session of Holdfast takes over what was changed here. */
  #isNoting = false;
  #isModified = false;
  #isTouched = false;
  /** True if the session is stored although a handler may have put nothing into it. */
  #isKept: boolean;
  #isGone = false;
  /** True while a session is regenerated: the object of the old one keeps its data, which Passport copies. */
  #isLeft = false;
  #cannotSend = false;

  /**
   * @param settings - of the middleware
   * @param req - the request
   * @param native - its session
   * @param fail - for exceptions of callbacks
   */
  constructor(
    settings: DropInSettings,
    req: DropInRequest,
    native: StoredSession<any>,
    fail: (error: unknown) => void,
  ) {
    this.#settings = settings;
    this.#req = req;
    this.#native = native;
    this.#fail = fail;
    this.#property = new SessionProperty(req, () => this.#core.ask());
    const { use } = this.#core;
    this.#isKept = settings.saveUninitialized;
    this.#show();
    this.#core.use = use;
  }

  // what a handler does

  // These promises are those of the session of Holdfast: one that is not awaited fails the request.

  save(): Promise<void> {
    this.#isKept = true;
    this.#moveDeadline();
    return first(this.#native.save(), () => this.#refreshUpdated());
  }

  async reload(): Promise<void> {
    if (!this.#native.isStored) throw failedToLoad();
    try {
      await this.#native.reload({ discard: true });
    } catch (error) {
      throw error instanceof SessionError && error.code === "ended" ? failedToLoad(error) : error;
    }
    this.#show();
  }

  destroy(): Promise<void> {
    this.#isGone = true;
    this.#property.remove();
    return this.#native.destroy();
  }

  regenerate(): Promise<void> {
    this.#isLeft = true;
    return first(this.#native.reset(), () => this.#startAnew());
  }

  /** The same at once, for `store.generate`. */
  generate(): void {
    this.#isLeft = true;
    void this.#native.reset();
    this.#startAnew();
  }

  update(key: string, change: (value: unknown) => unknown): unknown {
    const { draft } = this.#core;
    draft.noteChanges();
    this.#native.update(key, (value: unknown) => updated(key, change, value));
    this.#isModified = true;
    this.#updated.add(key);
    return this.#put(key, draft.copyOf(key));
  }

  /** Not by `settle`, with which every request ends. */
  touched(): void {
    if (!this.#isTouched) this.#core.use = "touched";
  }

  failed(error: unknown): void {
    this.#fail(error);
  }

  // the session of Holdfast asks what was changed

  *changes(): Iterable<readonly [string, unknown]> {
    const session = this.#property.session;
    if (this.#isNoting || !(session instanceof Session)) return;
    const now = textsOf(session);
    this.#isNoting = true;
    try {
      for (const [key, text] of differences(this.#known, now)) {
        this.#isModified = true;
        this.#updated.delete(key);
        yield [key, text === undefined ? undefined : (JSON.parse(text) as unknown)];
      }
      this.#known = now;
      const attributes = attributesOf(session.cookie);
      const { usual, shown, stored = this.#isWritten ? undefined : shown } = this.#attributes;
      if (attributes === stored) return;
      yield [COOKIE_KEY, attributes === usual ? undefined : JSON.parse(attributes)];
      this.#attributes.stored = attributes;
    } finally {
      this.#isNoting = false;
    }
  }

  /** True if something is stored with this request, and attributes that depend on the request with it. */
  get #isWritten(): boolean {
    return this.#isModified || (this.#isKept && !this.#native.isStored);
  }

  changed(data: Draft, key?: string): void {
    const session = this.#property.session;
    if (this.#isNoting || !(session instanceof Session)) return;
    this.#isModified = true;
    for (const one of key === undefined ? [...new Set([...this.#known.keys(), ...data.keys()])] : [key])
      if (textOf(one, (session as unknown as Record<string, unknown>)[one]) === this.#known.get(one))
        this.#showKey(data, one);
  }

  replaced(data: Draft): void {
    const session = this.#property.session;
    if (this.#isLeft || !(session instanceof Session)) return;
    for (const key of Object.keys(session))
      if (key !== COOKIE_KEY) delete (session as unknown as Record<string, unknown>)[key];
    this.#known = new Map();
    this.#attributes.stored = this.#attributes.usual;
    for (const key of data.keys()) this.#showKey(data, key);
  }

  // the response

  /** Before the first byte, and before the last: what a missing session means, and the expiration of the cookie. */
  settle(): void {
    const session = this.#property.left();
    if (this.#isGone) return;
    if (!session || typeof this.#req.sessionID !== "string") return this.#leave(session);
    checkSession(session, this.#settings);
    const isTouched = this.#isTouched;
    this.#isTouched = true;
    if (!isTouched) session.touch();
    this.#moveDeadline();
  }

  /** Writes the cookie if the rules of express-session say so, and the session is stored. */
  reply({ outcome, asked, settings }: ReplyContents, headers: ResponseHeaders): void {
    const session = this.#property.session;
    const sends =
      typeof outcome === "object" && session instanceof Session && this.#sendsCookie(outcome.why, session);
    if (sends) this.#req.sessionID = outcome.token;
    if (sends && this.#sends(session, outcome.token, headers)) return;
    if (asked) keepPrivate(headers, settings.asked);
  }

  /** A cookie that cannot be written is an error once: the error response has none. */
  #sends(session: Session, id: string, headers: ResponseHeaders): boolean {
    if (this.#cannotSend) return false;
    this.#cannotSend = true;
    const wasSent = sendCookie(this.#req, session, id, this.#settings, headers);
    this.#cannotSend = false;
    return wasSent;
  }

  #sendsCookie(why: "new" | "renewed" | "refreshed", { cookie }: Session): boolean {
    return why !== "refreshed" || this.#settings.rolling || (Boolean(cookie.expires) && this.#isModified);
  }

  #leave(session: unknown): void {
    this.#isGone = true;
    if (this.#settings.destroysUnset && !session && typeof this.#req.sessionID === "string")
      void this.#native.destroy();
    else this.#core.release();
  }

  // the two sessions

  #startAnew(): void {
    this.#isLeft = this.#isGone = this.#isModified = this.#isTouched = false;
    this.#show();
  }

  /** Puts the data of the session of Holdfast onto the request. */
  #show(): void {
    const { token } = this.#native;
    const req = this.#req;
    this.#property.place();
    req.sessionID = token;
    const session = new Session(req);
    session.cookie = this.#cookie();
    this.#known = new Map();
    this.#updated.clear();
    this.#property.session = session;
    const { draft } = this.#core;
    for (const key of draft.keys()) this.#showKey(draft, key);
    bind(session, this);
    draft.view = this;
  }

  /** A value that cannot be read stays stored, and is not shown. */
  #showKey(data: Draft, key: string): void {
    if (RESERVED.has(key) || key in Session.prototype) return;
    try {
      this.#put(key, data.copyOf(key));
    } catch {}
  }

  #put(key: string, value: unknown): unknown {
    const text = textOf(key, value);
    const known = new Map(this.#known);
    if (text === undefined) known.delete(key);
    else known.set(key, text);
    this.#known = known;
    if (value === undefined) delete (this.#property.session as unknown as Record<string, unknown>)[key];
    else assign(this.#property.session!, key, value);
    return value;
  }

  /** Other requests may have changed what `update` computed from. */
  #refreshUpdated(): void {
    const session = this.#property.session;
    if (!(session instanceof Session)) return;
    for (const key of this.#updated) this.#put(key, this.#core.draft.copyOf(key));
    this.#updated.clear();
  }

  #cookie(): Cookie {
    const { clock } = this.#settings;
    const configured = newCookie(this.#req, this.#settings);
    const stored = this.#core.draft.copyOf(COOKIE_KEY) as Attributes | null | undefined;
    if (stored === null) throw hasNoCookie();
    const cookie = stored ? new Cookie({ ...stored, expires: null }, () => clock.now()) : configured;
    const shown = attributesOf(cookie);
    const usual = usualCookie(this.#settings) && attributesOf(configured);
    this.#attributes = { usual, shown, stored: stored ? shown : usual };
    const { isStored, idleExpiresAt } = this.#native;
    // The store has the timeout of fixed attributes; others are the session's own.
    this.#maxAge = isStored || typeof this.#settings.cookie !== "function" ? cookie.originalMaxAge : NaN;
    if (cookie.originalMaxAge === null) return cookie;
    if (isStored) cookie.expireAt(new Date(idleExpiresAt));
    return cookie;
  }

  /** The idle timeout of a session is the `maxAge` of its cookie. */
  #moveDeadline(): void {
    const { originalMaxAge } = this.#property.session!.cookie;
    if (originalMaxAge === this.#maxAge) return;
    this.#maxAge = originalMaxAge;
    const isLimited = originalMaxAge !== null && Number.isFinite(originalMaxAge);
    this.#core.useIdle(isLimited ? Math.max(originalMaxAge, 1) : this.#core.parts.settings.idle);
  }

  get #core(): SessionCore {
    return coreOf(this.#native);
  }
}

/** Does something before everything else that waits for a promise; returns that promise, as if nothing waited. */
function first<T>(promise: Promise<T>, work: () => void): Promise<T> {
  void Promise.prototype.then.call(promise, work, () => {});
  return promise;
}

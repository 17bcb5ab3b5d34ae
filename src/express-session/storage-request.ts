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
import { differences, knownValue, readable, textOf, textsOf, updated, type KnownValue } from "./known-data.js";
import { bind, failedToLoad, put, Session, type Binding } from "./plain-session.js";
import { checkSession, newCookie, sendCookie, SessionProperty, usualCookie } from "./request-facts.js";
import { attributesOf, Cookie, type Attributes } from "./session-cookie.js";
import * as states from "./storage-state.js";
import type { KnownCookie, StorageEvent } from "./storage-state.js";

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
  #state = states.UNSHOWN;
  /** True while the session of Holdfast takes over what was changed here. */
  #isNoting = false;

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
    this.#startAnew();
  }

  // what a handler does

  // These promises are those of the session of Holdfast: one that is not awaited fails the request.

  save(): Promise<void> {
    this.#state = states.kept(this.#state);
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
    this.#enter("end");
    this.#property.remove();
    return this.#native.destroy();
  }

  regenerate(): Promise<void> {
    this.#enter("leave");
    return first(this.#native.reset(), () => this.#startAnew());
  }

  /** The same at once, for `store.generate`. */
  generate(): void {
    this.#enter("leave");
    void this.#native.reset();
    this.#startAnew();
  }

  update(key: string, change: (value: unknown) => unknown): unknown {
    const { draft } = this.#core;
    draft.noteChanges();
    this.#native.update(key, (value: unknown) => updated(key, change, value));
    this.#state = states.withUpdate(this.#state, key);
    const one = knownValue(draft, key);
    this.#put([one]);
    return one.value;
  }

  /** Not by `settle`, with which every request ends. */
  touched(): void {
    if (this.#state.stage === "open") this.#core.use = "touched";
  }

  failed(error: unknown): void {
    this.#fail(error);
  }

  // the session of Holdfast asks what was changed

  *changes(): Iterable<readonly [string, unknown]> {
    const { session } = this.#property;
    if (this.#isNoting || !(session instanceof Session)) return;
    const texts = textsOf(session);
    this.#isNoting = true;
    try {
      for (const [key, text] of differences(this.#state.texts, texts)) {
        this.#state = states.modified(this.#state, key);
        yield [key, text === undefined ? undefined : (JSON.parse(text) as unknown)];
      }
      this.#state = { ...this.#state, texts };
      const attributes = attributesOf(session.cookie);
      if (!states.mustStoreCookie(this.#state, attributes, this.#core.hasRecord)) return;
      yield [COOKIE_KEY, attributes === this.#state.cookie.usual ? undefined : JSON.parse(attributes)];
      this.#state = states.withCookie(this.#state, { stored: attributes });
    } finally {
      this.#isNoting = false;
    }
  }

  /** A property that a handler has changed stays as it is: it is stored later. */
  changed(data: Draft, key?: string): void {
    const { session } = this.#property;
    if (this.#isNoting || !(session instanceof Session)) return;
    this.#state = states.modified(this.#state);
    const keys = key === undefined ? new Set([...this.#state.texts.keys(), ...data.keys()]) : [key];
    const { texts } = this.#state;
    const own = session as Session & Record<string, unknown>;
    this.#showKeys(
      data,
      [...keys].filter((one) => textOf(one, own[one]) === texts.get(one)),
    );
  }

  replaced(data: Draft): void {
    const { session } = this.#property;
    if (this.#state.stage === "left" || !(session instanceof Session)) return;
    for (const key of Object.keys(session)) if (key !== COOKIE_KEY) put(session, key, undefined);
    this.#state = states.emptied(this.#state);
    this.#showKeys(data, data.keys());
  }

  // the response

  /** Before the first byte, and before the last: what a missing session means, and the expiration of the cookie. */
  settle(): void {
    const session = this.#property.left();
    const { stage } = this.#state;
    if (stage === "gone") return;
    if (!session || typeof this.#req.sessionID !== "string") return this.#leave(session);
    checkSession(session, this.#settings);
    this.#enter("settle");
    if (stage !== "settled") session.touch();
    this.#moveDeadline();
  }

  /** Writes the cookie if the rules of express-session say so, and the session is stored. */
  reply({ outcome, asked, settings }: ReplyContents, headers: ResponseHeaders): void {
    const { session } = this.#property;
    const sends =
      typeof outcome === "object" &&
      session instanceof Session &&
      states.sendsCookie(this.#state, outcome.why, session.cookie, this.#settings.rolling);
    if (sends) this.#req.sessionID = outcome.token;
    if (sends && this.#sends(session, outcome.token, headers)) return;
    if (asked) keepPrivate(headers, settings.asked);
  }

  #sends(session: Session, id: string, headers: ResponseHeaders): boolean {
    if (!this.#state.canSend) return false;
    try {
      return sendCookie(this.#req, session, id, this.#settings, headers);
    } catch (error) {
      this.#state = { ...this.#state, canSend: false };
      throw error;
    }
  }

  #leave(session: unknown): void {
    this.#enter("end");
    if (this.#settings.destroysUnset && !session && typeof this.#req.sessionID === "string")
      void this.#native.destroy();
    else this.#core.release();
  }

  #enter(event: StorageEvent): void {
    this.#state = states.after(this.#state, event);
  }

  // the two sessions

  #startAnew(): void {
    this.#state = states.begun(this.#state, this.#settings.saveUninitialized);
    this.#show();
  }

  /** Puts the data of the session of Holdfast onto the request. */
  #show(): void {
    const { token, draft } = this.#core;
    this.#property.place();
    this.#req.sessionID = token;
    const session = new Session(this.#req);
    const [cookie, known] = this.#cookie();
    session.cookie = cookie;
    this.#state = states.shown(this.#state, known);
    this.#property.session = session;
    this.#showKeys(draft, draft.keys());
    bind(session, this);
    draft.view = this;
  }

  /** A value that cannot be read, or is no JSON, stays stored and is not shown. */
  #showKeys(data: Draft, keys: readonly string[]): void {
    const shown = keys.filter((key) => !RESERVED.has(key) && !(key in Session.prototype));
    this.#put(shown.flatMap((key) => readable(data, key)));
  }

  #put(values: readonly KnownValue[]): void {
    const texts = new Map(this.#state.texts);
    for (const { key, value, text } of values) {
      if (text === undefined) texts.delete(key);
      else texts.set(key, text);
      put(this.#property.session!, key, value);
    }
    this.#state = { ...this.#state, texts };
  }

  /** Other requests may have changed what `update` computed from. */
  #refreshUpdated(): void {
    if (!(this.#property.session instanceof Session)) return;
    const { draft } = this.#core;
    this.#put([...this.#state.updated].map((key) => knownValue(draft, key)));
    this.#state = { ...this.#state, updated: new Set() };
  }

  /** The cookie of the session, stored or new, and what is known of it. */
  #cookie(): readonly [Cookie, KnownCookie] {
    const { clock, cookie: option } = this.#settings;
    const { draft, hasRecord, idleExpiresAt } = this.#core;
    const configured = newCookie(this.#req, this.#settings);
    const found = draft.copyOf(COOKIE_KEY) as Attributes | null | undefined;
    if (found === null) throw hasNoCookie();
    const cookie = found ? new Cookie({ ...found, expires: null }, () => clock.now()) : configured;
    const { originalMaxAge } = cookie;
    if (originalMaxAge !== null && hasRecord) cookie.expireAt(new Date(idleExpiresAt));
    const usual = usualCookie(this.#settings) && attributesOf(configured);
    const shown = attributesOf(cookie);
    // The store has the timeout of fixed attributes; others are the session's own.
    const maxAge = hasRecord || typeof option !== "function" ? originalMaxAge : undefined;
    return [cookie, { usual, shown, stored: found ? shown : usual, maxAge }];
  }

  /** The idle timeout of a session is the `maxAge` of its cookie. */
  #moveDeadline(): void {
    const { session } = this.#property;
    if (!session) return;
    const { originalMaxAge } = session.cookie;
    if (originalMaxAge === this.#state.cookie.maxAge) return;
    this.#state = states.withCookie(this.#state, { maxAge: originalMaxAge });
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

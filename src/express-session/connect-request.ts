import { SessionError } from "../errors.js";
import { keepPrivate } from "../http/caching.js";
import type { ResponseHeaders } from "../http/request-view.js";
import { MethodQueue } from "../session/method-queue.js";
import { hashOf, idOf } from "../session/token.js";
import { sessionFrom, type ConnectStore, type SessionRecordData } from "./connect-store.js";
import type { DropInRequest, DropInSettings } from "./dropin-options.js";
import { hintOverwritten } from "./hints.js";
import { differences, textsOf, updated, type Texts } from "./known-data.js";
import { assign, bind, failedToLoad, Session, type Binding } from "./plain-session.js";
import { checkCookie, leftOf, newCookie, sendCookie } from "./request-facts.js";
import type { StoreCalls } from "./store-calls.js";

/** The parts of a middleware with a connect store. */
export interface ConnectParts {
  readonly settings: DropInSettings;
  readonly store: ConnectStore;
  readonly calls: StoreCalls;
}

type Change = (value: unknown) => unknown;

/** What an original session was: to see whether a handler changed it. */
interface Original {
  readonly id: unknown;
  readonly texts: Texts;
}

/**
 * One request of the drop-in with a store for express-session. Such a store has no compare-and-set: before a session
 * is written it is read again, and what other requests changed meanwhile is kept. In this process the two calls of one
 * session do not overlap with others; between processes they may.
 */
export class ConnectRequest implements Binding {
  readonly #parts: ConnectParts;
  readonly #req: DropInRequest;
  readonly #fail: (error: unknown) => void;
  readonly #methods = new MethodQueue();
  #session: Session | null | undefined;
  /** The id in the cookie of the request. */
  readonly #cookieId: string | undefined;
  #original: Original | undefined;
  /** What is stored, as far as this request knows; undefined: nothing. */
  #stored: Texts | undefined;
  #storedMaxAge: number | null | undefined;
  /** What was saved last, to see whether the end of the request has to save. */
  #saved: Texts | undefined;
  #updates = new Map<string, Change[]>();
  #wasAsked = false;
  #isTouched = false;
  #isDropped = false;
  /** True if the last save failed. */
  #hasFailed = false;
  #isDestroyed = false;
  #hasBegun = false;
  #sentId: string | undefined;

  /**
   * @param parts - of the middleware
   * @param req - the request
   * @param cookieId - the id in its cookie, if the signature is valid
   * @param fail - for exceptions of callbacks
   */
  constructor(parts: ConnectParts, req: DropInRequest, cookieId: string | undefined, fail: (error: unknown) => void) {
    this.#parts = parts;
    this.#req = req;
    this.#cookieId = cookieId;
    this.#fail = fail;
  }

  /** Reads the session of the cookie, or makes an empty one: at once if there is nothing to read. */
  load(): Promise<void> | undefined {
    const id = this.#cookieId;
    if (id === undefined) return this.generate();
    return this.#parts.calls.get(id).then((found) => {
      if (!found) return this.generate();
      this.#place();
      this.#inflate(id, found);
    });
  }

  /** A new empty session with a new id. */
  generate(): undefined {
    const { settings } = this.#parts;
    const req = this.#req;
    this.#place();
    req.sessionID = settings.genid(req);
    const session = new Session(req);
    session.cookie = newCookie(req, settings);
    this.#stored = this.#saved = this.#storedMaxAge = undefined;
    this.#isTouched = this.#isDestroyed = this.#isDropped = this.#hasFailed = false;
    this.#take(session);
  }

  // what a handler does

  save(): Promise<void> {
    return this.#methods.run(async () => {
      await this.#persistOrNote();
      if (this.#isDropped)
        throw new SessionError("ended", "the session was ended by another request; its changes were dropped");
    });
  }

  /** A failure is reported to the handler: the end of the request does not try again, and sends no cookie. */
  async #persistOrNote(): Promise<void> {
    try {
      await this.#persist();
    } catch (error) {
      this.#hasFailed = true;
      if (this.#session) this.#saved = textsOf(this.#session);
      throw error;
    }
  }

  reload(): Promise<void> {
    return this.#methods.run(async () => {
      const id = this.#req.sessionID as string;
      const found = await this.#parts.calls.get(id);
      if (!found) throw failedToLoad();
      this.#inflate(id, found);
    });
  }

  destroy(): Promise<void> {
    const id = this.#req.sessionID as string;
    delete this.#req.session;
    this.#session = undefined;
    return this.#methods.run(() => this.#end(id));
  }

  regenerate(): Promise<void> {
    return this.#methods.run(async () => {
      await this.#end(this.#req.sessionID as string);
      this.generate();
    });
  }

  update(key: string, change: Change): unknown {
    const session = this.#session as unknown as Record<string, unknown>;
    const value = updated(key, change, session[key]);
    assign(session, key, value);
    this.#updates.set(key, [...(this.#updates.get(key) ?? []), change]);
    return value;
  }

  /** Every request touches the record, anyway. */
  touched(): void {}

  failed(error: unknown): void {
    this.#fail(error);
  }

  // the response

  /** Before the first byte: stores what has to be stored. */
  before(): Promise<void> | undefined {
    if (!this.#hasWork()) {
      this.#hasBegun = true;
      return undefined;
    }
    return this.#commit().then(() => void (this.#hasBegun = true));
  }

  /** Before the last byte: what the handler changed after the first. */
  after(): Promise<void> | undefined {
    return this.#hasWork() ? this.#finish() : undefined;
  }

  /** Adds the cookie by the rules of express-session; never that of a session that was ended. */
  headers(headers: ResponseHeaders): void {
    const session = this.#session;
    const { settings } = this.#parts;
    const id: unknown = this.#req.sessionID;
    const sends =
      session instanceof Session &&
      typeof id === "string" &&
      !this.#isDropped &&
      !this.#hasFailed &&
      this.#sendsCookie(session);
    if (sends && sendCookie(this.#req, session, id, settings, headers)) this.#sentId = id;
    else if (this.#wasAsked) keepPrivate(headers, ["Cookie"]);
  }

  #sendsCookie(session: Session): boolean {
    const { saveUninitialized, rolling } = this.#parts.settings;
    if (this.#req.sessionID !== this.#cookieId) return saveUninitialized || this.#isModified(session);
    return rolling || (Boolean(session.cookie.expires) && this.#isModified(session));
  }

  /** True if anything has to be stored or waited for. */
  #hasWork(): boolean {
    if (this.#methods.isUnsettled) return true;
    const session = (this.#session = leftOf(this.#req, this.#session));
    if (this.#isDestroyed || typeof this.#req.sessionID !== "string") return false;
    if (!session) return this.#parts.settings.destroysUnset;
    if (!(session instanceof Session))
      throw new TypeError(
        "holdfast: req.session was replaced by an object that is not a session; write " +
          "req.session.regenerate(callback) for an empty one, and assign its properties",
      );
    checkCookie(session, this.#parts.settings);
    if (!this.#isTouched) session.touch();
    this.#isTouched = true;
    return this.#shouldSave(session) || (!this.#hasBegun && this.#shouldTouch());
  }

  async #commit(): Promise<void> {
    await this.#methods.settled();
    if (!this.#hasWork()) return;
    const session = this.#session;
    if (!session) return this.#end(this.#req.sessionID as string);
    if (this.#shouldSave(session)) await this.#persist();
    else await this.#touch(session);
  }

  /** The headers are sent: a new session whose cookie was not sent can never be read. */
  async #finish(): Promise<void> {
    await this.#methods.settled();
    const session = this.#session;
    const id = this.#req.sessionID as string;
    if (!this.#hasWork()) return;
    if (session && id !== this.#cookieId && id !== this.#sentId && !this.#stored)
      return this.#parts.settings.emit({ type: "unsaved", id: idOf(hashOf(id)) });
    try {
      await (session ? this.#persist() : this.#end(id));
    } catch (cause) {
      this.#parts.settings.emit({ type: "unsaved", id: idOf(hashOf(id)), cause });
      throw cause;
    }
  }

  // what is stored

  #shouldSave(session: Session): boolean {
    if (this.#isDropped) return false;
    if (!this.#parts.settings.saveUninitialized && this.#cookieId !== this.#req.sessionID)
      return this.#isModified(session) && !this.#isSaved(session);
    return !this.#isSaved(session);
  }

  #shouldTouch(): boolean {
    return !this.#isDropped && this.#cookieId === this.#req.sessionID && this.#parts.calls.touches;
  }

  #isModified(session: Session): boolean {
    const { id, texts } = this.#original!;
    return session.id !== id || differences(texts, textsOf(session)).size > 0;
  }

  #isSaved(session: Session): boolean {
    const saved = this.#saved;
    return (
      saved !== undefined && session.id === this.#original!.id && differences(saved, textsOf(session)).size === 0
    );
  }

  /** Reads what is stored, keeps what others changed, and writes. A session that is gone is not written again. */
  #persist(): Promise<void> {
    const id = this.#req.sessionID as string;
    const session = this.#session;
    const { calls } = this.#parts;
    if (!session || typeof id !== "string") return Promise.resolve();
    return calls.alone(id, async () => {
      if (calls.wasEnded(id)) return this.#drop(id);
      if (this.#stored) {
        const found = await calls.get(id);
        if (!found) return this.#drop(id);
        this.#merge(session, found, this.#stored);
      }
      const texts = textsOf(session);
      const { originalMaxAge } = session.cookie;
      await calls.set(id, session);
      this.#stored = this.#saved = texts;
      this.#storedMaxAge = originalMaxAge;
      this.#hasFailed = false;
      this.#updates.clear();
    });
  }

  #drop(id: string): void {
    this.#isDropped = true;
    this.#parts.settings.emit({ type: "dropped", id: idOf(hashOf(id)) });
  }

  #merge(session: Session, found: SessionRecordData, before: Texts): void {
    const data = session as unknown as Record<string, unknown>;
    const theirs = differences(before, textsOf(found));
    const ours = differences(before, textsOf(session));
    for (const [key, text] of theirs) {
      const changes = this.#updates.get(key);
      if (changes)
        assign(
          data,
          key,
          changes.reduce((value, change) => updated(key, change, value), found[key]),
        );
      else if (!ours.has(key)) setOrDelete(data, key, text === undefined ? undefined : found[key]);
      else if (ours.get(key) !== text) this.#overwritten(session.id, key);
    }
    const { cookie } = session;
    const maxAge = found.cookie?.originalMaxAge ?? null;
    if (cookie.originalMaxAge === this.#storedMaxAge && maxAge !== this.#storedMaxAge) cookie.maxAge = maxAge;
  }

  #overwritten(id: string, key: string): void {
    this.#parts.settings.emit({ type: "overwritten", id: idOf(hashOf(id)), cause: key });
    hintOverwritten(this.#req, key);
  }

  /** The data that was read is valid, so a request whose deadline cannot be moved continues. */
  async #touch(session: Session): Promise<void> {
    const id = this.#req.sessionID as string;
    try {
      await this.#parts.calls.touch(id, session);
    } catch (cause) {
      this.#parts.settings.emit({ type: "refresh-failed", id: idOf(hashOf(id)), cause });
    }
  }

  /** Ends a session that may be stored. */
  async #end(id: string): Promise<void> {
    if (typeof id !== "string") return;
    const { calls } = this.#parts;
    if (this.#stored || id === this.#cookieId || id === this.#sentId) await calls.alone(id, () => calls.destroy(id));
    this.#isDestroyed = true;
  }

  #inflate(id: string, found: SessionRecordData): void {
    const req = this.#req;
    const { settings } = this.#parts;
    req.sessionID = id;
    const session = sessionFrom(req, found, () => settings.clock.now());
    this.#stored = textsOf(session);
    this.#storedMaxAge = session.cookie.originalMaxAge;
    this.#saved = settings.resave ? undefined : this.#stored;
    this.#isTouched = false;
    this.#take(session);
  }

  #take(session: Session): void {
    bind(session, this);
    this.#session = session;
    this.#updates.clear();
    this.#original = { id: session.id, texts: textsOf(session) };
  }

  #place(): void {
    Object.defineProperty(this.#req, "session", {
      configurable: true,
      enumerable: true,
      get: () => {
        this.#wasAsked = true;
        return this.#session;
      },
      set: (session: Session | null | undefined) => {
        this.#session = session;
      },
    });
  }
}

function setOrDelete(data: Record<string, unknown>, key: string, value: unknown): void {
  if (value === undefined) delete data[key];
  else assign(data, key, value);
}

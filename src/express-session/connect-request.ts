import { SessionError } from "../errors.js";
import { keepPrivate } from "../http/caching.js";
import type { ResponseHeaders } from "../http/request-view.js";
import { MethodQueue } from "../session/method-queue.js";
import { hashOf, idOf } from "../session/token.js";
import * as states from "./connect-state.js";
import type { Change, ConnectState, Known, Progress, Work } from "./connect-state.js";
import { sessionFrom, type ConnectStore, type SessionRecordData } from "./connect-store.js";
import type { DropInRequest, DropInSettings } from "./dropin-options.js";
import { hintOverwritten, checkSession, newCookie, sendCookie, SessionProperty } from "./request-facts.js";
import { textsOf, updated } from "./known-data.js";
import { bind, failedToLoad, put, Session, type Binding } from "./plain-session.js";
import type { StoreCalls } from "./store-calls.js";

/** The parts of a middleware with a connect store. */
export interface ConnectParts {
  readonly settings: DropInSettings;
  readonly store: ConnectStore;
  readonly calls: StoreCalls;
}

/**
 * One request of the drop-in with a store for express-session. Such a store has no compare-and-set: before a session
 * is written it is read again, and what other requests changed meanwhile is kept. In this process the two calls of one
 * session do not overlap with others; between processes they may.
 */
export class ConnectRequest implements Binding {
  readonly #parts: ConnectParts;
  readonly #req: DropInRequest;
  /** The id in the cookie of the request. */
  readonly #cookieId: string | undefined;
  readonly #fail: (error: unknown) => void;
  readonly #methods = new MethodQueue();
  readonly #property: SessionProperty;
  #known: Known = { state: states.UNOPENED };
  #response: Progress = "open";

  /**
   * @param parts - of the middleware
   * @param req - the request
   * @param cookieId - the id in its cookie, if the signature is valid
   * @param fail - for exceptions of callbacks, and of the session itself
   */
  constructor(parts: ConnectParts, req: DropInRequest, cookieId: string | undefined, fail: (error: unknown) => void) {
    this.#parts = parts;
    this.#req = req;
    this.#cookieId = cookieId;
    this.#fail = fail;
    this.#property = new SessionProperty(req);
  }

  /** Reads the session of the cookie, or makes an empty one: at once if there is nothing to read. */
  load(): Promise<void> | undefined {
    const id = this.#cookieId;
    if (id === undefined) return this.generate();
    return this.#parts.calls.get(id).then((found) => {
      if (!found) return this.generate();
      this.#property.place();
      this.#inflate(id, found);
    });
  }

  /** A new empty session with a new id. */
  generate(): undefined {
    const { settings } = this.#parts;
    const req = this.#req;
    this.#property.place();
    req.sessionID = settings.genid(req);
    const session = new Session(req);
    session.cookie = newCookie(req, settings);
    this.#take(session, states.begun(session));
  }

  // what a handler does

  /** A failure is reported to the handler: the end of the request does not try again, and sends no cookie. */
  save(): Promise<void> {
    return this.#methods.run(async () => {
      const known = this.#known;
      const isStored = await this.#persist().catch((error: unknown) => {
        const { session } = this.#property;
        known.state = states.after(known.state, "fail");
        if (session) known.state = states.unsaved(known.state, textsOf(session));
        throw error;
      });
      if (!isStored)
        throw new SessionError("ended", "the session was ended by another request; its changes were dropped");
    });
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
    const known = this.#known;
    this.#property.remove();
    return this.#methods.run(() => this.#end(id, known));
  }

  regenerate(): Promise<void> {
    return this.#methods.run(async () => {
      await this.#end(this.#req.sessionID as string, this.#known);
      this.generate();
    });
  }

  update(key: string, change: Change): unknown {
    const known = this.#known;
    const session = this.#property.session as Session & Record<string, unknown>;
    const value = updated(key, change, session[key]);
    put(session, key, value);
    known.state = states.withUpdate(known.state, key, change);
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
    if (this.#hasWork()) return this.#commit().then(() => this.#begin());
    this.#begin();
    return undefined;
  }

  /** Before the last byte: what the handler changed after the first. */
  after(): Promise<void> | undefined {
    return this.#response !== "failed" && this.#hasWork() ? this.#finish() : undefined;
  }

  /** Adds the cookie by the rules of express-session; never that of a session that was ended. */
  headers(headers: ResponseHeaders): void {
    if (this.#response === "failed") return;
    const { settings } = this.#parts;
    const { session, wasRead } = this.#property;
    const id: unknown = this.#req.sessionID;
    const sends =
      session instanceof Session &&
      typeof id === "string" &&
      states.sendsCookie(this.#known.state, session, { settings, isKnown: id === this.#cookieId });
    if (sends && sendCookie(this.#req, session, id, settings, headers)) this.#response = { sentId: id };
    else if (wasRead) keepPrivate(headers, ["Cookie"]);
  }

  /** The response failed: the error path sends another one, without a cookie. */
  refuse(error: unknown): void {
    this.#response = "failed";
    this.#fail(error);
  }

  #begin(): void {
    if (this.#response === "open") this.#response = { sentId: undefined };
  }

  /** True if anything has to be stored or waited for. */
  #hasWork(): boolean {
    return this.#methods.isUnsettled || this.#work() !== "nothing";
  }

  /** What has to be stored, after a check of what the handler left. */
  #work(): Work {
    const { settings, calls } = this.#parts;
    const known = this.#known;
    const session = this.#property.left();
    const id: unknown = this.#req.sessionID;
    if (known.state.stage === "destroyed" || typeof id !== "string") return "nothing";
    if (session) {
      checkSession(session, settings);
      if (!known.state.isTouched) session.touch();
      known.state = { ...known.state, isTouched: true };
    }
    const touches = this.#response === "open" && calls.touches;
    return states.workOf(known.state, { settings, session, isKnown: id === this.#cookieId, touches });
  }

  async #commit(): Promise<void> {
    await this.#methods.settled();
    await this.#do(this.#work());
  }

  /** The headers are sent: a new session whose cookie was not sent can never be read. */
  async #finish(): Promise<void> {
    await this.#methods.settled();
    const work = this.#work();
    const id = this.#req.sessionID as string;
    const { emit } = this.#parts.settings;
    if (work === "save" && !this.#isWithClient(id) && !this.#known.state.stored)
      return emit({ type: "unsaved", id: idOf(hashOf(id)) });
    try {
      await this.#do(work);
    } catch (cause) {
      emit({ type: "unsaved", id: idOf(hashOf(id)), cause });
      throw cause;
    }
  }

  async #do(work: Work): Promise<void> {
    if (work === "save") await this.#persist();
    else if (work === "touch") await this.#touch();
    else if (work === "destroy") await this.#end(this.#req.sessionID as string, this.#known);
  }

  // what is stored

  /**
   * Reads what is stored, keeps what others changed, and writes. A session that is gone is not written again.
   *
   * @returns false if it is gone
   */
  #persist(): Promise<boolean> {
    const id: unknown = this.#req.sessionID;
    const known = this.#known;
    const { session } = this.#property;
    if (!session || typeof id !== "string") return Promise.resolve(true);
    return this.#parts.calls.alone(id, () => this.#write(id, session, known));
  }

  async #write(id: string, session: Session, known: Known): Promise<boolean> {
    const { calls } = this.#parts;
    if (calls.wasEnded(id)) return this.#drop(id, known);
    if (known.state.stored) {
      const found = await calls.get(id);
      if (!found) return this.#drop(id, known);
      this.#merge(session, found, known);
    }
    const { updates } = known.state;
    const record = { texts: textsOf(session), maxAge: session.cookie.originalMaxAge };
    await calls.set(id, session);
    known.state = states.stored(known.state, record, updates);
    return true;
  }

  #drop(id: string, known: Known): false {
    known.state = states.after(known.state, "drop");
    this.#parts.settings.emit({ type: "dropped", id: idOf(hashOf(id)) });
    return false;
  }

  #merge(session: Session, found: SessionRecordData, { state }: Known): void {
    const { values, overwritten, maxAge } = states.mergeOf(state, session, found);
    for (const [key, value] of values) put(session, key, value);
    for (const key of overwritten) {
      this.#parts.settings.emit({ type: "overwritten", id: idOf(hashOf(session.id)), cause: key });
      hintOverwritten(this.#req, key);
    }
    if (maxAge !== undefined) session.cookie.maxAge = maxAge;
  }

  /** The data that was read is valid, so a request whose deadline cannot be moved continues. */
  async #touch(): Promise<void> {
    const id = this.#req.sessionID as string;
    try {
      await this.#parts.calls.touch(id, this.#property.session);
    } catch (cause) {
      this.#parts.settings.emit({ type: "refresh-failed", id: idOf(hashOf(id)), cause });
    }
  }

  /** Ends a session that may be stored. */
  async #end(id: string, known: Known): Promise<void> {
    if (typeof id !== "string") return;
    const { calls } = this.#parts;
    if (known.state.stored || this.#isWithClient(id)) await calls.alone(id, () => calls.destroy(id));
    known.state = states.after(known.state, "destroy");
  }

  /** True if the client has the id: from an earlier response, or from this one. */
  #isWithClient(id: string): boolean {
    return id === this.#cookieId || (typeof this.#response === "object" && id === this.#response.sentId);
  }

  #inflate(id: string, found: SessionRecordData): void {
    const req = this.#req;
    const { settings } = this.#parts;
    req.sessionID = id;
    const session = sessionFrom(req, found, () => settings.clock.now());
    this.#take(session, states.loaded(this.#known.state, session, settings.resave));
  }

  #take(session: Session, state: ConnectState): void {
    bind(session, this);
    this.#property.session = session;
    this.#known = { state };
  }
}

import type { StoredSession, Store } from "../contracts/session-api.js";
import type { CookieSettings } from "../cookie/cookie.js";
import { SessionError } from "../errors.js";
import { isForEverybody } from "../http/caching.js";
import type { ResponseHeaders, RequestView } from "../http/request-view.js";
import { isPromise } from "../util/async.js";
import { cameByUrl, removeOldCookies, writeReply, warnIfDropped } from "./reply-headers.js";
import { SessionCore, type StoreParts } from "./core.js";
import { deadlineIsDue, idleLength } from "./expiry.js";
import { readOpening, type Opening } from "./opening.js";
import { ABSENT } from "./records.js";
import type { RequestSettings } from "./request-options.js";
import {
  after,
  carrierAt,
  hasFailed,
  isOpen,
  isOver,
  phaseAt,
  type Carrier,
  type Phase,
  type SessionRequest,
  type Stage,
  type StageEvent,
} from "./request-stage.js";
import { coreOf, makeSession } from "./session.js";
import { partsOf } from "./store.js";

/** What an adapter does around the response of a request. */
export interface ResponseHost {
  /** From now on no byte of the response is sent before the session is stored. Called again at each use. */
  hold?(): void;
  /**
   * The session is loaded: for frameworks that store it themselves.
   *
   * @param session - the session
   * @param view - the request
   */
  opened?(session: StoredSession<any>, view: RequestView): void;
  /** Headers that get the cookie immediately after a session method has stored something (without the middleware). */
  readonly headersAtOnce?: ResponseHeaders;
  /** True if only listeners can use the session: the response has ended, or its client has disconnected. */
  readonly isOver?: boolean;
  /** True if a listener of the response, or a callback, is running: its exceptions have no caller to catch them. */
  readonly isListening?: boolean;
  /** True if the client has disconnected before everything was sent. */
  readonly isGone?: boolean;
}

/** How far the session of a request is loaded. */
type Reading =
  | { readonly kind: "unread" }
  | { readonly kind: "reading"; readonly done: Promise<void> }
  | { readonly kind: "failed"; readonly error: unknown }
  | Opening;

const UNREAD: Reading = { kind: "unread" };

const reportedLate = new WeakSet<SessionCore>();

/**
 * The session of one request and its response: loads it, stores its changes, and adds the cookie after that. The
 * adapter calls `load`, `commit`, `writeHeaders` and `finish`. Each of them returns undefined if there is nothing to
 * wait for, so a request that only reads creates no promise.
 */
export class RequestSession implements SessionRequest {
  readonly settings: RequestSettings;
  readonly view: RequestView;
  host: ResponseHost | undefined;
  readonly #parts: StoreParts;
  readonly #cookie: CookieSettings;
  #reading: Reading = UNREAD;
  #stage: Stage;
  /** The commit or finish in progress. */
  #work: Promise<void> | undefined = undefined;

  /**
   * @param settings - of its middleware
   * @param store - the store of the session
   * @param view - the request
   * @param canCarry - true if a response can carry a new token; that to a request which becomes a socket cannot
   * @param cookie - the attributes of its cookies
   */
  constructor(
    settings: RequestSettings,
    store: Store<any>,
    view: RequestView,
    canCarry: boolean = true,
    cookie: CookieSettings = settings.cookie,
  ) {
    this.settings = settings;
    this.view = view;
    this.host = undefined;
    this.#parts = partsOf(store)!;
    this.#cookie = cookie;
    this.#stage = canCarry ? "open" : "answered";
  }

  /** The session, for a handler. Throws the error that prevented loading, or `not-loaded`. */
  get session(): StoredSession<any> {
    return this.found ?? this.#unloaded();
  }

  /** The session, or undefined if it is not loaded. */
  get found(): StoredSession<any> | undefined {
    const reading = this.#reading;
    if (reading.kind !== "read") return undefined;
    this.host?.hold?.();
    return this.#sessionOf(reading);
  }

  /** An empty session that accepts no change: for code that only reports on a request, and must not fail. */
  get nothing(): StoredSession<any> {
    return makeSession(new SessionCore(this.#parts, ABSENT, undefined, NO_REQUEST));
  }

  /**
   * True if it has finished, or could not be loaded: a middleware that runs again for the request starts a new one.
   */
  get isDone(): boolean {
    const isUnheld = this.#stage === "open" && this.host?.isOver === true;
    return isUnheld || isOver(this.#stage) || this.#reading.kind === "failed";
  }

  get phase(): Phase {
    return phaseAt(this.#stage);
  }

  get carrier(): Carrier {
    return carrierAt(this.#stage, this.#isVisitor);
  }

  get storesNew(): boolean {
    return this.settings.storesNew;
  }

  get movesWhenSaved(): boolean {
    return this.settings.movesWhenSaved === true;
  }

  get isAbandoned(): boolean {
    return this.#stage === "abandoned";
  }

  get takesLateChanges(): boolean {
    return this.host?.isListening === true || this.host?.isGone === true;
  }

  /** Implements `SessionRequest`. */
  drawToken(): string | undefined {
    return this.settings.drawToken?.(this.view.context);
  }

  /** True if the handler may still change the session while the body is sent. */
  get mayChange(): boolean {
    const isStored = this.#core ? this.#core.isStored : !this.#isVisitor;
    return isStored && !hasFailed(this.#stage) && !isOver(this.#stage);
  }

  /**
   * Loads the session for a handler that uses it; a second call returns the same.
   *
   * @returns the session, or a promise of it
   * @throws {SessionError} `storage` or `timeout`, also as a rejection
   */
  open(): StoredSession<any> | Promise<StoredSession<any>> {
    this.host?.hold?.();
    const loading = this.load();
    return loading ? loading.then(() => this.session) : this.session;
  }

  /**
   * Loads before a handler uses the session. For a visitor without a session, none is created until then, and the
   * response is not held.
   *
   * @returns undefined if there is nothing to wait for
   * @throws {SessionError} `storage` or `timeout`, also as a rejection
   */
  load(): Promise<void> | undefined {
    const reading = this.#reading;
    if (reading.kind === "unread") return this.#read();
    if (reading.kind === "failed") throw reading.error;
    return reading.kind === "reading" ? reading.done : undefined;
  }

  /**
   * Removes a released session, so that it is loaded again; then opens it.
   *
   * @returns the session, or a promise of it
   */
  reopen(): StoredSession<any> | Promise<StoredSession<any>> {
    if (this.#core?.phase === "released") this.#reading = UNREAD;
    return this.open();
  }

  /**
   * Called before the first byte: waits for session methods in progress and stores the changes. Calls in the meantime
   * wait for the same work. If it fails, it rejects; then nothing more is stored, and the response carries no token.
   *
   * @param canCarry - false if the response (an error without headers) cannot carry a token
   * @param headers - those of the handler's response: if shared caches may store it and the handler did not use the
   *   session, it is not changed, and a refresh that is due waits for another response
   * @returns undefined if there is nothing to wait for
   */
  commit(canCarry: boolean = true, headers?: ResponseHeaders): Promise<void> | undefined {
    if (!isOpen(this.#stage)) return isOver(this.#stage) ? undefined : this.#work;
    if (this.#work) return this.#work.catch(() => {}).then(() => this.commit(canCarry, headers));
    const core = this.#core;
    this.#enter(core && canCarry && this.carrier === "response" ? "save" : "respond");
    if (!core) return undefined;
    return this.#persist(
      core,
      headers && !core.asked ? () => isForEverybody(headers, this.#parts.settings.clock.now()) : undefined,
    );
  }

  /**
   * Writes the reply for the client into the headers of a response that is about to begin.
   *
   * @param headers - those of the response
   */
  writeHeaders(headers: ResponseHeaders): void {
    const core = this.#core;
    if (!core || hasFailed(this.#stage)) return;
    const { outcome, asked } = core;
    const found = this.#reading.kind === "read" ? this.#reading.found : undefined;
    const isAdopted = this.#reading.kind === "read" && this.#reading.begins !== undefined;
    if (!outcome && !asked && !found && !isAdopted) return;
    if (isAdopted && !asked && isForEverybody(headers, this.#parts.settings.clock.now())) return;
    const { settings, view } = this;
    const reply = { settings, view, cookie: this.#cookie, found, outcome, asked };
    if (outcome && !settings.replyWriter) warnIfDropped(settings, view, this.#cookie, this.#parts.settings.emit);
    (settings.replyWriter ?? writeReply)(reply, headers);
    if (outcome === "removal" || (isAdopted && outcome)) removeOldCookies(settings.adopt, view, headers);
  }

  /**
   * Called at the end of the body: stores the changes made since the response began. If that fails, the response is
   * aborted with an event. Later changes of the handler are refused. May be called more than once.
   *
   * @returns undefined if there is nothing to wait for
   */
  finish(): Promise<void> | undefined {
    if (isOver(this.#stage)) return this.#work;
    const core = this.#core;
    const isDue = core !== undefined && !hasFailed(this.#stage) && mayHaveChanged(core);
    this.#enter("end");
    return isDue ? (this.#work = this.#orReport(core, this.#persist(core))) : undefined;
  }

  /**
   * The client has disconnected and the response has not begun. The changes so far are stored now, because the handler
   * may never respond. It may continue, and its later changes are stored with its response, which no client receives.
   * So nothing is stored for a visitor. Failures are events.
   */
  abandon(): void {
    if (!isOpen(this.#stage)) return this.#finishAbandoned();
    this.#enter("abandon");
    const core = this.#core;
    if (core && mayHaveChanged(core))
      this.#persist(core)?.catch((cause: unknown) => this.#reportUnsaved(core, cause));
  }

  /**
   * The connection has become a socket: the changes so far are stored. The session can be changed and saved as long as
   * the socket exists.
   *
   * @returns undefined if there is nothing to wait for
   */
  handOver(): Promise<void> | undefined {
    const core = this.#core;
    return core && mayHaveChanged(core) ? this.#persist(core) : undefined;
  }

  /** A client that disconnects must not make its handler throw: its later changes to a stored session are saved. */
  changedLate(): void {
    const core = this.#core!;
    if (this.host?.isGone && core.isStored) return void this.#saveLate(core);
    if (!reportedLate.has(core)) core.reportLateChange();
    reportedLate.add(core);
  }

  persisted(): void {
    if (this.host?.headersAtOnce) this.writeHeaders(this.host.headersAtOnce);
  }

  /** Emits an event if the request has ended and changes were neither saved nor released. */
  reportUnsaved(): void {
    if (this.#core && this.#core.phase !== "released") this.#core.reportUnsaved();
  }

  get #core(): SessionCore | undefined {
    const reading = this.#reading;
    return reading.kind === "read" && reading.session ? coreOf(reading.session) : undefined;
  }

  get #isVisitor(): boolean {
    return this.#reading.kind !== "read" || this.#reading.loaded.kind !== "live";
  }

  #read(): Promise<void> | undefined {
    try {
      const opening = readOpening(this.settings, this.#parts, this.view);
      if (!isPromise(opening)) return this.#opened(opening);
      const done = opening.then(
        (one) => this.#opened(one),
        (error: unknown) => this.#failToRead(error),
      );
      this.#reading = { kind: "reading", done };
      return done;
    } catch (error) {
      return this.#failToRead(error);
    }
  }

  #failToRead(error: unknown): never {
    this.#reading = { kind: "failed", error };
    throw error;
  }

  /** The session is created when a handler uses it, unless the response depends on it anyway. */
  #opened(opening: Opening): undefined {
    this.#reading = opening;
    const isDue = cameByUrl(opening.found) || opening.begins !== undefined || this.#isDue(opening);
    if (isDue) this.host?.hold?.();
    if (!isDue && !this.host?.opened) return;
    const session = this.#sessionOf(opening);
    this.host?.opened?.(session, this.view);
  }

  /** True if there is something to store or to send although no handler asks for the session. */
  #isDue({ loaded }: Opening): boolean {
    if (loaded.kind === "absent") return this.settings.storesNew;
    if (loaded.kind !== "live") return true;
    const { settings } = this.#parts;
    return deadlineIsDue(settings, loaded, idleLength(settings, loaded.record), settings.clock.now());
  }

  #sessionOf(opening: Opening): StoredSession<any> {
    const { loaded, token, at, begins } = opening;
    return (opening.session ??= makeSession(new SessionCore(this.#parts, loaded, token, this, at, begins)));
  }

  /** A listener that throws while it logs a response would end the process: it gets an empty session. */
  #unloaded(): StoredSession<any> {
    if (isOver(this.#stage) || this.host?.isOver) return this.nothing;
    throw this.#reading.kind === "failed" ? this.#reading.error : notLoaded();
  }

  /**
   * Stores the changes after the session methods have completed. From then on no new token can be sent, unless the
   * client has disconnected before.
   */
  #persist(core: SessionCore, mayWait?: () => boolean): Promise<void> | undefined {
    const work = begun(core, mayWait);
    if (work) return (this.#work = this.#settling(work));
    if (this.#stage === "saving") this.#enter("respond");
    return undefined;
  }

  async #settling(work: Promise<void>): Promise<void> {
    try {
      await work;
      if (this.#stage === "saving") this.#enter("respond");
    } catch (error) {
      this.#enter("fail");
      throw error;
    } finally {
      if (!isOver(this.#stage)) this.#work = undefined;
    }
  }

  async #orReport(core: SessionCore, work: Promise<void> | undefined): Promise<void> {
    try {
      await work;
    } catch (cause) {
      this.#reportUnsaved(core, cause);
      throw cause;
    }
  }

  #reportUnsaved(core: SessionCore, cause: unknown): void {
    this.#parts.settings.emit({ type: "unsaved", id: core.id, cause });
  }

  #finishAbandoned(): void {
    const finish = (): void => void this.finish()?.catch(() => {});
    if (this.#work && !isOver(this.#stage)) void this.#work.then(finish, () => {});
    else finish();
  }

  async #saveLate(core: SessionCore): Promise<void> {
    await this.#work?.catch(() => {});
    await Promise.resolve();
    try {
      await begun(core);
    } catch (cause) {
      this.#reportUnsaved(core, cause);
    }
  }

  #enter(event: StageEvent): void {
    this.#stage = after(this.#stage, event);
  }
}

/** The request of a session that accepts no change. */
const NO_REQUEST: SessionRequest = {
  phase: "over",
  carrier: "none",
  storesNew: false,
  movesWhenSaved: false,
  isAbandoned: false,
  takesLateChanges: false,
  drawToken: () => undefined,
  changedLate: () => {},
  persisted: () => {},
};

/** Commits a session after its methods have completed; undefined if there is nothing to wait for. */
function begun(core: SessionCore, mayWait?: () => boolean): Promise<void> | undefined {
  try {
    return core.isUnsettled ? afterMethods(core) : committed(core, mayWait);
  } catch (error) {
    return Promise.reject(error);
  }
}

async function afterMethods(core: SessionCore): Promise<void> {
  await core.methods.settled();
  await committed(core);
}

function committed(core: SessionCore, mayWait?: () => boolean): Promise<void> | undefined {
  return core.phase === "released" ? undefined : core.commit("end", mayWait);
}

/** True if it cannot be determined, because a value cannot be stored. */
function mayHaveChanged(core: SessionCore): boolean {
  try {
    return hasUnsaved(core);
  } catch {
    return true;
  }
}

function hasUnsaved(core: SessionCore): boolean {
  return core.isUnsettled || (core.phase !== "released" && core.asked && !core.ended && core.hasChanges);
}

/** The error for a request without a session. */
export function noSession(): SessionError {
  return new SessionError(
    "no-session",
    "there is no session here: the middleware is not mounted on this route, or skipped this request; mount it " +
      "before what uses the session",
  );
}

/** The error for a session that is not loaded yet. */
function notLoaded(): SessionError {
  return new SessionError(
    "not-loaded",
    'the session is not loaded yet: with load: "lazy" write await loadSession(…) first',
  );
}

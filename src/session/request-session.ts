import type { StoredSession, Store } from "../contracts/session-api.js";
import type { CookieSettings } from "../cookie/write.js";
import { SessionError } from "../errors.js";
import { isForEverybody } from "../http/caching.js";
import type { AnswerHeaders, RequestView } from "../http/request-view.js";
import { isPromise } from "../util/promise.js";
import { answer, cameByUrl } from "./answering.js";
import { SessionCore, type StoreParts } from "./core.js";
import { warnIfDropped } from "./dropped-cookies.js";
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
  /** The session is there: for frameworks that keep it in a place of their own. */
  opened?(session: StoredSession<any>, view: RequestView): void;
  /** Headers in which the client learns at once what a verb has persisted (store pattern). */
  readonly headersAtOnce?: AnswerHeaders;
  /** Whether only listeners can use the session: the response has ended, or its client is gone. */
  readonly isOver?: boolean;
  /** Whether a listener of the response, or a callback, is running: what it throws, nobody catches. */
  readonly isListening?: boolean;
  /** Whether the client has left before everything was sent. */
  readonly isGone?: boolean;
}

/** How far the session of a request is read. */
type Reading =
  | { readonly kind: "unread" }
  | { readonly kind: "reading"; readonly done: Promise<void> }
  | { readonly kind: "failed"; readonly error: unknown }
  | Opening;

const UNREAD: Reading = { kind: "unread" };

const reportedLate = new WeakSet<SessionCore>();

/**
 * The session of one request and its response: reads it, persists what became of it, and only then says what the
 * client must learn. The adapter calls `load`, `commit`, `answer` and `finish` at its own moments. Each of them
 * returns nothing if there is nothing to wait for, so that a request that only reads makes no promise of its own.
 */
export class RequestSession implements SessionRequest {
  readonly settings: RequestSettings;
  readonly view: RequestView;
  host: ResponseHost | undefined;
  readonly #parts: StoreParts;
  readonly #cookie: CookieSettings;
  #reading: Reading = UNREAD;
  #session: StoredSession<any> | undefined = undefined;
  #stage: Stage;
  /** The commit that is under way, or the finish. */
  #work: Promise<void> | undefined = undefined;

  /**
   * @param settings - of its middleware
   * @param store - where it is stored
   * @param view - the request
   * @param canCarry - whether a response can carry a new token; that to a request which becomes a socket cannot
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

  /** The session, for a handler. Throws the failure that kept it from being loaded, or `not-loaded`. */
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

  /** Whether it has finished, or could not be loaded: a middleware that meets the request again starts a new one. */
  get isDone(): boolean {
    return isOver(this.#stage) || this.#reading.kind === "failed";
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

  get isAbandoned(): boolean {
    return this.#stage === "abandoned";
  }

  get takesLateChanges(): boolean {
    return this.host?.isListening === true || this.host?.isGone === true;
  }

  /** Whether the handler may still change the session while the body is being sent. */
  get mayChange(): boolean {
    return this.#core?.isStored === true && !hasFailed(this.#stage) && !isOver(this.#stage);
  }

  /** The session for a handler; a second call returns the same. Throws or rejects if the storage fails. */
  open(): StoredSession<any> | Promise<StoredSession<any>> {
    this.host?.hold?.();
    const loading = this.load();
    return loading ? loading.then(() => this.session) : this.session;
  }

  /**
   * Loads before a handler asks. For a visitor without a session, none is made until a handler asks, and the response
   * is not held.
   */
  load(): Promise<void> | undefined {
    const reading = this.#reading;
    if (reading.kind === "unread") return this.#read();
    if (reading.kind === "failed") throw reading.error;
    return reading.kind === "reading" ? reading.done : undefined;
  }

  /** Forgets a released session, so that it is loaded again; then opens it. */
  reopen(): StoredSession<any> | Promise<StoredSession<any>> {
    if (this.#core?.phase === "released") {
      this.#reading = UNREAD;
      this.#session = undefined;
    }
    return this.open();
  }

  /**
   * Before the first byte: waits for verbs that are running and persists. Who calls it meanwhile waits for the same
   * work. If it fails, it rejects; then nothing more is persisted, and the response carries no token.
   *
   * @param canCarry - false if the response (a bare error) cannot carry a token
   * @param headers - those of the response as the handler made it: a publicly cacheable response in which nobody used
   *   the session is left alone, and a refresh that is due waits for another one
   */
  commit(canCarry: boolean = true, headers?: AnswerHeaders): Promise<void> | undefined {
    if (!isOpen(this.#stage)) return isOver(this.#stage) ? undefined : this.#work;
    if (this.#work) return this.#work.catch(() => {}).then(() => this.commit(canCarry, headers));
    const core = this.#core;
    this.#enter(core && canCarry && this.carrier === "answer" ? "save" : "answer");
    if (!core) return undefined;
    return this.#persist(
      core,
      headers && !core.asked ? () => isForEverybody(headers, this.#parts.settings.clock.now()) : undefined,
    );
  }

  /** Writes what the client must learn into the headers of a response that is about to begin. */
  answer(headers: AnswerHeaders): void {
    const core = this.#core;
    if (!core || hasFailed(this.#stage)) return;
    const { outcome, asked } = core;
    const found = this.#reading.kind === "read" ? this.#reading.found : undefined;
    if (!outcome && !asked && !found) return;
    if (outcome) warnIfDropped(this.settings, this.view, this.#cookie, this.#parts.settings.emit);
    answer({ settings: this.settings, view: this.view, cookie: this.#cookie, found, outcome, asked }, headers);
  }

  /**
   * At the end of the body: persists what changed since the response began. If that fails, the response is broken off
   * and an event says why. What the handler changes from now on is refused. May be called more than once.
   */
  finish(): Promise<void> | undefined {
    if (isOver(this.#stage)) return this.#work;
    const core = this.#core;
    const isDue = core !== undefined && !hasFailed(this.#stage) && mayHaveChanged(core);
    this.#enter("end");
    return isDue ? (this.#work = this.#orReport(core, this.#persist(core))) : undefined;
  }

  /**
   * The client has left and the response has not begun. What changed so far is persisted now, since the handler may
   * never answer; it may go on, and what it changes then is persisted with its response, which reaches nobody. So
   * nothing is stored for a visitor. Failures are events.
   */
  abandon(): void {
    if (!isOpen(this.#stage)) return this.#finishAbandoned();
    this.#enter("abandon");
    const core = this.#core;
    if (core && mayHaveChanged(core))
      this.#persist(core)?.catch((cause: unknown) => this.#reportUnsaved(core, cause));
  }

  /**
   * The connection has become a socket: what changed so far is persisted. The session can be changed and saved for as
   * long as the socket lives.
   */
  handOver(): Promise<void> | undefined {
    const core = this.#core;
    return core && mayHaveChanged(core) ? this.#persist(core) : undefined;
  }

  /**
   * A client that leaves must not make its handler throw in the middle of its work: what that still changes in a
   * stored session is saved.
   */
  changedLate(): void {
    const core = this.#core!;
    if (this.host?.isGone && core.isStored) return void this.#saveLate(core);
    if (!reportedLate.has(core)) core.reportLateChange();
    reportedLate.add(core);
  }

  persisted(): void {
    if (this.host?.headersAtOnce) this.answer(this.host.headersAtOnce);
  }

  /** An event, if the request has ended and changes were neither saved nor released. */
  reportUnsaved(): void {
    if (this.#core && this.#core.phase !== "released") this.#core.reportUnsaved();
  }

  get #core(): SessionCore | undefined {
    return this.#session && coreOf(this.#session);
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

  /** A visitor's session is made when a handler asks for it, unless the response depends on it anyway. */
  #opened(opening: Opening): undefined {
    this.#reading = opening;
    const isIdle = opening.loaded.kind === "absent" && !this.settings.storesNew && !cameByUrl(opening.found);
    if (!isIdle) this.host?.hold?.();
    if (isIdle && !this.host?.opened) return;
    const session = this.#sessionOf(opening);
    this.host?.opened?.(session, this.view);
  }

  #sessionOf({ loaded, token, at }: Opening): StoredSession<any> {
    return (this.#session ??= makeSession(new SessionCore(this.#parts, loaded, token, this, at)));
  }

  /** A listener that throws while it logs a response would end the process: it is given an empty session. */
  #unloaded(): StoredSession<any> {
    if (isOver(this.#stage) || this.host?.isOver) return this.nothing;
    throw this.#reading.kind === "failed" ? this.#reading.error : notLoaded();
  }

  /** Persists once the verbs are done. From then on no new token can be carried, unless the client has left before. */
  #persist(core: SessionCore, mayWait?: () => boolean): Promise<void> | undefined {
    const work = begun(core, mayWait);
    if (work) return (this.#work = this.#settling(work));
    if (this.#stage === "saving") this.#enter("answer");
    return undefined;
  }

  async #settling(work: Promise<void>): Promise<void> {
    try {
      await work;
      if (this.#stage === "saving") this.#enter("answer");
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
  carrier: "nobody",
  storesNew: false,
  isAbandoned: false,
  takesLateChanges: false,
  changedLate: () => {},
  persisted: () => {},
};

/** The commit of a session, once its verbs are done; nothing if there is nothing to wait for. */
function begun(core: SessionCore, mayWait?: () => boolean): Promise<void> | undefined {
  try {
    return core.isUnsettled ? afterVerbs(core) : committed(core, mayWait);
  } catch (error) {
    return Promise.reject(error);
  }
}

async function afterVerbs(core: SessionCore): Promise<void> {
  await core.verbs.settled();
  await committed(core);
}

function committed(core: SessionCore, mayWait?: () => boolean): Promise<void> | undefined {
  return core.phase === "released" ? undefined : core.commit("end", mayWait);
}

/** True if it cannot be found out, because somebody put a value into it that cannot be stored. */
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

/** There is no session for this request. */
export function noSession(): SessionError {
  return new SessionError(
    "no-session",
    "there is no session here: the middleware is not mounted on this route, or skipped this request",
  );
}

/** The session was not loaded yet. */
function notLoaded(): SessionError {
  return new SessionError(
    "not-loaded",
    'the session is not loaded yet: with load: "lazy" write await loadSession(…) first',
  );
}

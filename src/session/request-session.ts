import type { AbsentReason } from "../contracts/events.js";
import type { StoredSession, Store } from "../contracts/session-api.js";
import { SessionError } from "../errors.js";
import type { Found } from "../extractors/extractor.js";
import { isForEverybody } from "../http/caching.js";
import { isBrowserOnPlainHttp } from "../http/local.js";
import type { AnswerHeaders, RequestView } from "../http/request-view.js";
import { warn } from "../util/builtin.js";
import { isPromise } from "../util/promise.js";
import { answer, cameByUrl, isSecure } from "./answering.js";
import { SessionCore, type Phase, type StoreParts } from "./core.js";
import type { Carrier, LateChanges } from "./outcome.js";
import { ABSENT, type Loaded } from "./records.js";
import type { RequestSettings } from "./request-options.js";
import { makeSession } from "./session.js";
import { partsOf } from "./store.js";
import { hashOf, idOf } from "./token.js";

/** What can make an answer wait for what becomes of the session. */
export interface Holder {
  /** From now on no byte goes out before the session is stored. Where the first is out already, that is over. */
  hold(): void;
  /** Whether only listeners can ask for the session any more: the answer has ended, or its client is gone. */
  readonly isOver?: boolean;
  /** Whether a listener of the answer, or a callback, is running: it has nobody to throw at. */
  readonly isListening?: boolean;
  /** Whether the client has left before everything was sent. */
  readonly isGone?: boolean;
}

/**
 * For this long after a renewal a request with the old token was on its way: it must not replace the new cookie. In
 * ms.
 */
const LATE_MS = 30_000;

const warned = new WeakSet<RequestSettings>();

/**
 * One request and its answer: opens the session, persists what became of it, and only then says what the client is to
 * be told. The framework's adapter calls `open`, `commit`, `answer` and `finish` at its own moments. Each of them is
 * done at once where there is nothing to wait for, so that a request that only looks makes no promise of its own.
 */
export class RequestSession implements LateChanges {
  readonly settings: RequestSettings;
  readonly view: RequestView;
  /** Told of the session once it is loaded, where a framework keeps it in a place of its own. */
  onOpen: ((session: StoredSession<any>) => void) | undefined;
  /**
   * Asked to hold the answer once there may be something to store or to tell: most often when a handler first gets
   * hold of the session.
   */
  holder: Holder | undefined;
  /** The request session of the same request that was begun before this one. */
  outer: RequestSession | undefined;
  /** Whether a middleware began it; else it was opened by hand. */
  isMounted = false;
  /** Whether the client left before its handler had answered. */
  isAbandoned = false;
  readonly #store: Store<any>;
  readonly #parts: StoreParts;
  readonly #carrier: Carrier;
  #found: Found | undefined;
  #token: string | undefined;
  #loading: Promise<void> | undefined;
  #loaded: Loaded | undefined;
  #loadedAt: number | undefined;
  #core: SessionCore | undefined;
  #session: StoredSession<any> | undefined;
  #phase: Phase = "open";
  #hasFailed = false;
  #isHeld = false;
  #loadFailure: { readonly error: unknown } | undefined;
  #committing: Promise<void> | undefined;
  #finishing: Promise<void> | undefined;
  #savingLate: Promise<void> | undefined;

  constructor(settings: RequestSettings, store: Store<any>, view: RequestView, carrier: Carrier = "answer") {
    this.settings = settings;
    this.view = view;
    this.onOpen = undefined;
    this.holder = undefined;
    this.outer = undefined;
    this.#store = store;
    this.#parts = partsOf(store)!;
    this.#carrier = carrier;
    if (carrier === "nobody") this.#phase = "answered";
  }

  /** The session, for a handler. Throws what kept it from being loaded, or `not-loaded`. */
  get session(): StoredSession<any> {
    return this.found ?? this.#unloaded();
  }

  /** The session, or undefined where it is not loaded. */
  get found(): StoredSession<any> | undefined {
    if (!this.#loaded) return undefined;
    this.#hold();
    return this.#made;
  }

  /**
   * A session of nothing, in which nothing can be written: for what only reports of a request, and must not end it.
   */
  get nothing(): StoredSession<any> {
    const core = new SessionCore(this.#parts, ABSENT, undefined, "nobody");
    core.phase = "over";
    return makeSession(core, this.#store);
  }

  /** Whether it is done with its request, or never came to it: whoever meets its middleware again begins anew. */
  get isDone(): boolean {
    return this.#phase === "over" || this.#loadFailure !== undefined;
  }

  /** The session for a handler; a second call answers the same. Throws or rejects where the storage fails. */
  open(): StoredSession<any> | Promise<StoredSession<any>> {
    this.#hold();
    const loading = this.load();
    return loading ? loading.then(() => this.#made) : this.#made;
  }

  /**
   * Loads before a handler asks. For a visitor without a session nothing is made until one does, and the answer is
   * not held.
   */
  load(): Promise<void> | undefined {
    if (this.#loaded) return undefined;
    try {
      return this.#loading ?? this.#find();
    } catch (error) {
      return this.#failToLoad(error);
    }
  }

  #failToLoad(error: unknown): never {
    this.#loadFailure = { error };
    throw error;
  }

  /**
   * A listener that throws while it logs what was answered would end the process: it is given a session of nothing.
   */
  #unloaded(): StoredSession<any> {
    if (this.#phase === "over" || this.holder?.isOver) return this.nothing;
    throw this.#loadFailure ? this.#loadFailure.error : notLoaded();
  }

  /** An event, if the request has ended and changes were neither saved nor released. */
  reportUnsaved(): void {
    if (this.#core && this.#core.phase !== "released") this.#core.reportUnsaved();
  }

  /** Forgets a released session, so that the next `open` loads anew. */
  reopen(): StoredSession<any> | Promise<StoredSession<any>> {
    if (this.#core?.phase === "released") this.#loading = this.#loaded = this.#core = this.#session = undefined;
    return this.open();
  }

  /**
   * Before the first byte: waits for verbs under way and persists; nothing to wait for where nothing is persisted.
   * Whoever comes while that is under way waits for the same. Where it fails, it rejects; then nothing more is
   * persisted and the answer carries nothing. `canCarry` is false where an answer (a bare error) cannot bring a
   * token.
   * `headers` are those of the answer as the handler made it: one that everybody may have is left alone where nobody
   * asked for the session, and what is due waits for another.
   */
  commit(canCarry: boolean = true, headers?: AnswerHeaders): Promise<void> | undefined {
    if (this.#phase !== "open") return this.#committing;
    if (this.#committing) return this.#committing.catch(() => {}).then(() => this.commit(canCarry, headers));
    this.#enter("answered");
    const core = this.#core;
    if (!core) return undefined;
    if (!canCarry || (this.isAbandoned && this.#loaded?.kind !== "live")) core.carrier = "nobody";
    return (this.#committing = this.#persist(
      core,
      headers && !core.asked ? () => isForEverybody(headers, this.#parts.settings.clock.now()) : undefined,
    ));
  }

  /** Writes what the client is to be told into the headers of an answer that is about to begin. */
  answer(headers: AnswerHeaders): void {
    const core = this.#core;
    if (!core || this.#hasFailed) return;
    const { outcome, asked } = core;
    if (!outcome && !asked && !this.#found) return;
    const answering = { settings: this.settings, view: this.view, found: this.#found, outcome, asked };
    if (outcome) this.#warnOfPlainHttp(answering);
    answer(answering, headers);
  }

  /**
   * At the end of the body: persists what changed since the answer began. Nothing to wait for where nothing changed.
   * Where it fails the answer is broken off, and an event says why. A client that goes at the very end may have it
   * called twice.
   */
  finish(): Promise<void> | undefined {
    if (this.#phase === "over" || this.#finishing) return this.#finishing;
    const core = this.#core;
    if (core !== undefined && !this.#hasFailed && mayHaveChanged(core)) this.#finishing = this.#finish(core);
    else this.#enter("over");
    return this.#finishing;
  }

  get takesLateChanges(): boolean {
    return this.holder?.isListening === true || this.holder?.isGone === true;
  }

  /**
   * A client that leaves must not make a handler throw in the midst of its work: what that still changes in a stored
   * session is saved.
   */
  changedLate(): void {
    const core = this.#core!;
    if (!this.holder?.isGone || !core.isStored) return core.changeTooLate();
    if (!this.#savingLate) this.#savingLate = this.#saveLate(core);
  }

  async #saveLate(core: SessionCore): Promise<void> {
    await this.#finishing?.catch(() => {});
    await Promise.resolve();
    this.#savingLate = undefined;
    try {
      await begun(core, undefined);
    } catch (cause) {
      this.#parts.settings.emit({ type: "unsaved", id: core.id, cause });
    }
  }

  /**
   * The client is gone and no answer was begun. What changed so far is persisted now, since the handler may never
   * answer; it may go on, and what it does then is persisted with its answer, though that reaches nobody. So nothing
   * is stored for a visitor. Failures are events.
   */
  abandon(): void {
    const core = this.#core;
    const finish = (): void => void this.finish()?.catch(() => {});
    if (this.#phase !== "open") return this.#committing ? void this.#committing.then(finish, () => {}) : finish();
    this.isAbandoned = true;
    if (!core || !(core.isUnsettled || hasUnsaved(core))) return;
    if (this.#loaded?.kind !== "live") core.carrier = "nobody";
    const { carrier } = core;
    this.#committing = this.#persist(core);
    this.#committing?.then(
      () => void (core.carrier = this.#phase === "open" ? carrier : core.carrier),
      (cause: unknown) => this.#parts.settings.emit({ type: "unsaved", id: core.id, cause }),
    );
  }

  /**
   * The connection has become a socket: what changed so far is persisted. The session can be changed and saved for as
   * long as the socket lives.
   */
  handOver(): Promise<void> | undefined {
    const core = this.#core;
    return core && (core.isUnsettled || hasUnsaved(core)) ? this.#persist(core) : undefined;
  }

  /** Whether the handler may still change the session while the body is on its way. */
  get mayChange(): boolean {
    return this.#core?.isStored === true && !this.#hasFailed && this.#phase !== "over";
  }

  /** What the handler changes from now on is refused where it is changed: nothing would save it. */
  async #finish(core: SessionCore): Promise<void> {
    this.#enter("over");
    try {
      await this.#persist(core);
    } catch (cause) {
      this.#parts.settings.emit({ type: "unsaved", id: core.id, cause });
      throw cause;
    }
  }

  #find(): Promise<void> | undefined {
    const found = this.settings.extractor.find(this.view);
    if (!isPromise(found)) return this.#follow(found);
    return (this.#loading = Promise.resolve(found)
      .then((one) => this.#follow(one))
      .catch((error: unknown) => this.#failToLoad(error)));
  }

  /** Loads what the token opens. Anything that has not the shape of one never reaches the storage. */
  #follow(found: Found | undefined): Promise<void> | undefined {
    this.#found = found;
    if (found?.duplicate) this.#emit("duplicate");
    const isToken =
      found !== undefined && found.duplicate !== "refused" && this.#parts.settings.tokens.fits(found.value);
    this.#token = isToken ? found.value : undefined;
    if (!isToken) {
      this.#reportAbsent(found ? "malformed" : "none");
      return this.#take(ABSENT);
    }
    const loaded = this.#parts.persistence.load(hashOf(found.value));
    if (!isPromise(loaded)) return this.#take(this.#usable(loaded));
    return (this.#loading = loaded.then(
      (one) => this.#take(this.#usable(one)),
      (error: unknown) => this.#failToLoad(error),
    ));
  }

  /**
   * A visitor's session is made when a handler asks for it, unless the request ends in something else without that.
   */
  #take(loaded: Loaded): undefined {
    this.#loaded = loaded;
    this.#loadedAt = loaded.kind === "absent" ? this.#parts.settings.clock.now() : undefined;
    const isIdle = loaded.kind === "absent" && !this.settings.storesNew && !cameByUrl(this.#found);
    if (isIdle && !this.onOpen) return;
    if (!isIdle) this.#hold();
    const session = this.#made;
    this.onOpen?.(session);
  }

  get #made(): StoredSession<any> {
    return (this.#session ??= this.#make());
  }

  #make(): StoredSession<any> {
    const carrier = this.#phase === "open" ? this.#carrier : "nobody";
    this.#core = new SessionCore(
      this.#parts,
      this.#loaded!,
      this.#token,
      carrier,
      this.settings.storesNew,
      this.#loadedAt,
    );
    this.#core.phase = this.#phase;
    this.#core.request = this;
    return makeSession(this.#core, this.#store);
  }

  /** A token renewed long ago is a visitor without a session, and worth an alarm. */
  #usable(loaded: Loaded): Loaded {
    if (loaded.kind === "absent") this.#reportAbsent(loaded.why);
    if (loaded.kind === "newer") this.#reportAbsent("unreadable", loaded.hash);
    if (loaded.kind === "retired") this.#reportAbsent("renewed", loaded.hash);
    if (loaded.kind !== "retired" || this.#parts.settings.clock.now() - loaded.retiredAt < LATE_MS + loaded.skew)
      return loaded;
    this.#parts.settings.emit({ type: "retired-token", id: idOf(loaded.hash) });
    return ABSENT;
  }

  #persist(core: SessionCore, mayWait?: () => boolean): Promise<void> | undefined {
    const work = begun(core, mayWait);
    if (work) return this.#ending(work, core);
    core.carrier = "nobody";
    return undefined;
  }

  async #ending(work: Promise<void>, core: SessionCore): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#hasFailed = true;
      throw error;
    } finally {
      this.#committing = undefined;
    }
    core.carrier = "nobody";
  }

  #hold(): void {
    if (this.#isHeld) return;
    this.#isHeld = true;
    this.holder?.hold();
  }

  #enter(phase: Phase): void {
    this.#phase = phase;
    if (this.#core && this.#core.phase !== "released") this.#core.phase = phase;
  }

  #warnOfPlainHttp(answering: Parameters<typeof isSecure>[0]): void {
    if (warned.has(this.settings) || !isSecure(answering) || !isBrowserOnPlainHttp(this.view)) return;
    warned.add(this.settings);
    this.#emit("insecure");
    warn(
      "holdfast: a Secure cookie was sent to a browser on plain http, which drops it; serve https, or set " +
        "cookie.secure: false",
    );
  }

  #reportAbsent(reason: AbsentReason, hash?: string): void {
    const { settings } = this.#parts;
    if (settings.hears()) settings.emit({ type: "absent", reason, ...(hash !== undefined && { id: idOf(hash) }) });
  }

  #emit(type: "duplicate" | "insecure"): void {
    this.#parts.settings.emit({ type });
  }
}

/** The commit of a session, once its verbs are done; nothing where there is nothing to wait for. */
function begun(core: SessionCore, mayWait: (() => boolean) | undefined): Promise<void> | undefined {
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

/** What cannot be looked through, since somebody put into it what cannot be stored, has changed. */
function mayHaveChanged(core: SessionCore): boolean {
  try {
    return core.isUnsettled || hasUnsaved(core);
  } catch {
    return true;
  }
}

function hasUnsaved(core: SessionCore): boolean {
  return core.phase !== "released" && core.asked && !core.ended && core.hasChanges;
}

/** A session that is not there. */
export function noSession(): SessionError {
  return new SessionError(
    "no-session",
    "there is no session here: the middleware is not mounted on this route, or skipped this request",
  );
}

/** A session that was not loaded yet. */
function notLoaded(): SessionError {
  return new SessionError(
    "not-loaded",
    'the session is not loaded yet: with load: "lazy" write await loadSession(…) first',
  );
}

import type { StoredSession, Store } from "../contracts/session.js";
import { SessionError } from "../errors.js";
import type { Found } from "../extractors/extractor.js";
import { isBrowserOnPlainHttp, type AnswerHeaders, type RequestView } from "../http/view.js";
import { warn } from "../leaves/builtin.js";
import { isPromise } from "../leaves/promise.js";
import { answer, cameByUrl, isSecure } from "./answering.js";
import { SessionCore, type Phase, type StoreParts } from "./core.js";
import type { Carrier } from "./outcome.js";
import { ABSENT, type Loaded } from "./records.js";
import type { RequestSettings } from "./request-options.js";
import { makeSession } from "./session.js";
import { partsOf } from "./store.js";
import { hashOf, idOf } from "./token.js";

/** What can make an answer wait for what becomes of the session. */
export interface Holder {
  /** From now on no byte goes out before the session is stored. Where the first is out already, that is over. */
  hold(): void;
}

/** For this long after a renewal a request with the old token was on its way: it must not replace the new cookie. In ms. */
const LATE_MS = 30_000;

const warned = new WeakSet<RequestSettings>();

/**
 * One request and its answer: opens the session, persists what became of it, and only then says what the client is to be told. The
 * framework's adapter calls `open`, `commit`, `answer` and `finish` at its own moments. Each of them is done at once where there is nothing
 * to wait for, so that a request that only looks makes no promise of its own.
 */
export class Exchange {
  readonly settings: RequestSettings;
  readonly view: RequestView;
  /** Told of the session once it is loaded, where a framework keeps it in a place of its own. */
  onOpen: ((session: StoredSession<any>) => void) | undefined;
  /** Asked to hold the answer once there may be something to store or to tell: most often when a handler first gets hold of the session. */
  holder: Holder | undefined;
  /** The exchange of the same request that was begun before this one. */
  outer: Exchange | undefined;
  /** Whether a middleware began it; else it was opened by hand. */
  isMounted = false;
  readonly #store: Store<any>;
  readonly #parts: StoreParts;
  readonly #carrier: Carrier;
  #found: Found | undefined;
  #opening: Promise<StoredSession<any>> | undefined;
  #core: SessionCore | undefined;
  #session: StoredSession<any> | undefined;
  #phase: Phase = "open";
  #hasFailed = false;
  #finishing: Promise<void> | undefined;

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

  /** The session, once it is loaded, for a handler. */
  get session(): StoredSession<any> | undefined {
    if (this.#session) this.#hold();
    return this.#session;
  }

  /** The session for a handler; a second call answers the same. Throws or rejects where the storage fails. */
  open(): StoredSession<any> | Promise<StoredSession<any>> {
    this.#hold();
    return this.load();
  }

  /** Loads the session before a handler asks. The answer is not held for a visitor in whose session nobody puts anything. */
  load(): StoredSession<any> | Promise<StoredSession<any>> {
    return this.#session ?? this.#opening ?? this.#open();
  }

  /** Forgets a released session, so that the next `open` loads anew. */
  reopen(): StoredSession<any> | Promise<StoredSession<any>> {
    if (this.#core?.phase === "released") this.#opening = this.#core = this.#session = undefined;
    return this.open();
  }

  /**
   * Before the first byte: waits for verbs under way and persists; nothing to wait for where nothing is persisted. Where it fails, it
   * rejects; then nothing more is persisted and the answer carries nothing. `canCarry` is false where an answer (a bare error) cannot bring a token.
   */
  commit(canCarry: boolean = true): Promise<void> | undefined {
    if (this.#phase !== "open") return undefined;
    this.#enter("answered");
    const core = this.#core;
    if (!core) return undefined;
    if (!canCarry) core.carrier = "nobody";
    return this.#persist(core);
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
   * At the end of the body: persists what changed since the answer began. Nothing to wait for where nothing changed. Where it fails the
   * answer is broken off, and an event says why. A client that goes at the very end may have it called twice.
   */
  finish(): Promise<void> | undefined {
    if (this.#phase === "over" || this.#finishing) return this.#finishing;
    const core = this.#core;
    const hasChanged = core !== undefined && !this.#hasFailed && (core.isUnsettled || hasUnsaved(core));
    if (hasChanged) this.#finishing = this.#finish(core);
    else this.#enter("over");
    return this.#finishing;
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

  #open(): StoredSession<any> | Promise<StoredSession<any>> {
    const found = this.settings.extractor.find(this.view);
    if (!isPromise(found)) return this.#follow(found);
    return (this.#opening = Promise.resolve(found).then((one) => this.#follow(one)));
  }

  /** Loads what the token opens. */
  #follow(found: Found | undefined): StoredSession<any> | Promise<StoredSession<any>> {
    this.#found = found;
    if (found?.duplicate) this.#emit("duplicate");
    const token = this.#token();
    if (token === undefined) return this.#begin(ABSENT, undefined);
    const loaded = this.#parts.persistence.load(hashOf(token));
    if (!isPromise(loaded)) return this.#begin(this.#usable(loaded), token);
    return (this.#opening = loaded.then((one) => this.#begin(this.#usable(one), token)));
  }

  #begin(loaded: Loaded, token: string | undefined): StoredSession<any> {
    const carrier = this.#phase === "open" ? this.#carrier : "nobody";
    this.#core = new SessionCore(this.#parts, loaded, token, carrier, this.settings.storesNew);
    this.#core.phase = this.#phase;
    this.#session = makeSession(this.#core, this.#store);
    if (loaded.kind !== "absent" || this.settings.storesNew || cameByUrl(this.#found)) this.#hold();
    this.onOpen?.(this.#session);
    return this.#session;
  }

  /** The token that was found, if it has the shape of one: anything else never reaches the storage. */
  #token(): string | undefined {
    const found = this.#found;
    if (!found || found.duplicate === "refused" || !this.#parts.settings.tokens.fits(found.value)) return undefined;
    return found.value;
  }

  /** A token renewed long ago is a visitor without a session, and worth an alarm. */
  #usable(loaded: Loaded): Loaded {
    if (loaded.kind !== "retired" || this.#parts.settings.clock.now() - loaded.retiredAt < LATE_MS) return loaded;
    this.#parts.settings.emit({ type: "retired-token", id: idOf(loaded.hash) });
    return ABSENT;
  }

  #persist(core: SessionCore): Promise<void> | undefined {
    const work = begun(core);
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
    }
    core.carrier = "nobody";
  }

  #hold(): void {
    const { holder } = this;
    this.holder = undefined;
    holder?.hold();
  }

  #enter(phase: Phase): void {
    this.#phase = phase;
    if (this.#core && this.#core.phase !== "released") this.#core.phase = phase;
  }

  #warnOfPlainHttp(answering: Parameters<typeof isSecure>[0]): void {
    if (warned.has(this.settings) || !isSecure(answering) || !isBrowserOnPlainHttp(this.view)) return;
    warned.add(this.settings);
    this.#emit("insecure");
    warn("holdfast: a Secure cookie was sent to a browser on plain http, which drops it; serve https, or set cookie.secure: false");
  }

  #emit(type: "duplicate" | "insecure"): void {
    this.#parts.settings.emit({ type });
  }
}

/** The commit of a session, once its verbs are done; nothing where there is nothing to wait for. */
function begun(core: SessionCore): Promise<void> | undefined {
  try {
    return core.isUnsettled ? afterVerbs(core) : committed(core);
  } catch (error) {
    return Promise.reject(error);
  }
}

async function afterVerbs(core: SessionCore): Promise<void> {
  await core.verbs.settled();
  await committed(core);
}

function committed(core: SessionCore): Promise<void> | undefined {
  return core.phase === "released" ? undefined : core.commit(false);
}

function hasUnsaved(core: SessionCore): boolean {
  return core.phase !== "released" && core.asked && !core.ended && core.hasChanges;
}

/** A session that is not there. */
export function noSession(): SessionError {
  return new SessionError("no-session", "there is no session here: the middleware is not mounted on this route, or skipped this request");
}

/** A session that was not loaded yet. */
export function notLoaded(): SessionError {
  return new SessionError("not-loaded", 'the session is not loaded yet: with load: "lazy" write await loadSession(…) first');
}

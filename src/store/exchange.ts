import type { StoredSession, Store } from "../contracts/session.js";
import { SessionError } from "../errors.js";
import type { Found } from "../extractors/extractor.js";
import { isBrowserOnPlainHttp, type AnswerHeaders, type RequestView } from "../http/view.js";
import { warn } from "../leaves/builtin.js";
import { answer, isSecure } from "./answering.js";
import { SessionCore, type StoreParts } from "./core.js";
import type { Carrier } from "./outcome.js";
import { ABSENT, type Loaded } from "./records.js";
import type { RequestSettings } from "./request-options.js";
import { controlOf, makeSession, type Control } from "./session.js";
import { partsOf } from "./store.js";
import { hashOf, idOf } from "./token.js";

/** For this long after a renewal a request with the old token was on its way: it must not replace the new cookie. In ms. */
const LATE_MS = 30_000;

const warned = new WeakSet<RequestSettings>();

/**
 * One request and its answer: opens the session, persists what became of it, and only then says what the client is to be told. The
 * framework's adapter calls `open`, `commit`, `answer` and `finish` at its own moments.
 */
export class Exchange {
  readonly settings: RequestSettings;
  readonly view: RequestView;
  /** Told of the session once it is loaded, where a framework keeps it in a place of its own. */
  onOpen?: (session: StoredSession<any>) => void;
  readonly #store: Store<any>;
  readonly #parts: StoreParts;
  readonly #carrier: Carrier;
  #found: Found | undefined;
  #opening: Promise<StoredSession<any>> | undefined;
  #session: StoredSession<any> | undefined;
  #phase: Control["phase"] = "open";
  #hasFailed = false;
  #finishing: Promise<void> | undefined;

  constructor(settings: RequestSettings, store: Store<any>, view: RequestView, carrier: Carrier = "answer") {
    this.settings = settings;
    this.view = view;
    this.#store = store;
    this.#parts = partsOf(store)!;
    this.#carrier = carrier;
    if (carrier === "nobody") this.#phase = "answered";
  }

  /** The session, once it is loaded. */
  get session(): StoredSession<any> | undefined {
    return this.#session;
  }

  /** Loads the session; a second call answers the same. */
  open(): Promise<StoredSession<any>> {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  /** Forgets a released session, so that the next `open` loads anew. */
  reopen(): Promise<StoredSession<any>> {
    if (this.#session && controlOf(this.#session).phase === "released") this.#opening = this.#session = undefined;
    return this.open();
  }

  /**
   * Before the first byte: waits for verbs under way and persists; nothing to wait for where no session was loaded. Where it fails, it
   * throws; then nothing more is persisted and the answer carries nothing. `canCarry` is false where an answer (a bare error) cannot bring a token.
   */
  commit(canCarry: boolean = true): Promise<void> | undefined {
    if (this.#phase !== "open") return undefined;
    this.#enter("answered");
    const control = this.#control;
    return control && this.#commit(control, canCarry);
  }

  /** Writes what the client is to be told into the headers of an answer that is about to begin. */
  answer(headers: AnswerHeaders): void {
    const core = this.#control?.core;
    if (!core || this.#hasFailed) return;
    const answering = { settings: this.settings, view: this.view, found: this.#found, outcome: core.outcome, asked: core.asked };
    if (core.outcome) this.#warnOfPlainHttp(answering);
    answer(answering, headers);
  }

  /**
   * At the end of the body: persists what changed since the answer began. Nothing to wait for where nothing changed. Where it fails the
   * answer is broken off, and an event says why. A client that goes at the very end may have it called twice.
   */
  finish(): Promise<void> | undefined {
    if (this.#phase === "over" || this.#finishing) return this.#finishing;
    const control = this.#control;
    const hasChanged = control !== undefined && !this.#hasFailed && (control.verbs.isUnsettled || this.#hasUnsaved(control));
    if (hasChanged) this.#finishing = this.#finish(control);
    else this.#enter("over");
    return this.#finishing;
  }

  /** Whether the handler may still change the session while the body is on its way. */
  get mayChange(): boolean {
    return this.#control?.core.isStored === true && !this.#hasFailed && this.#phase !== "over";
  }

  #hasUnsaved({ core, phase }: Control): boolean {
    return phase !== "released" && core.asked && !core.ended && core.hasChanges;
  }

  async #commit(control: Control, canCarry: boolean): Promise<void> {
    if (!canCarry) control.core.carrier = "nobody";
    await this.#persist(control);
    control.core.carrier = "nobody";
  }

  /** What the handler changes from now on is refused where it is changed: nothing would save it. */
  async #finish(control: Control): Promise<void> {
    this.#enter("over");
    try {
      await this.#persist(control);
    } catch (cause) {
      this.#parts.settings.emit({ type: "unsaved", id: control.core.id, cause });
      throw cause;
    }
  }

  async #open(): Promise<StoredSession<any>> {
    this.#found = await this.settings.extractor.find(this.view);
    if (this.#found?.duplicate) this.#emit("duplicate");
    const token = this.#token();
    const loaded = token === undefined ? ABSENT : this.#usable(await this.#parts.persistence.load(hashOf(token)));
    const carrier = this.#phase === "open" ? this.#carrier : "nobody";
    const opening = { loaded, carrier, storeNew: this.settings.storesNew };
    const core = new SessionCore(this.#parts, token === undefined ? opening : { ...opening, token });
    this.#session = makeSession(core, this.#store);
    this.#enter(this.#phase);
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

  async #persist(control: Control): Promise<void> {
    try {
      await control.verbs.settled();
      if (control.phase !== "released") await control.core.commit(false);
    } catch (error) {
      this.#hasFailed = true;
      throw error;
    }
  }

  #enter(phase: Control["phase"]): void {
    this.#phase = phase;
    const control = this.#control;
    if (control && control.phase !== "released") control.phase = phase;
  }

  get #control(): Control | undefined {
    return this.#session && controlOf(this.#session);
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

/** A session that is not there. */
export function noSession(): SessionError {
  return new SessionError("no-session", "there is no session here: the middleware is not mounted on this route, or skipped this request");
}

/** A session that was not loaded yet. */
export function notLoaded(): SessionError {
  return new SessionError("not-loaded", 'the session is not loaded yet: with load: "lazy" write await loadSession(…) first');
}

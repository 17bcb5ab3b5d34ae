import type { Store } from "../contracts/session-api.js";
import { SessionError } from "../errors.js";
import { milliseconds, type Duration } from "../util/time.js";
import { isPromise } from "../util/async.js";
import type { EncodedData } from "../codecs/encoded-data.js";
import type { ValueCodec } from "../codecs/value.js";
import { commit, endStored, invalid, reread, unsaved, type CommitOptions, type Committed } from "./commit.js";
import { Draft, type Taken } from "./draft.js";
import { deadlineIsDue, idleDeadline, idleLength, usualIdle } from "./expiry.js";
import type { StoreSettings } from "./options.js";
import { SchemaChecks } from "./schemas.js";
import type { Reply, Carrier, Phase, SessionRequest } from "./request-stage.js";
import type { Birth, Login, Persistence } from "./persistence.js";
import type { Loaded } from "./records.js";
import { assertReachable, impersonationOf, loginOf, returnTo, type Asked } from "./owner.js";
import { isBeginning, plan, type Beginning, type Purpose, type Situation } from "./plan.js";
import * as states from "./state.js";
import type { State, Transition } from "./state.js";
import { identityOf, idOf } from "./token.js";
import { MethodQueue } from "./method-queue.js";

/** Parts that all sessions of a store share. */
export interface StoreParts {
  /** The store, as a handler uses it. */
  readonly store: Store<any>;
  readonly settings: StoreSettings;
  readonly persistence: Persistence;
  readonly values: ValueCodec;
}

/**
 * Storage calls in progress. Changes by the handler in the meantime are noted, and applied again to the resulting
 * state.
 */
interface Flight {
  /** True if a record with a new token is being stored: a change then needs no other token. */
  readonly begins: boolean;
  readonly meanwhile: Transition[];
  /** Rejects with the failure. */
  readonly landing: Promise<void>;
}

/**
 * What a handler has done with a session; each includes the one before. A response to an `asked` one is private, and
 * the commit after a `touched` one moves its deadline, however long ago it last moved.
 */
export type Use = "unused" | "asked" | "touched";

/**
 * One session in one request: its state, its data, and the only place that stores them. Storage calls of one session
 * never overlap: a commit waits for the previous one, and continues from the state that includes the handler's
 * changes.
 */
export class SessionCore {
  readonly parts: StoreParts;
  /** Its request, if it was opened in one. */
  readonly request: SessionRequest | undefined;
  use: Use = "unused";
  #isReleased = false;
  #state: State;
  #draft: Draft;
  #methods: MethodQueue | undefined;
  #flight: Flight | undefined;

  /**
   * @param parts - what the store's sessions share
   * @param loaded - what was found when the session was opened
   * @param token - the token it was opened with, if any
   * @param request - its request, if it was opened in one
   * @param bornAt - creation time of a session that is not stored yet, in epoch ms; default: now
   * @param begins - the reply for a client that does not have its token yet
   */
  constructor(
    parts: StoreParts,
    loaded: Loaded,
    token: string | undefined,
    request: SessionRequest | undefined,
    bornAt?: number,
    begins?: Pick<states.Stored, "reply" | "known">,
  ) {
    this.parts = parts;
    this.request = request;
    this.#draft = this.#draftOf(loaded.kind === "live" ? loaded.record.data : undefined);
    const state = states.opened(loaded, token, bornAt ?? (loaded.kind === "live" ? 0 : parts.settings.clock.now()));
    this.#state = begins && state.kind === "stored" ? { ...state, ...begins } : state;
  }

  /** Which changes are possible now. */
  get phase(): Phase {
    return this.#isReleased ? "released" : (this.request?.phase ?? "open");
  }

  /** What can send a new token to the client now. */
  get carrier(): Carrier {
    return this.request?.carrier ?? "caller";
  }

  /** True if the handler used it. */
  get asked(): boolean {
    return this.use !== "unused";
  }

  /** The handler uses it. */
  ask(): void {
    if (this.use === "unused") this.use = "asked";
  }

  /** Its data for the handler. */
  get draft(): Draft {
    return this.#draft;
  }

  /** The reply for the client. */
  get outcome(): Reply {
    return this.#state.reply;
  }

  /** Its lifecycle methods in order; created at the first call. */
  get methods(): MethodQueue {
    return (this.#methods ??= new MethodQueue());
  }

  /** True if a method is in progress, or failed and no caller waited for it. */
  get isUnsettled(): boolean {
    return this.#methods?.isUnsettled === true;
  }

  /** True if the session cannot be used any more. */
  get ended(): boolean {
    return this.#state.kind === "destroyed" || this.dropped;
  }

  /** True if a save was too late. The successor of the session may be live: `destroy` and `reset` still end it. */
  get dropped(): boolean {
    return this.#state.kind === "dropped";
  }

  /** True if data or idle timeout differ from the stored ones. */
  get hasChanges(): boolean {
    return this.#draft.noteChanges() || this.#idle !== undefined;
  }

  /** True if its record is stored, or being stored, so that a change needs no new token. */
  get isStored(): boolean {
    return this.#flight?.begins === true || this.#state.kind === "stored";
  }

  /** True if its record is stored. */
  get hasRecord(): boolean {
    return this.#state.kind === "stored" || this.#state.kind === "renewing";
  }

  get fresh(): boolean {
    return states.isFresh(this.#state);
  }

  get token(): string {
    const token = states.tokenIn(this.#identified());
    if (token !== undefined) return token;
    throw new SessionError("unsupported", "the token of a session opened by its id is known only to the client");
  }

  get id(): string {
    return idOf(states.hashIn(this.#identified())!);
  }

  get createdAt(): number {
    return this.#birth.createdAt;
  }

  get absoluteExpiresAt(): number | undefined {
    return this.#birth.absolute;
  }

  /** The stored deadline, or the one at the end of this request, if it is known. */
  get idleExpiresAt(): number {
    const live = states.recordOf(this.#state);
    const next = (): number => idleDeadline(this.#now, this.#idleLength(), this.absoluteExpiresAt);
    if (!live || this.#idle !== undefined) return next();
    return this.#refresh(this.#refreshDue()) === "no" ? live.expiresAt : Math.max(next(), live.expiresAt);
  }

  get owner(): string | undefined {
    return this.#birth.owner;
  }

  /** Who acts in it, if it is an impersonation. */
  get actor(): string | undefined {
    return this.#birth.parked?.owner;
  }

  get authenticatedAt(): number | undefined {
    return this.#birth.authenticatedAt;
  }

  /**
   * The session gets this token if it is stored: its record is created if the token is new, otherwise the commit
   * throws `bad-generator`. For tokens from a verified source only.
   */
  identify(token: string): void {
    this.#apply((state) => states.identifiedBy(state, identityOf(token)));
  }

  /** Sets the idle timeout of the session, in ms, without checking it: it ends at its absolute deadline anyway. */
  useIdle(ms: number): void {
    this.#apply((state) => states.withIdle(state, ms));
  }

  setIdleTimeout(timeout: Duration): void {
    const idle = milliseconds("setIdleTimeout", timeout, 1000);
    const { createdAt, authenticatedAt = createdAt, absolute = Infinity } = this.#birth;
    assertReachable("setIdleTimeout", timeout, idle, absolute - authenticatedAt);
    this.#apply((state) => states.withIdle(state, idle));
  }

  regenerate(keep: readonly string[] | undefined): void {
    if (keep) this.#draft.keep(keep);
    this.#apply(states.regenerated);
  }

  reset(): void {
    const now = this.#now;
    this.#draft = this.#newDraft();
    this.#apply((state) => states.emptied(state, now));
  }

  /**
   * Renews the token for this owner, immediately. If it fails, the session is unchanged.
   *
   * @param at - time of the login, in epoch ms; default: now
   */
  async authenticate(owner: string, asked: Asked, at: number = this.#now): Promise<void> {
    await this.#landed();
    if (asked.actor !== undefined) return this.#impersonate(owner, asked);
    const login = loginOf(owner, asked, this.#birth, at, this.parts.settings.absolute);
    const renewed = states.regenerated(this.#state);
    const draft = this.#draft;
    const keep = login.isAnother ? [] : asked.keep;
    const emptied = keep && draft.keep(keep);
    try {
      await this.#commit(asked.terms ? states.withIdle(renewed, undefined) : renewed, "save", { login });
    } catch (error) {
      if (emptied) draft.restore(emptied);
      throw error;
    }
  }

  /** What the actor has changed so far is saved first: it belongs to the session that is set aside. */
  async #impersonate(owner: string, asked: Asked): Promise<void> {
    const login = impersonationOf(owner, asked, this.#birth, this.#now, this.parts.settings.absolute);
    if (this.hasChanges) await this.#commit(this.#state, "save");
    await this.#become(login, this.#newDraft());
  }

  /** Returns to the session that was set aside; does nothing if the session is not an impersonation. */
  async endImpersonation(): Promise<void> {
    await this.#landed();
    if (this.#state.kind === "late")
      throw new SessionError("ended", "endImpersonation: the token of this request was renewed by another request");
    const { parked } = this.#birth;
    if (parked) await this.#become(returnTo(parked), this.#newDraft(parked.data));
  }

  /** Renews the token for another person, with their data. If that fails the session is as it was. */
  async #become(login: Login, draft: Draft): Promise<void> {
    const before = this.#draft;
    this.#draft = draft;
    try {
      await this.#commit(states.withIdle(states.regenerated(this.#state), undefined), "save", { login });
    } catch (error) {
      if (this.#draft === draft) this.#draft = before;
      before.view?.replaced(this.#draft);
      throw error;
    }
  }

  async destroy(): Promise<void> {
    await this.#landed();
    if (this.#state.kind === "destroyed") return;
    if (this.#state.kind === "late")
      throw new SessionError(
        "ended",
        "destroy: the token of this request was renewed by another request; that session is not ended",
      );
    const state = this.#state;
    const stored = states.endable(state);
    if (!stored) return this.#arrive({ state: states.destroyed(state) }, this.#draft, []);
    await this.#follow(endStored(state, stored, this.parts), false);
  }

  /**
   * Stores the changes of the request; after that, `outcome` is the reply for the client.
   *
   * @param purpose - at the end of a request, or for a handler
   * @param mayWait - called before anything is stored: returns true if work that no handler requested (a refresh, a
   *   record for every visitor) can be left to another response
   * @returns undefined if there is nothing to do, or the storage is synchronous
   */
  commit(purpose: Purpose, mayWait?: () => boolean): Promise<void> | undefined {
    if (this.#flight) return this.#landed().then(() => this.commit(purpose, mayWait));
    return this.#commit(this.#state, purpose, { mayWait });
  }

  /** Saves that a value was taken from this draft, and returns it: only one of several requests gets it. */
  async saveTaken(taken: Taken, draft: Draft): Promise<unknown> {
    await this.#landed();
    if (this.ended) throw new SessionError("ended", "take: the session was ended or renewed by another request");
    if (this.#draft !== draft) return undefined;
    try {
      if (this.hasRecord && draft.hasTaken(taken)) await this.#commit(this.#state, "take");
    } catch (error) {
      draft.untake(taken);
      throw error;
    }
    return taken.value;
  }

  /** Reads the stored record again; the changes of this request are applied to it. */
  async reload(): Promise<void> {
    await this.#landed();
    const state = this.#state;
    if (state.kind === "late" || state.kind === "newer")
      throw new SessionError("ended", "reload: the session was renewed by another request");
    if (state.kind !== "stored" && state.kind !== "renewing") return;
    await this.#follow(reread(state, this.#draft, this.parts), false);
  }

  #draftOf(base: EncodedData | undefined): Draft {
    const { values, settings } = this.parts;
    const checks = settings.schemas && new SchemaChecks(settings.schemas, values, (error) => this.#leftOut(error));
    return new Draft(values, base, checks);
  }

  /** The data of another session, with the view of the present one. */
  #newDraft(base?: EncodedData): Draft {
    return this.#draftOf(base).shownInsteadOf(this.#draft);
  }

  /** Emits the event for a stored value that does not match its schema. */
  #leftOut(cause: SessionError): void {
    const { hears, emit } = this.parts.settings;
    if (hears()) emit(invalid(this.#state, cause));
  }

  /** Discards unsaved changes; emits one event if there were any. Changes in a save in progress are not affected. */
  discard(): void {
    const hasChanged = this.#flight ? this.#draft.hasUnsealed : this.#draft.discard();
    if (hasChanged) this.parts.settings.emit(unsaved(this.#state));
  }

  /** Discards unsaved changes and ends the use by a handler. */
  release(): void {
    this.discard();
    this.#isReleased = true;
  }

  /** Emits an event for a change that cannot be saved any more, if no caller can catch an exception. */
  reportLateChange(): void {
    this.parts.settings.emit(unsaved(this.#state));
  }

  /** Emits one event if there are changes that are not part of a save; they are kept. */
  reportUnsaved(): void {
    if (!this.ended && this.#draft.hasUnsealed) this.parts.settings.emit(unsaved(this.#state));
  }

  #commit(state: State, purpose: Purpose, { mayWait, login }: CommitOptions = {}): Promise<void> | undefined {
    const explicit = purpose !== "end";
    const due = this.#refreshDue();
    const changed = this.hasChanges;
    const chosen = plan(state, this.#situation(state, explicit, changed, due));
    if (chosen.do === "nothing" || mayWait?.()) return undefined;
    if (this.use === "touched") this.use = "asked";
    const beginning = isBeginning(chosen) ? this.#ready(chosen) : undefined;
    const fallback = beginning && state === this.#state ? beginning.state : this.#state;
    const { settings, persistence } = this.parts;
    const { carrier } = this;
    const draft = this.#draft;
    const work = commit(beginning ?? chosen, {
      settings,
      persistence,
      draft,
      carrier,
      explicit,
      moves: due || purpose === "save" || this.request?.movesWhenSaved === true,
      changed,
      login,
      fallback,
    });
    if (!isPromise(work)) return this.#arrive(work, draft, []);
    if (beginning) this.#state = beginning.state;
    return this.#follow(work, beginning !== undefined);
  }

  /** The same plan, with a state that has a token. */
  #ready(chosen: Beginning): Beginning {
    return states.hashIn(chosen.state) === undefined
      ? ({ ...chosen, state: states.identifiedBy(chosen.state, this.#draw()) } as Beginning)
      : chosen;
  }

  /** Waits for the storage calls, and prevents another commit in the meantime. */
  #follow(work: Promise<Committed>, begins: boolean): Promise<void> {
    const draft = this.#draft;
    const meanwhile: Transition[] = [];
    const landing = work.then((committed) => {
      this.#flight = undefined;
      this.#arrive(committed, draft, meanwhile);
    });
    this.#flight = { begins, meanwhile, landing };
    return landing;
  }

  /** Continues from the state after a commit, with the changes of the handler in the meantime. Throws the failure. */
  #arrive({ state, failure }: Committed, draft: Draft, meanwhile: readonly Transition[]): undefined {
    this.#state = meanwhile.reduce((next, apply) => apply(next), state);
    const hasEnded = state.kind === "destroyed" || state.kind === "dropped";
    if (hasEnded && this.#draft === draft) this.#draft = this.#newDraft();
    if (failure) throw failure.error;
  }

  /** Resolves when no storage call of this session is in progress. */
  async #landed(): Promise<void> {
    while (this.#flight) await this.#flight.landing.catch(() => {});
  }

  #apply(transition: Transition): void {
    this.#state = transition(this.#state);
    this.#flight?.meanwhile.push(transition);
  }

  #situation(state: State, explicit: boolean, changed: boolean, due: boolean): Situation {
    const canCarry = this.carrier !== "none";
    const mustLook = !explicit && this.carrier === "response" && states.mayBeGone(state, this.parts.persistence);
    const isStored = state.kind !== "new" && state.kind !== "replacing";
    const worthStoring = isStored || explicit || this.request?.storesNew === true || !this.#draft.empty;
    return { changed, worthStoring, explicit, refresh: this.#refresh(due), mustLook, canCarry };
  }

  #identified(): State {
    if (states.hashIn(this.#state) === undefined) {
      const identity = this.#draw();
      this.#apply((state) => states.identifiedBy(state, identity));
    }
    return this.#state;
  }

  #draw(): states.Identity {
    return identityOf(this.request?.drawToken() ?? this.parts.settings.tokens.draw());
  }

  get #idle(): number | undefined {
    const state = this.#state;
    return state.kind === "destroyed" || state.kind === "dropped" ? undefined : state.idle;
  }

  get #birth(): Birth {
    return states.birthOf(this.#state, this.parts.settings.absolute);
  }

  #idleLength(): number {
    const { settings } = this.parts;
    if (this.#idle !== undefined) return this.#idle;
    const live = states.recordOf(this.#state);
    return live ? idleLength(settings, live.record) : usualIdle(settings, undefined);
  }

  #refreshDue(): boolean {
    const state = this.#state;
    if (state.kind !== "stored") return false;
    return this.use === "touched" || deadlineIsDue(this.parts.settings, state.live, this.#idleLength(), this.#now);
  }

  #refresh(due: boolean): "no" | "touch" | "save" {
    const state = this.#state;
    if (!due || state.kind !== "stored" || this.carrier !== "response" || !state.refreshes) return "no";
    if (this.parts.persistence.refreshPauses.includes(state.live.hash, this.#now)) return "no";
    return state.live.record.promised === undefined ? "touch" : "save";
  }

  get #now(): number {
    return this.parts.settings.clock.now();
  }
}

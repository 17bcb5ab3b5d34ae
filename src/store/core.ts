import { SessionError } from "../errors.js";
import { milliseconds, type Duration } from "../leaves/duration.js";
import { andThen } from "../leaves/promise.js";
import type { SessionInfo } from "../contracts/session.js";
import type { ValueCodec } from "../codecs/value.js";
import { Draft } from "./draft.js";
import { idleDeadline, idleLength, refreshEvery, refreshIsDue, refreshPause, usualIdle } from "./expiry.js";
import type { StoreSettings } from "./options.js";
import { isRefusal, isStorageFailure, type Carrier, type LateChanges, type Outcome, type Telling } from "./outcome.js";
import type { Birth, Login, Persistence, Writing } from "./persistence.js";
import { ABSENT, type Live, type Loaded } from "./records.js";
import { loginOf } from "./owner.js";
import { plan, type Intent, type Plan } from "./plan.js";
import { drawWriteId, hashOf, idOf } from "./token.js";
import { VerbQueue } from "./verb.js";

/** What a store's sessions share. */
export interface StoreParts {
  readonly settings: StoreSettings;
  readonly persistence: Persistence;
  readonly values: ValueCodec;
}

/** What is left of a session for its handler: everything, everything that needs no new token, or nothing. */
export type Phase = "open" | "answered" | "over" | "released";

/** Why something is persisted: asked for by `save()`, a deadline that is due to move, a change. */
interface Why {
  readonly explicit: boolean;
  readonly due: boolean;
  readonly changed: boolean;
}

interface Identity {
  /** Unknown of a session opened by its id. */
  readonly token: string | undefined;
  readonly hash: string;
}

/** One session in one request: where it came from, what is to become of it, and the one place that persists it. */
export class SessionCore {
  readonly parts: StoreParts;
  readonly draft: Draft;
  phase: Phase = "open";
  carrier: Carrier;
  outcome: Outcome;
  fresh: boolean;
  /** Whether the handler used it. */
  asked = false;
  /** Its request, where it was opened in one. */
  request: LateChanges | undefined = undefined;
  /** Called when a verb has persisted something the client is to be told (store pattern: it is told at once). */
  onPersisted: (() => void) | undefined;
  #verbs: VerbQueue | undefined;
  #loaded: Loaded;
  #intent: Intent = "keep";
  #identity: Identity | undefined;
  /** When it began, if it is not stored yet. */
  #bornAt: number;
  #idle: number | undefined;
  #login: Login | undefined;
  #destroyFailed = false;
  #isBeginning = false;
  #saidTooLate = false;
  readonly #storesNew: boolean;

  /**
   * `token`: what opened it, where one did. `storesNew`: whether a session is stored although nothing was put into it. `bornAt`: when one that is not
   * stored yet began; now, where it is left out.
   */
  constructor(parts: StoreParts, loaded: Loaded, token: string | undefined, carrier: Carrier, storesNew: boolean = false, bornAt?: number) {
    const isLive = loaded.kind === "live";
    this.parts = parts;
    this.draft = new Draft(parts.values, isLive ? loaded.record.data : undefined);
    this.carrier = carrier;
    this.fresh = !isLive;
    this.#loaded = loaded;
    this.#identity = isLive ? { token, hash: loaded.hash } : undefined;
    this.#bornAt = isLive ? loaded.record.createdAt : (bornAt ?? parts.settings.clock.now());
    this.#storesNew = storesNew;
  }

  /** Its lifecycle verbs; made for the first one. */
  get verbs(): VerbQueue {
    return (this.#verbs ??= new VerbQueue());
  }

  /** Whether a verb is still under way, or failed and nobody waited for it. */
  get isUnsettled(): boolean {
    return this.#verbs?.isUnsettled === true;
  }

  /** Whether there is no session to use any more. */
  get ended(): boolean {
    return this.#intent === "ended" || this.dropped;
  }

  /** Whether a save came too late. What the session was renewed to may live on: `destroy` and `reset` still end it. */
  get dropped(): boolean {
    return this.#intent === "dropped";
  }

  /** Whether there is a record that goes on, with or without data. */
  get #isKept(): boolean {
    return this.#loaded.kind === "live" && this.#intent !== "reset";
  }

  /** Whether data or idle length differ from what is stored. */
  get hasChanges(): boolean {
    return this.draft.noteChanges() || this.#idle !== undefined;
  }

  /** Whether a record of it is stored, or just being stored, so that a change needs no new token. */
  get isStored(): boolean {
    return this.#isBeginning || (this.#loaded.kind === "live" && this.#intent === "keep");
  }

  get token(): string {
    const { token } = this.#identified();
    if (token === undefined) throw new SessionError("unsupported", "the token of a session opened by its id is known to the client alone");
    return token;
  }

  get id(): string {
    return idOf(this.#identified().hash);
  }

  get createdAt(): number {
    return this.#birth().createdAt;
  }

  get absoluteExpiresAt(): number | undefined {
    return this.#birth().absolute;
  }

  get idleExpiresAt(): number {
    if (this.#loaded.kind === "live" && this.#idle === undefined && this.#intent !== "reset") return this.#loaded.expiresAt;
    return idleDeadline(this.#now, this.#idleLength(), this.absoluteExpiresAt);
  }

  get owner(): string | undefined {
    return this.#birth().owner;
  }

  get authenticatedAt(): number | undefined {
    return this.#birth().authenticatedAt;
  }

  setIdleTimeout(timeout: Duration): void {
    this.#idle = milliseconds("setIdleTimeout", timeout, 1000);
  }

  regenerate(keep: readonly string[] | undefined): void {
    if (keep) this.draft.keep(keep);
    if (this.#intent !== "reset" && this.#loaded.kind !== "absent") this.#intent = "renew";
    this.#beginAnew();
  }

  reset(): void {
    if (this.#intent === "ended") this.#loaded = ABSENT;
    this.#intent = this.#loaded.kind === "absent" ? "keep" : "reset";
    if (this.#loaded.kind === "absent") this.outcome ??= "removal";
    this.draft.restart();
    this.#bornAt = this.#now;
    this.#idle = undefined;
    this.#beginAnew();
  }

  /** Renews the token for this owner, at once. Where that fails the session is as it was, but for what was not saved of another owner's. */
  async authenticate(owner: string, info: SessionInfo | undefined): Promise<void> {
    const [identity, intent, fresh] = [this.#identity, this.#intent, this.fresh];
    const isAnother = this.owner !== undefined && this.owner !== owner;
    this.#login = loginOf(owner, info, isAnother, this.#now, this.parts.settings.absolute);
    this.regenerate(isAnother ? [] : undefined);
    try {
      await this.commit(true);
    } catch (error) {
      if (isAnother) this.draft.discard();
      [this.#identity, this.#intent, this.fresh] = [identity, intent, fresh];
      throw error;
    } finally {
      this.#login = undefined;
    }
  }

  async destroy(): Promise<void> {
    if (this.#intent === "ended") return;
    this.#identified();
    try {
      if (this.#loaded.kind === "live" || this.#loaded.kind === "newer") await this.parts.persistence.end(this.#loaded);
    } catch (error) {
      this.#destroyFailed = true;
      this.#fail("end", error);
    }
    if (this.#loaded.kind !== "retired") this.outcome = "removal";
    this.#intent = "ended";
    this.draft.restart();
  }

  /**
   * Persists what the request did; afterwards `outcome` says what the client is to be told. Nothing to wait for where there is nothing to do. `mayWait`: whether what
   * no handler asked for (a refresh, a record for every visitor) may wait for another answer.
   */
  commit(explicit: boolean, mayWait?: () => boolean): Promise<void> | undefined {
    const due = this.#refreshDue();
    const changed = this.hasChanges;
    const chosen = plan({
      found: this.#loaded.kind,
      intent: this.#intent,
      changed,
      worthStoring: explicit || this.#storesNew || this.#isKept || !this.draft.empty,
      explicit,
      refresh: this.#refresh(due),
      canCarry: this.carrier !== "nobody",
    });
    if (chosen === "nothing" && (explicit || !this.#mayBeDead)) return undefined;
    if (mayWait?.()) return undefined;
    return this.#attempt(chosen, { explicit, due, changed });
  }

  /** A change that cannot be saved any more, where nobody is there to throw at: one event. */
  changeTooLate(): void {
    if (!this.#saidTooLate) this.#emit("unsaved");
    this.#saidTooLate = true;
  }

  /** Forgets unsaved changes; one event where there were any. */
  discard(): void {
    if (this.draft.noteChanges()) this.#emit("unsaved");
    this.draft.discard();
  }

  #attempt(chosen: Plan, why: Why): Promise<void> | undefined {
    try {
      const work = this.#carryOut(chosen, why);
      return work ? work.catch((error: unknown) => this.#failed(chosen, why, error)) : undefined;
    } catch (error) {
      return this.#failed(chosen, why, error);
    }
  }

  #failed(chosen: Plan, { explicit, changed }: Why, error: unknown): undefined {
    const isRefresh = chosen === "touch" || (chosen === "save" && !explicit && !changed);
    if (!isRefresh || !isStorageFailure(error)) this.#fail(chosen, error);
    this.#refreshFailed(error);
  }

  /** The deadline could not be moved. What was read is as good as before, so the request goes on; its client keeps the cookie it has. */
  #refreshFailed(cause: unknown): void {
    const { settings, persistence } = this.parts;
    const { hash } = this.#loaded as Live;
    const length = this.#idleLength();
    this.#afterFailure("touch", cause);
    persistence.refreshPauses.add(hash, refreshPause(refreshEvery(settings.refreshInterval, settings.idle, length), length), this.#now);
    settings.emit({ type: "refresh-failed", id: idOf(hash), cause });
  }

  #carryOut(chosen: Plan, why: Why): Promise<void> | void {
    const { persistence } = this.parts;
    const loaded = this.#loaded;
    switch (chosen) {
      case "nothing":
        return this.#lookAgain(loaded as Live);
      case "create":
        return this.#begin("new", (hash, writing) => persistence.create(hash, this.#birth(), writing));
      case "renew":
        return this.#begin("renewed", (hash, writing) => persistence.renew(loaded as Live, hash, writing));
      case "reset":
        return this.#begin("renewed", (hash, writing) => persistence.reset(loaded as Live, hash, this.#birth(), writing));
      case "save":
        return this.#save(loaded as Live, why);
      case "touch":
        return this.#touch(loaded as Live);
      case "end":
        return this.#end(loaded as Live);
      case "drop":
        return this.#drop(why.explicit);
      case "discard":
        if (why.explicit) throw new SessionError("answered", "the answer has begun: it cannot carry the token that this session needs");
        return this.discard();
    }
  }

  /** Stores a record under a token the client does not have yet. */
  async #begin(why: Telling["why"], store: (hash: string, writing: Writing) => Promise<Live>): Promise<void> {
    const identity = this.#identified();
    const writing = this.#writing(true);
    this.#isBeginning = true;
    try {
      this.#settle(await store(identity.hash, writing), writing);
    } finally {
      this.#isBeginning = false;
    }
    if (this.#identity === identity) this.#intent = "keep";
    this.#tell(why, identity);
  }

  #save(loaded: Live, { explicit, due, changed }: Why): Promise<void> | void {
    const isRefresh = !explicit && !changed;
    const writing = this.#writing(explicit || due || this.#idle !== undefined);
    return andThen(this.parts.persistence.save(loaded, writing), (live) => {
      if (live) this.#saved(live, writing);
      else if (isRefresh) this.outcome = undefined;
      else this.#gone(loaded, explicit);
    });
  }

  #saved(live: Live, writing: Writing): void {
    this.#settle(live, writing);
    if (writing.moves && writing.answers) this.#tell("refreshed", { token: this.#identity?.token, hash: live.hash });
  }

  async #touch(loaded: Live): Promise<void> {
    const live = await this.parts.persistence.touch(loaded);
    if (!live) return void (this.outcome = undefined);
    // The draft still stands on what this request read: what another stored meanwhile has to be read and merged before the next write.
    this.#loaded = live.record === loaded.record ? live : { ...live, version: undefined };
    this.#tell("refreshed", this.#identified());
  }

  async #end(loaded: Live): Promise<void> {
    await this.parts.persistence.end(loaded);
    this.#loaded = ABSENT;
    this.#intent = "keep";
    this.outcome = "removal";
  }

  /** Whether what an earlier `save()` has to tell may be dead by now: a late answer must not replace the cookie of a fresh login. */
  get #mayBeDead(): boolean {
    return typeof this.outcome === "object" && this.outcome.why === "refreshed" && this.#loaded.kind === "live";
  }

  async #lookAgain({ hash }: Live): Promise<void> {
    const found = await this.parts.persistence.load(hash);
    if (found.kind !== "live") this.outcome = undefined;
  }

  /** The session was ended or renewed while this request held it. */
  #gone(loaded: Live, explicit: boolean): void {
    this.#intent = "dropped";
    this.outcome = undefined;
    this.draft.restart();
    const isOld = this.#now - loaded.seenAt > this.parts.settings.retiredFor;
    this.#emit("dropped");
    if (explicit || isOld) throw new SessionError("ended", "the session was ended or renewed by another request; its changes were dropped");
  }

  #drop(explicit: boolean): void {
    this.draft.discard();
    this.#idle = undefined;
    this.#emit("dropped");
    if (explicit) throw new SessionError("ended", "the session was renewed by another request; its changes were dropped");
  }

  #settle(live: Live, writing: Writing): void {
    this.draft.settle(live.record.data, writing.writeId);
    this.#loaded = live;
    this.#idle = undefined;
    this.#destroyFailed = false;
  }

  #writing(moves: boolean): Writing {
    const writeId = drawWriteId();
    this.draft.seal(writeId);
    return { draft: this.draft, writeId, idle: this.#idle, moves, answers: this.carrier === "answer", login: this.#login };
  }

  #fail(chosen: Plan, error: unknown): never {
    this.#afterFailure(chosen, error);
    throw error;
  }

  /** Nobody knows whether the command took effect: read before the next one, never use a token twice, and name no token that may be dead. */
  #afterFailure(chosen: Plan, error: unknown): void {
    this.#forgetVersion();
    if (chosen === "create" || chosen === "renew" || chosen === "reset") this.#identity = undefined;
    if (chosen !== "create" && chosen !== "save" && !isRefusal(error)) this.outcome = undefined;
  }

  #forgetVersion(): void {
    if (this.#loaded.kind === "live") this.#loaded = { ...this.#loaded, version: undefined };
  }

  #tell(why: Telling["why"], { token }: Identity): void {
    if (token === undefined) return;
    const earlier = typeof this.outcome === "object" && this.outcome.token === token ? this.outcome.why : why;
    const now = this.#now;
    const lifetime = idleDeadline(now, this.#idleLength(), this.absoluteExpiresAt) - now;
    this.outcome = { token, why: earlier === "refreshed" ? why : earlier, lifetime };
  }

  #identified(): Identity {
    if (this.#identity) return this.#identity;
    const token = this.parts.settings.tokens.draw();
    this.#identity = { token, hash: hashOf(token) };
    return this.#identity;
  }

  #beginAnew(): void {
    this.#identity = undefined;
    this.fresh = true;
  }

  #birth(): Birth {
    if (this.#loaded.kind === "live" && this.#intent !== "reset") return this.#loaded.record;
    const { absolute } = this.parts.settings;
    return { createdAt: this.#bornAt, absolute: absolute === undefined ? undefined : this.#bornAt + absolute };
  }

  #idleLength(): number {
    const { settings } = this.parts;
    if (this.#idle !== undefined) return this.#idle;
    return this.#loaded.kind === "live" && this.#intent !== "reset" ? idleLength(settings, this.#loaded.record) : usualIdle(settings, undefined);
  }

  #refreshDue(): boolean {
    if (this.#loaded.kind !== "live") return false;
    const { record, expiresAt } = this.#loaded;
    const { refreshInterval, idle } = this.parts.settings;
    const [now, length] = [this.#now, this.#idleLength()];
    return refreshIsDue(record, expiresAt, idleDeadline(now, length, record.absolute), refreshEvery(refreshInterval, idle, length), now);
  }

  #refresh(due: boolean): "no" | "touch" | "save" {
    if (!due || this.carrier !== "answer" || this.#destroyFailed || this.#loaded.kind !== "live") return "no";
    if (this.parts.persistence.refreshPauses.includes(this.#loaded.hash, this.#now)) return "no";
    return this.#loaded.record.promised === undefined ? "touch" : "save";
  }

  #emit(type: "dropped" | "unsaved"): void {
    const id = this.#loaded.kind === "absent" ? undefined : idOf(this.#loaded.hash);
    this.parts.settings.emit(id === undefined ? { type } : { type, id });
  }

  get #now(): number {
    return this.parts.settings.clock.now();
  }
}

/**
 * What clients of Holdfast may see, as a plain model: a map of tokens, no storage, no versions, no retries; whatever
 * a request does to what others see happens at one moment. `history.ts` plays random histories on the model and on
 * the real code, side by side.
 */

export type Key = "a" | "b" | "n" | "list";
export type Data = { a?: number; b?: number; n?: number; list?: number[] };

/** What a handler does with its session. */
export type Verb =
  | { readonly verb: "look" | "increment" | "reset" | "destroy" | "save" }
  | { readonly verb: "set"; readonly key: Key; readonly value: number }
  | { readonly verb: "push"; readonly value: number }
  | { readonly verb: "delete"; readonly key: Key }
  | { readonly verb: "regenerate"; readonly keep?: readonly Key[] }
  | { readonly verb: "authenticate"; readonly owner: string }
  | { readonly verb: "setIdleTimeout"; readonly ms: number };

/**
 * How a session is opened. `request`: by a middleware. `by hand`: `sessions.open` in a handler where nothing is
 * mounted. `token`, `id`:
 * `store.getByToken`, `store.getById`. `edit`: `store.edit`.
 */
export type Way = "request" | "by hand" | "token" | "id" | "edit";

/** How a visit ended: what the client (or the caller of the store) was told. */
export interface Ending {
  readonly error?: string;
  /** A token with its Max-Age in seconds, "removal", or nothing. */
  readonly cookie?: Cookie | "removal";
  /** A new token, in the hands of the caller of the store. */
  readonly handed?: string;
  /** What `store.edit` answered. */
  readonly saved?: boolean;
}
export interface Cookie {
  readonly token: string;
  readonly maxAge: number;
}

export interface Times {
  readonly idle: number;
  readonly absolute: number | undefined;
  readonly refreshInterval: number;
}

/** For this long a renewed token is known to have been on its way when it was renewed, in ms. */
const LATE = 30_000;
/** By so much the clock of another server may be off, in ms. */
const SKEW = 5 * 60_000;
/** How long a session with an owner lives at most where there is no absolute timeout, in ms. */
const OWNED_FOR = 400 * 24 * 60 * 60_000;
/** A request that lasts longer than this cannot tell any more what its session was renewed to, in ms. */
const RETIRED_FOR = 15 * 60_000;

/** A session that is stored. */
export interface Session {
  data: Data;
  owner: string | undefined;
  idle: number | undefined;
  absolute: number | undefined;
  expiresAt: number;
  /** The deadline that the client's cookie has, where a job has moved that of the session since. */
  told: number | undefined;
  /** How often it was saved: a reset treats what nobody else has changed since differently. */
  saves: number;
  /** When the time of its absolute deadline began: at its birth or its last login. */
  since: number;
}

/** What a token that was renewed leaves behind. */
interface Renewed {
  readonly to: string;
  readonly at: number;
  /** Of which server's clock. */
  readonly by: number;
}

/** All that is known of every token. A token that is not there opens nothing. */
export class Model {
  readonly times: Times;
  readonly tokens: Map<string, Session | Renewed>;
  drawn = 0;

  constructor(times: Times, tokens = new Map<string, Session | Renewed>()) {
    this.times = times;
    this.tokens = tokens;
  }

  /** The same state, to go on from in another way. */
  clone(): Model {
    const copy = new Model(this.times, structuredClone(this.tokens));
    copy.drawn = this.drawn;
    return copy;
  }

  /** The session that a token opens. */
  live(token: string, now: number): Session | undefined {
    const session = this.stored(token);
    return session && !hasExpired(session, now) ? session : undefined;
  }

  /** The same, expired or not. */
  stored(token: string): Session | undefined {
    const found = this.tokens.get(token);
    return found && !("to" in found) ? found : undefined;
  }

  /** Whether a token was renewed just now, so that requests with it may be on their way. */
  isLate(token: string, now: number, server: number): boolean {
    const found = this.tokens.get(token);
    return found !== undefined && "to" in found && now - found.at < LATE + skewOf(found, server);
  }

  /** Ends what a token opens, or what it was renewed to. */
  end(token: string): void {
    const found = this.tokens.get(token);
    if (found && "to" in found) this.end(found.to);
    else this.tokens.delete(token);
  }

  /** `store.delete(id)`: answers whether there was a session. */
  revoke(token: string, now: number, server: number): boolean {
    const renewed = this.renewedTo(token, now, server);
    const found = this.live(renewed, now);
    if (this.stored(renewed)) this.end(renewed);
    return found !== undefined;
  }

  /** What a token was renewed to, and that, and so on, as long as that is remembered. */
  renewedTo(token: string, now: number, server: number): string {
    const found = this.tokens.get(token);
    const isRemembered = found && "to" in found && now - found.at < RETIRED_FOR + skewOf(found, server);
    return isRemembered ? this.renewedTo(found.to, now, server) : token;
  }

  /** `store.listByOwner(owner)`: the tokens of all live sessions of an owner. */
  ownedBy(owner: string, now: number): string[] {
    return [...this.tokens.keys()].filter((token) => this.live(token, now)?.owner === owner);
  }

  /** `store.deleteByOwner(owner)`: answers how many sessions there were. */
  revokeAll(owner: string, except: string | undefined, now: number): number {
    const live = this.ownedBy(owner, now).filter((token) => token !== except);
    for (const token of this.tokens.keys())
      if (token !== except && this.stored(token)?.owner === owner) this.end(token);
    return live.length;
  }

  /** `store.create(data)`: answers the token. */
  create(data: Data, now: number, server: number): string {
    const visit = new Visit(this, "token", undefined, now, server);
    for (const [key, value] of Object.entries(data))
      visit.do({ verb: "set", key: key as Key, value: value as number }, now);
    visit.do({ verb: "save" }, now);
    return visit.answer(now).handed!;
  }

  draw(): string {
    return `T${++this.drawn}`;
  }
}

function skewOf({ by }: Renewed, server: number): number {
  return by === server ? 0 : SKEW;
}

class Refusal extends Error {}

/** One session in one request, or in the hands of a job: opened, used, and ended. */
export class Visit {
  readonly model: Model;
  readonly way: Way;
  /** Whether there is a session to use: a store answers nothing where there is none. */
  readonly isOpen: boolean;
  readonly #brought: string | undefined;
  readonly #server: number;
  #found: "live" | "late" | "none" = "none";
  #intent: "keep" | "renew" | "reset" | "dropped" | "ended" = "keep";
  /** Whether the client may have a newer cookie, which this visit must not remove. */
  #wasLate = false;
  #token: string | undefined;
  /** The session as this visit last read or saved it. */
  #known: Session | undefined;
  #seenAt: number;
  #bornAt: number;
  #fresh: boolean;
  #destroyFailed = false;
  // What the handler sees, and how it got there: replayed on what others have saved meanwhile.
  #data: Data = {};
  #changes: ((data: Data) => Data)[] = [];
  #hasList = false;
  #idle: number | undefined;
  #outcome: { token: string; lifetime: number } | "removal" | undefined;
  #answered: Ending["cookie"];
  #handed: string | undefined;
  /** Where a new token goes: into the answer, to whoever holds the session, or nowhere any more. */
  #carrier: "response" | "caller" | "none";
  #login: string | undefined;

  constructor(model: Model, way: Way, token: string | undefined, now: number, server: number) {
    this.model = model;
    this.#server = server;
    this.way = way;
    this.#carrier = way === "request" || way === "by hand" ? "response" : "caller";
    this.#brought = token;
    this.#seenAt = this.#bornAt = now;
    const live = token === undefined ? undefined : model.live(token, now);
    this.isOpen = live !== undefined || way === "request" || way === "by hand" || token === undefined;
    this.#fresh = live === undefined;
    if (live) this.#settle(token!, live, now);
    else if (token !== undefined && model.isLate(token, now, server)) [this.#found, this.#wasLate] = ["late", true];
  }

  /** What a verb answers: `look` what is seen, the others nothing, or the code of an error. */
  do(verb: Verb, now: number): unknown {
    try {
      return this.#do(verb, now);
    } catch (error) {
      return refused(error);
    }
  }

  /** The first byte of an answer, the end of `edit`, or a release. */
  answer(now: number): Ending {
    try {
      if (this.way === "request") this.#commit(false, now);
      if (this.way === "edit") return { saved: this.#finishEdit(now) };
      if (this.way === "request") this.#answered = this.#cookie();
      return { ...(this.#answered && { cookie: this.#answered }), ...(this.#handed && { handed: this.#handed }) };
    } catch (error) {
      return { error: refused(error) };
    } finally {
      this.#carrier = "none";
    }
  }

  /** The last byte of an answer: what changed since the first is saved. */
  finish(now: number): Ending {
    try {
      if (this.#hasChanged) this.#commit(false, now);
      return {};
    } catch (error) {
      return { error: refused(error) };
    }
  }

  #do(verb: Verb, now: number): unknown {
    switch (verb.verb) {
      case "look":
        this.#hasList ||= this.#data.list !== undefined;
        return structuredClone({ ...this.#data, fresh: this.#fresh });
      case "set":
        return this.#set(verb.key, verb.value);
      case "push":
        return this.#push(verb.value);
      case "increment":
        return this.#change((data) => ({ ...data, n: (data.n ?? 0) + 1 }));
      case "delete":
        return this.#change((data) => without(data, verb.key));
      case "setIdleTimeout":
        this.#assertWritable();
        return this.#setIdle(verb.ms);
      case "regenerate":
        return this.#regenerate(verb.keep);
      case "reset":
        return this.#reset(now);
      case "destroy":
        return this.#destroy(now);
      case "save":
        this.#assertAlive();
        this.#commit(true, now);
        return this.#noteAnswer();
      case "authenticate":
        this.#authenticate(verb.owner, now);
        return this.#noteAnswer();
    }
  }

  /** An idle timeout that the absolute one would never let it reach is refused. */
  #setIdle(ms: number): void {
    const known = this.#intent === "reset" ? undefined : this.#known;
    const longest = known ? (known.absolute ?? Infinity) - known.since : (this.model.times.absolute ?? Infinity);
    if (ms > longest) throw new Refusal("range");
    this.#idle = ms;
  }

  #set(key: Key, value: number): void {
    this.#change((data) => ({ ...data, [key]: key === "list" ? [value] : value }));
    if (key === "list") this.#hasList = true;
  }

  /** A change in place: what the handler holds is saved, whatever others made of it. */
  #push(value: number): void {
    this.#assertWritable();
    const list = [...(this.#data.list ?? []), value];
    this.#change((data) => ({ ...data, list }));
    this.#hasList = true;
  }

  #change(change: (data: Data) => Data): void {
    this.#assertWritable();
    this.#changes.push(change);
    this.#data = change(this.#data);
    this.#hasList &&= this.#data.list !== undefined;
  }

  #regenerate(keep: readonly Key[] | undefined): void {
    this.#assertAlive();
    this.#assertUnanswered();
    if (keep)
      this.#change((data) => Object.fromEntries(Object.entries(data).filter(([key]) => keep.includes(key as Key))));
    if (this.#intent !== "reset" && this.#found !== "none") this.#intent = "renew";
    this.#fresh = true;
  }

  /** A login: a new token for this owner, at once. Another's data is not taken over. */
  #authenticate(owner: string, now: number): void {
    this.#assertUnanswered();
    this.#assertAlive();
    const known = this.#intent === "reset" ? undefined : this.#known?.owner;
    const isAnother = known !== undefined && known !== owner;
    const [intent, fresh, data, changes, hasList] = [
      this.#intent,
      this.#fresh,
      this.#data,
      [...this.#changes],
      this.#hasList,
    ];
    this.#regenerate(isAnother ? [] : undefined);
    this.#login = owner;
    try {
      this.#commit(true, now);
    } catch (error) {
      [this.#intent, this.#fresh, this.#data, this.#changes, this.#hasList] = [intent, fresh, data, changes, hasList];
      throw error;
    } finally {
      this.#login = undefined;
    }
  }

  #reset(now: number): void {
    this.#assertUnanswered();
    if (this.#intent === "ended") this.#found = "none";
    this.#intent = this.#found === "none" ? "keep" : "reset";
    if (this.#found === "none" && !this.#wasLate) this.#outcome ??= "removal";
    this.#forget();
    this.#bornAt = now;
    this.#idle = undefined;
    this.#fresh = true;
  }

  #destroy(now: number): void {
    if (this.#intent === "ended") return;
    if (this.#found === "late" && this.#intent === "keep") throw new Refusal("ended");
    if (this.#found === "live") this.#endIt(now);
    if (!this.#wasLate) this.#outcome = "removal";
    this.#intent = "ended";
    this.#forget();
    this.#noteAnswer();
  }

  #endIt(now: number): void {
    try {
      this.#assertTraceable(now);
    } catch (error) {
      this.#destroyFailed = true;
      throw error;
    }
    this.model.end(this.#token!);
  }

  /** What the end of a request and `save()` do. */
  #commit(explicit: boolean, now: number): void {
    if (this.#intent === "ended" || this.#intent === "dropped") return;
    const isWorthStoring = explicit || Object.keys(this.#data).length > 0;
    if (this.#found === "none") return isWorthStoring ? this.#begin(now, this.#born(now)) : undefined;
    if (this.#found === "live" && this.#intent === "renew") return this.#renew(now);
    if (this.#found === "live" && this.#intent === "reset")
      return isWorthStoring ? this.#beginInstead(now) : this.#endInstead(now);
    if (this.#found === "live") return this.#hasChanged || explicit ? this.#save(explicit, now) : this.#refresh(now);
    if (this.#intent !== "keep") return isWorthStoring ? this.#begin(now, this.#born(now)) : undefined;
    if (this.#hasChanged || explicit) this.#dropLate(explicit);
  }

  get #hasChanged(): boolean {
    return this.#changes.length > 0 || this.#idle !== undefined;
  }

  #born(now: number): Session {
    const { absolute } = this.model.times;
    return this.#dated(
      {
        data: this.#data,
        owner: undefined,
        idle: this.#idle,
        absolute: absolute === undefined ? undefined : this.#bornAt + absolute,
        since: this.#bornAt,
      },
      now,
    );
  }

  #dated(from: Pick<Session, "data" | "owner" | "idle" | "absolute" | "since">, now: number): Session {
    const login =
      this.#login === undefined
        ? {}
        : { owner: this.#login, since: now, absolute: now + (this.model.times.absolute ?? OWNED_FOR) };
    const session = { ...from, ...login };
    const expiresAt = this.#deadline(session, now);
    return { ...structuredClone(session), expiresAt, told: undefined, saves: 0 };
  }

  #begin(now: number, session: Session): void {
    this.#assertUnanswered();
    const token = this.model.draw();
    this.model.tokens.set(token, session);
    this.#settle(token, session, now);
    this.#intent = "keep";
    this.#tell(now);
  }

  #renew(now: number): void {
    const old = this.model.live(this.#token!, now);
    if (!old) return this.#refuse();
    const from = this.#token!;
    const data = this.#replayed(old.data);
    const isAnother = this.#login !== undefined && old.owner !== undefined && old.owner !== this.#login;
    // What another owner was granted is not this one's.
    this.#begin(now, this.#dated({ ...old, data, idle: this.#idle ?? (isAnother ? undefined : old.idle) }, now));
    this.model.tokens.set(from, { to: this.#token!, at: now, by: this.#server });
  }

  #beginInstead(now: number): void {
    this.#assertTraceable(now);
    const from = this.#token!;
    const isUnchanged = this.model.stored(from)?.saves === this.#known!.saves;
    if (!isUnchanged) this.model.end(from);
    if (!isUnchanged && hasExpired(this.#born(now), now)) this.#refuse();
    this.#begin(now, this.#born(now));
    if (isUnchanged) this.model.tokens.set(from, { to: this.#token!, at: now, by: this.#server });
  }

  #endInstead(now: number): void {
    this.#assertTraceable(now);
    this.model.end(this.#token!);
    this.#found = "none";
    this.#intent = "keep";
    this.#outcome = "removal";
  }

  #save(explicit: boolean, now: number): void {
    const session = this.model.live(this.#token!, now);
    if (!session) return this.#drop(explicit, now);
    const moves = explicit || this.#isDue(now) || this.#idle !== undefined;
    session.data = this.#replayed(session.data);
    session.idle = this.#idle ?? session.idle;
    if (moves) this.#move(session, now);
    session.saves++;
    this.#settle(this.#token!, session, now);
    if (moves && this.#carrier === "response") this.#tell(now);
  }

  /** Reading alone keeps a session alive; the client hears of it now and then. */
  #refresh(now: number): void {
    const session = this.model.live(this.#token!, now);
    if (!this.#isDue(now) || this.#carrier !== "response" || this.#destroyFailed)
      return session ? undefined : this.#lookAgain();
    if (!session) return void (this.#outcome = undefined);
    if (this.#known!.told !== undefined) return this.#save(false, now);
    session.expiresAt = Math.max(this.#deadline(session, now), session.expiresAt);
    this.#known = { ...this.#known!, expiresAt: session.expiresAt };
    this.#tell(now);
  }

  /** An answer does not name what a verb of this request has stored, where that is gone since. */
  #lookAgain(): void {
    if (typeof this.#outcome === "object") this.#outcome = undefined;
  }

  #move(session: Session, now: number): void {
    const [used, before] = [this.#deadline(session, now), session.expiresAt];
    session.expiresAt = this.#idle === undefined ? Math.max(used, before) : used;
    session.told = this.#carrier === "response" ? undefined : (session.told ?? before);
  }

  /** The session was ended or renewed by another: nothing is written, no cookie is set. */
  #drop(explicit: boolean, now: number): void {
    this.#intent = "dropped";
    this.#outcome = undefined;
    this.#forget();
    if (explicit || this.#isOld(now)) throw new Refusal("ended");
  }

  #dropLate(explicit: boolean): void {
    this.#forget();
    this.#idle = undefined;
    if (explicit) throw new Refusal("ended");
  }

  #isDue(now: number): boolean {
    if (!this.#known) return false;
    const { idle, refreshInterval } = this.model.times;
    const { expiresAt, told = expiresAt, absolute } = this.#known;
    const own = this.#idle ?? this.#known.idle ?? idle;
    const interval = refreshInterval * Math.min(1, own / idle);
    const next = Math.min(now + own, absolute ?? Infinity);
    const isLastStep = next === absolute && next > told && told - now <= interval;
    return next - told >= interval || isLastStep;
  }

  #assertAlive(): void {
    if (this.#intent === "ended" || this.#intent === "dropped") throw new Refusal("ended");
  }

  /** After the first byte only what needs no new token can be changed. */
  #assertWritable(): void {
    this.#assertAlive();
    if (this.#found !== "live" || this.#intent !== "keep") this.#assertUnanswered();
  }

  #assertUnanswered(): void {
    if (this.#carrier === "none") throw new Refusal("answered");
  }

  #assertTraceable(now: number): void {
    if (this.#isOld(now) && !this.model.tokens.has(this.#token!)) this.#refuse();
  }

  /** The session to renew or to end is gone: the answer names it no more. */
  #refuse(): never {
    this.#outcome = undefined;
    throw new Refusal("ended");
  }

  #isOld(now: number): boolean {
    return now - this.#seenAt > RETIRED_FOR;
  }

  #replayed(data: Data): Data {
    return this.#changes.reduce((current, change) => change(current), data);
  }

  #deadline({ idle, absolute }: Pick<Session, "idle" | "absolute">, now: number): number {
    return Math.min(now + (idle ?? this.model.times.idle), absolute ?? Infinity);
  }

  /** Goes on from what is stored now. A list in the handler's hands stays the same object. */
  #settle(token: string, session: Session, now: number): void {
    const held = this.#hasList && session.data.list ? this.#data.list : undefined;
    this.#found = "live";
    this.#wasLate = false;
    this.#token = token;
    this.#known = structuredClone(session);
    this.#data = structuredClone(session.data);
    this.#hasList = held !== undefined;
    if (held) this.#data.list = held;
    this.#changes = [];
    this.#idle = undefined;
    this.#destroyFailed = false;
    this.#seenAt = now;
  }

  #forget(data: Data = {}): void {
    this.#data = structuredClone(data);
    this.#changes = [];
    this.#hasList = false;
  }

  #tell(now: number): void {
    const session = this.model.stored(this.#token!)!;
    this.#outcome = { token: this.#token!, lifetime: this.#deadline(session, now) - now };
  }

  #noteAnswer(): void {
    this.#answered = this.#cookie();
    if (this.#carrier === "caller" && this.#token !== this.#brought) this.#handed = this.#token;
  }

  #cookie(): Ending["cookie"] {
    if (this.#carrier === "caller") return undefined;
    const outcome = this.#outcome;
    if (outcome === "removal") return this.#brought === undefined ? undefined : "removal";
    return outcome && { token: outcome.token, maxAge: Math.max(1, Math.floor(outcome.lifetime / 1000)) };
  }

  #finishEdit(now: number): boolean {
    if (this.#intent === "ended") return true;
    try {
      this.#assertAlive();
      this.#commit(true, now);
      return true;
    } catch {
      return false;
    }
  }
}

function hasExpired({ expiresAt, absolute }: Session, now: number): boolean {
  return now >= expiresAt || (absolute !== undefined && now >= absolute);
}

function without(data: Data, key: Key): Data {
  const { [key]: _, ...rest } = data;
  return rest;
}

function refused(error: unknown): string {
  if (error instanceof Refusal) return error.message;
  throw error;
}

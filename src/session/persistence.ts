import type { ListedSession, SessionInfo } from "../contracts/session-api.js";
import type { Version } from "../contracts/storage.js";
import { concerns, remember, remembers, type Parked, type SessionRecord } from "../codecs/record.js";
import { SessionError } from "../errors.js";
import { andThen } from "../util/async.js";
import { Deadline } from "./calls.js";
import { changed, endSession } from "./change.js";
import type { Draft } from "./draft.js";
import { idleDeadline, idleLength, RefreshPauses } from "./expiry.js";
import type { StoreSettings } from "./options.js";
import { Owners, type KnownList } from "./owners.js";
import { isOver, Records, type Live, type Loaded, type Newer, type Unwritten } from "./records.js";
import { idOf } from "./token.js";

/** Data of one save. */
export interface Writing {
  readonly draft: Draft;
  readonly writeId: string;
  /** The session's own idle timeout in ms, if this request set one. */
  readonly idle: number | undefined;
  /** True if the idle deadline is moved. */
  readonly moves: boolean;
  /** True if the new deadline is sent to the client. */
  readonly hasResponse: boolean;
  /** Set if this save is a login or a step-up. */
  readonly login?: Login | undefined;
}

/** Changes that a login makes to a session. */
export interface Login {
  readonly owner: string;
  readonly info?: SessionInfo | undefined;
  /** Changed fields of the record. */
  readonly birth: Partial<Birth>;
  /** Set if it begins or ends an impersonation: the data before and after have nothing in common. */
  readonly impersonation?: "begins" | "ends";
}

/** The initial fields of a new record. */
export type Birth = Pick<
  SessionRecord,
  "createdAt" | "absolute" | "idle" | "authenticatedAt" | "owner" | "lifetime" | "sessionOnly" | "parked"
>;

/**
 * The protocol that changes records: every write names the version it replaces, no write is unconditional, and if
 * another writer was faster, the changes are applied to its record. Each method is safe at any time at which its
 * commands take effect, even late.
 */
export class Persistence {
  /** Sessions that are not refreshed for now, because the last refresh failed. */
  readonly refreshPauses: RefreshPauses = new RefreshPauses();
  readonly #settings: StoreSettings;
  readonly #records: Records;
  readonly #owners: Owners;

  constructor(settings: StoreSettings) {
    this.#settings = settings;
    this.#records = new Records(settings);
    this.#owners = new Owners(settings, this.#records);
  }

  /** The current time, in the format of `known` in a state. */
  moment(): { readonly time: number; readonly calls: number } {
    return { time: this.#now, calls: this.#records.calls };
  }

  /** Reads the entry of a hash, synchronously if the storage is; expired entries are absent. */
  load(hash: string): Loaded | Promise<Loaded> {
    return this.#records.load(hash);
  }

  /** Inserts a new record. Throws `bad-generator` if the hash exists. */
  create(hash: string, birth: Birth, writing: Writing): Promise<Live> {
    return this.#introduce(hash, birth, writing, undefined, this.#deadline());
  }

  /**
   * Writes the changes; returns the stored session, or undefined if it does not exist any more. Synchronous if the
   * storage is.
   */
  save(live: Live, writing: Writing): Live | undefined | Promise<Live | undefined> {
    const deadline = this.#deadline();
    if (this.#isStale(live)) return this.#saveAnew(live.hash, writing, deadline, 0);
    return andThen(
      this.#write(live, writing, deadline),
      (written) => written ?? this.#saveAnew(live.hash, writing, deadline, 1),
    );
  }

  /** Reads, applies the changes to the stored record, and writes; `tries`: number of writes that failed before. */
  async #saveAnew(hash: string, writing: Writing, deadline: Deadline, tries: number): Promise<Live | undefined> {
    const read = (): Promise<Live | undefined> => this.#reread(hash, writing, deadline);
    const attempt = async (current: Live | undefined): Promise<Live | Gone | undefined> =>
      current ? this.#write(current, writing, deadline) : GONE;
    return found(await changed({ read, attempt, tries }, deadline));
  }

  /**
   * One attempt; returns undefined if the record has another version. If the record has the write id, the write has
   * taken effect already.
   */
  #write(current: Live, writing: Writing, deadline: Deadline): Live | undefined | Promise<Live | undefined> {
    if (remembers(current.record.writes, writing.writeId)) return current;
    return this.#records.update(this.#next(current, writing), current.version!, deadline);
  }

  /**
   * Moves the deadline of a session that is used now; returns the stored session, or undefined if it does not exist
   * any more.
   */
  async touch(live: Live): Promise<Live | undefined> {
    const deadline = this.#deadline();
    const read = (): Promise<Live | undefined> => this.#records.loadLive(live.hash, deadline);
    const attempt = async (current: Live | undefined): Promise<Live | Gone | undefined> => {
      if (!current) return GONE;
      const next = this.#idleDeadline(current.record);
      // A record that was just read is known to exist; one that this request read long ago is written to find out.
      if (current !== live && current.expiresAt >= next) return current;
      return this.#records.touch(current, Math.max(next, current.expiresAt), deadline);
    };
    return found(await changed({ read, attempt, known: this.#isStale(live) ? undefined : live }, deadline));
  }

  /**
   * Moves a session to a new hash: creates the successor, then replaces the old record by a marker. Throws `ended` if
   * another request was faster.
   */
  async renew(old: Live, hash: string, writing: Writing): Promise<Live> {
    const deadline = this.#deadline();
    const current = this.#isStale(old) ? await this.#reread(old.hash, writing, deadline) : old;
    if (!current) throw ended();
    return await this.#introduce(hash, current.record, writing, current, deadline, (successor) =>
      this.#handOver(current, successor, writing, deadline),
    );
  }

  /** Starts a session that keeps nothing of the old one, which is replaced by a marker, or ended if it has changed. */
  async reset(old: Live | Newer, hash: string, birth: Birth, writing: Writing): Promise<Live> {
    const deadline = this.#deadline();
    await this.#assertTraceable(old, deadline);
    return this.#introduce(hash, birth, writing, undefined, deadline, async (own) => {
      if (old.version !== undefined && (await this.#records.retire(old.hash, old.version, hash, deadline)))
        return own;
      await this.#endUnless(old.hash, hash, deadline);
      return this.#stillThere(own, deadline);
    });
  }

  /** Ends a session that was opened before: also a newer version of it, also its successor. */
  async end(opened: Live | Newer): Promise<void> {
    const deadline = this.#deadline();
    await this.#assertTraceable(opened, deadline);
    await this.#end(opened.hash, opened.version, deadline);
  }

  /** Ends the session of a hash, or its successor; returns true if it existed. */
  endHash(hash: string): Promise<boolean> {
    return this.#end(hash, undefined, this.#deadline());
  }

  /** Removes every record of the namespace. */
  clear(): Promise<void> {
    return this.#records.clear();
  }

  /** The live sessions of an owner. */
  listByOwner(owner: string): Promise<ListedSession[]> {
    return this.#owners.listing(owner);
  }

  /** Ends every session of an owner except one; returns how many were ended. */
  endByOwner(owner: string, except: string | undefined): Promise<number> {
    return this.#owners.endAll(owner, except);
  }

  /**
   * Stores a new record, and completes all other steps before its token is sent. A session with an owner is added to
   * the owner list first: from then on other requests may end it, so it is read once more at the end.
   */
  async #introduce(
    hash: string,
    birth: Birth,
    writing: Writing,
    old: Live | undefined,
    deadline: Deadline,
    finish?: (own: Live) => Promise<Live>,
  ): Promise<Live> {
    const record = born(birth, writing);
    const lists: KnownList[] = [];
    for (const owner of [record.parked?.owner, record.owner])
      if (owner !== undefined) lists.push(await this.#owners.find(owner, deadline));
    const own = await this.#insert(hash, record, writing, deadline);
    if (lists.length === 0 && !finish) return own;
    try {
      let isSure = lists.length === 0 || !finish;
      for (const list of lists) isSure = (await this.#enlist(list, own, old, writing, deadline)) && isSure;
      const done = finish ? await finish(own) : own;
      return isSure ? done : await this.#stillThere(done, deadline);
    } catch (error) {
      await this.#discard(own, deadline);
      throw error;
    }
  }

  #enlist(
    list: KnownList,
    own: Live,
    old: Live | undefined,
    { login }: Writing,
    deadline: Deadline,
  ): Promise<boolean> {
    const continues = old !== undefined && concerns(old.record, list.owner);
    const info = login?.owner === list.owner ? login.info : undefined;
    const from = continues ? old.hash : undefined;
    return this.#owners.enlist(list, own, { from, info, isLogin: !continues }, deadline);
  }

  async #insert(hash: string, record: SessionRecord, writing: Writing, deadline: Deadline): Promise<Live> {
    const created = await this.#created({ hash, record, expiresAt: this.#idleDeadline(record) }, writing, deadline);
    if (created) return created;
    const found = await this.#records.loadLive(hash, deadline);
    if (found && remembers(found.record.writes, writing.writeId)) return found;
    throw new SessionError(
      "bad-generator",
      "a new token exists already: keyGenerator must return a different unguessable string each time",
    );
  }

  async #created(next: Unwritten, writing: Writing, deadline: Deadline): Promise<Live | undefined> {
    try {
      return await this.#records.create(next, deadline);
    } catch (error) {
      await this.#takeBack(next.hash, writing, deadline, error);
      throw error;
    }
  }

  /** Replaces the old record by a marker; a change by another request is first merged into the successor. */
  #handOver(old: Live, successor: Live, writing: Writing, deadline: Deadline): Promise<Live> {
    let own = successor;
    const read = (): Loaded | Promise<Loaded> => this.#records.load(old.hash, deadline);
    const attempt = async (met: Loaded): Promise<Live | undefined> => {
      if (met.kind === "retired" && met.successor === own.hash) return this.#stillThere(own, deadline);
      if (met.kind !== "live") throw ended();
      if (met !== old) {
        this.#merge(met, writing);
        const record = born(met.record, writing);
        own = await this.#replace({ hash: own.hash, record, expiresAt: this.#idleDeadline(record) }, own, deadline);
      }
      return (await this.#records.retire(met.hash, met.version!, own.hash, deadline)) ? own : undefined;
    };
    return changed({ read, attempt, known: old }, deadline);
  }

  /** Writes a new record again, which no other request knows yet. */
  #replace(next: Unwritten, own: Live, deadline: Deadline): Promise<Live> {
    const read = (): Promise<Live | undefined> => this.#records.loadLive(next.hash, deadline);
    const attempt = async (met: Live | undefined): Promise<Live | undefined> => {
      if (!met) throw ended();
      return met.version === undefined ? undefined : this.#records.update(next, met.version, deadline);
    };
    return changed({ read, attempt, known: own }, deadline);
  }

  /** The response to a command was late: other requests may have followed the marker and ended the successor. */
  async #stillThere(own: Live, deadline: Deadline): Promise<Live> {
    const live = await this.#records.loadLive(own.hash, deadline);
    if (!live) throw ended();
    return live;
  }

  /**
   * If a session was opened longer ago than markers are kept, its successor is unknown: throws `ended` if nothing is
   * stored.
   */
  async #assertTraceable(opened: Live | Newer, deadline: Deadline): Promise<void> {
    const isOld = opened.kind === "live" && this.#isOld(opened, this.#now);
    if (isOld && (await this.#records.find(opened.hash, deadline)).kind === "absent") throw ended();
  }

  /** Ends the entry of a hash, unless it is the marker of the new record. */
  async #endUnless(hash: string, own: string, deadline: Deadline): Promise<void> {
    const met = await this.#records.find(hash, deadline);
    if (met.kind === "retired" && met.successor !== own) await this.#end(met.successor, undefined, deadline);
    if (met.kind === "live" || met.kind === "newer") await this.#end(hash, met.version, deadline);
  }

  /** Returns true if a session existed that had not expired. */
  #end(hash: string, version: Version | undefined, deadline: Deadline): Promise<boolean> {
    return endSession(this.#records, hash, () => this.#now, deadline, { version });
  }

  /**
   * A create that failed may have taken effect. One that timed out may still take effect: waiting longer does not
   * help.
   */
  async #takeBack(hash: string, { writeId }: Writing, deadline: Deadline, error: unknown): Promise<void> {
    if (!(error instanceof SessionError && error.code === "storage")) return;
    try {
      const own = await this.#records.loadLive(hash, deadline);
      if (own && remembers(own.record.writes, writeId)) await this.#end(hash, own.version, deadline);
    } catch (cause) {
      this.#settings.emit({ type: "unsaved", id: idOf(hash), cause });
    }
  }

  /**
   * Removes a new record after a failure: its token was never sent. It tries twice, because the first failure may
   * repeat; a record that remains is not used by any client and expires.
   */
  async #discard({ hash, version }: Live, deadline: Deadline): Promise<void> {
    try {
      await this.#end(hash, version, deadline).catch(() => this.#end(hash, undefined, deadline));
    } catch (cause) {
      this.#settings.emit({ type: "unsaved", id: idOf(hash), cause });
    }
  }

  async #reread(hash: string, writing: Writing, deadline: Deadline): Promise<Live | undefined> {
    const live = await this.#records.loadLive(hash, deadline);
    if (live && !remembers(live.record.writes, writing.writeId)) this.#merge(live, writing);
    return live;
  }

  /** Uses a record of another request as the base of the changes; not if an impersonation begins or ends. */
  #merge({ hash, record }: Live, { draft, writeId, login }: Writing): void {
    if (login?.impersonation) return;
    const overwritten = draft.rebase(record.data, writeId, (id) => remembers(record.writes, id));
    this.#settings.emit({ type: "conflict", id: idOf(hash) });
    for (const key of overwritten) this.#settings.emit({ type: "overwritten", id: idOf(hash), cause: key });
  }

  /**
   * A record that was read a while ago may be ended or renewed, or its marker removed: it is read again before
   * writing.
   */
  #isStale(live: Live): boolean {
    const now = this.#now;
    return live.version === undefined || this.#isOld(live, now) || isOver(live, now);
  }

  #isOld({ seenAt }: Live, now: number): boolean {
    return now - seenAt > this.#settings.retiredFor;
  }

  #next({ hash, record, expiresAt }: Live, writing: Writing): Unwritten {
    const next: SessionRecord = {
      ...record,
      idle: writing.idle ?? record.idle,
      promised: promised(record, expiresAt, writing),
      writes: remember(record.writes, writing.writeId),
      data: writing.draft.sealed(writing.writeId),
    };
    return { hash, record: next, expiresAt: writing.moves ? this.#moved(next, expiresAt, writing) : expiresAt };
  }

  /** A save never shortens the deadline that another request has set, unless it sets an own idle timeout. */
  #moved(next: SessionRecord, expiresAt: number, { idle }: Writing): number {
    const used = this.#idleDeadline(next);
    return idle === undefined ? Math.max(used, expiresAt) : used;
  }

  /** The idle deadline of a session that is used now. */
  #idleDeadline(record: SessionRecord): number {
    return idleDeadline(this.#now, idleLength(this.#settings, record), record.absolute);
  }

  #deadline(): Deadline {
    return new Deadline(this.#settings.clock, this.#settings.commitTimeout);
  }

  get #now(): number {
    return this.#settings.clock.now();
  }
}

/** Result of an attempt that has nothing to change any more. */
const GONE = "gone";
type Gone = typeof GONE;

function found(result: Live | Gone): Live | undefined {
  return result === GONE ? undefined : result;
}

function born(from: Birth, { draft, writeId, idle, login }: Writing): SessionRecord {
  const {
    createdAt,
    absolute,
    authenticatedAt,
    owner,
    idle: earlier,
    lifetime,
    sessionOnly,
    parked,
  } = login ? { ...from, ...login.birth } : from;
  const birth = { createdAt, absolute, authenticatedAt, owner, idle: idle ?? earlier, lifetime, sessionOnly };
  const own: SessionRecord = { kind: "record", ...birth, writes: writeId, data: draft.sealed(writeId) };
  const kept = login?.impersonation === "begins" ? parkedOf(from as SessionRecord) : parked;
  return kept ? { ...own, parked: kept } : own;
}

/** What is kept of a session that becomes an impersonation. */
function parkedOf({ owner, data, ...rest }: SessionRecord): Parked {
  const { createdAt, authenticatedAt, idle, absolute, lifetime, sessionOnly } = rest;
  return { owner: owner!, data, createdAt, authenticatedAt, idle, absolute, lifetime, sessionOnly };
}

/** If the deadline is moved without a response, the record keeps the deadline that the client knows. */
function promised(record: SessionRecord, expiresAt: number, { moves, hasResponse }: Writing): number | undefined {
  if (!moves) return record.promised;
  return hasResponse ? undefined : (record.promised ?? expiresAt);
}

function ended(): SessionError {
  return new SessionError("ended", "the session was ended or renewed by another request");
}

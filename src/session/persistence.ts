import type { ListedSession, SessionInfo } from "../contracts/session-api.js";
import type { Version } from "../contracts/storage.js";
import { remember, remembers, type SessionRecord } from "../codecs/record.js";
import { SessionError } from "../errors.js";
import { andThen } from "../util/promise.js";
import { Deadline } from "./calls.js";
import { changed } from "./change.js";
import type { Draft } from "./draft.js";
import { endSession } from "./ending.js";
import { idleDeadline, idleLength } from "./expiry.js";
import type { StoreSettings } from "./options.js";
import { Owners, type KnownList } from "./owners.js";
import { RefreshPauses } from "./refresh-pauses.js";
import { isOver, Records, type Live, type Loaded, type Newer, type Unwritten } from "./records.js";
import { idOf } from "./token.js";

/** What one save carries. */
export interface Writing {
  readonly draft: Draft;
  readonly writeId: string;
  /** The session's own idle length in ms, where this request set one. */
  readonly idle: number | undefined;
  /** Whether the idle deadline moves. */
  readonly moves: boolean;
  /** Whether the client is told of the new deadline. */
  readonly answers: boolean;
  /** Where this save is a login or a step-up. */
  readonly login?: Login | undefined;
}

/** What a login makes of a session. */
export interface Login {
  readonly owner: string;
  readonly info?: SessionInfo | undefined;
  /** What changes of the record. */
  readonly birth: Partial<Birth>;
}

/** What a new record starts from. */
export type Birth = Pick<
  SessionRecord,
  "createdAt" | "absolute" | "idle" | "authenticatedAt" | "owner" | "lifetime" | "sessionOnly"
>;

/**
 * The protocol that changes records: every write names the version it replaces, nothing is written blindly, and a
 * write that meets another's is replayed on it. Each method is safe whenever its commands take effect, even late.
 */
export class Persistence {
  /** Which sessions are not refreshed for now, since that failed. */
  readonly refreshPauses: RefreshPauses = new RefreshPauses();
  readonly #settings: StoreSettings;
  readonly #records: Records;
  readonly #owners: Owners;

  constructor(settings: StoreSettings) {
    this.#settings = settings;
    this.#records = new Records(settings);
    this.#owners = new Owners(settings, this.#records);
  }

  /** The present moment, as a record's `known` notes it. */
  moment(): { readonly time: number; readonly calls: number } {
    return { time: this.#now, calls: this.#records.calls };
  }

  /** Reads what stands under a hash, at once where the storage answers so; what has expired is absent. */
  load(hash: string): Loaded | Promise<Loaded> {
    return this.#records.load(hash);
  }

  /** Inserts a new record. `bad-generator` where the hash is taken by another. */
  create(hash: string, birth: Birth, writing: Writing): Promise<Live> {
    return this.#introduce(hash, birth, writing, undefined, this.#deadline());
  }

  /**
   * Writes the changes; answers what is stored now, or nothing where the session is gone. At once where the storage
   * answers so.
   */
  save(live: Live, writing: Writing): Live | undefined | Promise<Live | undefined> {
    const deadline = this.#deadline();
    if (this.#isStale(live)) return this.#saveAnew(live.hash, writing, deadline, 0);
    return andThen(
      this.#write(live, writing, deadline),
      (written) => written ?? this.#saveAnew(live.hash, writing, deadline, 1),
    );
  }

  /** Reads, replays the changes on what is there now, and writes; `tries`: how many writes failed before. */
  async #saveAnew(hash: string, writing: Writing, deadline: Deadline, tries: number): Promise<Live | undefined> {
    const read = (): Promise<Live | undefined> => this.#reread(hash, writing, deadline);
    const attempt = async (current: Live | undefined): Promise<Live | Gone | undefined> =>
      current ? this.#write(current, writing, deadline) : GONE;
    return found(await changed({ read, attempt, tries }, deadline));
  }

  /** One try; nothing where the record has another version. A write that is remembered has taken effect already. */
  #write(current: Live, writing: Writing, deadline: Deadline): Live | undefined | Promise<Live | undefined> {
    if (remembers(current.record.writes, writing.writeId)) return current;
    return this.#records.update(this.#next(current, writing), current.version!, deadline);
  }

  /**
   * Moves the deadline of a session that is used now; answers what is stored then, or nothing where the session is
   * gone.
   */
  async touch(live: Live): Promise<Live | undefined> {
    const deadline = this.#deadline();
    const read = (): Promise<Live | undefined> => this.#records.loadLive(live.hash, deadline);
    const attempt = async (current: Live | undefined): Promise<Live | Gone | undefined> => {
      if (!current) return GONE;
      const next = this.#idleDeadline(current.record);
      // Only what was read just now is known to be there still; what this request read long ago is written to find
      // out.
      if (current !== live && current.expiresAt >= next) return current;
      return this.#records.touch(current, Math.max(next, current.expiresAt), deadline);
    };
    return found(await changed({ read, attempt, known: this.#isStale(live) ? undefined : live }, deadline));
  }

  /**
   * Moves a session to a new hash: creates the successor, then retires the old record in place. `ended` where
   * somebody was faster.
   */
  async renew(old: Live, hash: string, writing: Writing): Promise<Live> {
    const deadline = this.#deadline();
    const current = this.#isStale(old) ? await this.#reread(old.hash, writing, deadline) : old;
    if (!current) throw ended();
    return await this.#introduce(hash, current.record, writing, current, deadline, (successor) =>
      this.#handOver(current, successor, writing, deadline),
    );
  }

  /** Starts a session that carries nothing of the old one, which is retired, or ended where it changed meanwhile. */
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

  /** Ends a session that was opened before: also a newer version of it, also what it was renewed to meanwhile. */
  async end(opened: Live | Newer): Promise<void> {
    const deadline = this.#deadline();
    await this.#assertTraceable(opened, deadline);
    await this.#end(opened.hash, opened.version, deadline);
  }

  /** Ends the session under a hash, or what it was renewed to; answers whether there was one. */
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

  /** Ends every session of an owner but one; answers how many there were. */
  endByOwner(owner: string, except: string | undefined): Promise<number> {
    return this.#owners.endAll(owner, except);
  }

  /**
   * Stores a record of one's own, and does what is left to do before anybody is told of it. One with an owner is put
   * on the owner's list first: from then on others may end it, so that it is looked for once more in the end.
   */
  async #introduce(
    hash: string,
    birth: Birth,
    writing: Writing,
    old: Live | undefined,
    deadline: Deadline,
    finish?: (own: Live) => Promise<Live>,
  ): Promise<Live> {
    const owner = writing.login?.owner ?? birth.owner;
    const list = owner === undefined ? undefined : await this.#owners.find(owner, deadline);
    const own = await this.#insert(hash, birth, writing, deadline);
    if (!list && !finish) return own;
    try {
      const isSure = !list || ((await this.#enlist(list, own, old, writing, deadline)) && !finish);
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
    const continues = old?.record.owner === list.owner;
    return this.#owners.enlist(
      list,
      own,
      { from: continues ? old.hash : undefined, info: login?.info, isLogin: !continues },
      deadline,
    );
  }

  async #insert(hash: string, birth: Birth, writing: Writing, deadline: Deadline): Promise<Live> {
    const record = born(birth, writing);
    const created = await this.#created({ hash, record, expiresAt: this.#idleDeadline(record) }, writing, deadline);
    if (created) return created;
    const found = await this.#records.loadLive(hash, deadline);
    if (found && remembers(found.record.writes, writing.writeId)) return found;
    throw new SessionError(
      "bad-generator",
      "a new token is taken already: keyGenerator must answer a different unguessable text each time",
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

  /** Retires the old record; another's change in between is merged into the successor first. */
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

  /** Writes one's own record again, of which nobody else knows. */
  #replace(next: Unwritten, own: Live, deadline: Deadline): Promise<Live> {
    const read = (): Promise<Live | undefined> => this.#records.loadLive(next.hash, deadline);
    const attempt = async (met: Live | undefined): Promise<Live | undefined> => {
      if (!met) throw ended();
      return met.version === undefined ? undefined : this.#records.update(next, met.version, deadline);
    };
    return changed({ read, attempt, known: own }, deadline);
  }

  /** The answer to one's own command came late: others may have followed the marker and ended what it names. */
  async #stillThere(own: Live, deadline: Deadline): Promise<Live> {
    const live = await this.#records.loadLive(own.hash, deadline);
    if (!live) throw ended();
    return live;
  }

  /**
   * Of a session opened longer ago than markers are kept, nobody can tell any more what it was renewed to: `ended`
   * where nothing is left.
   */
  async #assertTraceable(opened: Live | Newer, deadline: Deadline): Promise<void> {
    const isOld = opened.kind === "live" && this.#isOld(opened, this.#now);
    if (isOld && (await this.#records.find(opened.hash, deadline)).kind === "absent") throw ended();
  }

  /** Ends what stands under a hash, unless it is the marker that names one's own record. */
  async #endUnless(hash: string, own: string, deadline: Deadline): Promise<void> {
    const met = await this.#records.find(hash, deadline);
    if (met.kind === "retired" && met.successor !== own) await this.#end(met.successor, undefined, deadline);
    if (met.kind === "live" || met.kind === "newer") await this.#end(hash, met.version, deadline);
  }

  /** Answers whether a session was there that had not expired. */
  #end(hash: string, version: Version | undefined, deadline: Deadline): Promise<boolean> {
    return endSession(this.#records, hash, () => this.#now, deadline, { version });
  }

  /**
   * A create that failed may have taken effect all the same. One that timed out may still do so: nothing to be gained
   * by waiting longer.
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
   * A failure after one's own record was created takes it back: its token was never answered. Tries twice, since one
   * failure brought us here; what stays behind after that is opened by nobody and expires.
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

  /** Takes what another stored as the base of one's own changes. */
  #merge({ hash, record }: Live, { draft, writeId }: Writing): void {
    const overwritten = draft.rebase(record.data, writeId, (id) => remembers(record.writes, id));
    this.#settings.emit({ type: "conflict", id: idOf(hash) });
    for (const key of overwritten) this.#settings.emit({ type: "overwritten", id: idOf(hash), cause: key });
  }

  /** A record read a while ago may be gone, renewed, or its marker forgotten: look again before writing. */
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

  /** No save takes back the time that another has given, unless it sets an idle length of its own. */
  #moved(next: SessionRecord, expiresAt: number, { idle }: Writing): number {
    const used = this.#idleDeadline(next);
    return idle === undefined ? Math.max(used, expiresAt) : used;
  }

  /** The idle deadline of a session used now. */
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

/** What an attempt returns if there is nothing to change any more. */
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
  } = { ...from, ...login?.birth };
  const birth = { createdAt, absolute, authenticatedAt, owner, idle: idle ?? earlier, lifetime, sessionOnly };
  return { kind: "record", ...birth, writes: writeId, data: draft.sealed(writeId) };
}

/** Where the deadline moves without an answer, the record remembers what the client was told. */
function promised(record: SessionRecord, expiresAt: number, { moves, answers }: Writing): number | undefined {
  if (!moves) return record.promised;
  return answers ? undefined : (record.promised ?? expiresAt);
}

function ended(): SessionError {
  return new SessionError("ended", "the session was ended or renewed by another request meanwhile");
}

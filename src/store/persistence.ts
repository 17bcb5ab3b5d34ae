import type { Version } from "../contracts/storage.js";
import { remember, remembers, type SessionRecord } from "../codecs/record.js";
import { SessionError } from "../errors.js";
import { Deadline } from "./calls.js";
import type { Draft } from "./draft.js";
import { hasExpired, idleDeadline } from "./expiry.js";
import type { StoreSettings } from "./options.js";
import { Records, type Live, type Loaded, type Newer, type Unwritten } from "./records.js";
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
}

/** What a new record starts from. */
export type Birth = Pick<SessionRecord, "createdAt" | "absolute" | "idle" | "authenticatedAt" | "owner">;

/**
 * The protocol that changes records: every write names the version it replaces, nothing is written blindly, and a write that meets
 * another's is replayed on it. Each method is safe whenever its commands take effect, even late.
 */
export class Persistence {
  readonly #settings: StoreSettings;
  readonly #records: Records;

  constructor(settings: StoreSettings) {
    this.#settings = settings;
    this.#records = new Records(settings);
  }

  /** Reads what stands under a hash; what has expired is absent. */
  load(hash: string): Promise<Loaded> {
    return this.#records.load(hash);
  }

  /** Inserts a new record. `bad-generator` where the hash is taken by another. */
  async create(hash: string, birth: Birth, writing: Writing, deadline: Deadline = this.#deadline()): Promise<Live> {
    const record = born(birth, writing);
    const expiresAt = idleDeadline(this.#now, record.idle ?? this.#settings.idle, record.absolute);
    const created = await this.#records.create({ hash, record, expiresAt }, deadline).catch((error: unknown) => this.#takeBack(hash, writing, deadline, error));
    if (created) return created;
    const found = await this.#records.loadLive(hash, deadline);
    if (found && remembers(found.record.writes, writing.writeId)) return found;
    throw new SessionError("bad-generator", "a new token is taken already: keyGenerator must answer a different unguessable text each time");
  }

  /** Writes the changes; answers what is stored now, or nothing where the session is gone. */
  async save(live: Live, writing: Writing): Promise<Live | undefined> {
    const deadline = this.#deadline();
    let current = this.#isStale(live) ? await this.#reread(live.hash, writing, deadline) : live;
    for (let tries = 0; current; tries++) {
      if (remembers(current.record.writes, writing.writeId)) return current;
      const written = await this.#records.update(this.#next(current, writing), current.version!, deadline);
      if (written) return written;
      await this.#pause(tries, deadline);
      current = await this.#reread(live.hash, writing, deadline);
    }
    return undefined;
  }

  /** Moves the deadline; answers what is stored now, or nothing where the session is gone. */
  async touch(live: Live, expiresAt: number): Promise<Live | undefined> {
    const deadline = this.#deadline();
    let current = this.#isStale(live) ? await this.#records.loadLive(live.hash, deadline) : live;
    for (let tries = 0; current; tries++) {
      const touched = await this.#records.touch(current, Math.max(expiresAt, current.expiresAt), deadline);
      if (touched) return touched;
      await this.#pause(tries, deadline);
      current = await this.#records.loadLive(live.hash, deadline);
      if (current && current.expiresAt >= expiresAt) return current;
    }
    return undefined;
  }

  /** Moves a session to a new hash: creates the successor, then retires the old record in place. `ended` where somebody was faster. */
  async renew(old: Live, hash: string, writing: Writing): Promise<Live> {
    const deadline = this.#deadline();
    const current = this.#isStale(old) ? await this.#reread(old.hash, writing, deadline) : old;
    if (!current) throw ended();
    const successor = await this.create(hash, current.record, writing, deadline);
    return this.#orDiscard(successor, deadline, () => this.#handOver(current, successor, writing, deadline));
  }

  /** Starts a session that carries nothing of the old one, which is retired, or ended where it changed meanwhile. */
  async reset(old: Live | Newer, hash: string, birth: Birth, writing: Writing): Promise<Live> {
    const deadline = this.#deadline();
    await this.#assertTraceable(old, deadline);
    const own = await this.create(hash, birth, writing, deadline);
    return this.#orDiscard(own, deadline, async () => {
      if (old.version !== undefined && (await this.#records.retire(old.hash, old.version, hash, deadline))) return own;
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

  /** Ends what stands under a hash; answers whether there was a session. */
  async endHash(hash: string): Promise<boolean> {
    const deadline = this.#deadline();
    const found = await this.#records.find(hash, deadline);
    if (found.kind !== "live" && found.kind !== "newer") return false;
    await this.#end(hash, found.version, deadline);
    return true;
  }

  /** Removes every record of the namespace. */
  clear(): Promise<void> {
    return this.#records.clear();
  }

  /** Retires the old record; another's change in between is merged into the successor first. */
  async #handOver(old: Live, successor: Live, writing: Writing, deadline: Deadline): Promise<Live> {
    let [current, own] = [old, successor];
    for (let tries = 0; ; tries++) {
      if (await this.#records.retire(current.hash, current.version!, own.hash, deadline)) return own;
      await this.#pause(tries, deadline);
      const met = await this.#records.load(old.hash, deadline);
      if (met.kind === "retired" && met.successor === own.hash) return this.#stillThere(own, deadline);
      if (met.kind !== "live") throw ended();
      this.#merge(met, writing);
      current = met;
      own = await this.#replace({ hash: own.hash, record: born(met.record, writing), expiresAt: own.expiresAt }, own.version, deadline);
    }
  }

  /** Writes one's own record again, of which nobody else knows. */
  async #replace(next: Unwritten, version: Version | undefined, deadline: Deadline): Promise<Live> {
    let known = version;
    for (let tries = 0; ; tries++) {
      const written = known !== undefined && (await this.#records.update(next, known, deadline));
      if (written) return written;
      await this.#pause(tries, deadline);
      const met = await this.#records.loadLive(next.hash, deadline);
      if (!met) throw ended();
      known = met.version;
    }
  }

  /** The answer to one's own command came late: others may have followed the marker and ended what it names. */
  async #stillThere(own: Live, deadline: Deadline): Promise<Live> {
    const live = await this.#records.loadLive(own.hash, deadline);
    if (!live) throw ended();
    return live;
  }

  /** Of a session opened longer ago than markers are kept, nobody can tell any more what it was renewed to: `ended` where nothing is left. */
  async #assertTraceable(opened: Live | Newer, deadline: Deadline): Promise<void> {
    const isOld = opened.kind === "live" && this.#isOld(opened);
    if (isOld && (await this.#records.find(opened.hash, deadline)).kind === "absent") throw ended();
  }

  /** Ends what stands under a hash, unless it is the marker that names one's own record. */
  async #endUnless(hash: string, own: string, deadline: Deadline): Promise<void> {
    const met = await this.#records.find(hash, deadline);
    if (met.kind === "retired" && met.successor !== own) await this.#end(met.successor, undefined, deadline);
    if (met.kind === "live" || met.kind === "newer") await this.#end(hash, met.version, deadline);
  }

  async #end(from: string, version: Version | undefined, deadline: Deadline): Promise<void> {
    let hash = from;
    let known = version;
    for (let tries = 0; ; tries++) {
      if (known !== undefined && (await this.#records.delete(hash, known, deadline))) return;
      if (known !== undefined) await this.#pause(tries, deadline);
      const met = await this.#records.find(hash, deadline);
      if (met.kind === "absent") return;
      if (met.kind === "retired") hash = met.successor;
      known = met.kind === "retired" ? undefined : met.version;
    }
  }

  /** A failure after one's own record was created takes it back: its token was never answered. */
  async #orDiscard(own: Live, deadline: Deadline, finish: () => Promise<Live>): Promise<Live> {
    try {
      return await finish();
    } catch (error) {
      await this.#discard(own, deadline);
      throw error;
    }
  }

  /** A create that failed may have taken effect all the same. One that timed out may still do so: nothing to be gained by waiting longer. */
  async #takeBack(hash: string, { writeId }: Writing, deadline: Deadline, error: unknown): Promise<never> {
    if (!(error instanceof SessionError && error.code === "storage")) throw error;
    try {
      const own = await this.#records.loadLive(hash, deadline);
      if (own && remembers(own.record.writes, writeId)) await this.#end(hash, own.version, deadline);
    } catch (cause) {
      this.#settings.emit({ type: "unsaved", id: idOf(hash), cause });
    }
    throw error;
  }

  /** Tries twice, since one failure brought us here; what stays behind after that is opened by nobody and expires. */
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
    const { record, expiresAt, version } = live;
    return version === undefined || this.#isOld(live) || hasExpired({ expiresAt, absolute: record.absolute }, this.#now);
  }

  #isOld({ seenAt }: Live): boolean {
    return this.#now - seenAt > this.#settings.retiredFor;
  }

  #next({ hash, record, expiresAt }: Live, writing: Writing): Unwritten {
    const idle = writing.idle ?? record.idle;
    const used = idleDeadline(this.#now, idle ?? this.#settings.idle, record.absolute);
    const moved = writing.idle === undefined ? Math.max(used, expiresAt) : used;
    const next: SessionRecord = {
      ...record,
      idle,
      promised: promised(record, expiresAt, writing),
      writes: remember(record.writes, writing.writeId),
      data: writing.draft.sealed(writing.writeId),
    };
    return { hash, record: next, expiresAt: writing.moves ? moved : expiresAt };
  }

  /** Waits a little longer from try to try, at random, so that many writers of one key take turns. */
  async #pause(tries: number, deadline: Deadline): Promise<void> {
    if (deadline.left <= 0) throw new SessionError("conflict", "the session kept being changed by others until commitTimeout");
    if (tries === 0) return;
    const ms = Math.min(Math.random() * 2 ** Math.min(tries, 6), deadline.left);
    await new Promise<void>((resolve) => this.#settings.clock.setTimer(ms, resolve));
  }

  #deadline(): Deadline {
    return new Deadline(this.#settings.clock, this.#settings.commitTimeout);
  }

  get #now(): number {
    return this.#settings.clock.now();
  }
}

function born({ createdAt, absolute, authenticatedAt, owner, idle }: Birth, writing: Writing): SessionRecord {
  const { draft, writeId } = writing;
  return { kind: "record", createdAt, absolute, authenticatedAt, owner, idle: writing.idle ?? idle, writes: writeId, data: draft.sealed(writeId) };
}

/** Where the deadline moves without an answer, the record remembers what the client was told. */
function promised(record: SessionRecord, expiresAt: number, { moves, answers }: Writing): number | undefined {
  if (!moves) return record.promised;
  return answers ? undefined : (record.promised ?? expiresAt);
}

function ended(): SessionError {
  return new SessionError("ended", "the session was ended or renewed by another request meanwhile");
}

import type { EndReason } from "../contracts/events.js";
import type { ListedSession, SessionInfo } from "../contracts/session-api.js";
import { CLOCK_SKEW_MS, type Version, type Written } from "../contracts/storage.js";
import { OwnerListCodec, type Listed, type OwnerList } from "../codecs/owner-list.js";
import { concerns } from "../codecs/record.js";
import { SessionError } from "../errors.js";
import { utf8Length, sha256, randomText } from "../util/bytes.js";
import { Deadline, StorageCalls } from "./calls.js";
import { changed, endSession } from "./change.js";
import { idleLength } from "./expiry.js";
import type { StoreSettings } from "./options.js";
import { isOver, type Live, type Records } from "./records.js";
import { idOf } from "./token.js";

/** How long a new epoch is stored at least, in ms: longer than a login can take. */
const EPOCH_KEPT_MS = 24 * 60 * 60_000;
/** From this length on, each login checks part of the list, so that expired sessions are removed. */
const LONG = 16;
/** Maximum number of ended sessions that one login removes from a list. */
const MOST_CHECKS = 16;
/** Number of sessions that are read or ended in parallel. */
const AT_A_TIME = 100;
/** Maximum size of a list if the storage has no limit: 10,000 sessions with short descriptions. */
const MOST_BYTES = 2 * 1024 * 1024;

/** The sessions of a list, and the index of the next one to check. */
interface Look {
  readonly sessions: readonly Listed[];
  readonly next: number;
}

/** The list of an owner as it was read: the next write replaces this version. */
export interface KnownList {
  readonly owner: string;
  readonly key: string;
  /** Undefined if it is damaged. */
  readonly list: OwnerList | undefined;
  /** Undefined if nothing is stored yet. */
  readonly version: Version | undefined;
  readonly expiresAt: number;
}

/** How a session is added to a list. */
export interface Arrival {
  /** Hash of the session that it continues. */
  readonly from?: string | undefined;
  readonly info?: SessionInfo | undefined;
  /** True if its owner differs from the owner of the session that it continues. */
  readonly isLogin: boolean;
}

const NO_SESSIONS: OwnerList = { kind: "owner", epoch: "", sessions: [] };

/**
 * The lists of sessions by owner: one additional record for each owner, changed by compare-and-set. A session is
 * listed before its token is sent, and removed when it can no longer be live. So a list may contain sessions that are
 * ended, but always contains all live ones.
 */
export class Owners {
  readonly #settings: StoreSettings;
  readonly #records: Records;
  readonly #calls: StorageCalls;
  readonly #codec: OwnerListCodec;

  constructor(settings: StoreSettings, records: Records) {
    this.#settings = settings;
    this.#records = records;
    this.#calls = new StorageCalls(settings.storage, settings.clock, settings.storageTimeout);
    this.#codec = new OwnerListCodec(settings.namespace);
  }

  /** Reads the list of an owner. */
  async find(owner: string, deadline: Deadline): Promise<KnownList> {
    const key = `owner.${sha256(owner)}`;
    const entry = await this.#calls.get(this.#keyOf(key), deadline);
    if (!entry) return { owner, key, list: NO_SESSIONS, version: undefined, expiresAt: 0 };
    const { version, expiresAt } = entry;
    const list = this.#codec.decode(key, entry.value);
    if (list.kind === "owner") return { owner, key, list, version, expiresAt };
    this.#settings.emit({ type: "unreadable", cause: list.why });
    if (list.kind === "newer")
      throw new SessionError(
        "storage",
        "the list of this owner's sessions was written by a newer version of Holdfast",
      );
    return { owner, key, list: undefined, version, expiresAt };
  }

  /**
   * Adds a session to a list that was read before the session was stored. If all of the owner's sessions were ended
   * since then, a login throws `ended`; a renewal need not check, because the session it renews is ended too. Returns
   * true if the list had not changed.
   */
  enlist(known: KnownList, session: Live, { from, info, isLogin }: Arrival, deadline: Deadline): Promise<boolean> {
    const { hash, record } = session;
    const actor = record.owner === known.owner ? record.parked?.owner : undefined;
    const added: Listed = { hash, createdAt: record.createdAt, info, from, ...(actor !== undefined && { actor }) };
    const attempt = async (met: KnownList): Promise<boolean | undefined> => {
      if (isLogin && met.list?.epoch !== known.list?.epoch)
        throw new SessionError("ended", "all sessions of this owner were ended while this login was under way");
      const list = met.list ?? { ...NO_SESSIONS, epoch: drawEpoch() };
      if (list.sessions.some((one) => one.hash === hash)) return false;
      const next = await this.#withRoom(met.owner, list, added, deadline);
      return (await this.#write(met, next, record.absolute ?? 0, deadline)) ? met === known : undefined;
    };
    return changed({ read: () => this.find(known.owner, deadline), attempt, known }, deadline);
  }

  /** The live sessions of an owner, the newest last. */
  async listing(owner: string): Promise<ListedSession[]> {
    const { sessions } = readable(await this.find(owner, this.#deadline()));
    const found = await this.#inSlices(sessions, async (listed, deadline) => ({
      listed,
      loaded: await this.#records.load(listed.hash, deadline),
    }));
    return found.flatMap(({ listed, loaded }) =>
      loaded.kind === "live" && concerns(loaded.record, owner) ? [this.#shown(listed, loaded)] : [],
    );
  }

  /**
   * Ends every session of an owner, and every login in progress; returns the number of sessions. `except` and its
   * successor are kept.
   */
  async endAll(owner: string, except: string | undefined): Promise<number> {
    const { sessions } = await this.#beginEpoch(owner, this.#deadline());
    const spared = lineage(sessions, except);
    const others = sessions.map(({ hash }) => hash).filter((hash) => !spared.has(hash));
    const ended = await this.#inSlices(others, (hash, deadline) => this.#end(owner, hash, "owner", deadline, spared));
    await this.#forget(owner, new Set(others), this.#deadline());
    return ended.filter(Boolean).length;
  }

  #beginEpoch(owner: string, deadline: Deadline): Promise<OwnerList> {
    const epoch = drawEpoch();
    const attempt = async (known: KnownList): Promise<OwnerList | undefined> => {
      const list = readable(known);
      if (list.epoch === epoch) return list;
      return (await this.#write(known, { ...list, epoch }, this.#now + EPOCH_KEPT_MS, deadline)) ? list : undefined;
    };
    return changed({ read: () => this.find(owner, deadline), attempt }, deadline);
  }

  #forget(owner: string, hashes: ReadonlySet<string>, deadline: Deadline): Promise<true> {
    const attempt = async (known: KnownList): Promise<true | undefined> => {
      const list = readable(known);
      const sessions = list.sessions.filter(({ hash }) => !hashes.has(hash));
      if (sessions.length === list.sessions.length) return true;
      return (await this.#write(known, { ...list, next: 0, sessions }, 0, deadline)) ? true : undefined;
    };
    return changed({ read: () => this.find(owner, deadline), attempt }, deadline);
  }

  /**
   * Returns the list with one more session. Each login checks a part of a long list: sessions until the first live
   * one. If the list is still full, the oldest session is ended before the list is stored without it; or, with the
   * policy `refuse`, every session is checked and the login may be refused.
   */
  async #withRoom(owner: string, list: OwnerList, added: Listed, deadline: Deadline): Promise<OwnerList> {
    const { max, policy } = this.#settings.perOwner;
    const before = list.sessions.find(({ hash }) => hash === added.from);
    // The client that sent `from` has that token, so its predecessor will never be used again.
    const rest: Look = { sessions: list.sessions.filter(({ hash }) => hash !== before?.from), next: list.next ?? 0 };
    // An impersonation is not one of the person's own sessions: it needs no room, and ends none of them.
    const isFull = ({ sessions }: Look): boolean =>
      added.actor === undefined && newestOf(sessions, added).length >= max;
    let looked = rest;
    // The first session of a full list is checked when it is ended.
    if (!before && (isFull(rest) || rest.sessions.length >= LONG))
      looked = await this.#checkSome(owner, rest, isFull(rest) ? 1 : 0, deadline);
    const own = newestOf(looked.sessions, added);
    const surplus = own.slice(0, added.actor === undefined ? Math.max(own.length + 1 - max, 0) : 0);
    if (surplus.length > 0 && policy === "refuse") looked = await this.#checkAll(owner, looked, isFull, deadline);
    else looked = await this.#endSurplus(owner, looked, surplus, deadline);
    return {
      ...list,
      next: looked.next,
      sessions: [...looked.sessions, { ...added, info: added.info ?? before?.info }],
    };
  }

  /** Removes ended sessions, from the position of the last check up to the first live session. */
  async #checkSome(owner: string, { sessions, next }: Look, first: number, deadline: Deadline): Promise<Look> {
    const kept = [...sessions];
    const at = Math.max(next < kept.length ? next : 0, first);
    for (let checks = 0; at < kept.length && checks < MOST_CHECKS; checks++) {
      if (await this.#mayLive(owner, kept[at]!, kept, deadline)) return { sessions: kept, next: at + 1 };
      kept.splice(at, 1);
    }
    return { sessions: kept, next: at };
  }

  /** Checks every session until there is room; throws `too-many-sessions` if all of them are live. */
  async #checkAll(
    owner: string,
    { sessions, next }: Look,
    isFull: (look: Look) => boolean,
    deadline: Deadline,
  ): Promise<Look> {
    const lives = await this.#inSlices(sessions, (one) => this.#mayLive(owner, one, sessions, deadline));
    const living: Look = { sessions: sessions.filter((_, i) => lives[i]), next };
    if (!isFull(living)) return living;
    const { max } = this.#settings.perOwner;
    throw new SessionError(
      "too-many-sessions",
      `this owner has ${max} sessions or more; maxSessionsPerOwner is ${max}`,
    );
  }

  /** Ends the oldest sessions, which exceed the limit. */
  async #endSurplus(
    owner: string,
    { sessions, next }: Look,
    surplus: readonly Listed[],
    deadline: Deadline,
  ): Promise<Look> {
    if (surplus.length === 0) return { sessions, next };
    const hashes = new Set(surplus.flatMap(({ hash, from }) => (from === undefined ? [hash] : [hash, from])));
    await this.#inSlices([...hashes], (hash) => this.#end(owner, hash, "limit", deadline));
    const kept = sessions.filter(({ hash }) => !hashes.has(hash));
    return { sessions: kept, next: Math.max(next - (sessions.length - kept.length), 0) };
  }

  /** True if a session of a list may still be live. An expired one is deleted. */
  async #mayLive(owner: string, { hash }: Listed, sessions: readonly Listed[], deadline: Deadline): Promise<boolean> {
    const met = await this.#records.find(hash, deadline);
    if (met.kind === "retired") return !sessions.some((one) => one.hash === met.successor);
    if (met.kind !== "live") return met.kind === "newer";
    if (!concerns(met.record, owner)) return false;
    return !(isOver(met, this.#now) && (await this.#records.delete(hash, met.version!, deadline)));
  }

  /** Ends a session of this owner, or its successor. Returns true if it existed. */
  async #end(
    owner: string,
    hash: string,
    reason: EndReason,
    deadline: Deadline,
    spared?: ReadonlySet<string>,
  ): Promise<boolean> {
    const wasThere = await endSession(this.#records, hash, () => this.#now, deadline, {
      owner,
      ...(spared && { spared }),
    });
    const { hears, emit } = this.#settings;
    if (wasThere && hears()) emit({ type: "ended", id: idOf(hash), owner, reason });
    return wasThere;
  }

  /** Processes many sessions, some in parallel, with a separate time limit for each group. */
  async #inSlices<T, R>(all: readonly T[], work: (one: T, deadline: Deadline) => Promise<R>): Promise<R[]> {
    const results: R[] = [];
    for (let at = 0; at < all.length; at += AT_A_TIME) {
      const deadline = this.#deadline();
      results.push(...(await Promise.all(all.slice(at, at + AT_A_TIME).map((one) => work(one, deadline)))));
    }
    return results;
  }

  /** Replaces the known list; returns false if it has changed. It is kept at least `until`. */
  async #write(
    { key, version, expiresAt }: KnownList,
    list: OwnerList,
    until: number,
    deadline: Deadline,
  ): Promise<Written | false> {
    const value = this.#codec.encode(key, list);
    const most = this.#settings.storage.maxValueBytes ?? MOST_BYTES;
    if (value.length * 3 > most && utf8Length(value) > most) {
      throw new SessionError(
        "too-large",
        `the list of this owner's ${list.sessions.length} sessions takes ${utf8Length(value)} bytes, more than ` +
          `${most}; set a lower maxSessionsPerOwner, or use a shorter info`,
      );
    }
    const entry = { value, expiresAt: Math.max(expiresAt, until + CLOCK_SKEW_MS) };
    const at = this.#keyOf(key);
    return version === undefined
      ? this.#calls.create(at, entry, deadline)
      : this.#calls.update(at, entry, version, deadline);
  }

  #deadline(): Deadline {
    return new Deadline(this.#settings.clock, this.#settings.commitTimeout);
  }

  #shown({ hash, createdAt, info }: Listed, { record, expiresAt }: Live): ListedSession {
    const lastSeenAt = Math.max(createdAt, Math.min(expiresAt - idleLength(this.#settings, record), this.#now));
    const { authenticatedAt, parked } = record;
    return { id: idOf(hash), createdAt, lastSeenAt, authenticatedAt, info, ...(parked && { actor: parked.owner }) };
  }

  #keyOf(key: string): string {
    return `${this.#settings.namespace}:${key}`;
  }

  get #now(): number {
    return this.#settings.clock.now();
  }
}

/** The owner's own sessions of a list that have no successor in it and are not continued by the added session. */
function newestOf(sessions: readonly Listed[], added: Listed): Listed[] {
  const earlier = new Set([...sessions.map(({ from }) => from), added.from]);
  return sessions.filter(({ hash, actor }) => actor === undefined && !earlier.has(hash));
}

/** The hashes of a session, its predecessor and its successor. */
function lineage(sessions: readonly Listed[], hash: string | undefined): Set<string> {
  const family = new Set<string>();
  if (hash === undefined) return family;
  family.add(hash);
  for (const one of sessions) if (one.from !== undefined && family.has(one.from)) family.add(one.hash);
  for (const one of sessions) if (one.from !== undefined && family.has(one.hash)) family.add(one.from);
  return family;
}

function readable({ list }: KnownList): OwnerList {
  if (!list)
    throw new SessionError(
      "storage",
      "the list of this owner's sessions is damaged; the next login of the owner begins a new one",
    );
  return list;
}

function drawEpoch(): string {
  return randomText(6);
}

import type { ListedSession, SessionInfo } from "../contracts/session.js";
import { CLOCK_SKEW_MS, type Version, type Written } from "../contracts/storage.js";
import { OwnerListCodec, type Listed, type OwnerList } from "../codecs/owner-list.js";
import { SessionError } from "../errors.js";
import { sha256 } from "../leaves/hash.js";
import { randomText } from "../leaves/random.js";
import { type Deadline, StorageCalls } from "./calls.js";
import { idleLength } from "./expiry.js";
import type { StoreSettings } from "./options.js";
import { isOver, type Live, type Records } from "./records.js";
import { idOf } from "./token.js";

/** How long at least a new epoch is remembered, in ms: longer than any login can be under way. */
const EPOCH_KEPT_MS = 24 * 60 * 60_000;
/** A list this long is cleaned of sessions that ended by themselves, and again whenever it has grown by as many. */
const CLEANED_EVERY = 16;

/** The list of an owner as it was read: what is written next replaces this version. */
export interface KnownList {
  readonly owner: string;
  readonly key: string;
  /** Undefined where it is damaged. */
  readonly list: OwnerList | undefined;
  /** Undefined where nothing is stored yet. */
  readonly version: Version | undefined;
  readonly expiresAt: number;
}

/** How a session comes to a list. */
export interface Arrival {
  /** Hash of the session it continues. */
  readonly from?: string | undefined;
  readonly info?: SessionInfo | undefined;
  /** Whether its owner was not the owner of what it continues. */
  readonly isLogin: boolean;
}

const NO_SESSIONS: OwnerList = { kind: "owner", epoch: "", sessions: [] };

/**
 * Which sessions are whose: one more record for each owner, changed by compare-and-set like every other. A session is listed before its
 * token is told to anybody, and leaves the list when it can no longer be live: so the list may name what is gone, and never lacks what lives.
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
    if (list.kind === "newer") throw new SessionError("storage", "the list of this owner's sessions was written by a newer Holdfast");
    return { owner, key, list: undefined, version, expiresAt };
  }

  /**
   * Adds a session to a list that was read before the session was stored. Where all of the owner's sessions were ended since, a login comes
   * too late and is `ended`; a renewal need not ask, since the session it renews would be gone. Answers whether the list was met as it was known.
   */
  async enlist(known: KnownList, session: Live, { from, info, isLogin }: Arrival, deadline: Deadline): Promise<boolean> {
    const { hash, record } = session;
    let met = known;
    for (let tries = 0; ; tries++) {
      if (isLogin && met.list?.epoch !== known.list?.epoch) throw new SessionError("ended", "all sessions of this owner were ended while this login was under way");
      const list = met.list ?? { ...NO_SESSIONS, epoch: drawEpoch() };
      if (list.sessions.some((one) => one.hash === hash)) return false;
      const sessions = await this.#withRoom(met.owner, list.sessions, { hash, createdAt: record.createdAt, info, from }, deadline);
      if (await this.#write(met, { ...list, sessions }, record.absolute ?? 0, deadline)) return tries === 0;
      await deadline.pause(tries);
      met = await this.find(met.owner, deadline);
    }
  }

  /** The live sessions of an owner, the newest last. */
  async listing(owner: string, deadline: Deadline): Promise<ListedSession[]> {
    const { sessions } = readable(await this.find(owner, deadline));
    const found = await Promise.all(sessions.map(async (listed) => ({ listed, loaded: await this.#records.load(listed.hash, deadline) })));
    return found.flatMap(({ listed, loaded }) => (loaded.kind === "live" && loaded.record.owner === owner ? [this.#shown(listed, loaded)] : []));
  }

  /** Ends every session of an owner, and every login under way; answers how many sessions there were. `except` is spared, also what it was renewed to. */
  async endAll(owner: string, except: string | undefined, deadline: Deadline): Promise<number> {
    const { sessions } = await this.#beginEpoch(owner, deadline);
    const spared = lineage(sessions, except);
    const others = sessions.map(({ hash }) => hash).filter((hash) => !spared.has(hash));
    const ended = await Promise.all(others.map((hash) => this.#end(owner, hash, spared, deadline)));
    await this.#forget(owner, new Set(others), deadline);
    return ended.filter(Boolean).length;
  }

  async #beginEpoch(owner: string, deadline: Deadline): Promise<OwnerList> {
    const epoch = drawEpoch();
    for (let tries = 0; ; tries++) {
      const known = await this.find(owner, deadline);
      const list = readable(known);
      if (list.epoch === epoch) return list;
      if (await this.#write(known, { ...list, epoch }, this.#now + EPOCH_KEPT_MS, deadline)) return list;
      await deadline.pause(tries);
    }
  }

  async #forget(owner: string, hashes: ReadonlySet<string>, deadline: Deadline): Promise<void> {
    for (let tries = 0; ; tries++) {
      const known = await this.find(owner, deadline);
      const list = readable(known);
      const sessions = list.sessions.filter(({ hash }) => !hashes.has(hash));
      if (sessions.length === list.sessions.length || (await this.#write(known, { ...list, sessions }, 0, deadline))) return;
      await deadline.pause(tries);
    }
  }

  /** The list with one more session; those there are too many of are ended before anybody sees the list without them. */
  async #withRoom(owner: string, sessions: readonly Listed[], added: Listed, deadline: Deadline): Promise<readonly Listed[]> {
    const { max, policy } = this.#settings.perOwner;
    const before = sessions.find(({ hash }) => hash === added.from);
    // Whoever brought `from` had been told of it, so that what it came from is retired for good.
    let rest = sessions.filter(({ hash }) => hash !== before?.from);
    const isDue = rest.length > 0 && rest.length % CLEANED_EVERY === 0;
    if (isDue || newestOf(rest, added).length >= max) rest = await this.#living(owner, rest, deadline);
    const others = newestOf(rest, added);
    const surplus = others.slice(0, Math.max(others.length + 1 - max, 0));
    if (surplus.length > 0 && policy === "refuse") throw new SessionError("too-many-sessions", `this owner has ${others.length} sessions; maxSessionsPerOwner is ${max}`);
    const hashes = new Set(surplus.flatMap(({ hash, from }) => (from === undefined ? [hash] : [hash, from])));
    await Promise.all([...hashes].map((hash) => this.#end(owner, hash, NONE, deadline)));
    const info = added.info ?? before?.info;
    return [...rest.filter(({ hash }) => !hashes.has(hash)), { ...added, info }];
  }

  /** Those of a list that may still be live. */
  async #living(owner: string, sessions: readonly Listed[], deadline: Deadline): Promise<Listed[]> {
    const listed = new Set(sessions.map(({ hash }) => hash));
    const isLiving = async ({ hash }: Listed): Promise<boolean> => {
      const met = await this.#records.find(hash, deadline);
      if (met.kind === "retired") return !listed.has(met.successor);
      if (met.kind !== "live") return met.kind === "newer";
      if (met.record.owner !== owner) return false;
      return !(isOver(met, this.#now) && (await this.#records.delete(hash, met.version!, deadline)));
    };
    const living = await Promise.all(sessions.map(isLiving));
    return sessions.filter((_, i) => living[i]);
  }

  /** Ends a session of this owner, whatever it was renewed to. Answers whether there was one. */
  async #end(owner: string, from: string, spared: ReadonlySet<string>, deadline: Deadline): Promise<boolean> {
    let hash = from;
    for (let tries = 0; !spared.has(hash); ) {
      const met = await this.#records.find(hash, deadline);
      if (met.kind === "absent" || (met.kind === "live" && met.record.owner !== owner)) return false;
      if (met.kind === "retired") {
        hash = met.successor;
        continue;
      }
      const wasLive = !isOver(met, this.#now);
      if (await this.#records.delete(hash, met.version!, deadline)) return wasLive;
      await deadline.pause(tries++);
    }
    return false;
  }

  /** Replaces the list that is known; false where it is no longer this one. It is kept at least `until`. */
  async #write({ key, version, expiresAt }: KnownList, list: OwnerList, until: number, deadline: Deadline): Promise<Written | false> {
    const entry = { value: this.#codec.encode(key, list), expiresAt: Math.max(expiresAt, until + CLOCK_SKEW_MS) };
    const at = this.#keyOf(key);
    return version === undefined ? this.#calls.create(at, entry, deadline) : this.#calls.update(at, entry, version, deadline);
  }

  #shown({ hash, createdAt, info }: Listed, { record, expiresAt }: Live): ListedSession {
    const lastSeenAt = Math.max(createdAt, Math.min(expiresAt - idleLength(this.#settings, record), this.#now));
    return { id: idOf(hash), createdAt, lastSeenAt, authenticatedAt: record.authenticatedAt, info };
  }

  #keyOf(key: string): string {
    return `${this.#settings.namespace}:${key}`;
  }

  get #now(): number {
    return this.#settings.clock.now();
  }
}

const NONE: ReadonlySet<string> = new Set();

/** Those of a list that are not what another was renewed from, nor what the added one continues. */
function newestOf(sessions: readonly Listed[], added: Listed): Listed[] {
  const earlier = new Set([...sessions.map(({ from }) => from), added.from]);
  return sessions.filter(({ hash }) => !earlier.has(hash));
}

/** A session, what it was renewed from, and what it was renewed to. */
function lineage(sessions: readonly Listed[], hash: string | undefined): Set<string> {
  const family = new Set<string>();
  if (hash === undefined) return family;
  family.add(hash);
  for (const one of sessions) if (one.from !== undefined && family.has(one.from)) family.add(one.hash);
  for (const one of sessions) if (one.from !== undefined && family.has(one.hash)) family.add(one.from);
  return family;
}

function readable({ list }: KnownList): OwnerList {
  if (!list) throw new SessionError("storage", "the list of this owner's sessions is damaged; the next login of the owner begins a new one");
  return list;
}

function drawEpoch(): string {
  return randomText(6);
}

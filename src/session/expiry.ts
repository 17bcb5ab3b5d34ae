import type { SessionRecord } from "../codecs/record.js";

/** Deadlines of a stored session, all in epoch ms. */
export interface Deadlines {
  readonly expiresAt: number;
  readonly absolute?: number | undefined;
}

/** True if a session has passed one of its deadlines. */
export function hasExpired({ expiresAt, absolute }: Deadlines, now: number): boolean {
  return now >= expiresAt || (absolute !== undefined && now >= absolute);
}

/** The idle deadline of a session that is used now: never later than its absolute deadline. */
export function idleDeadline(now: number, idle: number, absolute: number | undefined): number {
  return Math.min(now + idle, absolute ?? Infinity);
}

/** Idle timeouts of a store, in ms. */
export interface IdleLengths {
  readonly idle: number;
  /** For sessions without an owner. */
  readonly anonymousIdle: number;
}

/** The idle timeout of a session: its own, or the configured one. */
export function idleLength(lengths: IdleLengths, { idle, owner }: Pick<SessionRecord, "idle" | "owner">): number {
  return idle ?? usualIdle(lengths, owner);
}

/** The configured idle timeout of sessions without an own one. */
export function usualIdle({ idle, anonymousIdle }: IdleLengths, owner: string | undefined): number {
  return owner === undefined ? anonymousIdle : idle;
}

/**
 * Minimum time between two refreshes of a session, in ms. It is shorter if the session's own idle timeout is shorter
 * than the store's; otherwise the session would expire while it is used.
 */
export function refreshEvery(interval: number, storeIdle: number, idle: number): number {
  return interval * Math.min(1, idle / storeIdle);
}

/**
 * Time from a failed refresh to the next attempt, in ms: one refresh interval. If the session would expire before
 * that, there are several attempts in the remaining time.
 */
export function refreshPause(interval: number, idle: number): number {
  const left = idle - interval;
  return interval <= left ? interval : left / 4;
}

/**
 * True if deadline and cookie should be moved. The client keeps its cookie until the deadline that was last sent to
 * it. That is the stored deadline, unless a save without a response moved it. Shortly before the absolute deadline,
 * there is a last, shorter step.
 */
export function refreshIsDue(
  { absolute, promised }: SessionRecord,
  expiresAt: number,
  next: number,
  interval: number,
  now: number,
): boolean {
  const told = promised ?? expiresAt;
  const isLastStep = next === absolute && next > told && told - now <= interval;
  return next - told >= interval || isLastStep;
}

/**
 * True if the deadline of a stored session should be moved now.
 *
 * @param settings - of the store
 * @param live - what is stored
 * @param length - its idle timeout, in ms
 * @param now - epoch ms
 */
export function deadlineIsDue(
  settings: IdleLengths & { readonly refreshInterval: number },
  { record, expiresAt }: { readonly record: SessionRecord; readonly expiresAt: number },
  length: number,
  now: number,
): boolean {
  const interval = refreshEvery(settings.refreshInterval, settings.idle, length);
  return refreshIsDue(record, expiresAt, idleDeadline(now, length, record.absolute), interval, now);
}

/**
 * Number of sessions with an individual time; if more refreshes fail, the database is assumed to refuse all of them.
 */
const MOST_SESSIONS = 10_000;

/** The shortest pause, in ms: even if every request refreshes, there is one attempt a second. */
const SHORTEST_MS = 1000;

/**
 * Remembers when a failed refresh is tried again, so that a database that refuses writes costs requests no time. There
 * is one time for each session, up to a limit; if more fail, no session is refreshed before a common time. There is no
 * timer: expired entries are removed when the next refresh fails.
 */
export class RefreshPauses {
  readonly #most: number;
  /**
   * When each session is tried again, in epoch ms; the earliest first, except for sessions with an own idle timeout.
   */
  readonly #until = new Map<string, number>();
  #allUntil = 0;

  /** `most`: number of sessions with an individual time. */
  constructor(most: number = MOST_SESSIONS) {
    this.#most = most;
  }

  /** True if a refresh of this session must wait. */
  includes(hash: string, now: number): boolean {
    return now < this.#allUntil || now < (this.#until.get(hash) ?? 0);
  }

  /** Notes that a refresh of this session has failed: it is tried again after `ms`. */
  add(hash: string, ms: number, now: number): void {
    const until = now + Math.max(ms, SHORTEST_MS);
    this.#forgetUntil(now);
    this.#until.delete(hash);
    if (this.#until.size < this.#most) this.#until.set(hash, until);
    else this.#allUntil = Math.max(this.#allUntil, until);
  }

  #forgetUntil(now: number): void {
    for (const [hash, until] of this.#until) {
      if (until > now) return;
      this.#until.delete(hash);
    }
  }
}

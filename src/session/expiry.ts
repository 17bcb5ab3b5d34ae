import type { SessionRecord } from "../codecs/record.js";

/** Deadlines of a stored session, all in epoch ms. */
export interface Deadlines {
  readonly expiresAt: number;
  readonly absolute?: number | undefined;
}

/** Whether a session has ended by one of its deadlines. */
export function hasExpired({ expiresAt, absolute }: Deadlines, now: number): boolean {
  return now >= expiresAt || (absolute !== undefined && now >= absolute);
}

/** The idle deadline of a session used now: never past its absolute one. */
export function idleDeadline(now: number, idle: number, absolute: number | undefined): number {
  return Math.min(now + idle, absolute ?? Infinity);
}

/** Idle lengths of a store, in ms. */
export interface IdleLengths {
  readonly idle: number;
  /** Of sessions without an owner. */
  readonly anonymousIdle: number;
}

/** The idle length of a session: its own, else that of its kind. */
export function idleLength(lengths: IdleLengths, { idle, owner }: Pick<SessionRecord, "idle" | "owner">): number {
  return idle ?? usualIdle(lengths, owner);
}

/** The idle length of sessions that have none of their own. */
export function usualIdle({ idle, anonymousIdle }: IdleLengths, owner: string | undefined): number {
  return owner === undefined ? anonymousIdle : idle;
}

/**
 * How often the deadline of a session moves at most, in ms. Where its own idle length is shorter than the store's, so
 * is this: or it would end in use.
 */
export function refreshEvery(interval: number, storeIdle: number, idle: number): number {
  return interval * Math.min(1, idle / storeIdle);
}

/**
 * How long after a refresh that failed the next one is tried, in ms: one refresh interval. Where a session would end
 * before that, since the interval is longer than what is left of its idle time then, it is tried a few times in what
 * is left.
 */
export function refreshPause(interval: number, idle: number): number {
  const left = idle - interval;
  return interval <= left ? interval : left / 4;
}

/**
 * Whether deadline and cookie are due to move. The client keeps its cookie until the deadline it was last told, which
 * is the stored one unless a save without an answer moved that. Shortly before the absolute deadline a last, shorter
 * step is due.
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

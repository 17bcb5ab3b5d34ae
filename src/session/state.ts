/**
 * The states of one session in one request, and the pure functions that lead from one to the next. A verb that fails
 * leaves the state value that was there before it, so there is nothing to restore.
 *
 * | state | meaning | `regenerate` | `reset` | `destroy` | |---|---|---|---|---| | new | nothing is stored | new,
 * with another token | new and empty | destroyed | | late | the token was renewed a moment ago: writes are dropped |
 * new | new and empty | fails with `ended` | | newer | the record has a newer format: writes are dropped | replacing
 * | replacing | destroyed | | stored | there is a record | renewing | replacing | destroyed | | renewing | the next
 * commit moves the record to a new token | renewing, with another token | replacing | destroyed | | replacing | the
 * next commit ends the old record; it stores a new one if there is anything to store | replacing, with another token
 * | the same, empty | destroyed | | destroyed | ended by this request | the same | new and empty | the same | |
 * dropped | a save found the session ended or renewed by another request | the same | replacing | destroyed |
 */
import type { Reply, Telling } from "./outcome.js";
import type { Birth } from "./persistence.js";
import type { Live, Loaded, Newer } from "./records.js";

/** A token and its hash. */
export interface Identity {
  readonly token: string;
  readonly hash: string;
}

/**
 * When a record was last known to be stored: used to decide whether it must be read again before its token is sent.
 */
export interface Moment {
  /** Epoch ms. */
  readonly time: number;
  /** How many storage calls the store had made. */
  readonly calls: number;
}

/** What the states have in common whose next record begins with nothing. */
interface Beginning {
  /** The token of the next record; drawn when it is first asked for. */
  readonly identity: Identity | undefined;
  /** When the session began, epoch ms. */
  readonly bornAt: number;
  /** The idle timeout that `setIdleTimeout` has set and that is not stored yet, in ms. */
  readonly idle: number | undefined;
  readonly reply: Reply;
}

/** Nothing is stored. */
export interface New extends Beginning {
  readonly kind: "new";
  /**
   * Whether ending it removes the client's cookie: not if the request was late, since the client may have a newer
   * one.
   */
  readonly removesCookie: boolean;
}

/** The token was renewed a moment ago. */
export interface Late extends Beginning {
  readonly kind: "late";
  readonly hash: string;
}

/** The record was written by a newer version of Holdfast, or sealed with a key that this server does not have. */
export interface OfNewerFormat extends Beginning {
  readonly kind: "newer";
  readonly old: Newer;
}

/** A record is stored. */
export interface Stored {
  readonly kind: "stored";
  readonly live: Live;
  /** Unknown if the session was opened by its id. */
  readonly token: string | undefined;
  /** The idle timeout that `setIdleTimeout` has set and that is not stored yet, in ms. */
  readonly idle: number | undefined;
  /** Whether this request created, renewed or replaced it. */
  readonly isFresh: boolean;
  /** Whether a deadline that is due may move; not after a `destroy` that failed. */
  readonly refreshes: boolean;
  /** When this request last wrote it. */
  readonly known: Moment | undefined;
  readonly reply: Reply;
}

/** The record is to be moved to a new token. */
export interface Renewing {
  readonly kind: "renewing";
  readonly live: Live;
  readonly identity: Identity | undefined;
  readonly idle: number | undefined;
  readonly reply: Reply;
}

/** The record is to be ended, and another to be stored in its place. */
export interface Replacing extends Beginning {
  readonly kind: "replacing";
  readonly old: Live | Newer;
  /** What happens to the old record if there is nothing to store. */
  readonly ifEmpty: "end" | "leave";
}

/** Ended by this request. */
export interface Destroyed {
  readonly kind: "destroyed";
  readonly before: Exclude<State, Destroyed>;
  readonly reply: Reply;
}

/** Found to be ended or renewed by another request, when a save came too late. */
export interface Dropped {
  readonly kind: "dropped";
  readonly before: Stored;
  readonly reply: undefined;
}

/** One session in one request. */
export type State = New | Late | OfNewerFormat | Stored | Renewing | Replacing | Destroyed | Dropped;

/** From one state to the next. */
export type Transition = (state: State) => State;

/** The state of a session that was just opened. */
export function opened(loaded: Loaded, token: string | undefined, now: number): State {
  const beginning = { identity: undefined, bornAt: now, idle: undefined, reply: undefined };
  switch (loaded.kind) {
    case "absent":
      return { kind: "new", removesCookie: true, ...beginning };
    case "retired":
      return { kind: "late", hash: loaded.hash, ...beginning };
    case "newer":
      return { kind: "newer", old: loaded, ...beginning };
    case "live":
      return {
        kind: "stored",
        live: loaded,
        token,
        idle: undefined,
        isFresh: false,
        refreshes: true,
        known: undefined,
        reply: undefined,
      };
  }
}

/** After `regenerate`: the next commit stores the session under a new token. */
export function regenerated(state: State): State {
  switch (state.kind) {
    case "stored":
    case "renewing":
      return { kind: "renewing", live: state.live, identity: undefined, idle: state.idle, reply: state.reply };
    case "late":
      return { ...beginningOf(state), kind: "new", removesCookie: false, identity: undefined };
    case "newer":
      return { ...beginningOf(state), kind: "replacing", old: state.old, ifEmpty: "leave", identity: undefined };
    case "new":
    case "replacing":
      return { ...state, identity: undefined };
    case "destroyed":
    case "dropped":
      return state;
  }
}

/**
 * After `reset` at this time: the session is empty and has a new token; what was stored is ended by the next commit.
 */
export function emptied(state: State, now: number): State {
  const { reply } = state;
  const beginning = { identity: undefined, bornAt: now, idle: undefined, reply };
  switch (state.kind) {
    case "new":
      return { kind: "new", removesCookie: state.removesCookie, ...beginning, reply: reply ?? removal(state) };
    case "late":
      return { kind: "new", removesCookie: false, ...beginning };
    case "destroyed":
      return { kind: "new", removesCookie: reply === "removal", ...beginning };
    case "stored":
    case "renewing":
      return { kind: "replacing", old: state.live, ifEmpty: "end", ...beginning };
    case "dropped":
      return { kind: "replacing", old: state.before.live, ifEmpty: "end", ...beginning };
    case "newer":
    case "replacing":
      return { kind: "replacing", old: state.old, ifEmpty: "end", ...beginning };
  }
}

/** After `setIdleTimeout`. */
export function withIdle(state: State, idle: number | undefined): State {
  return state.kind === "destroyed" || state.kind === "dropped" ? state : { ...state, idle };
}

/** With the token of its next record. A state that has one, or needs none, stays as it is. */
export function identifiedBy(state: State, identity: Identity): State {
  if (state.kind === "destroyed")
    return { ...state, before: identifiedBy(state.before, identity) as Destroyed["before"] };
  return state.kind === "stored" || state.kind === "dropped" || state.identity ? state : { ...state, identity };
}

/** After a `destroy` that has taken effect. */
export function destroyed(state: State): State {
  if (state.kind === "destroyed") return state;
  return { kind: "destroyed", before: state, reply: state.kind === "new" ? removal(state) : "removal" };
}

/** After a save that found nothing, or a marker. */
export function dropped(before: Stored): State {
  return { kind: "dropped", before: { ...before, idle: undefined }, reply: undefined };
}

/** After the old record was ended and nothing was stored in its place. */
export function ended(state: Replacing): State {
  return { ...beginningOf(state), kind: "new", removesCookie: true, reply: "removal" };
}

/** With another reply. */
export function replying(state: State, reply: Reply): State {
  return state.reply === reply || state.kind === "dropped" ? state : { ...state, reply };
}

/** After a command whose outcome is unknown: the record is read again before the next write. */
export function uncertain(state: State): State {
  switch (state.kind) {
    case "stored":
    case "renewing":
      return { ...state, live: withoutVersion(state.live) };
    case "replacing":
      return state.old.kind === "live" ? { ...state, old: withoutVersion(state.old) } : state;
    case "dropped":
      return { ...state, before: { ...state.before, live: withoutVersion(state.before.live) } };
    default:
      return state;
  }
}

/** After a failed attempt to store a record under a new token: that token is never used again (decision 003). */
export function withoutIdentity(state: State): State {
  return "identity" in state && state.identity ? { ...state, identity: undefined } : state;
}

/** The record that a state is about, if there is one that is to go on. */
export function recordOf(state: State): Live | undefined {
  switch (state.kind) {
    case "stored":
    case "renewing":
      return state.live;
    case "destroyed":
      return recordOf(state.before);
    case "dropped":
      return state.before.live;
    default:
      return undefined;
  }
}

/** What `destroy` has to end, if anything is stored. */
export function endable(state: State): Live | Newer | undefined {
  return state.kind === "replacing" || state.kind === "newer" ? state.old : recordOf(state);
}

/** The hash of the token, as far as one is known. */
export function hashIn(state: State): string | undefined {
  switch (state.kind) {
    case "stored":
      return state.live.hash;
    case "dropped":
      return state.before.live.hash;
    case "destroyed":
      return hashIn(state.before);
    default:
      return state.identity?.hash;
  }
}

/** The token, as far as one is known. */
export function tokenIn(state: State): string | undefined {
  switch (state.kind) {
    case "stored":
      return state.token;
    case "dropped":
      return state.before.token;
    case "destroyed":
      return tokenIn(state.before);
    default:
      return state.identity?.token;
  }
}

/** The hash under which events report the session: that of what was opened. */
export function reportedHash(state: State): string | undefined {
  switch (state.kind) {
    case "new":
      return undefined;
    case "late":
      return state.hash;
    case "destroyed":
      return reportedHash(state.before);
    default:
      return endable(state)?.hash;
  }
}

/** Whether the session began, was renewed or replaced in this request. */
export function isFresh(state: State): boolean {
  if (state.kind === "destroyed" || state.kind === "dropped") return isFresh(state.before);
  return state.kind !== "stored" || state.isFresh;
}

/** What a new record of this session starts from; `absolute`: the absolute timeout of the store, in ms. */
export function birthOf(state: State, absolute: number | undefined): Birth {
  const record = recordOf(state)?.record;
  if (record) return record;
  const { bornAt } = (state.kind === "destroyed" ? state.before : state) as Beginning;
  const deadline = absolute === undefined ? undefined : bornAt + absolute;
  return {
    createdAt: bornAt,
    absolute: deadline,
    idle: undefined,
    authenticatedAt: undefined,
    owner: undefined,
    lifetime: undefined,
    sessionOnly: undefined,
  };
}

/**
 * In this time, and without a storage call between, nothing can have come between a write and the response, in ms.
 */
const AT_ONCE_MS = 10;

/**
 * Whether the reply names a record that may be gone by now. It need not be read again if its token is a new one and
 * it was written just now: nothing can have come between that this server or a clock would not have noticed (decision
 * 012).
 */
export function mayBeGone(state: State, clock: { moment(): Moment }): boolean {
  if (state.kind !== "stored" || typeof state.reply !== "object") return false;
  if (state.reply.why === "refreshed" || !state.known) return true;
  const { time, calls } = clock.moment();
  return calls !== state.known.calls || time - state.known.time > AT_ONCE_MS;
}

/** The token that the client is told, with the reason of the first time if it was told the same token before. */
export function told(earlier: Reply, telling: Telling): Telling {
  const isSame = typeof earlier === "object" && earlier.token === telling.token && earlier.why !== "refreshed";
  return isSame ? { ...telling, why: earlier.why } : telling;
}

function beginningOf({ identity, bornAt, idle, reply }: Beginning): Beginning {
  return { identity, bornAt, idle, reply };
}

function removal({ removesCookie }: New): Reply {
  return removesCookie ? "removal" : undefined;
}

function withoutVersion(live: Live): Live {
  return live.version === undefined ? live : { ...live, version: undefined };
}

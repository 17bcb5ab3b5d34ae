/**
 * The states of one session in one request, and the pure functions between them. A method that fails leaves the
 * earlier state value, so there is nothing to restore.
 *
 * | state     | meaning                                                               |
 * |-----------|-----------------------------------------------------------------------|
 * | new       | nothing is stored                                                     |
 * | late      | the token was renewed a moment ago: writes are dropped                |
 * | newer     | the record has a newer format: writes are dropped                     |
 * | stored    | there is a record                                                     |
 * | renewing  | the next commit moves the record to a new token                       |
 * | replacing | the next commit ends the old record; it stores a new one if it has data |
 * | destroyed | ended by this request                                                 |
 * | dropped   | a save found that another request ended or renewed the session        |
 *
 * | state     | `regenerate`                  | `reset`         | `destroy`          |
 * |-----------|-------------------------------|-----------------|--------------------|
 * | new       | new, with another token       | new and empty   | destroyed          |
 * | late      | new                           | new and empty   | fails with `ended` |
 * | newer     | replacing                     | replacing       | destroyed          |
 * | stored    | renewing                      | replacing       | destroyed          |
 * | renewing  | renewing, with another token  | replacing       | destroyed          |
 * | replacing | replacing, with another token | the same, empty | destroyed          |
 * | destroyed | the same                      | new and empty   | the same           |
 * | dropped   | the same                      | replacing       | destroyed          |
 */
import type { Reply, Telling } from "./request-stage.js";
import type { Birth } from "./persistence.js";
import type { Live, Loaded, Newer } from "./records.js";

/** A token and its hash. */
export interface Identity {
  readonly token: string;
  readonly hash: string;
}

/** When a record was last known to be stored: decides if it must be read again before its token is sent. */
export interface Moment {
  /** Epoch ms. */
  readonly time: number;
  /** Number of storage calls of the store up to that time. */
  readonly calls: number;
}

/** Common fields of states whose next record starts empty. */
interface Beginning {
  /** The token of the next record; generated at its first use. */
  readonly identity: Identity | undefined;
  /** When the session began, in epoch ms. */
  readonly bornAt: number;
  /** The idle timeout from `setIdleTimeout` that is not stored yet, in ms. */
  readonly idle: number | undefined;
  readonly reply: Reply;
}

/** Nothing is stored. */
export interface New extends Beginning {
  readonly kind: "new";
  /**
   * True if ending the session removes the client's cookie; false if the request was late, because the client may have
   * a newer cookie.
   */
  readonly removesCookie: boolean;
}

/** The token was renewed a moment ago. */
export interface Late extends Beginning {
  readonly kind: "late";
  readonly hash: string;
}

/** The record was written by a newer version of Holdfast, or encrypted with a key that this server does not have. */
export interface OfNewerFormat extends Beginning {
  readonly kind: "newer";
  readonly old: Newer;
}

/** A record is stored. */
export interface Stored {
  readonly kind: "stored";
  readonly live: Live;
  /** Undefined if the session was opened by its id. */
  readonly token: string | undefined;
  /** The idle timeout from `setIdleTimeout` that is not stored yet, in ms. */
  readonly idle: number | undefined;
  /** True if this request created, renewed or replaced it. */
  readonly isFresh: boolean;
  /** False after a failed `destroy`: its deadline is not moved. */
  readonly refreshes: boolean;
  /** When this request last wrote it. */
  readonly known: Moment | undefined;
  readonly reply: Reply;
}

/** The record will be moved to a new token. */
export interface Renewing {
  readonly kind: "renewing";
  readonly live: Live;
  readonly identity: Identity | undefined;
  readonly idle: number | undefined;
  readonly reply: Reply;
}

/** The record will be ended, and another may be stored in its place. */
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

/** A save was too late: another request has ended or renewed the session. */
export interface Dropped {
  readonly kind: "dropped";
  readonly before: Stored;
  readonly reply: undefined;
}

/** One session in one request. */
export type State = New | Late | OfNewerFormat | Stored | Renewing | Replacing | Destroyed | Dropped;

/** A function from one state to the next. */
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

/** After `regenerate`: the next commit stores the session with a new token. */
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

/** After `reset` at this time: the session is empty and has a new token; the next commit ends the stored record. */
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

/** Adds the token of the next record. A state that has one, or needs none, is not changed. */
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

/** After a save that found no record, or a marker. */
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

/** After a command with an unknown result: the record is read again before the next write. */
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

/** After a failed attempt to store a record with a new token: that token is never used again (decision 003). */
export function withoutIdentity(state: State): State {
  return "identity" in state && state.identity ? { ...state, identity: undefined } : state;
}

/** The record that the state continues, if there is one. */
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

/** The entry that `destroy` has to end, if anything is stored. */
export function endable(state: State): Live | Newer | undefined {
  return state.kind === "replacing" || state.kind === "newer" ? state.old : recordOf(state);
}

/** The hash of the token, if it is known. */
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

/** The token, if it is known. */
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

/** The hash in events about the session: that of the opened session. */
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

/** True if the session was created, renewed or replaced in this request. */
export function isFresh(state: State): boolean {
  if (state.kind === "destroyed" || state.kind === "dropped") return isFresh(state.before);
  return state.kind !== "stored" || state.isFresh;
}

/** The initial fields of a new record; `absolute`: the absolute timeout of the store, in ms. */
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
    parked: undefined,
  };
}

/**
 * Within this time after a write, and without another storage call, no other request can have ended the session before
 * the response, in ms.
 */
const AT_ONCE_MS = 10;

/**
 * True if the token in the reply may be invalid. The record need not be read again if its token is new and it was just
 * written: this server or its clock would have noticed anything in between (decision 012).
 */
export function mayBeGone(state: State, clock: { moment(): Moment }): boolean {
  if (state.kind !== "stored" || typeof state.reply !== "object") return false;
  if (state.reply.why === "refreshed" || !state.known) return true;
  const { time, calls } = clock.moment();
  return calls !== state.known.calls || time - state.known.time > AT_ONCE_MS;
}

/** The token for the client, with the reason of an earlier reply if that had the same token. */
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

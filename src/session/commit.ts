/**
 * Carries out a plan: storage first, then the next state with the reply for the client. Nothing here changes a
 * session in place.
 */
import type { EndReason } from "../contracts/events.js";
import { SessionError } from "../errors.js";
import { andThen } from "../util/promise.js";
import type { Draft } from "./draft.js";
import { idleDeadline, idleLength, refreshEvery, refreshPause } from "./expiry.js";
import type { StoreSettings } from "./options.js";
import { isRefusal, isStorageFailure, type Telling } from "./outcome.js";
import type { Login, Persistence, Writing } from "./persistence.js";
import { isBeginning, type Beginning, type Plan } from "./plan.js";
import type { Live, Newer } from "./records.js";
import type { Carrier } from "./request-stage.js";
import {
  birthOf,
  dropped,
  ended,
  hashIn,
  replying,
  reportedHash,
  told,
  tokenIn,
  uncertain,
  withoutIdentity,
  type Late,
  type New,
  type OfNewerFormat,
  type Renewing,
  type Replacing,
  type State,
  type Stored,
} from "./state.js";
import { drawWriteId, idOf } from "./token.js";

/** What a commit is given beside its plan. */
export interface Commission {
  readonly settings: StoreSettings;
  readonly persistence: Persistence;
  readonly draft: Draft;
  readonly carrier: Carrier;
  /** Whether a handler asked for it, and is told if it fails. */
  readonly explicit: boolean;
  /** Whether a record that is written is given its next deadline. */
  readonly moves: boolean;
  /** Whether anything differs from what is stored. */
  readonly changed: boolean;
  readonly login: Login | undefined;
  /** The state that a failure goes back to. */
  readonly fallback: State;
}

/** How a commit ended. A failure has a state, too: what is known after it. */
export interface Committed {
  readonly state: State;
  readonly failure?: { readonly error: unknown };
}

/**
 * Carries out a plan. Returns the next state, at once if the storage answers at once; never rejects.
 *
 * @param plan - what was decided, with the state it was decided for; that state has a token if the plan needs one
 * @param commission - what else is known
 */
export function commit(plan: Plan, commission: Commission): Committed | Promise<Committed> {
  try {
    const work = carryOut(plan, commission);
    return work instanceof Promise ? work.catch((error: unknown) => failed(plan, commission, error)) : work;
  } catch (error) {
    return failed(plan, commission, error);
  }
}

function carryOut(plan: Plan, commission: Commission): Committed | Promise<Committed> {
  const { persistence } = commission;
  switch (plan.do) {
    case "nothing":
      return { state: commission.fallback };
    case "create":
    case "renew":
    case "replace":
      return begin(plan, commission);
    case "save":
      return save(plan.state, commission);
    case "touch":
      return touch(plan.state, commission);
    case "look":
      return look(plan.state, persistence);
    case "end":
      return end(plan.state, commission);
    case "drop":
      return drop(plan.state, commission);
    case "discard":
      return discard(plan.state, commission);
  }
}

/** Stores a record under a token that the client does not have yet. */
async function begin(plan: Beginning, commission: Commission): Promise<Committed> {
  const { state } = plan;
  const writing = writingOf(state, commission, true);
  const live = await stored(plan, hashIn(state)!, writing, commission);
  if (commission.settings.hears()) reportBeginning(plan, live, commission);
  return { state: settled(state, live, writing, plan.do === "create" ? "new" : "renewed", commission) };
}

/** What begins with a new token, for who listens. */
function reportBeginning(plan: Beginning, { hash, record: { owner } }: Live, { settings, login }: Commission): void {
  const session = { id: idOf(hash), ...(owner !== undefined && { owner }) };
  if (plan.do === "renew") settings.emit({ type: "renewed", ...session, from: idOf(plan.state.live.hash) });
  else settings.emit({ type: "created", ...session });
  if (plan.do === "replace") reportEnd(settings, plan.state.old, "reset");
  if (login) settings.emit({ type: "authenticated", ...session });
}

/** An event for a session that was ended, for who listens. */
export function reportEnd({ hears, emit }: StoreSettings, old: Live | Newer, reason: EndReason): void {
  if (!hears()) return;
  const owner = old.kind === "live" ? old.record.owner : undefined;
  emit({ type: "ended", id: idOf(old.hash), ...(owner !== undefined && { owner }), reason });
}

async function end(state: Replacing, { persistence, settings }: Commission): Promise<Committed> {
  await persistence.end(state.old);
  reportEnd(settings, state.old, "reset");
  return { state: ended(state) };
}

function stored(
  plan: Beginning,
  hash: string,
  writing: Writing,
  { persistence, settings }: Commission,
): Promise<Live> {
  switch (plan.do) {
    case "create":
      return persistence.create(hash, birthOf(plan.state, settings.absolute), writing);
    case "renew":
      return persistence.renew(plan.state.live, hash, writing);
    case "replace":
      return persistence.reset(plan.state.old, hash, birthOf(plan.state, settings.absolute), writing);
  }
}

function save(state: Stored, commission: Commission): Committed | Promise<Committed> {
  const { persistence, explicit, moves, changed } = commission;
  const writing = writingOf(state, commission, moves || state.idle !== undefined);
  return andThen(persistence.save(state.live, writing), (live): Committed => {
    if (live) return { state: settled(state, live, writing, "refreshed", commission) };
    const isRefresh = !explicit && !changed;
    return isRefresh ? { state: replying(state, undefined) } : gone(state, commission);
  });
}

/** The session was ended or renewed while this request held it. */
function gone(state: Stored, { settings, explicit }: Commission): Committed {
  const isOld = settings.clock.now() - state.live.seenAt > settings.retiredFor;
  settings.emit({ type: "dropped", id: idOf(state.live.hash) });
  if (!explicit && !isOld) return { state: dropped(state) };
  const error = new SessionError(
    "ended",
    "the session was ended or renewed by another request; its changes were dropped",
  );
  return { state: dropped(state), failure: { error } };
}

async function touch(state: Stored, { persistence, settings }: Commission): Promise<Committed> {
  const touched = await persistence.touch(state.live);
  if (!touched) return { state: replying(state, undefined) };
  // The draft still stands on what this request read: what another stored meanwhile has to be read and merged before
  // the next write.
  const live = touched.record === state.live.record ? touched : { ...touched, version: undefined };
  return { state: telling({ ...state, live }, state.token, "refreshed", settings) };
}

/**
 * Whether what an earlier verb of this request has stored is still there: a late response must not replace the cookie
 * of a newer login.
 */
async function look(state: Stored, persistence: Persistence): Promise<Committed> {
  const found = await persistence.load(state.live.hash);
  return { state: found.kind === "live" ? state : replying(state, undefined) };
}

function drop(state: Late | OfNewerFormat, { draft, settings, explicit }: Commission): Committed {
  draft.discard();
  settings.emit({ type: "dropped", id: idOf(reportedHash(state)!) });
  const next = { state: { ...state, idle: undefined } };
  if (!explicit) return next;
  const error = new SessionError("ended", "the session was renewed by another request; its changes were dropped");
  return { ...next, failure: { error } };
}

function discard(state: New | Renewing | Replacing, { draft, settings, explicit }: Commission): Committed {
  if (explicit)
    throw new SessionError("answered", "the answer has begun: it cannot carry the token that this session needs");
  if (draft.discard()) settings.emit(unsaved(state));
  return { state };
}

/** The event for changes that are not saved. */
export function unsaved(state: State): { readonly type: "unsaved"; readonly id?: string } {
  const hash = reportedHash(state);
  return hash === undefined ? { type: "unsaved" } : { type: "unsaved", id: idOf(hash) };
}

function writingOf(state: Stored | Beginning["state"], commission: Commission, moves: boolean): Writing {
  const { draft, carrier, login } = commission;
  const writeId = drawWriteId();
  draft.seal(writeId);
  return { draft, writeId, idle: state.idle, moves, answers: carrier === "answer", login };
}

/** The state after a record was written. */
function settled(
  state: Stored | Beginning["state"],
  live: Live,
  writing: Writing,
  why: Telling["why"],
  { settings, persistence }: Commission,
): State {
  writing.draft.settle(live.record.data, writing.writeId);
  const token = tokenIn(state);
  const next: Stored = {
    kind: "stored",
    live,
    token,
    idle: undefined,
    isFresh: state.kind !== "stored" || state.isFresh,
    refreshes: true,
    known: persistence.moment(),
    reply: state.reply,
  };
  const isTold = why !== "refreshed" || (writing.moves && writing.answers);
  return isTold ? telling(next, token, why, settings) : next;
}

/** The same state, with a reply that sends the token. */
function telling(state: Stored, token: string | undefined, why: Telling["why"], settings: StoreSettings): Stored {
  if (token === undefined) return state;
  const now = settings.clock.now();
  const { record } = state.live;
  const lifetime = idleDeadline(now, idleLength(settings, record), record.absolute) - now;
  return { ...state, reply: told(state.reply, { token, why, lifetime, sessionOnly: record.sessionOnly }) };
}

/**
 * What is known after a failure. What was refused has changed nothing. After anything else nobody knows whether the
 * command took effect: the record is read before the next write, no token is used twice, and no response names one
 * that may be dead.
 */
function failed(plan: Plan, commission: Commission, error: unknown): Committed {
  const { fallback, explicit, changed } = commission;
  const isRefresh = plan.do === "touch" || (plan.do === "save" && !explicit && !changed);
  if (isRefresh && isStorageFailure(error)) return { state: notRefreshed(plan.state, commission, error) };
  const failure = { error };
  const state = isBeginning(plan) && fallback === plan.state ? withoutIdentity(fallback) : fallback;
  if (isRefusal(error)) return { state, failure };
  const mayBeDead = plan.do !== "create" && plan.do !== "save";
  return { state: mayBeDead ? replying(uncertain(state), undefined) : uncertain(state), failure };
}

/**
 * The deadline could not be moved. What was read is as good as before, so the request goes on; its client keeps the
 * cookie it has, and the next try is a refresh interval later (decision 009).
 */
function notRefreshed(state: Stored, { settings, persistence }: Commission, cause: unknown): State {
  const { hash, record } = state.live;
  const length = idleLength(settings, record);
  const interval = refreshEvery(settings.refreshInterval, settings.idle, length);
  persistence.refreshPauses.add(hash, refreshPause(interval, length), settings.clock.now());
  settings.emit({ type: "refresh-failed", id: idOf(hash), cause });
  return replying(uncertain(state), undefined);
}

/** What is known after a `destroy` that failed: the session goes on, and its deadline is left alone. */
export function failedToEnd(state: State, error: unknown): State {
  const next = isRefusal(error) ? state : replying(uncertain(state), undefined);
  return next.kind === "stored" ? { ...next, refreshes: false } : next;
}

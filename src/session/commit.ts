/**
 * Executes a plan: first the storage calls, then the next state with the reply for the client. Nothing here modifies a
 * session.
 */
import type { EndReason, SessionEvent } from "../contracts/events.js";
import { remembers } from "../codecs/record.js";
import { SessionError } from "../errors.js";
import { andThen } from "../util/async.js";
import type { Draft } from "./draft.js";
import { idleDeadline, idleLength, refreshEvery, refreshPause } from "./expiry.js";
import type { StoreSettings } from "./options.js";
import type { Login, Persistence, Writing } from "./persistence.js";
import { isBeginning, type Beginning, type Plan } from "./plan.js";
import type { Live, Newer } from "./records.js";
import type { Carrier, Telling } from "./request-stage.js";
import {
  birthOf,
  destroyed,
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

/** Further arguments of a commit. */
export interface Commission {
  readonly settings: StoreSettings;
  readonly persistence: Persistence;
  readonly draft: Draft;
  readonly carrier: Carrier;
  /** True if a method of the handler caused it and receives its failure. */
  readonly explicit: boolean;
  /** True if a written record gets a new deadline. */
  readonly moves: boolean;
  /** True if anything differs from the stored record. */
  readonly changed: boolean;
  readonly login: Login | undefined;
  /** The state after a failure. */
  readonly fallback: State;
}

/** How one commit differs from the usual one. */
export interface CommitOptions {
  /** Called before anything is stored: true if work that no handler requested can wait. */
  readonly mayWait?: (() => boolean) | undefined;
  readonly login?: Login;
}

/** Result of a commit. A failure has a state, too: what is known after it. */
export interface Committed {
  readonly state: State;
  readonly failure?: { readonly error: unknown };
}

/**
 * Executes a plan. Returns the next state, synchronously if the storage is synchronous; never rejects.
 *
 * @param plan - the plan, with the state it was computed from; that state has a token if the plan needs one
 * @param commission - further arguments
 */
export function commit(plan: Plan, commission: Commission): Committed | Promise<Committed> {
  try {
    const work = execute(plan, commission);
    return work instanceof Promise ? work.catch((error: unknown) => failed(plan, commission, error)) : work;
  } catch (error) {
    return failed(plan, commission, error);
  }
}

function execute(plan: Plan, commission: Commission): Committed | Promise<Committed> {
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

/** Stores a record with a token that the client does not have yet. */
async function begin(plan: Beginning, commission: Commission): Promise<Committed> {
  const { state } = plan;
  const writing = writingOf(state, commission, true);
  const live = await stored(plan, hashIn(state)!, writing, commission);
  if (commission.settings.hears()) reportBeginning(plan, live, commission);
  return { state: settled(state, live, writing, plan.do === "create" ? "new" : "renewed", commission) };
}

/** Emits the events for a new token. */
function reportBeginning(plan: Beginning, { hash, record }: Live, { settings, login }: Commission): void {
  const session = { id: idOf(hash), ...whose(record) };
  if (plan.do === "renew") settings.emit({ type: "renewed", ...session, from: idOf(plan.state.live.hash) });
  else settings.emit({ type: "created", ...session });
  if (plan.do === "replace") reportEnd(settings, plan.state.old, "reset");
  if (login?.impersonation === "ends" && plan.do === "renew") {
    const { live } = plan.state;
    settings.emit({ type: "impersonation-ended", id: session.id, ...whose(live.record), from: idOf(live.hash) });
  } else if (login) settings.emit({ type: "authenticated", ...session });
}

/** Whose session it is, and who acts in it, for an event. */
function whose({ owner, parked }: Live["record"]): { readonly owner?: string; readonly actor?: string } {
  return { ...(owner !== undefined && { owner }), ...(parked && { actor: parked.owner }) };
}

/** Emits the event for a session that was ended. */
function reportEnd({ hears, emit }: StoreSettings, old: Live | Newer, reason: EndReason): void {
  if (!hears()) return;
  emit({ type: "ended", id: idOf(old.hash), ...(old.kind === "live" && whose(old.record)), reason });
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

/** The session was ended or renewed while this request used it. */
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
  // The draft is still based on what this request read: a record stored by another request has to be read and merged
  // before the next write.
  const live = touched.record === state.live.record ? touched : { ...touched, version: undefined };
  return { state: telling({ ...state, live }, state.token, "refreshed", settings) };
}

/**
 * Reads whether the record that an earlier method of this request stored still exists: a late response must not
 * replace the cookie of a newer login.
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
    throw new SessionError("answered", "the response has begun: it cannot carry the token that this session needs");
  if (draft.discard()) settings.emit(unsaved(state));
  return { state };
}

/** The event for changes that are not saved. */
export function unsaved(state: State): { readonly type: "unsaved"; readonly id?: string } {
  const hash = reportedHash(state);
  return hash === undefined ? { type: "unsaved" } : { type: "unsaved", id: idOf(hash) };
}

/** The event for a stored value that does not match its schema. */
export function invalid(state: State, cause: SessionError): SessionEvent {
  const hash = reportedHash(state);
  const id = hash !== undefined && { id: idOf(hash) };
  return { type: "invalid", ...id, ...(cause.key !== undefined && { key: cause.key }), cause };
}

function writingOf(state: Stored | Beginning["state"], commission: Commission, moves: boolean): Writing {
  const { draft, carrier, login } = commission;
  const writeId = drawWriteId();
  draft.seal(writeId);
  return { draft, writeId, idle: state.idle, moves, hasResponse: carrier === "response", login };
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
  const isTold = why !== "refreshed" || (writing.moves && writing.hasResponse);
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
 * The state after a failure. A refused command has changed nothing. After any other failure it is unknown if the
 * command took effect: the record is read before the next write, no token is used twice, and no response contains a
 * token that may be invalid.
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
 * The deadline could not be moved. The data that was read is still valid, so the request continues; its client keeps
 * its cookie, and the next attempt is a refresh interval later (decision 009).
 */
function notRefreshed(state: Stored, { settings, persistence }: Commission, cause: unknown): State {
  const { hash, record } = state.live;
  const length = idleLength(settings, record);
  const interval = refreshEvery(settings.refreshInterval, settings.idle, length);
  persistence.refreshPauses.add(hash, refreshPause(interval, length), settings.clock.now());
  settings.emit({ type: "refresh-failed", id: idOf(hash), cause });
  return replying(uncertain(state), undefined);
}

/**
 * Ends a stored session, for `destroy`. Never rejects.
 *
 * @param state - the session as its handler has it
 * @param stored - what is stored of it
 */
export async function endStored(
  state: State,
  stored: Live | Newer,
  { settings, persistence }: Pick<Commission, "settings" | "persistence">,
): Promise<Committed> {
  try {
    await persistence.end(stored);
  } catch (error) {
    return { state: failedToEnd(state, error), failure: { error } };
  }
  reportEnd(settings, stored, "destroy");
  return { state: destroyed(state) };
}

/** Reads the stored record again, for `reload`, and applies the changes of a draft to it. Never rejects. */
export async function reread(
  state: Stored | Renewing,
  draft: Draft,
  { persistence }: Pick<Commission, "persistence">,
): Promise<Committed> {
  let next: Stored | Renewing = state;
  try {
    const found = await persistence.load(state.live.hash);
    if (found.kind !== "live") {
      const error = new SessionError("ended", "reload: the session was ended or renewed by another request");
      return { state: state.kind === "stored" ? dropped(state) : state, failure: { error } };
    }
    next = { ...state, live: found };
    draft.renew(found.record.data, (writeId) => remembers(found.record.writes, writeId));
    return { state: next };
  } catch (error) {
    return { state: next, failure: { error } };
  }
}

/** The state after a failed `destroy`: the session continues, and its deadline is not moved. */
function failedToEnd(state: State, error: unknown): State {
  const next = isRefusal(error) ? state : replying(uncertain(state), undefined);
  return next.kind === "stored" ? { ...next, refreshes: false } : next;
}

/** True if the storage failed: it refused, did not respond in time, or other requests kept changing the entry. */
function isStorageFailure(error: unknown): boolean {
  return error instanceof SessionError && ["storage", "timeout", "conflict"].includes(error.code);
}

/** True if the change was refused before the session was changed. */
function isRefusal(error: unknown): boolean {
  return error instanceof SessionError && !["storage", "timeout", "conflict", "ended"].includes(error.code);
}

/**
 * What is known of the session of one request with a connect store, and the pure functions on it. The value is
 * replaced as a whole: what begins with one session never changes what is known of the next.
 *
 * | stage     | meaning                                                                        |
 * |-----------|--------------------------------------------------------------------------------|
 * | open      | what the handler changes is stored                                             |
 * | failed    | an explicit save failed, and the handler knows it: the response has no cookie  |
 * | dropped   | another request has ended the session: it is not written again                 |
 * | destroyed | ended by this request: nothing is left to do                                   |
 *
 * | stage     | store | fail   | drop    | destroy   |
 * |-----------|-------|--------|---------|-----------|
 * | open      |       | failed | dropped | destroyed |
 * | failed    | open  |        | dropped | destroyed |
 * | dropped   | open  |        |         | destroyed |
 * | destroyed | open  |        |         |           |
 */
import type { SessionRecordData } from "./connect-store.js";
import type { DropInSettings } from "./dropin-options.js";
import { differences, textsOf, updated, type Texts } from "./known-data.js";
import type { Session } from "./plain-session.js";

/** How the session of a request with a connect store is. */
export type ConnectStage = "open" | "failed" | "dropped" | "destroyed";

/** What happens to it. */
export type ConnectEvent = "store" | "fail" | "drop" | "destroy";

/** A function from the old value of a key to the new one. */
export type Change = (value: unknown) => unknown;

/** Functions that were passed to `update` since the session was stored, by key. */
type Updates = ReadonlyMap<string, readonly Change[]>;

/** A session as it was opened: to see whether a handler changed it. */
interface Opened {
  readonly id: unknown;
  readonly texts: Texts;
}

/** A record, as far as the request knows. */
interface Stored {
  readonly texts: Texts;
  readonly maxAge: number | null;
}

/** What is known of one session. */
export interface ConnectState {
  readonly stage: ConnectStage;
  readonly opened: Opened;
  /** Undefined: nothing is stored. */
  readonly stored: Stored | undefined;
  /** What the end of the request need not save; undefined: it saves in any case. */
  readonly saved: Texts | undefined;
  readonly updates: Updates;
  /** True if the expiration of its cookie was moved for this request. */
  readonly isTouched: boolean;
}

/** What is known of the session of a request. Work in progress continues with that of the session it began with. */
export interface Known {
  state: ConnectState;
}

/** How far the response is; after its first byte with the id in its cookie, if it has one. */
export type Progress = "open" | "failed" | { readonly sentId: string | undefined };

/** What a request has to do for its session. */
export type Work = "nothing" | "destroy" | "save" | "touch";

/** What that depends on, in addition to what is known of the session. */
export interface ConnectSituation {
  readonly settings: Pick<DropInSettings, "saveUninitialized" | "rolling" | "destroysUnset">;
  /** What a handler left of it. */
  readonly session: Session | null | undefined;
  /** True if its id is that of the request's cookie. */
  readonly isKnown: boolean;
  /** True if the deadline can be moved without a save, and the response has not begun. */
  readonly touches: boolean;
}

/** What a save takes over from the record that other requests have changed meanwhile. */
export interface Merge {
  /** New values by key; undefined: the key was removed. */
  readonly values: ReadonlyMap<string, unknown>;
  /** Keys that both have changed: this request overwrites the other's value. */
  readonly overwritten: readonly string[];
  /** The new `maxAge`; undefined: that of this request. */
  readonly maxAge: number | null | undefined;
}

const NEXT: Readonly<Record<ConnectStage, Partial<Record<ConnectEvent, ConnectStage>>>> = {
  open: { fail: "failed", drop: "dropped", destroy: "destroyed" },
  failed: { store: "open", drop: "dropped", destroy: "destroyed" },
  dropped: { store: "open", destroy: "destroyed" },
  destroyed: { store: "open" },
};

/** Before a session is opened. */
export const UNOPENED: ConnectState = {
  stage: "open",
  opened: { id: undefined, texts: new Map() },
  stored: undefined,
  saved: undefined,
  updates: new Map(),
  isTouched: false,
};

/** A new session. */
export function begun(session: Session): ConnectState {
  return { ...UNOPENED, opened: { id: session.id, texts: textsOf(session) } };
}

/** A session that was read from the store. With `resave` the end of the request saves it in any case. */
export function loaded({ stage }: ConnectState, session: Session, resave: boolean): ConnectState {
  const state = begun(session);
  const { texts } = state.opened;
  const stored = { texts, maxAge: session.cookie.originalMaxAge };
  return { ...state, stage, stored, saved: resave ? undefined : texts };
}

/** After an event; one without effect leaves the stage unchanged. */
export function after(state: ConnectState, event: ConnectEvent): ConnectState {
  const stage = NEXT[state.stage][event] ?? state.stage;
  return stage === state.stage ? state : { ...state, stage };
}

/** After an explicit save of these values has failed: the end of the request does not try the same again. */
export function unsaved(state: ConnectState, texts: Texts): ConnectState {
  return { ...state, saved: texts };
}

/** After a save. Functions that were passed to `update` since it began are part of the next one. */
export function stored(state: ConnectState, record: Stored, written: Updates): ConnectState {
  const updates = [...state.updates].map(([key, all]) => [key, all.slice(written.get(key)?.length ?? 0)] as const);
  return {
    ...after(state, "store"),
    stored: record,
    saved: record.texts,
    updates: new Map(updates.filter(([, left]) => left.length > 0)),
  };
}

/** With a function that was passed to `update`. */
export function withUpdate(state: ConnectState, key: string, change: Change): ConnectState {
  const updates = new Map(state.updates).set(key, [...(state.updates.get(key) ?? []), change]);
  return { ...state, updates };
}

/** What has to be done for the session; `settings.resave` is part of `state.saved`. */
export function workOf(state: ConnectState, { settings, session, isKnown, touches }: ConnectSituation): Work {
  if (state.stage === "destroyed") return "nothing";
  if (!session) return settings.destroysUnset ? "destroy" : "nothing";
  if (state.stage === "dropped") return "nothing";
  const mayBeSaved = isKnown || settings.saveUninitialized || isModified(state, session);
  if (mayBeSaved && !isSaved(state, session)) return "save";
  return isKnown && touches ? "touch" : "nothing";
}

/** True if the response has a cookie, by the rules of express-session; never that of a session that was ended. */
export function sendsCookie(
  state: ConnectState,
  session: Session,
  { settings, isKnown }: Pick<ConnectSituation, "settings" | "isKnown">,
): boolean {
  if (state.stage !== "open") return false;
  if (!isKnown) return settings.saveUninitialized || isModified(state, session);
  return settings.rolling || (Boolean(session.cookie.expires) && isModified(state, session));
}

/** Compares what is stored now with what this request knows and has changed. */
export function mergeOf({ stored, updates }: ConnectState, session: Session, found: SessionRecordData): Merge {
  const before = stored!;
  const ours = differences(before.texts, textsOf(session));
  const values = new Map<string, unknown>();
  const overwritten: string[] = [];
  for (const [key, text] of differences(before.texts, textsOf(found))) {
    const changes = updates.get(key);
    if (changes)
      values.set(
        key,
        changes.reduce<unknown>((value, change) => updated(key, change, value), found[key]),
      );
    else if (!ours.has(key)) values.set(key, text === undefined ? undefined : found[key]);
    else if (ours.get(key) !== text) overwritten.push(key);
  }
  const maxAge = found.cookie?.originalMaxAge ?? null;
  const isTheirs = session.cookie.originalMaxAge === before.maxAge && maxAge !== before.maxAge;
  return { values, overwritten, maxAge: isTheirs ? maxAge : undefined };
}

function isModified({ opened }: ConnectState, session: Session): boolean {
  return session.id !== opened.id || differences(opened.texts, textsOf(session)).size > 0;
}

function isSaved({ opened, saved }: ConnectState, session: Session): boolean {
  return saved !== undefined && session.id === opened.id && differences(saved, textsOf(session)).size === 0;
}

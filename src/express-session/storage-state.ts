/**
 * What is known of the plain properties in front of a session in a storage, in one request, and the pure functions on
 * it. The value is replaced as a whole.
 *
 * | stage   | meaning                                                                                    |
 * |---------|--------------------------------------------------------------------------------------------|
 * | open    | the handler uses it                                                                        |
 * | settled | the expiration of its cookie was moved for the response                                    |
 * | left    | another session takes its place soon: the object of this one keeps its data for Passport   |
 * | gone    | the request has none any more                                                              |
 *
 * | stage   | settle  | leave | end  |
 * |---------|---------|-------|------|
 * | open    | settled | left  | gone |
 * | settled |         | left  | gone |
 * | left    |         |       | gone |
 * | gone    |         |       |      |
 */
import type { Texts } from "./known-data.js";
import type { Telling } from "../session/request-stage.js";
import type { Cookie } from "./session-cookie.js";

/** How the session of a request on a storage is. */
export type StorageStage = "open" | "settled" | "left" | "gone";

/** What happens to it. */
export type StorageEvent = "settle" | "leave" | "end";

/** What is known of the cookie of a session: its attributes are JSON. */
export interface KnownCookie {
  /** Those of every session, if all have the same. */
  readonly usual: string | undefined;
  /** Those that a handler found. */
  readonly shown: string;
  /** Undefined: none are stored, and they depend on the request. */
  readonly stored: string | undefined;
  /** The `maxAge` that is the idle timeout of the session; undefined: it has none yet. */
  readonly maxAge: number | null | undefined;
}

/** What is known of one session. */
export interface StorageState {
  readonly stage: StorageStage;
  /** Why it is stored: a handler changed it, or it is kept although a handler may have put nothing into it. */
  readonly reason: "none" | "kept" | "modified";
  /** What the properties have in common with the session of Holdfast. */
  readonly texts: Texts;
  /** Keys that were changed by `update`: their values are final when they are stored. */
  readonly updated: ReadonlySet<string>;
  readonly cookie: KnownCookie;
  /** False after a cookie could not be written, which is an error once: the error response has none. */
  readonly canSend: boolean;
}

const NEXT: Readonly<Record<StorageStage, Partial<Record<StorageEvent, StorageStage>>>> = {
  open: { settle: "settled", leave: "left", end: "gone" },
  settled: { leave: "left", end: "gone" },
  left: { end: "gone" },
  gone: {},
};

/** Before a session is shown. */
export const UNSHOWN: StorageState = {
  stage: "open",
  reason: "none",
  texts: new Map(),
  updated: new Set(),
  cookie: { usual: undefined, shown: "", stored: undefined, maxAge: null },
  canSend: true,
};

/** Another session in the place of the one before. */
export function begun({ canSend }: StorageState, saveUninitialized: boolean): StorageState {
  return { ...UNSHOWN, reason: saveUninitialized ? "kept" : "none", canSend };
}

/** With the cookie of the session, before its data. */
export function shown(state: StorageState, cookie: KnownCookie): StorageState {
  return { ...state, texts: new Map(), updated: new Set(), cookie };
}

/** After an event; one without effect leaves the stage unchanged. */
export function after(state: StorageState, event: StorageEvent): StorageState {
  const stage = NEXT[state.stage][event];
  return stage ? { ...state, stage } : state;
}

/** After `save`. */
export function kept(state: StorageState): StorageState {
  return state.reason === "none" ? { ...state, reason: "kept" } : state;
}

/** After a change by other means than `update`; of this key, or of any. */
export function modified(state: StorageState, key?: string): StorageState {
  const { updated } = state;
  const isFinal = key !== undefined && updated.has(key);
  return {
    ...state,
    reason: "modified",
    updated: isFinal ? new Set([...updated].filter((one) => one !== key)) : updated,
  };
}

/** After `update` of a key. */
export function withUpdate(state: StorageState, key: string): StorageState {
  return { ...state, reason: "modified", updated: new Set(state.updated).add(key) };
}

/** With another session's data behind the properties: nothing in common, and the usual cookie. */
export function emptied(state: StorageState): StorageState {
  return { ...state, texts: new Map(), cookie: { ...state.cookie, stored: state.cookie.usual } };
}

/** With these attributes of the cookie stored, or this `maxAge` used. */
export function withCookie(state: StorageState, known: Partial<KnownCookie>): StorageState {
  return { ...state, cookie: { ...state.cookie, ...known } };
}

/**
 * True if attributes of the cookie have to be stored: they were changed, or they depend on the request and the session
 * is stored with it.
 *
 * @param state - what is known
 * @param attributes - the present attributes
 * @param hasRecord - true if the session is stored already
 */
export function mustStoreCookie(state: StorageState, attributes: string, hasRecord: boolean): boolean {
  const { reason, cookie } = state;
  const isWritten = reason === "modified" || (reason === "kept" && !hasRecord);
  return attributes !== (cookie.stored ?? (isWritten ? undefined : cookie.shown));
}

/** True if the response has the cookie of a stored session, by the rules of express-session. */
export function sendsCookie(
  { reason }: StorageState,
  why: Telling["why"],
  { expires }: Pick<Cookie, "expires">,
  rolling: boolean,
): boolean {
  return why !== "refreshed" || rolling || (Boolean(expires) && reason === "modified");
}

/**
 * The stages of one request until its response is complete, and what each allows. Pure: no storage, no framework.
 *
 * | stage | meaning |
 * |---|---|
 * | `open` | the handler may change the session; the response has not begun |
 * | `abandoned` | the same, but the client has disconnected: the handler may never respond |
 * | `saving` | the response waits until the session is stored |
 * | `answered` | the response has begun: no header can carry a new token any more |
 * | `failed` | the session could not be stored: the error path writes the response, without a token |
 * | `over` | the response is complete |
 * | `failed-over` | the response of the error path is complete |
 */
export type Stage = "open" | "abandoned" | "saving" | "answered" | "failed" | "over" | "failed-over";

/** What a handler can still do with its session: everything, everything that needs no new token, or nothing. */
export type Phase = "open" | "answered" | "over" | "released";

/** What sends a new token to the client: the response of the request, the caller of the store, or nothing. */
export type Carrier = "response" | "caller" | "none";

/** What happens to a request. */
export type StageEvent = "abandon" | "save" | "respond" | "fail" | "end";

const NEXT: Readonly<Record<Stage, Partial<Record<StageEvent, Stage>>>> = {
  open: { abandon: "abandoned", save: "saving", respond: "answered", fail: "failed", end: "over" },
  abandoned: { save: "saving", respond: "answered", end: "over" },
  saving: { respond: "answered", fail: "failed", end: "over" },
  answered: { fail: "failed", end: "over" },
  failed: { end: "failed-over" },
  over: { fail: "failed-over" },
  "failed-over": {},
};

/**
 * The stage after an event. An event without effect (a client that disconnects after the response has begun, the end
 * of a request that is over) leaves the stage unchanged.
 *
 * @param stage - the current stage
 * @param event - what happens to the request
 */
export function after(stage: Stage, event: StageEvent): Stage {
  return NEXT[stage][event] ?? stage;
}

/** True if the response has not begun. */
export function isOpen(stage: Stage): boolean {
  return stage === "open" || stage === "abandoned";
}

/** True if the response is complete. */
export function isOver(stage: Stage): boolean {
  return stage === "over" || stage === "failed-over";
}

/** True if the session could not be stored. */
export function hasFailed(stage: Stage): boolean {
  return stage === "failed" || stage === "failed-over";
}

/** What a handler can do with its session at this stage. */
export function phaseAt(stage: Stage): Phase {
  if (isOpen(stage)) return "open";
  return isOver(stage) ? "over" : "answered";
}

/**
 * What sends a new token at this stage.
 *
 * @param stage - the current stage
 * @param isVisitor - true if the request has no session: nothing is stored for a visitor who has disconnected
 */
export function carrierAt(stage: Stage, isVisitor: boolean): Carrier {
  if (stage === "open" || stage === "saving") return "response";
  return stage === "abandoned" && !isVisitor ? "response" : "none";
}

/** The request of a session, as the session uses it. A session opened by the store has none. */
export interface SessionRequest {
  /** What its handler can do with the session now. */
  readonly phase: Phase;
  /** What sends a new token to the client now. */
  readonly carrier: Carrier;
  /** True if a session is stored although it has no data. */
  readonly storesNew: boolean;
  /** True if each save of this request moves the deadline. */
  readonly movesWhenSaved: boolean;
  /** Generates the token of a new session; undefined if the store's generator does. */
  drawToken(): string | undefined;
  /** True if the client has disconnected before its handler has responded: the handler may never respond. */
  readonly isAbandoned: boolean;
  /** True if a change is accepted although the response is complete: a listener has no caller to catch exceptions. */
  readonly takesLateChanges: boolean;
  /** A late change was accepted: it is saved, or reported by an event. */
  changedLate(): void;
  /** A session method has stored something that the client must receive. */
  persisted(): void;
}

/** The reply for the client: a token, the removal of its cookie, or nothing. */
export type Reply = Telling | "removal" | undefined;

/** A token to send. */
export interface Telling {
  readonly token: string;
  readonly why: "new" | "renewed" | "refreshed";
  /** How long the client keeps it, in ms. */
  readonly lifetime: number;
  /** True: the browser removes the cookie when it closes; undefined: as in the cookie options. */
  readonly sessionOnly?: boolean | undefined;
}

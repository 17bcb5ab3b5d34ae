/**
 * The stages of one request on the way to its response, and what each allows. Pure: no storage, no framework.
 *
 * | stage | meaning |
 * |---|---|
 * | open | the handler may change the session; the response has not begun |
 * | abandoned | the same, but the client has left: the handler may never answer |
 * | saving | the response waits until the session is stored |
 * | answered | the response has begun: no header can carry a new token any more |
 * | failed | the session could not be stored: the error path writes the response, without a token |
 * | over | the response is complete |
 * | failed-over | the response of the error path is complete |
 */
export type Stage = "open" | "abandoned" | "saving" | "answered" | "failed" | "over" | "failed-over";

/** What a handler can still do with its session: everything, everything that needs no new token, or nothing. */
export type Phase = "open" | "answered" | "over" | "released";

/** Who sends a new token to the client: the response of the request, the caller of the store, or nobody. */
export type Carrier = "answer" | "caller" | "nobody";

/** What happens to a request. */
export type StageEvent = "abandon" | "save" | "answer" | "fail" | "end";

const NEXT: Readonly<Record<Stage, Partial<Record<StageEvent, Stage>>>> = {
  open: { abandon: "abandoned", save: "saving", answer: "answered", fail: "failed", end: "over" },
  abandoned: { save: "saving", answer: "answered", end: "over" },
  saving: { answer: "answered", fail: "failed", end: "over" },
  answered: { fail: "failed", end: "over" },
  failed: { end: "failed-over" },
  over: { fail: "failed-over" },
  "failed-over": {},
};

/**
 * The stage after an event. An event that changes nothing (a client that leaves after the response has begun, the
 * end of a request that is over) leaves the stage as it is.
 *
 * @param stage - where the request is
 * @param event - what happens to it
 */
export function after(stage: Stage, event: StageEvent): Stage {
  return NEXT[stage][event] ?? stage;
}

/** Whether the response has not begun. */
export function isOpen(stage: Stage): boolean {
  return stage === "open" || stage === "abandoned";
}

/** Whether the response is complete. */
export function isOver(stage: Stage): boolean {
  return stage === "over" || stage === "failed-over";
}

/** Whether the session could not be stored. */
export function hasFailed(stage: Stage): boolean {
  return stage === "failed" || stage === "failed-over";
}

/** What a handler can do with its session at this stage. */
export function phaseAt(stage: Stage): Phase {
  if (isOpen(stage)) return "open";
  return isOver(stage) ? "over" : "answered";
}

/**
 * Who sends a new token at this stage.
 *
 * @param stage - where the request is
 * @param isVisitor - whether the request came without a session: nothing is stored for a visitor who has left
 */
export function carrierAt(stage: Stage, isVisitor: boolean): Carrier {
  if (stage === "open" || stage === "saving") return "answer";
  return stage === "abandoned" && !isVisitor ? "answer" : "nobody";
}

/** The request of a session, as the session sees it. A session opened by the store has none. */
export interface SessionRequest {
  /** What its handler can do with the session now. */
  readonly phase: Phase;
  /** Who sends a new token to the client now. */
  readonly carrier: Carrier;
  /** Whether a session is stored although nothing was put into it. */
  readonly storesNew: boolean;
  /** Whether the client left before its handler has answered: the handler may never answer. */
  readonly isAbandoned: boolean;
  /** Whether a change is accepted although the response is complete: a listener has nobody to throw at. */
  readonly takesLateChanges: boolean;
  /** A change was accepted so late: it is saved, or reported by an event. */
  changedLate(): void;
  /** A verb has persisted something that the client must learn. */
  persisted(): void;
}

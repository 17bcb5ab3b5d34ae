import type { Loaded } from "./records.js";

/** What the end of a request, or `save()`, does with the storage. One of these, decided in one place. */
export type Plan = "nothing" | "create" | "save" | "touch" | "renew" | "reset" | "end" | "drop" | "discard";

/** What the verbs of a handler ask for. */
export type Intent = "keep" | "renew" | "reset" | "dropped" | "ended";

/** All that a plan depends on. */
export interface Situation {
  /** What was found when the session was opened. */
  readonly found: Loaded["kind"];
  readonly intent: Intent;
  /** Whether data or idle length differ from what was stored. */
  readonly changed: boolean;
  /** Whether there is anything to store of a new session: data, an explicit `save()`, or a store of every visitor. */
  readonly worthStoring: boolean;
  /** An explicit `save()`. */
  readonly explicit: boolean;
  /** Whether the deadline is due to move, and whether that takes a whole record to say. */
  readonly refresh: "no" | "touch" | "save";
  /** Whether anything can carry a new token to the client. */
  readonly canCarry: boolean;
}

/**
 * Decides. `drop`: the changes come too late, another has renewed the session; `discard`: they need a new token and nothing can carry it.
 */
export function plan(situation: Situation): Plan {
  const wanted = want(situation);
  const needsCarrier = wanted === "create" || wanted === "renew" || wanted === "reset";
  return needsCarrier && !situation.canCarry ? "discard" : wanted;
}

function want({ found, intent, changed, worthStoring, explicit, refresh }: Situation): Plan {
  if (intent === "ended" || intent === "dropped") return "nothing";
  if (found === "absent") return worthStoring ? "create" : "nothing";
  if (intent === "renew" && found === "live") return "renew";
  if (intent !== "keep") return worthStoring ? (found === "retired" ? "create" : "reset") : intent === "reset" && found !== "retired" ? "end" : "nothing";
  if (found !== "live") return changed || explicit ? "drop" : "nothing";
  if (changed || explicit) return "save";
  return refresh === "no" ? "nothing" : refresh;
}

import type { Late, New, OfNewerFormat, Renewing, Replacing, State, Stored } from "./state.js";

/** What the end of a request, or `save()`, does with the storage. It carries the state it was decided for. */
export type Plan =
  | { readonly do: "nothing" }
  | Beginning
  | { readonly do: "save" | "touch" | "look"; readonly state: Stored }
  | { readonly do: "end"; readonly state: Replacing }
  | { readonly do: "drop"; readonly state: Late | OfNewerFormat }
  | { readonly do: "discard"; readonly state: New | Renewing | Replacing };

/** A plan that stores a record under a new token. */
export type Beginning =
  | { readonly do: "create"; readonly state: New }
  | { readonly do: "renew"; readonly state: Renewing }
  | { readonly do: "replace"; readonly state: Replacing };

/** Why a session is committed: at the end of a request, or since a handler called `save()` or `take()`. */
export type Purpose = "end" | "save" | "take";

/** All that a plan depends on, beside the state. */
export interface Situation {
  /** Whether data or idle timeout differ from what is stored. */
  readonly changed: boolean;
  /**
   * Whether there is anything to store of a new session: data, an explicit `save()`, or a store that keeps every
   * visitor.
   */
  readonly worthStoring: boolean;
  /** Whether a handler asked for it, by `save()` or `take()`, and is told if it fails. */
  readonly explicit: boolean;
  /** Whether the deadline is due to move, and whether that needs the whole record to be written. */
  readonly refresh: "no" | "touch" | "save";
  /** Whether the response would send a token that was stored a while ago, so that the record must be read again. */
  readonly mustLook: boolean;
  /** Whether anything can carry a new token to the client. */
  readonly canCarry: boolean;
}

const NOTHING: Plan = { do: "nothing" };

/**
 * Decides. `drop`: the changes come too late, another request has renewed the session; `discard`: they need a new
 * token and nothing can carry it; `look`: read whether the record is still there, because the response names it.
 */
export function plan(
  state: State,
  { changed, worthStoring, explicit, refresh, mustLook, canCarry }: Situation,
): Plan {
  switch (state.kind) {
    case "destroyed":
    case "dropped":
      return NOTHING;
    case "new":
      if (!worthStoring) return NOTHING;
      return { do: canCarry ? "create" : "discard", state };
    case "renewing":
      return canCarry ? { do: "renew", state } : { do: "discard", state };
    case "replacing":
      if (worthStoring) return { do: canCarry ? "replace" : "discard", state };
      return state.ifEmpty === "end" ? { do: "end", state } : NOTHING;
    case "late":
    case "newer":
      return changed || explicit ? { do: "drop", state } : NOTHING;
    case "stored":
      if (changed || explicit) return { do: "save", state };
      if (refresh !== "no") return { do: refresh, state };
      return mustLook ? { do: "look", state } : NOTHING;
  }
}

/** Whether a plan stores a record under a new token. */
export function isBeginning(chosen: Plan): chosen is Beginning {
  return chosen.do === "create" || chosen.do === "renew" || chosen.do === "replace";
}

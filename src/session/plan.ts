import type { Late, New, OfNewerFormat, Renewing, Replacing, State, Stored } from "./state.js";

/** What the end of a request, or `save()`, does with the storage, with the state it was computed from. */
export type Plan =
  | { readonly do: "nothing" }
  | Beginning
  | { readonly do: "save" | "touch" | "look"; readonly state: Stored }
  | { readonly do: "end"; readonly state: Replacing }
  | { readonly do: "drop"; readonly state: Late | OfNewerFormat }
  | { readonly do: "discard"; readonly state: New | Renewing | Replacing };

/** A plan that stores a record with a new token. */
export type Beginning =
  | { readonly do: "create"; readonly state: New }
  | { readonly do: "renew"; readonly state: Renewing }
  | { readonly do: "replace"; readonly state: Replacing };

/** Why a session is committed: at the end of a request, or because a handler called `save()` or `take()`. */
export type Purpose = "end" | "save" | "take";

/** Everything that a plan depends on, in addition to the state. */
export interface Situation {
  /** True if data or idle timeout differ from the stored ones. */
  readonly changed: boolean;
  /** True if a new session has something to store: data, an explicit `save()`, or `storeNew: "always"`. */
  readonly worthStoring: boolean;
  /** True if a handler called `save()` or `take()`, and receives the failure. */
  readonly explicit: boolean;
  /** Whether the deadline should be moved, and whether that needs a write of the whole record. */
  readonly refresh: "no" | "touch" | "save";
  /** True if the response would send a token that was stored a while ago, so the record must be read again. */
  readonly mustLook: boolean;
  /** True if a new token can be sent to the client. */
  readonly canCarry: boolean;
}

const NOTHING: Plan = { do: "nothing" };

/**
 * Computes the plan. `drop`: the changes are too late, another request has renewed the session; `discard`: they need a
 * new token and it cannot be sent; `look`: read if the record still exists, because the response contains its token.
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

/** True if a plan stores a record with a new token. */
export function isBeginning(chosen: Plan): chosen is Beginning {
  return chosen.do === "create" || chosen.do === "renew" || chosen.do === "replace";
}

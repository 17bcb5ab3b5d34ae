import type { SessionData } from "../session-data.js";
import type { Session, Store } from "./session-api.js";

/** What every adapter's `sessions` offers beside being mounted; `C` is the framework's own context. */
export interface SessionAccess<D extends object = SessionData, C extends object = any> {
  /**
   * The session of a request; throws `no-session` (not mounted, skipped), `not-loaded` (lazy mode), or the failure
   * that kept it from being loaded.
   */
  get(context: C): Session<D>;
  /** The session of a request; loads it in lazy mode. */
  load(context: C): Promise<Session<D>>;
  /** The session of a request, or undefined. Never throws: for guards, error pages and what writes logs. */
  find(context: C): Session<D> | undefined;
  /**
   * The store behind, usable without a request. Throws `unsupported` where `storage` is a function of the request.
   */
  readonly store: Store<D>;
}

/** The session type of a `sessions` object: `SessionOf<typeof sessions>`. */
export type SessionOf<S extends { get(context: never): unknown }> = ReturnType<S["get"]>;

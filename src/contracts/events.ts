/**
 * Type of an event, for logs and alerts. Events report what a response does not show.
 *
 * Session lifecycle:
 *
 * - `created`: a session was stored for the first time; `owner` if it has one
 * - `authenticated`: a user logged in or confirmed the login (step-up); `owner` is the user
 * - `adopted`: the session of another library became one of this store (`holdfast/adopt`); `owner` if it has one
 * - `impersonation-ended`: a user who acted as another (`authenticate(user, { actor })`) returned to their own
 *   session; `actor` is that user, `owner` was impersonated, `from` is the old id
 * - `renewed`: a session got a new token, and so a new id; `from` is the old id
 * - `ended`: a session was ended; `reason` says how (`EndReason`). An expired session causes no event, because no code
 *   runs at the moment of expiry
 * - `absent`: a request has no session; `reason` says why (`AbsentReason`), and `id` which token it came with, if any
 *
 * For operators:
 *
 * - `dropped`: a save found that its session had been ended or renewed; nothing was written, no cookie was sent
 * - `conflict`: a save found a newer version and was merged with it
 * - `overwritten`: two overlapping requests changed the same key; the later save won
 * - `unreadable`: the stored value is not a record of this store, or has a newer format
 * - `duplicate`: the request contains several tokens (two cookies with the same name, a repeated header, members of a
 *   chain with different values)
 * - `retired-token`: a token was used long after its renewal; the cookie may have been stolen
 * - `invalid`: a stored value does not fit the schema of its `key`, and was left out
 * - `unsaved`: changes were discarded (released session, changes after the response, or a response that cannot carry a
 *   token)
 * - `refresh-failed`: the idle deadline of a session could not be moved; the request was served, and the refresh is
 *   tried again after a refresh interval
 * - `old-session-kept`: a session was adopted, and its old store did not remove the old one; the next request with the
 *   old cookie tries it again
 * - `insecure`: a Secure cookie was sent to a browser over plain HTTP; the browser will ignore it
 */
export type SessionEventType =
  | "created"
  | "authenticated"
  | "adopted"
  | "impersonation-ended"
  | "renewed"
  | "ended"
  | "absent"
  | "dropped"
  | "conflict"
  | "overwritten"
  | "unreadable"
  | "duplicate"
  | "retired-token"
  | "invalid"
  | "unsaved"
  | "refresh-failed"
  | "old-session-kept"
  | "insecure";

/**
 * How a session was ended: by `destroy`, by `reset`, by `store.delete` (`deleted`), by `store.deleteByOwner`
 * (`owner`), because its owner had too many sessions (`limit`), by `store.clear` (`cleared`, without an id).
 */
export type EndReason = "destroy" | "reset" | "deleted" | "owner" | "limit" | "cleared";

/**
 * Why a request has no session:
 *
 * - `none`: it contains no token
 * - `malformed`: its token does not have the format of a token
 * - `unknown`: nothing is stored for its token (ended, expired and removed, or never issued)
 * - `expired-idle`, `expired-absolute`: its session has expired and is still stored
 * - `renewed`: its token was replaced by a renewal
 * - `unreadable`: the stored value cannot be read
 */
export type AbsentReason =
  | "none"
  | "malformed"
  | "unknown"
  | "expired-idle"
  | "expired-absolute"
  | "renewed"
  | "unreadable";

/** An event. It never contains a token. */
export interface SessionEvent {
  readonly type: SessionEventType;
  /** Id of the session, if the event is about one. */
  readonly id?: string;
  /** Owner of the session, if the event knows that it has one. */
  readonly owner?: string;
  /** Who really acts, if the session is an impersonation of its owner. */
  readonly actor?: string;
  /** How the session was ended, or why there is no session. */
  readonly reason?: EndReason | AbsentReason;
  /** Id of the session before its renewal. */
  readonly from?: string;
  /** The key whose value does not fit its schema. */
  readonly key?: string;
  /** The error that caused the event, if it is known. */
  readonly cause?: unknown;
}

/**
 * What happened beside the answer of a request, for logs and alarms.
 *
 * What sessions are for:
 *
 * - `created`: a session was stored for the first time; `owner` if it has one
 * - `authenticated`: somebody logged in or stepped up; `owner` is who
 * - `renewed`: a session was given a new token, and with it a new id; `from` is the old one
 * - `ended`: a session was ended; `reason` says how (`EndReason`). One that expires is no event: nobody is there when
 *   it does
 * - `absent`: a request has no session; `reason` says why (`AbsentReason`)
 *
 * What an operator may want to know:
 *
 * - `dropped`: a save met a session that was ended or renewed meanwhile; nothing was written, no cookie sent
 * - `conflict`: a save met a newer version and was merged with it
 * - `overwritten`: two overlapping requests changed the same key; the later save won
 * - `unreadable`: the stored bytes are no record of this store, or one of a newer format
 * - `duplicate`: the request carried several tokens (two cookies of the name, a header sent twice, members of a chain
 *   that differ)
 * - `retired-token`: a token came back long after it was renewed; perhaps a stolen cookie
 * - `unsaved`: changes were discarded (released, made after the answer, or in an answer that cannot carry a token)
 * - `refresh-failed`: the deadline of a session could not be moved; the request was served all the same, and it is
 *   tried again after a refresh interval
 * - `insecure`: a Secure cookie was sent to a browser on plain http, which will drop it
 */
export type SessionEventType =
  | "created"
  | "authenticated"
  | "renewed"
  | "ended"
  | "absent"
  | "dropped"
  | "conflict"
  | "overwritten"
  | "unreadable"
  | "duplicate"
  | "retired-token"
  | "unsaved"
  | "refresh-failed"
  | "insecure";

/**
 * How a session was ended: by `destroy`, by `reset`, by `store.delete` (`deleted`), by `store.deleteByOwner`
 * (`owner`), since its owner had too many (`limit`), by `store.clear` (`cleared`, without an id).
 */
export type EndReason = "destroy" | "reset" | "deleted" | "owner" | "limit" | "cleared";

/**
 * Why a request has no session: it brought no token (`none`), or none of the shape of one (`malformed`); nothing is
 * stored for it (`unknown`: it was ended, has expired and was removed, or never was); its session has expired
 * (`expired-idle`, `expired-absolute`) and is still stored; its token was `renewed`; what is stored is `unreadable`.
 */
export type AbsentReason =
  | "none"
  | "malformed"
  | "unknown"
  | "expired-idle"
  | "expired-absolute"
  | "renewed"
  | "unreadable";

/** One event. It never carries a token. */
export interface SessionEvent {
  readonly type: SessionEventType;
  /** The id of the session concerned, where there is one. */
  readonly id?: string;
  /** Whose session it is, if the event knows that it has an owner. */
  readonly owner?: string;
  /** How it was ended, or why there is none. */
  readonly reason?: EndReason | AbsentReason;
  /** The id of the session before it was renewed. */
  readonly from?: string;
  /** What led to it, where that is known. */
  readonly cause?: unknown;
}

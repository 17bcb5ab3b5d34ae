/**
 * What happened beside the answer of a request, for logs and alarms.
 *
 * - `dropped`: a save met a session that was ended or renewed meanwhile; nothing was written, no cookie sent
 * - `conflict`: a save met a newer version and was merged with it
 * - `overwritten`: two overlapping requests changed the same key; the later save won
 * - `unreadable`: the stored bytes are no record of this store, or one of a newer format
 * - `duplicate`: the request carried several tokens (two cookies of the name, a header sent twice, members of a chain that differ)
 * - `retired-token`: a token came back long after it was renewed; perhaps a stolen cookie
 * - `unsaved`: changes were discarded (released, made after the answer, or in an answer that cannot carry a token)
 * - `refresh-failed`: the deadline of a session could not be moved; the request was served all the same, and it is tried again after a refresh interval
 * - `insecure`: a Secure cookie was sent to a browser on plain http, which will drop it
 */
export type SessionEventType =
  | "dropped"
  | "conflict"
  | "overwritten"
  | "unreadable"
  | "duplicate"
  | "retired-token"
  | "unsaved"
  | "refresh-failed"
  | "insecure";

/** One event. It never carries a token. */
export interface SessionEvent {
  readonly type: SessionEventType;
  /** The id of the session concerned, where there is one. */
  readonly id?: string;
  /** What led to it, where that is known. */
  readonly cause?: unknown;
}

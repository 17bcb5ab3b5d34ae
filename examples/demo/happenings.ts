/** What the demonstration tells while an experiment runs, one after the other. Times in ms since its start. */
export type Happening =
  | RequestSent
  | ResponseCame
  | StorageCalled
  | SessionStored
  | CookieHeld
  | CableMoved
  | ResultKnown;

/** A request leaves the client. */
export interface RequestSent {
  readonly is: "request";
  readonly at: number;
  readonly id: number;
  /** Method and path. */
  readonly label: string;
  /** What is special about it. */
  readonly note?: string;
  /** The session whose cookie it carries. */
  readonly sends?: string;
}

/** Its response has arrived. */
export interface ResponseCame {
  readonly is: "response";
  readonly at: number;
  readonly id: number;
  /** 0 if the connection was closed instead. */
  readonly status: number;
  /** The session whose cookie it sets; null if it removes the cookie. */
  readonly sets?: string | null;
}

/** A storage call has ended. */
export interface StorageCalled {
  readonly is: "call";
  readonly at: number;
  readonly kind: "read" | "write" | "delete";
  /** `refused`: another request has changed the record since it was read. */
  readonly outcome: "done" | "refused" | "failed";
  /** The session, or the list of a user's sessions. */
  readonly about: string;
  /** The request that made it. */
  readonly id?: number;
}

/** A session begins or ceases to exist in the storage. */
export interface SessionStored {
  readonly is: "stored";
  readonly at: number;
  readonly about: string;
  readonly there: boolean;
}

/** The browser of the story holds another cookie, or none. */
export interface CookieHeld {
  readonly is: "cookie";
  readonly at: number;
  readonly holds: string | null;
}

/** The database is unplugged or plugged in again. */
export interface CableMoved {
  readonly is: "cable";
  readonly at: number;
  readonly plugged: boolean;
}

/** What came out, as measured. */
export interface ResultKnown {
  readonly is: "result";
  readonly at: number;
  readonly good: boolean;
  readonly headline: string;
  readonly detail: string;
  /** Of things that were counted. */
  readonly counted?: number;
}

/** What `StorageCalled` says of the record that lists a user's sessions. */
export const OWNER_LIST = "the user’s list";

/** The same of a session that was deleted before it was ever stored. */
export const NOT_STORED = "a session that was never stored";

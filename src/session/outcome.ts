import { SessionError } from "../errors.js";

/**
 * Who sends a new token to the client: the response of the request, whoever holds the session, or nobody any more.
 */
export type Carrier = "answer" | "caller" | "nobody";

/** What the response tells the client: a token, the removal of its cookie, or nothing. */
export type Reply = Telling | "removal" | undefined;

/** A token to send. */
export interface Telling {
  readonly token: string;
  readonly why: "new" | "renewed" | "refreshed";
  /** How long the client keeps it, in ms. */
  readonly lifetime: number;
  /** Whether the browser forgets the cookie when it closes; undefined: as the cookie options say. */
  readonly sessionOnly?: boolean | undefined;
}

/** Whether the storage failed: it refused, did not answer in time, or kept being changed by others. */
export function isStorageFailure(error: unknown): boolean {
  return error instanceof SessionError && ["storage", "timeout", "conflict"].includes(error.code);
}

/** Whether something was refused before the session could be changed. */
export function isRefusal(error: unknown): boolean {
  return error instanceof SessionError && !["storage", "timeout", "conflict", "ended"].includes(error.code);
}

/** What a request does with changes that come after its answer. */
export interface LateChanges {
  /** Whether the client left before its handler had answered: the handler may never end its answer. */
  readonly isAbandoned: boolean;
  /** Whether a change is to be taken although nothing of the answer is left: nobody is there to throw at. */
  readonly takesLateChanges: boolean;
  /** A change was taken: it is saved, or there is an event. */
  changedLate(): void;
}

import { SessionError } from "../errors.js";

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

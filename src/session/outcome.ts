import { SessionError } from "../errors.js";

/** The reply for the client: a token, the removal of its cookie, or nothing. */
export type Reply = Telling | "removal" | undefined;

/** A token to send. */
export interface Telling {
  readonly token: string;
  readonly why: "new" | "renewed" | "refreshed";
  /** How long the client keeps it, in ms. */
  readonly lifetime: number;
  /** True: the browser removes the cookie when it closes; undefined: as in the cookie options. */
  readonly sessionOnly?: boolean | undefined;
}

/** True if the storage failed: it refused, did not respond in time, or other requests kept changing the entry. */
export function isStorageFailure(error: unknown): boolean {
  return error instanceof SessionError && ["storage", "timeout", "conflict"].includes(error.code);
}

/** True if the change was refused before the session was changed. */
export function isRefusal(error: unknown): boolean {
  return error instanceof SessionError && !["storage", "timeout", "conflict", "ended"].includes(error.code);
}

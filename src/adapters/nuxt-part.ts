/** What pages use: it is in the bundle for browsers, so it imports nothing of the server. */
import { SessionError } from "../errors.js";

/** What a page finds at its event. */
export interface PagePart {
  /** What the page gets now; undefined if the session is not loaded, or has no place in this page. */
  now(): object | undefined;
  /** The same, after the session is loaded. */
  load(): Promise<object | undefined>;
}

/** Pages and server routes are in different bundles, each with its own copy of this module. */
export const PAGE_PART: unique symbol = Symbol.for("holdfast.nuxt.page");

/** What the page of an event gets; undefined if there is no middleware. */
export function pagePartOf({ context }: { readonly context: object }): PagePart | undefined {
  return (context as { [PAGE_PART]?: PagePart })[PAGE_PART];
}

/** The error for a page, if so. */
export function noMiddleware(): SessionError {
  return new SessionError(
    "no-session",
    "useSession(): this application has no session middleware, or it does not run for this page; write " +
      "export default session() in server/middleware/session.ts, with session of holdfast/nuxt",
  );
}

import type { Session } from "../contracts/session-api.js";
import { mistake, SessionError } from "../errors.js";
import { isPromise } from "../util/async.js";
import { requestSessionOf } from "../session/lookup.js";
import { PAGE_PART, type PagePart } from "./nuxt-part.js";
import type { AnyEvent, H3Settings } from "./h3-event.js";
import { readOnly } from "./session-proxy.js";

/** Chooses what pages get of a session. */
export interface PayloadReader {
  choose(this: void, session: Session<any>): object;
}

function place({ context }: AnyEvent, part: PagePart): void {
  (context as { [PAGE_PART]?: PagePart })[PAGE_PART] = part;
}

/** For a page that has no session. */
export function placeNoReader(event: AnyEvent): void {
  place(event, { now: () => undefined, load: async () => undefined });
}

/**
 * For the page of an event.
 *
 * @param known - its session, if it is not that of the middleware
 */
export function placeReader(
  settings: H3Settings,
  event: AnyEvent,
  { choose }: PayloadReader,
  known?: Session<any>,
): void {
  const chosen = (session: Session<any> | undefined): object | undefined =>
    session && plain(choose(forPages(session)));
  place(event, {
    now: () => chosen(known ?? requestSessionOf(event, settings)?.found),
    load: async () => chosen(known ?? (await requestSessionOf(event, settings)?.open())),
  });
}

const IN_PAYLOAD = "payload() chooses what pages get of a session; change the session in a server route";

/** What is in a page can be read by every script in it: the token is not given away. */
function forPages(session: Session<any>): Session<any> {
  return new Proxy(readOnly(session, IN_PAYLOAD), {
    get(target, property) {
      if (property !== "token") return Reflect.get(target, property, target) as unknown;
      throw new SessionError(
        "unsupported",
        "session.token cannot be read here: what payload() returns is written into the page, where every script can " +
          "read it; session.id identifies a session, too",
      );
    },
  });
}

function plain(data: unknown): object {
  if (isPromise(data))
    throw mistake("wrong-call", "payload() returned a promise; it must be synchronous: use useFetch for other data");
  if (typeof data !== "object" || data === null)
    throw mistake("wrong-call", "payload() must return an object; write payload((session) => ({ … }))");
  return data;
}

import type { AbsentReason } from "../contracts/events.js";
import type { StoredSession } from "../contracts/session-api.js";
import type { Found } from "../extractors/extractor.js";
import type { RequestView } from "../http/request-view.js";
import { isPromise } from "../util/async.js";
import { Adoption, findOld, type Begins, type Old } from "./adoption.js";
import type { StoreParts } from "./core.js";
import type { StoreSettings } from "./options.js";
import { ABSENT, type Loaded } from "./records.js";
import type { RequestSettings } from "./request-options.js";
import { hashOf, idOf } from "./token.js";

/** The token of a request, the stored entry for it, and the session that is made of them when it is used. */
export interface Opening {
  readonly kind: "read";
  readonly found: Found | undefined;
  /** The value that was found, if it has the format of a token. */
  readonly token: string | undefined;
  readonly loaded: Loaded;
  /** When no session was found, in epoch ms: a new session begins then. */
  readonly at: number | undefined;
  /** Set if a session of another library was adopted: its token must be sent. */
  readonly begins?: Begins | undefined;
  /** Undefined until something uses it. */
  session: StoredSession<any> | undefined;
}

/** A request with the old token within this time after a renewal was sent before it: no event. In ms. */
const LATE_MS = 30_000;

/**
 * Reads the token of a request and loads its entry. A value without the format of a token never reaches the storage.
 *
 * @returns the opening; a promise if the body must be parsed or the storage is asynchronous
 * @throws SessionError `storage` or `timeout` if the storage fails; also as a rejection
 */
export function readOpening(
  settings: RequestSettings,
  parts: StoreParts,
  view: RequestView,
): Opening | Promise<Opening> {
  const found = settings.extractor.find(view);
  const opened = isPromise(found)
    ? Promise.resolve(found).then((one) => openWith(one, parts))
    : openWith(found, parts);
  const old = settings.adopt.length > 0 ? findOld(settings.adopt, view, parts.settings.clock.now()) : undefined;
  return old ? orAdopted(opened, parts, old) : opened;
}

/** A request without a session of ours, and with the cookie of another library: its session may be adopted. */
async function orAdopted(opened: Opening | Promise<Opening>, parts: StoreParts, old: Old): Promise<Opening> {
  const without = await opened;
  if (without.loaded.kind !== "absent") return without;
  const adopted = await new Adoption(parts, old).run();
  if (!adopted) return without;
  const { token, begins } = adopted;
  const loaded = usable(adopted.loaded, token, parts.settings);
  return { ...opening(without.found, token, loaded, parts.settings), begins };
}

function openWith(found: Found | undefined, { settings, persistence }: StoreParts): Opening | Promise<Opening> {
  if (found?.duplicate) settings.emit({ type: "duplicate" });
  if (found === undefined || found.duplicate === "refused" || !isToken(found, settings)) {
    reportAbsent(settings, found ? "malformed" : "none");
    return opening(found, undefined, ABSENT, settings);
  }
  const loaded = persistence.load(hashOf(found.value));
  if (!isPromise(loaded)) return opening(found, found.value, usable(loaded, found.value, settings), settings);
  return loaded.then((one) => opening(found, found.value, usable(one, found.value, settings), settings));
}

function opening(
  found: Found | undefined,
  token: string | undefined,
  loaded: Loaded,
  { clock }: StoreSettings,
): Opening {
  const at = loaded.kind === "absent" ? clock.now() : undefined;
  return { kind: "read", found, token, loaded, at, session: undefined };
}

/** A value with a signature was issued by this application, whatever it looks like. */
function isToken({ member, value }: Found, { tokens }: StoreSettings): boolean {
  return member.encode !== undefined || tokens.fits(value);
}

/** A token that was renewed long ago is handled like no session, and reported by an event. */
function usable(loaded: Loaded, token: string, settings: StoreSettings): Loaded {
  if (loaded.kind === "absent") reportAbsent(settings, loaded.why, token);
  if (loaded.kind === "newer") reportAbsent(settings, "unreadable", token);
  if (loaded.kind !== "retired") return loaded;
  reportAbsent(settings, "renewed", token);
  if (settings.clock.now() - loaded.retiredAt < LATE_MS + loaded.skew) return loaded;
  settings.emit({ type: "retired-token", id: idOf(loaded.hash) });
  return ABSENT;
}

/** `token`: the token of the request, if it has the format of one. The event has its id. */
function reportAbsent({ hears, emit }: StoreSettings, reason: AbsentReason, token?: string): void {
  if (hears()) emit({ type: "absent", reason, ...(token !== undefined && { id: idOf(hashOf(token)) }) });
}

import type { AuthenticateOptions, SessionInfo } from "../contracts/session-api.js";
import { boolean, isPlainObject, misuse, onlyKeys, outOfRange } from "../util/assert.js";
import { utf8Length } from "../util/bytes.js";
import { milliseconds, type Duration } from "../util/duration.js";
import type { Birth, Login } from "./persistence.js";

/**
 * How long a session with an owner lives at most where there is no `absoluteTimeout`, in ms: as long as a browser
 * keeps a cookie (RFC 6265bis, 5.6.2), so that the owner's list need not be kept for ever.
 */
export const OWNED_FOR_MS: number = 400 * 24 * 60 * 60_000;

const MOST_CHARACTERS = 256;
const MOST_INFO_BYTES = 512;
/** A surrogate without its other half: two such texts would be one in UTF-8. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** What a login asks for, validated. */
export interface Asked {
  readonly info: SessionInfo | undefined;
  /** Only these keys are kept; default all. */
  readonly keep: readonly string[] | undefined;
  /** How long the session lasts, where the login says so. */
  readonly terms: Terms | undefined;
}

/**
 * How long a session lasts by its login, instead of what is configured; times in ms. What is undefined is as
 * configured.
 */
export interface Terms {
  readonly idle: number | undefined;
  readonly lifetime: number | undefined;
  readonly sessionOnly: boolean | undefined;
}

const AS_CONFIGURED: Terms = { idle: undefined, lifetime: undefined, sessionOnly: undefined };

/**
 * What a login makes of a session. One that had another owner begins anew. The terms of an earlier login of the same
 * owner are kept, unless this one has terms of its own. `configured`: the absolute timeout of the store, in ms.
 */
export function loginOf(
  owner: string,
  { info, terms }: Asked,
  before: Birth,
  now: number,
  configured: number = OWNED_FOR_MS,
): Login & { readonly isAnother: boolean } {
  const isAnother = before.owner !== undefined && before.owner !== owner;
  const changed = terms ?? (isAnother ? AS_CONFIGURED : undefined);
  const length = (changed ?? before).lifetime ?? configured;
  if (terms?.idle !== undefined)
    assertReachable(
      "authenticate.idleTimeout",
      `${terms.idle} ms`,
      terms.idle,
      length,
      "; give an absoluteTimeout as well",
    );
  const birth = { owner, authenticatedAt: now, absolute: now + length, ...changed };
  return { owner, info, isAnother, birth: isAnother ? { ...birth, createdAt: now } : birth };
}

/** Throws if an idle timeout could never be reached, since the absolute one, in ms, ends the session before that. */
export function assertReachable(
  option: string,
  given: unknown,
  idle: number,
  longest: number,
  cure: string = "",
): void {
  if (idle > longest)
    throw outOfRange(
      option,
      given,
      `at most ${longest} ms: the absolute timeout ends this session before that${cure}`,
    );
}

/** Throws where a value cannot be an owner. */
export function checkOwner(owner: unknown): asserts owner is string {
  if (typeof owner !== "string" || owner === "")
    throw misuse("owner", owner, "the account's id as a text, like String(user.id)");
  if (owner.length > MOST_CHARACTERS)
    throw outOfRange("owner", `a text of ${owner.length} characters`, `at most ${MOST_CHARACTERS} characters`);
  if (LONE_SURROGATE.test(owner)) throw misuse("owner", "a text with half a surrogate pair", "well-formed Unicode");
}

/** The options of a login, checked and copied. */
export function checkedLogin(options: object): Asked {
  const own = onlyKeys<AuthenticateOptions<any>>("authenticate", options, [
    "info",
    "keep",
    "idleTimeout",
    "absoluteTimeout",
    "sessionOnly",
  ]);
  return {
    info: checkedInfo(own.info),
    keep: own.keep === undefined ? undefined : checkedKeep(own.keep),
    terms: checkedTerms(own),
  };
}

function checkedKeep(keep: unknown): readonly string[] {
  if (!Array.isArray(keep) || !keep.every((key) => typeof key === "string"))
    throw misuse("authenticate.keep", keep, '["cart"]: the keys that are kept');
  return [...keep];
}

function checkedTerms({ idleTimeout, absoluteTimeout, sessionOnly }: AuthenticateOptions<any>): Terms | undefined {
  if (idleTimeout === undefined && absoluteTimeout === undefined && sessionOnly === undefined) return undefined;
  if (sessionOnly !== undefined) boolean("authenticate.sessionOnly", sessionOnly);
  return {
    idle: length("authenticate.idleTimeout", idleTimeout),
    lifetime: length("authenticate.absoluteTimeout", absoluteTimeout),
    sessionOnly,
  };
}

function length(option: string, duration: Duration | undefined): number | undefined {
  if (duration === undefined) return undefined;
  const ms = milliseconds(option, duration, 1000);
  if (ms > OWNED_FOR_MS) throw outOfRange(option, duration, 'at most "400d": no browser keeps a cookie longer');
  return ms;
}

/** The `info` of a login, checked and copied. */
function checkedInfo(info: unknown): SessionInfo | undefined {
  if (info === undefined) return undefined;
  if (!isPlainObject(info) || !Object.values(info as object).every(isPlain))
    throw misuse("info", info, '{ device: "Firefox on Linux" }: texts, numbers and booleans by name');
  const text = JSON.stringify(info);
  if (utf8Length(text) > MOST_INFO_BYTES)
    throw outOfRange("info", `an object of ${utf8Length(text)} bytes as JSON`, `at most ${MOST_INFO_BYTES} bytes`);
  return JSON.parse(text) as SessionInfo;
}

function isPlain(value: unknown): boolean {
  return (
    typeof value === "string" || typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value))
  );
}
